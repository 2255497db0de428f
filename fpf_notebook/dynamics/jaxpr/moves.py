"""Operations that only move numbers: on values or, where those are not known, on addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.extend.core import JaxprEqn

from fpf_notebook._types import AnyFunction
from fpf_notebook.dynamics.jaxpr.builder import Builder, Symbol, Value

Params = dict[str, Any]
Rule = Callable[[Builder, list[Value], Params, Any], list[Value]]
"""From a builder, operands, an equation's parameters and the equation to its results."""


class NoRuleError(Exception):
    """A primitive, or this use of it, cannot be said in operations; the text says why."""


def _broadcast_in_dim(x: np.ndarray, p: Params) -> np.ndarray:
    shape = [1] * len(p["shape"])
    for axis, target in enumerate(p["broadcast_dimensions"]):
        shape[target] = x.shape[axis]
    return np.broadcast_to(x.reshape(shape), p["shape"])


def _slice(x: np.ndarray, p: Params) -> np.ndarray:
    strides = p["strides"] or (1,) * x.ndim
    bounds = zip(p["start_indices"], p["limit_indices"], strides, strict=True)
    return x[tuple(slice(a, b, s) for a, b, s in bounds)]


MOVES: dict[str, Callable[[np.ndarray, Params], np.ndarray]] = {
    "reshape": lambda x, p: x.reshape(p["new_sizes"]),
    "squeeze": lambda x, p: np.squeeze(x, tuple(p["dimensions"])),
    "expand_dims": lambda x, p: np.expand_dims(x, tuple(p["dimensions"])),
    "transpose": lambda x, p: np.transpose(x, p["permutation"]),
    "rev": lambda x, p: np.flip(x, tuple(p["dimensions"])),
    "slice": _slice,
    "broadcast_in_dim": _broadcast_in_dim,
}
"""By the name of JAX's primitive: array and parameters of the equation to the moved array."""


def split(x: np.ndarray, p: Params) -> list[np.ndarray]:
    """Carry out ``split``."""
    return np.split(x, np.cumsum([int(s) for s in p["sizes"]])[:-1], axis=p["axis"])


def unstack(x: np.ndarray, p: Params) -> list[np.ndarray]:
    """Carry out ``unstack``, the rows of an array one by one."""
    return list(np.moveaxis(x, p["axis"], 0))


def choose(builder: Builder, which: Value, cases: list[Value]) -> Value:
    """Emit the choice of ``cases[which]``, element by element."""
    if not isinstance(which, Symbol):
        if all(not isinstance(c, Symbol) for c in cases):
            return np.choose(np.asarray(which).astype(int), [np.asarray(c) for c in cases])
        symbols = [builder.symbol(c) for c in cases]  # a choice known beforehand moves numbers
        shape = symbols[0].shape
        index = np.broadcast_to(np.asarray(which).astype(int), shape)
        return Symbol(np.choose(index, [s.addresses for s in symbols]), symbols[0].kind)
    kind = cases[0].kind if isinstance(cases[0], Symbol) else np.asarray(cases[0]).dtype.kind
    if len(cases) == 1:
        return cases[0]
    if len(cases) == 2 and which.kind in "bi":
        return builder.elementwise("select", which, cases[1], cases[0], kind=kind)
    raise NoRuleError("a choice among more than two")


def concatenate(builder: Builder, values: list[Value], p: Params, eqn: object) -> list[Value]:
    """Carry out ``concatenate``."""
    axis = p["dimension"]
    symbols = [builder.symbol(v) for v in values]
    return [Symbol(np.concatenate([s.addresses for s in symbols], axis), symbols[0].kind)]


def stack(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Carry out ``stack``."""
    axis = int(p["axis"] if "axis" in p else p["dimension"])
    symbols = [builder.symbol(v) for v in values]
    return [Symbol(np.stack([s.addresses for s in symbols], axis), symbols[0].kind)]


def pad(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Carry out ``pad``."""
    x, filler = (builder.symbol(v) for v in values)
    out = _on_addresses(lambda a, f: lax.pad(a, f, p["padding_config"]), x, filler)
    return [Symbol(out, x.kind)]


def _on_addresses(function: AnyFunction, *values: Symbol) -> np.ndarray:
    """Apply a function of JAX's that moves numbers to addresses."""
    with jax.enable_x64(True):
        return np.asarray(function(*(v.addresses.astype(np.int64) for v in values))).astype(np.intp)


def _require_known(values: list[Value], what: str) -> list[np.ndarray]:
    known = []
    for v in values:
        if isinstance(v, Symbol):
            raise NoRuleError(f"{what} depends on the state or on a symbol")
        known.append(np.asarray(v))
    return known


def gather(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Carry out ``gather`` where the indices are known."""
    (indices,) = _require_known(values[1:], "its index")
    x = builder.symbol(values[0])
    options = {**p, "fill_value": -1}
    out = _on_addresses(lambda a: eqn.primitive.bind(a, jax.numpy.asarray(indices), **options), x)
    if (out < 0).any():  # out of bounds
        fill = p.get("fill_value")
        filler = builder.symbol(np.full((), np.nan if fill is None else fill))
        out = np.where(out < 0, filler.addresses, out)
    return [Symbol(out, x.kind)]


def dynamic_slice(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Carry out ``dynamic_slice`` where the place is known."""
    starts = _require_known(values[1:], "its place")
    x = builder.symbol(values[0])
    return [
        Symbol(
            _on_addresses(
                lambda a: lax.dynamic_slice(a, [int(s) for s in starts], p["slice_sizes"]), x
            ),
            x.kind,
        )
    ]


def dynamic_update(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Carry out ``dynamic_update_slice`` where the place is known."""
    starts = [int(s) for s in _require_known(values[2:], "its place")]
    x, y = builder.symbol(values[0]), builder.symbol(values[1])
    return [
        Symbol(_on_addresses(lambda a, b: lax.dynamic_update_slice(a, b, starts), x, y), x.kind)
    ]


def scatter(builder: Builder, values: list[Value], p: Params, eqn: JaxprEqn) -> list[Value]:
    """Carry out ``scatter`` where the indices are known."""
    (indices,) = _require_known(values[1:2], "its index")
    x, y = builder.symbol(values[0]), builder.symbol(values[2])

    def move(a: jax.Array, b: jax.Array) -> jax.Array:
        return lax.scatter(
            a, jax.numpy.asarray(indices), b, p["dimension_numbers"],
            indices_are_sorted=p["indices_are_sorted"], unique_indices=p["unique_indices"],
            mode=p["mode"],
        )  # fmt: skip

    return [Symbol(_on_addresses(move, x, y), x.kind)]


MOVING_RULES: dict[str, Rule] = {
    "concatenate": concatenate,
    "stack": stack,
    "pad": pad,
    "gather": gather,
    "dynamic_slice": dynamic_slice,
    "dynamic_update_slice": dynamic_update,
    "scatter": scatter,
}
"""Moves that may mix known numbers with unknown ones, or need an index."""
