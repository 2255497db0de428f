"""Invariant boxes of recurrent layers: how far their states can go.

A box that the step does not leave makes the number of fixed points to expect known: their indices
add up to 1 (Brouwer degree of a map of a ball into itself).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fpf_notebook._types import AnyFunction
from fpf_notebook.dynamics import intervals
from fpf_notebook.dynamics.intervals import Interval

if TYPE_CHECKING:
    from fpf_notebook.dynamics.frameworks.activations import Activation
    from fpf_notebook.dynamics.frameworks.recurrent import Layer

_N_SWEEPS = 6
"""How often an LSTM's box is shrunk; each sweep is valid, and after a few it hardly changes."""


def why_unbounded(layer: Layer) -> str | None:
    """Say why no invariant box is known for a layer, or return None if one is.

    Parameters
    ----------
    layer
        The layer.

    Returns
    -------
    str or None
        The reason.
    """
    if layer.activation.reach is None:
        return (
            f"none: the activation {layer.activation.name} is not bounded, so a state may grow "
            "without limit; give invariant_box=(low, high) if this network does not leave a box"
        )
    if layer.kind != "rnn" and not layer.gate.is_gate:
        return (
            f"none: the gates' activation {layer.gate.name} does not stay between 0 and 1; give "
            "invariant_box=(low, high) if this network does not leave a box"
        )
    if layer.kind == "lstm" and layer.gate.name != "sigmoid":
        return (
            f"none: a forget gate with the activation {layer.gate.name} may be 1 exactly, and then "
            "nothing keeps the cell state from growing; give invariant_box=(low, high) if this "
            "network does not leave a box"
        )
    if layer.kind == "lstm" and not layer.activation.increasing:
        return f"none is known for an LSTM with the activation {layer.activation.name}"
    return None


def reason(layers: Sequence[Layer]) -> str:
    """Say where the box of a stack of layers comes from.

    Parameters
    ----------
    layers
        Layers for which `why_unbounded` finds no reason.

    Returns
    -------
    str
        A sentence without a full stop.
    """
    parts = [reason_of_kind(layer.kind, layer.activation) for layer in layers]
    return "; ".join(dict.fromkeys(parts))


def reason_of_kind(kind: str, activation: Activation) -> str:
    """Say why a layer of this kind has a box.

    Parameters
    ----------
    kind
        As in `Layer.kind`; all but the plain and the LSTM move between the old state and a
        candidate.
    activation
        A bounded one.

    Returns
    -------
    str
        A sentence without a full stop.
    """
    if kind == "rnn":
        return f"{activation.name} takes values between {_shown(activation)}"
    if kind == "lstm":
        return "bounds of the gates over all h bound the cell, and so h"
    return (
        f"a new state lies between the old one and a {activation.name}, so between "
        f"{_shown(activation)}"
    )


def _shown(activation: Activation) -> str:
    assert activation.reach is not None
    low, high = activation.reach
    return f"{low:g} and {high:g}"


def split_affine(weights: Any, x: Interval, shift: Any, n_parts: int = 4) -> tuple[Interval, ...]:
    """Return what the parts of ``x @ weights + shift`` can reach.

    Parameters
    ----------
    weights
        [n, n_parts m].
    x
        Of n components.
    shift
        [n_parts m].
    n_parts
        Into how many equal parts the result is split.

    Returns
    -------
    tuple of Interval
        One for each part.
    """
    total = intervals.affine(x, weights, shift)
    lows, highs = jnp.split(total.low, n_parts), jnp.split(total.high, n_parts)
    return tuple(Interval(*pair) for pair in zip(lows, highs, strict=True))


def of_layer(
    layer: Layer, weights: Mapping[str, Any], x: Interval
) -> tuple[tuple[Interval, ...], Interval]:
    """Return intervals for the state arrays of a layer, and for its output.

    Parameters
    ----------
    layer
        Kind and activations.
    weights
        Its weights, possibly traced.
    x
        What its input can be.

    Returns
    -------
    tuple
        The intervals, which the layer does not leave as long as its input stays in `x`.
    """
    reach = layer.activation.reach
    assert reach is not None, "of_layer is for layers that have a box"
    if layer.kind != "lstm":
        h = intervals.constant(*reach, layer.n_hidden)
        return (h,), h
    drive = intervals.affine(x, weights["W_ih"].T, weights.get("b_ih"))

    def gated(hidden: Interval) -> tuple[Interval, ...]:
        parts = split_affine(weights["W_hh"].T, hidden, weights.get("b_hh"))
        return tuple(
            intervals.plus(part, Interval(*pair))
            for part, pair in zip(
                parts,
                zip(jnp.split(drive.low, 4), jnp.split(drive.high, 4), strict=True),
                strict=True,
            )
        )

    project = None
    if "W_hr" in weights:
        project = lambda y: intervals.affine(y, weights["W_hr"].T)  # noqa: E731
    h, c = of_lstm(gated, layer.activation.function, reach, layer.n_hidden, project)
    return (h, c), h


def of_lstm(
    gated: Callable[[Interval], tuple[Interval, ...]],
    activation: AnyFunction,
    reach: tuple[float, float],
    n_hidden: int,
    project: Callable[[Interval], Interval] | None = None,
) -> tuple[Interval, Interval]:
    """Return intervals for h and c of an LSTM with logistic gates.

    Parameters
    ----------
    gated
        From what h can be, what the arguments of the gates i, f, g, o can be.
    activation
        Increasing, of the candidate and of the output.
    reach
        Its range.
    n_hidden
        Number of units.
    project
        From what ``o * activation(c)`` can be, what h can be, if there is a projection.

    Returns
    -------
    tuple of Interval
        For h and c. Infinite where the forget gate rounds to 1.
    """

    def output(y: Interval) -> Interval:
        return y if project is None else project(y)

    def sweep(_: int, box: tuple[Interval, Interval]) -> tuple[Interval, Interval]:
        i, f, g, o = gated(box[0])
        c = intervals.leaky_sum(
            intervals.gates(Interval(-f.high, -f.low)),  # one minus the forget gate
            intervals.times(intervals.gates(i), intervals.increasing(activation, g)),
        )
        y = intervals.times(intervals.gates(o), intervals.increasing(activation, c))
        return output(y), c

    # Whatever the cell, o * activation(c) lies between 0 and a value of the activation: every new h
    # lies in the first box. From a box of h that is not left follows one of c that is not left, and
    # from both a smaller one of h, which is not left either: so it may start again.
    anything = intervals.constant(min(reach[0], 0.0), max(reach[1], 0.0), n_hidden)
    h, c = jax.lax.fori_loop(0, _N_SWEEPS, sweep, (output(anything), anything))
    return h, c
