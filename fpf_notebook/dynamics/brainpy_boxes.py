"""Invariant boxes of BrainPy models: declared by the model, or known for BrainPy's own cells.

A box that the step does not leave makes the number of fixed points to expect known: their indices
add up to 1 (Brouwer degree of a map of a ball into itself).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from brainpy.math import activations

from fpf_notebook._types import AnyFunction
from fpf_notebook.dynamics import intervals
from fpf_notebook.dynamics.brainpy_pure import PureModel, Values, plain
from fpf_notebook.dynamics.intervals import Interval
from fpf_notebook.dynamics.step_map import Time

if TYPE_CHECKING:
    import brainpy as bp


Box = Callable[[Values, Any], tuple[Any, Any]]

_N_SWEEPS = 4
"""How often an LSTM's box is shrunk; each sweep is valid, and after a few it hardly changes."""


# A layer of JAX or of BrainPy is recognized by identity: any other function may have the same name.
_TANH = (activations.tanh, bm.tanh, jnp.tanh, jax.nn.tanh)
_SIGMOID = (activations.sigmoid, bm.sigmoid, jax.nn.sigmoid)
_BOUNDED: tuple[tuple[tuple[object, ...], tuple[float, float]], ...] = (
    (_TANH, (-1.0, 1.0)),
    (_SIGMOID, (0.0, 1.0)),
    ((activations.hard_tanh, activations.soft_sign, jax.nn.soft_sign), (-1.0, 1.0)),
    ((activations.hard_sigmoid,), (0.0, 1.0)),
    ((activations.relu6, jax.nn.relu6), (0.0, 6.0)),
)
_INCREASING = (
    *(function for functions, _ in _BOUNDED for function in functions),
    *(activations.relu, activations.softplus, jax.nn.relu, jax.nn.softplus),
)
_INCREASING_LAYERS = (
    bp.layers.Tanh,
    bp.layers.Sigmoid,
    bp.layers.ReLU,
    bp.layers.Hardtanh,
    bp.layers.Hardsigmoid,
    bp.layers.Softplus,
    bp.layers.Softsign,
    bp.layers.Identity,
)


class _Unbounded(Exception):  # noqa: N818  (not an error: the reason why there is no box)
    """The state may leave any box; the message says why."""


def box_of(
    pure: PureModel, names: Sequence[str], base: Values, *, time: Time, n_inputs: int
) -> tuple[Box | None, str]:
    """Find the invariant box of a model.

    Parameters
    ----------
    pure
        The model.
    names
        The Variables that make up its state, in order; empty if the state is an argument.
    base
        Values for all Variables that are not parameters of the step map.
    time
        The boxes of BrainPy's cells are those of maps.
    n_inputs
        Length of an input.

    Returns
    -------
    tuple
        ``box(params, u)`` or None, and where it comes from or why there is none.
    """
    model = pure.model
    if hasattr(model, "invariant_box"):
        return _declared(pure, base, n_inputs)
    if not names:
        return None, (
            f"{pure.name} has no method invariant_box(u), and what its code can reach is not "
            "known; give invariant_box=(low, high) if it does not leave a box"
        )
    if time == "continuous":
        return None, (
            "no invariant box is known for a flow; give invariant_box=(low, high) if the "
            "derivative points inwards everywhere on its faces"
        )

    def known(u: jax.Array) -> list[Interval]:
        found = _state_intervals(model, u, pure)
        return [found[name] for name in names]

    def box(params: Values, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        parts = pure.run(base | params, known, u).result
        return jnp.concatenate([p.low for p in parts]), jnp.concatenate([p.high for p in parts])

    try:
        with jax.enable_x64(pure.work == jnp.float64):
            jax.eval_shape(lambda u: box({}, u), jax.ShapeDtypeStruct((n_inputs,), pure.work))
    except _Unbounded as reason:
        return None, str(reason)
    cells = sorted({type(cell).__name__ for cell in _cells(model)})
    if isinstance(model, bp.Sequential | bp.dyn.RNNCell | bp.dyn.GRUCell | bp.dyn.LSTMCell):
        return box, f"known for BrainPy's {', '.join(cells)}"
    return box, (
        f"the range of BrainPy's {', '.join(cells)}, which hold the whole state; that nothing else "
        "writes to it was checked by probing only"
    )


def _declared(pure: PureModel, base: Values, n_inputs: int) -> tuple[Box | None, str]:
    model = pure.model
    with jax.enable_x64(pure.work == jnp.float64):
        call = pure.explore(model.invariant_box, np.zeros(n_inputs, pure.work))
    reason = getattr(model, "invariant_box_reason", None)
    if call.result is None:
        return None, str(reason or f"{pure.name}.invariant_box says that there is none")
    used = {name: value for name, value in pure.present().items() if name in call.read}

    def box(params: Values, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        low, high = pure.run(used | base | params, model.invariant_box, u).result
        return low, high

    return box, str(reason or f"declared by {pure.name}.invariant_box")


def _cells(model: bp.DynamicalSystem) -> list[bp.DynamicalSystem]:
    kinds = bp.dyn.RNNCell | bp.dyn.GRUCell | bp.dyn.LSTMCell
    nodes = list(model.nodes(method="absolute").unique().values())
    return [node for node in nodes if isinstance(node, kinds)]


def _state_intervals(
    model: bp.DynamicalSystem, u: jax.Array, pure: PureModel
) -> dict[str, Interval]:
    """Return an interval for each state Variable, or raise `_Unbounded`."""
    by_id: dict[int, Interval] = {}
    if isinstance(model, bp.Sequential):
        _through(model, Interval(u, u), by_id)
    else:
        for cell in _cells(model):
            # What a cell inside of a model of another kind is fed with is not known.
            _through(cell, Interval(u, u) if cell is model else None, by_id)
    found = {
        name: by_id[id(variable)]
        for name, variable in pure.variables.items()
        if id(variable) in by_id
    }
    return _Known(found)


class _Known(dict[str, Interval]):
    def __missing__(self, name: str) -> Interval:
        raise _Unbounded(
            f"the state {name!r} is not that of one of BrainPy's cells; give "
            "invariant_box=(low, high) if the model does not leave a box"
        )


def _through(
    layer: bp.DynamicalSystem, x: Interval | None, states: dict[int, Interval]
) -> Interval | None:
    """Return what a layer can reach from ``x`` (None: unknown), noting the states on the way."""
    if isinstance(layer, bp.Sequential):
        for child in layer.children.values():
            x = _through(child, x, states)
        return x
    if isinstance(layer, bp.dyn.RNNCell | bp.dyn.GRUCell):
        reach = _bounded_range(layer)
        states[id(layer.state)] = intervals.constant(*reach, layer.num_out)
        return states[id(layer.state)]
    if isinstance(layer, bp.dyn.LSTMCell):
        return _lstm(layer, x, states)
    if x is None:
        return None
    if isinstance(layer, bp.layers.Dense):
        bias = None if layer.b is None else plain(layer.b)
        return intervals.affine(x, plain(layer.W), bias)
    function = _increasing_function(layer)
    return None if function is None else intervals.increasing(function, x)


def _bounded_range(cell: bp.DynamicalSystem) -> tuple[float, float]:
    """Return the range of a cell's activation.

    A GRU's state stays in the range of its activation too, for it moves between where it is and
    the activation's value.
    """
    for functions, reach in _BOUNDED:
        if any(cell.activation is function for function in functions):
            return reach
    name = getattr(cell.activation, "__name__", "?")
    raise _Unbounded(
        f"the activation {name} of {type(cell).__name__} is not bounded, as far as known; give "
        "invariant_box=(low, high) if the model does not leave a box"
    )


def _lstm(cell: Any, x: Interval | None, states: dict[int, Interval]) -> Interval:
    low, high = _bounded_range(cell)
    if x is None:
        raise _Unbounded(
            "how far the cell state of an LSTMCell can go depends on its inputs, and those that "
            "this one gets from the layers before it are not known to be bounded"
        )
    n = cell.num_out
    bias = None if cell.b is None else plain(cell.b)
    drive = intervals.affine(x, plain(cell.Wi), bias)
    hidden = intervals.constant(min(low, 0.0), max(high, 0.0), n)

    def sweep(_: int, box: tuple[Interval, Interval]) -> tuple[Interval, Interval]:
        hidden, _memory = box
        gated = intervals.plus(drive, intervals.affine(hidden, plain(cell.Wh)))
        i, g, f, o = (
            Interval(*pair)
            for pair in zip(jnp.split(gated.low, 4), jnp.split(gated.high, 4), strict=True)
        )
        memory = intervals.leaky_sum(
            # One minus BrainPy's forget gate, sigmoid(f + 1).
            intervals.gates(Interval(-f.high - 1, -f.low - 1)),
            intervals.times(intervals.gates(i), intervals.increasing(cell.activation, g)),
        )
        output = intervals.increasing(cell.activation, memory)
        return intervals.times(intervals.gates(o), output), memory

    # A box that the step does not leave is mapped by a sweep onto one inside of it, which is again
    # not left. The first one is: whatever the memory, the hidden state is a gate times a value of
    # the activation.
    hidden, memory = jax.lax.fori_loop(0, _N_SWEEPS, sweep, (hidden, hidden))
    states[id(cell.state)] = Interval(
        jnp.concatenate([hidden.low, memory.low]), jnp.concatenate([hidden.high, memory.high])
    )
    return hidden


def _increasing_function(layer: bp.DynamicalSystem) -> AnyFunction | None:
    """Return the function of a layer without state, if it is known to be increasing."""
    if isinstance(layer, bp.layers.Dropout):
        return lambda x: x  # it is switched off
    if isinstance(layer, _INCREASING_LAYERS) or any(layer is f for f in _INCREASING):
        return lambda x: plain(layer(x))
    return None
