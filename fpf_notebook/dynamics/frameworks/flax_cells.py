"""Cells of Flax, linen and nnx: JAX already, and traced as they are."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics import intervals
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks import boxes
from fpf_notebook.dynamics.frameworks.activations import ACTIVATIONS, Activation, bounded
from fpf_notebook.dynamics.frameworks.cell_recipe import CellBox, StateArray, recipe_of_cell
from fpf_notebook.dynamics.frameworks.readout import Affine, Readout, chain, given_readout
from fpf_notebook.dynamics.intervals import Interval

if TYPE_CHECKING:
    from flax import linen, nnx


_KINDS = {
    "SimpleCell": "rnn",
    "GRUCell": "gru",
    "MGUCell": "mgu",
    "LSTMCell": "lstm",
    "OptimizedLSTMCell": "lstm",
}
# Where the input enters a linen cell: the layer whose kernel tells its length.
_FIRST = {"SimpleCell": "i", "GRUCell": "in", "MGUCell": "in"}


class _Cell(NamedTuple):
    """What is known of a cell before it is stepped."""

    cell: linen.Module | nnx.Module
    name: str
    linen: bool


def _found(model: Any) -> _Cell | None:
    """Return the cell that a model is, or that it wraps."""
    kind: Any = type(model)
    for base in kind.__mro__:
        linen = base.__module__.startswith("flax.linen.")
        if not (linen or base.__module__.startswith("flax.nnx.")):
            continue
        if base.__name__ == "RNN":
            return _found(model.cell)
        if base.__name__ in _KINDS and kind.__call__ is base.__call__:
            return _Cell(model, base.__name__, linen)
    return None


def is_cell(model: linen.Module | nnx.Module) -> bool:
    """Say whether a model is one of Flax' cells, or an ``RNN`` of one.

    Parameters
    ----------
    model
        Any object.

    Returns
    -------
    bool
        Whether `recipe_of_flax_cell` takes it.
    """
    return _found(model) is not None


def recipe_of_flax_cell(
    model: linen.Module | nnx.Module,
    *,
    variables: PyTree | None,
    n_inputs: int | None,
    readout: object = None,
) -> Recipe:
    """Read a cell of Flax.

    Parameters
    ----------
    model
        ``SimpleCell``, ``GRUCell``, ``MGUCell``, ``LSTMCell`` or ``OptimizedLSTMCell`` of
        ``flax.linen`` or ``flax.nnx``, or an ``RNN`` of one.
    variables
        Of a linen cell: what its ``init`` returned, or the parameters therein. A bound cell has its
        own.
    n_inputs
        Length of the input, for linen cells that do not tell.
    readout
        ``nnx.Linear``, arrays (W, b), a JAX function, or None.

    Returns
    -------
    Recipe
        The state is the carry: h, or c followed by h.

    Raises
    ------
    ValueError
        If the variables are missing or do not fit.
    """
    found = _found(model)
    assert found is not None, "recipe_of_flax_cell is for what is_cell accepts"
    if found.linen:
        params, n_inputs, n_states = _linen_params(model, found, variables)
        call = _linen_call(found.cell)
    else:
        if variables is not None:
            raise ValueError("params= is for cells of flax.linen; one of nnx has its own.")
        params, call = _nnx_parts(found.cell)
        n_inputs, n_states = int(found.cell.in_features), int(found.cell.hidden_features)
    lstm = _KINDS[found.name] == "lstm"

    def step(
        given: PyTree, state: tuple[PyTree, ...], u: PyTree
    ) -> tuple[tuple[jax.Array, ...], jax.Array]:
        carry, y = call(given, state if lstm else state[0], u)
        return (tuple(carry) if lstm else (carry,)), y

    box, reason = _box(found, n_states)
    names = ("c", "h") if lstm else ("h",)
    return recipe_of_cell(
        step,
        params=params,
        state=[StateArray(name, n_states) for name in names],
        n_inputs=n_inputs,
        name=f"flax {found.name}({n_inputs}, {n_states})",
        box=box,
        box_reason=reason,
        readout=None if readout is None else _readout(readout),
    )


def applied(model: object, params: object) -> object:
    """Return what is called of a module of Flax: of one of linen with its variables, ``apply``.

    Parameters
    ----------
    model
        A module of linen or of nnx, or a method of one.
    params
        Variables, or None.

    Raises
    ------
    ValueError
        If it is one of linen without variables.
    """
    linen = sys.modules.get("flax.linen")
    if linen is None or not isinstance(model, linen.Module) or model.scope is not None:
        return model
    if params is None:
        raise ValueError(_no_params(type(model).__name__))

    def step(variables: PyTree, *arguments: jax.Array) -> PyTree:
        tree = variables if "params" in variables else {"params": variables}
        return model.apply(tree, *arguments)

    own = inspect.signature(type(model).__call__).parameters.values()
    first = inspect.Parameter("variables", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    step.__signature__ = inspect.Signature([first, *list(own)[1:]])  # type: ignore[attr-defined]
    step.__name__ = type(model).__name__
    return step


def _no_params(name: str) -> str:
    return (
        f"This {name} of flax.linen does not hold its parameters. Pass what its init "
        "returned, or what you trained: params=variables."
    )


def _linen_params(
    model: linen.Module, found: _Cell, given: object
) -> tuple[dict[str, jax.Array], int, int]:
    if given is None and model.scope is not None:
        given = model.variables
    if given is None:
        raise ValueError(_no_params(found.name))
    if not isinstance(given, Mapping):
        raise ValueError(f"params is {type(given).__name__}, expected a mapping of variables.")
    tree = dict(given.get("params", given))
    if found.cell is not model and "cell" in tree:
        tree = dict(tree["cell"])
    first = _FIRST.get(found.name, "ii")
    try:
        n_inputs, n_states = tree[first]["kernel"].shape
    except (KeyError, TypeError, AttributeError):
        raise ValueError(
            f"params has {', '.join(map(repr, tree)) or 'nothing'}, but a {found.name} has "
            f"{first!r} with a 'kernel'. Pass the variables of this cell alone."
        ) from None
    if n_states != found.cell.features:
        raise ValueError(
            f"params are those of {n_states} units, but this {found.name} has "
            f"{found.cell.features}."
        )
    return jax.tree.map(jnp.asarray, _plain(tree)), int(n_inputs), int(n_states)


def _plain(tree: PyTree) -> PyTree:
    return {key: _plain(value) for key, value in tree.items()} if hasattr(tree, "items") else tree


def _linen_call(cell: linen.Module) -> PyTree:
    unbound = cell.clone(parent=None) if cell.scope is not None else cell
    return lambda params, carry, u: unbound.apply({"params": params}, carry, u)


def _nnx_parts(cell: nnx.Module) -> tuple[dict[str, PyTree], PyTree]:
    """Return the parameters of an nnx cell by name, and a pure call."""
    from flax import nnx

    graph, state, rest = nnx.split(cell, nnx.Param, ...)
    leaves, structure = jax.tree_util.tree_flatten_with_path(state)
    names = [
        ".".join(re.findall(r"\['?(\w+)'?\]", jax.tree_util.keystr(path))) for path, _ in leaves
    ]

    def call(params: PyTree, carry: jax.Array, u: jax.Array) -> jax.Array:
        filled = jax.tree.unflatten(structure, [params[name] for name in names])
        merged = nnx.merge(graph, filled, rest)  # another cell: it may be changed
        for _, part in nnx.iter_modules(merged):
            # Single precision may be Flax' default only: the search is made in double precision.
            kind = getattr(part, "dtype", None)
            if kind is not None and kind == jnp.float32:
                part.dtype = None
        return merged(carry, u)

    return {name: leaf for name, (_, leaf) in zip(names, leaves, strict=True)}, call


def _activation(function: Callable[[jax.Array], jax.Array]) -> Activation | None:
    from flax import linen, nnx

    return bounded(
        function,
        *((module.tanh, "tanh") for module in (linen, nnx)),
        *((module.sigmoid, "sigmoid") for module in (linen, nnx)),
    )


def _box(found: _Cell, n_states: int) -> tuple[CellBox | None, str]:
    activation, kind = _activation(found.cell.activation_fn), _KINDS[found.name]
    gate = None if kind == "rnn" else _activation(found.cell.gate_fn)
    if activation is None or (kind != "rnn" and (gate is None or not gate.is_gate)):
        function = found.cell.activation_fn if activation is None else found.cell.gate_fn
        return None, (
            f"none: the activation {getattr(function, '__name__', function)} of this {found.name} "
            "is not bounded, as far as known, so a state may grow without limit; give "
            "invariant_box=(low, high) if this network does not leave a box"
        )
    reach = activation.reach
    assert reach is not None
    if kind != "lstm":
        return (
            lambda params, u: (intervals.constant(*reach, n_states),),
            boxes.reason_of_kind(kind, activation),
        )
    if gate is not ACTIVATIONS["sigmoid"]:
        return None, "none is known for an LSTM whose gates are not logistic functions"

    def box(params: PyTree, u: jax.Array) -> tuple[Interval, ...]:
        weights = _lstm_weights(params)

        def gated(h: Interval) -> tuple[Interval, ...]:
            shift = u @ weights["input"] + weights["bias"]
            return boxes.split_affine(weights["hidden"], h, shift)

        h, c = boxes.of_lstm(gated, activation.function, reach, n_states)
        return c, h

    return box, boxes.reason_of_kind("lstm", activation)


def _lstm_weights(params: PyTree) -> dict[str, jax.Array]:
    """Return the weights of an LSTM, gates i, f, g, o one after the other."""

    def array(layer: str, name: str) -> jax.Array:
        # linen: nested; nnx: by path, where a gate is called `if_`, for `if` is a word of Python.
        if layer in params:
            return params[layer][name]
        return params[f"{'if_' if layer == 'if' else layer}.{name}"]

    if "dense_i.kernel" in params:
        return {
            "input": array("dense_i", "kernel"),
            "hidden": array("dense_h", "kernel"),
            "bias": array("dense_h", "bias"),
        }
    parts = {"input": ("i", "kernel"), "hidden": ("h", "kernel"), "bias": ("h", "bias")}
    return {
        key: jnp.concatenate([array(f"{start}{gate}", name) for gate in "ifgo"], axis=-1)
        for key, (start, name) in parts.items()
    }


def _readout(given: Any) -> Readout:
    for base in type(given).__mro__:
        if base.__name__ == "Linear" and base.__module__.startswith("flax.nnx."):
            bias = None if given.bias is None else given.bias[...]
            return chain([Affine(given.kernel[...].T, bias)])
    return given_readout(given)
