"""The explorer's controls: ipywidgets, each with a tooltip, linked to the explorer's traits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as ipw
import traitlets

from fpf_notebook._types import AnyFunction
from fpf_notebook.finder.options import METHODS
from fpf_notebook.widgets.explorer.scene import COLOUR_BY, PROJECTIONS

if TYPE_CHECKING:
    from fpf_notebook.widgets.explorer.widget import FixedPointExplorer


_STYLE = {"description_width": "78px"}
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def _wide() -> ipw.Layout:
    return ipw.Layout(width="100%", margin="0 0 1px 0")


def _log(name: str, tooltip: str, low: float, high: float) -> ipw.FloatLogSlider:
    return ipw.FloatLogSlider(
        value=10.0**low, base=10, min=low, max=high, step=0.1, description=name, tooltip=tooltip,
        readout_format=".0e", continuous_update=True, style=_STYLE, layout=_wide(),
    )  # fmt: skip


def search_controls(explorer: FixedPointExplorer) -> list[ipw.Widget]:
    """Sliders and switches of the search, linked both ways."""
    tol_q = _log("tol_q", "a fixed point has a q of at most this; only filters", -34, -2)
    tol_unique = _log("tol_unique", "points nearer than this are one point; only filters", -6, 0)
    final = _log("final q", "slow points above this q are left out; only filters", -34, 2)
    noise = ipw.FloatSlider(
        min=0, max=max(2.0, explorer.noise_scale), step=0.01, description="noise_scale",
        tooltip="standard deviation of the noise added to the initial states",
        readout_format=".2f", style=_STYLE, layout=_wide(),
    )  # fmt: skip
    n_inits = ipw.FloatLogSlider(
        value=1024, base=2, min=0, max=14, step=0.5, description="n_inits",
        tooltip="number of initial states", readout_format=".0f", style=_STYLE, layout=_wide(),
    )  # fmt: skip
    method = ipw.Dropdown(
        options=list(METHODS), description="method", style=_STYLE, layout=_wide(),
        tooltip="newton: Levenberg–Marquardt; joint and sequential: Adam",
    )  # fmt: skip
    exhaustive = ipw.Checkbox(
        description="exhaustive", indent=False, layout=ipw.Layout(width="auto"),
        tooltip="search in rounds until nothing more is to be expected",
    )  # fmt: skip
    seed = ipw.BoundedIntText(
        min=0, max=2**31 - 1, description="seed", tooltip="seed of the initial states",
        style={"description_width": "32px"}, layout=ipw.Layout(width="84px"),
    )  # fmt: skip
    auto = ipw.Checkbox(
        description="auto", indent=False, layout=ipw.Layout(width="auto"),
        tooltip="search at once when a setting changes; otherwise press Find",
    )  # fmt: skip
    find = ipw.Button(
        description="Find", tooltip="search now", layout=ipw.Layout(width="auto", height="26px")
    )
    find.on_click(lambda _: explorer.find())
    for name, control in {
        "tol_q": tol_q,
        "tol_unique": tol_unique,
        "final_q_threshold": final,
        "noise_scale": noise,
        "method": method,
        "exhaustive": exhaustive,
        "random_seed": seed,
        "auto": auto,
    }.items():
        traitlets.link((explorer, name), (control, "value"))
    traitlets.link(
        (explorer, "n_inits"), (n_inits, "value"), transform=(float, lambda v: max(1, round(v)))
    )
    for control, name in ((tol_q, "fpf-tol-q"), (noise, "fpf-noise-scale")):
        control.add_class(name)
    row = ipw.Layout(
        justify_content="space-between", align_items="center", width="100%", flex_flow="row wrap"
    )
    last = ipw.HBox([seed, exhaustive, auto, find], layout=row)
    return [tol_q, noise, n_inits, tol_unique, final, method, last]


def input_controls(explorer: FixedPointExplorer) -> list[ipw.Widget]:
    """One slider for each input channel."""
    sliders = []
    for channel, value in enumerate(explorer.input):
        reach = max(2.0, 1.5 * abs(value))
        name = "u" + str(channel + 1).translate(_SUBSCRIPTS)
        slider = ipw.FloatSlider(
            value=value, min=-reach, max=reach, step=0.02, description=name,
            tooltip=f"constant input of channel {channel + 1}: fixed points move with it",
            readout_format=".2f", style={"description_width": "30px"}, layout=_wide(),
        )  # fmt: skip
        slider.add_class(f"fpf-input-{channel}")
        sliders.append(slider)

    def to_explorer(_: object) -> None:
        explorer.input = tuple(slider.value for slider in sliders)

    def from_explorer(_: object) -> None:
        for slider, value in zip(sliders, explorer.input, strict=True):
            slider.min, slider.max = min(slider.min, value), max(slider.max, value)
            slider.value = value

    for slider in sliders:
        slider.observe(to_explorer, names="value")
    explorer.observe(from_explorer, names="input")
    return sliders


def view_controls(explorer: FixedPointExplorer) -> list[ipw.Widget]:
    """Return what decides what is shown, and how."""
    projection = ipw.Dropdown(
        options=[k for k in PROJECTIONS if k != "readout" or explorer.has_readout],
        description="project by", tooltip="which axes the picture has", style=_STYLE,
        layout=_wide(),
    )  # fmt: skip
    colour = ipw.Dropdown(
        options=list(COLOUR_BY), description="colour by", style=_STYLE, layout=_wide(),
        tooltip="what the colour of a point shows; its shape always shows the class",
    )  # fmt: skip
    units = ipw.Text(
        description="units", placeholder="0, 1, 2", style=_STYLE, layout=_wide(),
        tooltip="the units on the axes, for project by: units", continuous_update=False,
    )  # fmt: skip
    traitlets.link((explorer, "projection"), (projection, "value"))
    traitlets.link((explorer, "colour_by"), (colour, "value"))
    units.value = ", ".join(map(str, explorer.units))

    def typed(_: object) -> None:
        try:
            explorer.units = tuple(int(part) for part in units.value.split(","))
        except (ValueError, traitlets.TraitError):
            units.value = ", ".join(map(str, explorer.units))

    def only_for_units(_: object = None) -> None:
        units.layout.display = None if explorer.projection == "units" else "none"

    units.observe(typed, names="value")
    explorer.observe(only_for_units, names="projection")
    only_for_units()
    return [projection, colour, units]


def launch_controls(explorer: FixedPointExplorer) -> list[ipw.Widget]:
    """Push the selected point along its modes, pulse an input, clear."""

    def button(text: str, tooltip: str, click: AnyFunction) -> ipw.Button:
        made = ipw.Button(
            description=text, tooltip=tooltip, layout=ipw.Layout(width="auto", height="26px")
        )
        made.on_click(lambda _: click())
        return made

    size = ipw.FloatLogSlider(
        value=0.05, base=10, min=-4, max=0.5, step=0.1, description="push",
        tooltip="how far from the point the launch starts", readout_format=".1e",
        style=_STYLE, layout=_wide(),
    )  # fmt: skip
    traitlets.link((explorer, "push_size"), (size, "value"))
    launch = button(
        "Launch ±", "start on both sides of the selected point, along its modes", explorer.launch
    )
    launch.add_class("fpf-launch")
    clear = button("Clear", "remove the launched trajectories", explorer.clear_launches)
    parts: list[ipw.Widget] = [size]
    row: list[ipw.Widget] = [launch]
    if explorer.input:
        channel = ipw.Dropdown(
            options=[(f"u{k + 1}".translate(_SUBSCRIPTS), k) for k in range(len(explorer.input))],
            tooltip="input channel of the pulse", layout=ipw.Layout(width="52px"),
        )  # fmt: skip
        amplitude = ipw.FloatText(
            value=1.0, step=0.1, tooltip="size of the pulse", layout=ipw.Layout(width="50px")
        )
        steps = ipw.BoundedIntText(
            value=3, min=1, max=1000, tooltip="steps of the pulse", layout=ipw.Layout(width="42px")
        )
        pulse = button(
            "Pulse",
            "apply an input for some steps, from the selected point, and see where it leads",
            lambda: explorer.pulse(channel.value, amplitude.value, steps.value),
        )
        pulse.add_class("fpf-pulse")
        row += [pulse, channel, amplitude, steps]
    return [*parts, ipw.HBox([*row, clear], layout=ipw.Layout(flex_flow="row wrap"))]


def heading(text: str) -> ipw.HTML:
    """Return a small title between groups of controls."""
    style = "font-size:11px;opacity:.65;line-height:18px;letter-spacing:.03em"
    return ipw.HTML(f'<div style="{style}">{text}</div>', layout=ipw.Layout(margin="4px 0 0 0"))


def control_column(explorer: FixedPointExplorer) -> ipw.VBox:
    """All controls of the explorer."""
    inputs = input_controls(explorer)
    children: list[ipw.Widget] = [
        heading("SEARCH"),
        *search_controls(explorer),
        *([heading("CONSTANT INPUT"), *inputs] if inputs else []),
        heading("VIEW"),
        *view_controls(explorer),
        heading("LAUNCH FROM THE SELECTED POINT"),
        *launch_controls(explorer),
    ]
    layout = ipw.Layout(flex="1 0 296px", max_width="420px", padding="0 0 0 12px")
    column = ipw.VBox(children, layout=layout)
    column.add_class("fpf-controls")
    return column
