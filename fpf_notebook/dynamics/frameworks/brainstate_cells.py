"""Cells of BrainState and BrainPy-state, which keep their state in ``HiddenState`` objects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics import intervals
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks import boxes
from fpf_notebook.dynamics.frameworks.activations import Activation, bounded
from fpf_notebook.dynamics.frameworks.cell_recipe import CellBox, StateArray, recipe_of_cell
from fpf_notebook.dynamics.frameworks.readout import Affine, Readout, chain, given_readout
from fpf_notebook.dynamics.intervals import Interval

_KINDS = {
    "ValinaRNNCell": "rnn",
    "VanillaRNNCell": "rnn",
    "GRUCell": "gru",
    "MGUCell": "mgu",
    "LSTMCell": "lstm",
    "URLSTMCell": "mixed lstm",
}


def is_module(model: object) -> bool:
    """Say whether a model is a module, and not a jitted function, say.

    Parameters
    ----------
    model
        Any object.

    Returns
    -------
    bool
        Whether `recipe_of_brainstate` takes it.
    """
    import brainstate

    return isinstance(model, brainstate.nn.Module)


def recipe_of_brainstate(model: Any, *, n_inputs: int | None = None, readout: Any = None) -> Recipe:
    """Read a module of BrainState that steps by ``update(x)``.

    Parameters
    ----------
    model
        A cell, or any ``brainstate.nn.Module`` whose state is in ``HiddenState`` objects.
    n_inputs
        Length of the input; default: its ``in_size``.
    readout
        ``brainstate.nn.Linear``, arrays (W, b), a JAX function, or None.

    Returns
    -------
    Recipe
        The state is the hidden states, one after the other, in the order in which BrainState lists
        them.

    Raises
    ------
    ValueError
        If it has no state, or does not tell its sizes.
    """
    import brainstate

    name = type(model).__name__
    # States are set while it is traced: on a copy, so that the user's own stays as it is.
    module = copy.deepcopy(model)
    brainstate.nn.init_all_states(module)
    every = module.states()
    hidden = {_path(key): s for key, s in every.items() if isinstance(s, brainstate.HiddenState)}
    weights = {_path(key): s for key, s in every.items() if isinstance(s, brainstate.ParamState)}
    if not hidden:
        raise ValueError(
            f"{name} has no HiddenState after init_state(): there is no state to step. Give a "
            "recurrent cell, or a function f(input, state) -> (output, next_state)."
        )
    sizes = [StateArray(key, int(jnp.size(state.value))) for key, state in hidden.items()]
    shapes = [jnp.shape(state.value) for state in hidden.values()]
    n_inputs = n_inputs if n_inputs is not None else _n_inputs(model, name)

    def step(
        params: PyTree, state: tuple[PyTree, ...], u: AnyArray
    ) -> tuple[tuple[PyTree, ...], PyTree]:
        states = [*hidden.values(), *weights.values()]
        before = [s.value for s in states]
        parts = [part.reshape(shape) for part, shape in zip(state, shapes, strict=True)]
        # BrainState lets traced values into states only where it is told that it is traced.
        with brainstate.StateTraceStack():
            try:
                given = [*parts, *(params[key] for key in weights)]
                for s, value in zip(states, given, strict=True):
                    s._value = value
                output = module.update(u)
                return tuple(jnp.ravel(s.value) for s in hidden.values()), output
            finally:
                for s, value in zip(states, before, strict=True):
                    s._value = value

    box, reason = _box(module, list(hidden))
    return recipe_of_cell(
        step,
        params={key: s.value for key, s in weights.items()},
        state=sizes,
        n_inputs=n_inputs,
        name=f"brainstate {name}({n_inputs}, {sizes[-1].size})",
        box=box,
        box_reason=reason,
        readout=None if readout is None else _readout(readout),
    )


def _path(key: object) -> str:
    return ".".join(str(part) for part in key) if isinstance(key, tuple) else str(key)


def _n_inputs(model: object, name: str) -> int:
    size = getattr(model, "in_size", None)
    if size is None:
        raise ValueError(f"{name} does not tell the length of its input: pass n_inputs=.")
    return int(size[-1] if isinstance(size, tuple | list) else size)


def _kind_of(module: object) -> str | None:
    kind: Any = type(module)
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("brainstate", "brainpy_state"):
            return _KINDS.get(base.__name__) if kind.update is base.update else None
    return None


def _activation(function: Callable[[jax.Array], jax.Array]) -> Activation | None:
    from brainstate.nn import sigmoid, tanh

    return bounded(function, (tanh, "tanh"), (sigmoid, "sigmoid"))


def _box(module: Any, names: list[str]) -> tuple[CellBox | None, str]:
    kind, name = _kind_of(module), type(module).__name__
    if kind is None:
        return None, (
            f"none is known for {name}, whose code may do anything; give invariant_box=(low, high) "
            "if it does not leave a box"
        )
    activation, n = _activation(module.activation), int(module.num_out)
    if activation is None:
        function = module.activation
        return None, (
            f"none: the activation {getattr(function, '__name__', function)} of this {name} is not "
            "bounded, as far as known, so a state may grow without limit; give "
            "invariant_box=(low, high) if this network does not leave a box"
        )
    reach = activation.reach
    assert reach is not None
    if kind == "lstm":
        return _lstm_box(activation, reach, n, names), boxes.reason_of_kind(kind, activation)
    if kind != "mixed lstm":
        return (
            lambda params, u: (intervals.constant(*reach, n),),
            boxes.reason_of_kind(kind, activation),
        )

    def mixed(params: PyTree, u: jax.Array) -> tuple[Interval, ...]:
        c = intervals.constant(*reach, n)
        gate = intervals.constant(0, 1, n)
        found = {
            "c": c,
            "h": intervals.times(gate, intervals.increasing(activation.function, c)),
        }
        return tuple(found[key] for key in names)

    return mixed, f"a new cell state lies between the old one and a {activation.name}"


def _lstm_box(
    activation: Activation, reach: tuple[float, float], n: int, names: list[str]
) -> CellBox:
    def box(params: PyTree, u: PyTree) -> tuple[Interval, ...]:
        weights = params["W.weight"]
        W, b = weights["weight"], weights.get("bias", 0.0)

        def gated(h: Interval) -> tuple[Interval, ...]:
            n_inputs = W.shape[0] - n
            i, g, f, o = boxes.split_affine(W[n_inputs:], h, u @ W[:n_inputs] + b)
            return i, Interval(f.low + 1, f.high + 1), g, o  # the forget gate is sigmoid(f + 1)

        h, c = boxes.of_lstm(gated, activation.function, reach, n)
        found = {"h": h, "c": c}
        return tuple(found[key] for key in names)

    return box


def _readout(given: Any) -> Readout:
    for base in type(given).__mro__:
        if base.__name__ == "Linear" and base.__module__.startswith("brainstate."):
            value = jax.tree.map(jnp.asarray, given.weight.value)
            return chain([Affine(value["weight"].T, value.get("bias"))])
    return given_readout(given)
