"""The explorer's controls, as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fpf_notebook._types import JsonObject
from fpf_notebook.finder.options import METHODS
from fpf_notebook.widgets import panel
from fpf_notebook.widgets.explorer.scene import COLOUR_BY, PROJECTIONS

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def channel_name(channel: int) -> str:
    """Return the name of an input channel: u₁ for the first."""
    return "u" + str(channel + 1).translate(_SUBSCRIPTS)


def explorer_panel(
    u: Sequence[float],
    *,
    noise_scale: float = 0.0,
    parameters: Mapping[str, tuple[float, float]] | None = None,
    has_readout: bool = False,
    has_axes: bool = False,
    n_trajectories: int = 0,
) -> list[JsonObject]:
    """Return the explorer's controls.

    Parameters
    ----------
    u
        [n_inputs] The constant input at first: it must lie within the sliders.
    noise_scale
        At first.
    parameters
        Names of parameters that may be moved, with the ends of their sliders.
    has_readout, has_axes
        Whether states can be projected onto the readout, and onto axes that somebody has named.
    n_trajectories
        How many trajectories there are.
    """
    groups = [panel.group("search", _search(noise_scale))]
    if parameters:
        groups.append(panel.group("parameters", _parameters(parameters)))
    if len(u):
        groups.append(panel.group("constant input", _inputs(u)))
    groups.append(panel.group("view", _view(has_readout, has_axes, n_trajectories)))
    groups.append(panel.group("launch from the selected point", _launch(len(u))))
    return groups


def for_page(groups: Sequence[JsonObject]) -> list[JsonObject]:
    """Return what a page without a kernel can do of a panel."""
    kept = [
        panel.group(group["title"], [i for i in group["items"] if i.get("page")])
        for group in groups
    ]
    return [group for group in kept if group["items"]]


def _search(noise_scale: float) -> list[JsonObject]:
    return [
        panel.slider(
            "tol_q", "tol_q", "a fixed point has a q of at most this; only filters", -34, -2, 0.1,
            scale="log10", shown=".0e", page=True,
        ),
        panel.slider(
            "noise_scale", "noise_scale",
            "standard deviation of the noise added to the initial states",
            0, max(2.0, noise_scale), 0.01, page=True,
        ),
        panel.slider(
            "n_inits", "n_inits", "number of initial states", 0, 14, 0.5, scale="log2", shown="d",
            page=True,
        ),
        panel.slider(
            "tol_unique", "tol_unique", "points nearer than this are one point; only filters",
            -6, 0, 0.1, scale="log10", shown=".0e", page=True,
        ),
        panel.slider(
            "final_q_threshold", "final q", "slow points above this q are left out; only filters",
            -34, 2, 0.1, scale="log10", shown=".0e",
        ),
        panel.choice(
            "method", "method", "newton: Levenberg–Marquardt; joint and sequential: Adam",
            list(METHODS),
        ),
        panel.number("random_seed", "seed", "seed of the initial states", 0, 2**31 - 1),
        panel.check(
            "exhaustive", "exhaustive", "search in rounds until nothing more is to be expected"
        ),
        panel.check(
            "auto", "auto", "search at once when a setting changes; otherwise press Find"
        ),
        panel.button("find", "Find", "search now"),
    ]  # fmt: skip


def _parameters(parameters: Mapping[str, tuple[float, float]]) -> list[JsonObject]:
    return [
        panel.slider(
            "parameters", name, f"the parameter {name}: fixed points move with it", low, high,
            _fine(low, high), key=name, name=f"fpf-parameter-{k}", shown=_digits(low, high),
            page=True,
        )
        for k, (name, (low, high)) in enumerate(parameters.items())
    ]  # fmt: skip


def _inputs(u: Sequence[float]) -> list[JsonObject]:
    sliders = []
    for channel, value in enumerate(u):
        reach = max(2.0, 1.5 * abs(value))
        sliders.append(
            panel.slider(
                "input", channel_name(channel),
                f"constant input of channel {channel + 1}: fixed points move with it",
                -reach, reach, 0.01, key=channel, name=f"fpf-input-{channel}", page=True,
            )
        )  # fmt: skip
    return sliders


def _view(has_readout: bool, has_axes: bool, n_trajectories: int) -> list[JsonObject]:
    items = [
        panel.choice(
            "projection", "project by", "which axes the picture has",
            [
                kind
                for kind in PROJECTIONS
                if {"readout": has_readout, "axes": has_axes}.get(kind, True)
            ],
        ),
        panel.choice(
            "colour_by", "colour by",
            "what the colour of a point shows; its shape always shows the class", list(COLOUR_BY),
        ),
        panel.text(
            "units", "units", "the units on the axes, for project by: units", "0, 1, 2",
            only=("projection", "units"),
        ),
    ]  # fmt: skip
    if n_trajectories > 1:
        items.append(
            panel.number(
                "n_trajectories", "trajectories",
                f"how many of the {n_trajectories:,} trajectories are drawn", 0, n_trajectories,
            )
        )  # fmt: skip
    return items


def _launch(n_inputs: int) -> list[JsonObject]:
    items = [
        panel.slider(
            "push_size", "push", "how far from the point the launch starts", -4, 0.5, 0.1,
            scale="log10", shown=".1e",
        ),
        panel.button(
            "launch", "Launch ±", "start on both sides of the selected point, along its modes"
        ),
    ]  # fmt: skip
    if n_inputs:
        channels = [[channel_name(k), k] for k in range(n_inputs)]
        fields: list[JsonObject] = [
            {"name": "channel", "title": "input channel of the pulse", "options": channels},
            {"name": "amplitude", "title": "size of the pulse", "value": 1.0, "step": 0.1},
            {"name": "steps", "title": "steps of the pulse", "value": 3, "min": 1, "max": 1000},
        ]
        words = "apply an input for some steps, from the selected point, and see where it leads"
        items.append(panel.button("pulse", "Pulse", words, fields))
    return [*items, panel.button("clear_launches", "Clear", "remove the launched trajectories")]


def _fine(low: float, high: float) -> float:
    """Return a step of which a slider has a few hundred, with one digit."""
    step = 10.0 ** _decade(low, high)
    return step if (high - low) / step <= 1000 else 5 * step


def _digits(low: float, high: float) -> str:
    return f".{max(0, -_decade(low, high))}f"


def _decade(low: float, high: float) -> int:
    return math.floor(math.log10((high - low) / 200))
