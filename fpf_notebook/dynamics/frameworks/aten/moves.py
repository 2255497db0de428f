"""Operators of ATen that make arrays, or move their numbers without changing them."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from fpf_notebook.dynamics.frameworks.aten.rules import (
    NotCoveredError,
    Number,
    Operand,
    Sizes,
    Value,
    axes,
    axis,
    rule,
)

KEEPING = (
    "alias.default",
    "clone.default",
    "contiguous.default",
    "detach.default",  # of constants; that of others is not covered, see `graph`
    "lift_fresh_copy.default",
    "_to_copy.default",
)
"""Operators that change nothing, or only the type."""

RESHAPING = (
    "view.default",
    "_unsafe_view.default",
    "reshape.default",
    "view_copy.default",
)


@rule(*KEEPING)
def _same(x: Value, **_: object) -> Value:
    return x


@rule(*RESHAPING)
def _reshape(x: Value, shape: Sizes) -> Value:
    return jnp.reshape(x, tuple(shape))


@rule("expand.default", "expand_copy.default")
def _expand(x: Value, shape: Sizes, implicit: bool = False) -> Value:
    old = (1,) * (len(shape) - np.ndim(x)) + np.shape(x)
    new = tuple(n if m == -1 else m for n, m in zip(old, shape, strict=True))
    return jnp.broadcast_to(x, new)


@rule("permute.default")
def _permute(x: Value, dims: Sizes) -> Value:
    return jnp.transpose(x, axes(x, dims))


@rule("transpose.int")
def _transpose(x: Value, first: int, second: int) -> Value:
    return jnp.swapaxes(x, first, second)


@rule("t.default")
def _matrix_transpose(x: Value) -> Value:
    return jnp.transpose(x)


@rule("squeeze.dims", "squeeze.dim", "squeeze.default")
def _squeeze(x: Value, dims: int | Sizes | None = None) -> Value:
    return jnp.squeeze(x, tuple(d for d in axes(x, dims) if np.shape(x)[d] == 1))


@rule("unsqueeze.default")
def _unsqueeze(x: Value, dim: int) -> Value:
    return jnp.expand_dims(x, dim % (np.ndim(x) + 1))


@rule("select.int")
def _select(x: Value, dim: int, index: int) -> Value:
    return lax.index_in_dim(x, index, axis(x, dim), keepdims=False)


@rule("slice.Tensor")
def _slice(
    x: Value, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Value:
    place = axis(x, dim)
    first, last, _ = slice(start, end).indices(np.shape(x)[place])
    return lax.slice_in_dim(x, first, max(first, last), step, place)


@rule("split_with_sizes.default")
def _split(x: Value, sizes: Sizes, dim: int = 0) -> tuple[Value, ...]:
    ends = np.cumsum(sizes)
    place = axis(x, dim)
    return tuple(
        lax.slice_in_dim(x, int(end) - n, int(end), 1, place)
        for n, end in zip(sizes, ends, strict=True)
    )


@rule("unbind.int")
def _unbind(x: Value, dim: int = 0) -> tuple[Value, ...]:
    return tuple(_select(x, dim, k) for k in range(np.shape(x)[axis(x, dim)]))


@rule("cat.default")
def _cat(parts: Sequence[Value], dim: int = 0) -> Value:
    # An empty vector goes with everything.
    full = [part for part in parts if np.shape(part) != (0,)] or list(parts)
    return jnp.concatenate(full, axis(full[0], dim))


@rule("stack.default")
def _stack(parts: Sequence[Value], dim: int = 0) -> Value:
    return jnp.stack(parts, dim)


@rule("flip.default")
def _flip(x: Value, dims: Sizes) -> Value:
    return jnp.flip(x, axes(x, dims)) if len(dims) else x


@rule("roll.default")
def _roll(x: Value, shifts: Sizes, dims: Sizes = ()) -> Value:
    if not len(dims):
        return jnp.reshape(jnp.roll(jnp.ravel(x), shifts[0]), np.shape(x))
    return jnp.roll(x, tuple(shifts), axes(x, dims))


@rule("repeat.default")
def _repeat(x: Value, times: Sizes) -> Value:
    return jnp.tile(x, tuple(times))


@rule("index.Tensor")
def _index(x: Value, indices: Sequence[Value | None]) -> Value:
    if any(i is not None and i.dtype == bool for i in indices):
        raise NotCoveredError("the length of what a mask selects depends on its values")
    return jnp.asarray(x)[tuple(slice(None) if i is None else i for i in indices)]


@rule("index_select.default")
def _index_select(x: Value, dim: int, index: Value) -> Value:
    return jnp.take(x, index, axis(x, dim))


@rule("gather.default")
def _gather(x: Value, dim: int, index: Value, sparse_grad: bool = False) -> Value:
    return jnp.take_along_axis(x, index, axis(x, dim))


@rule("slice_scatter.default")
def _slice_scatter(
    x: Value,
    source: Value,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Value:
    place = axis(x, dim)
    n = np.shape(x)[place]
    first, last, _ = slice(start, end).indices(n)
    if step != 1:
        where = (slice(None),) * place + (slice(first, last, step),)
        return jnp.asarray(x).at[where].set(source)
    before = lax.slice_in_dim(x, 0, first, 1, place)
    after = lax.slice_in_dim(x, max(first, last), n, 1, place)
    return jnp.concatenate([before, jnp.asarray(source, x.dtype), after], place)


@rule("select_scatter.default")
def _select_scatter(x: Value, source: Value, dim: int, index: int) -> Value:
    place = axis(x, dim)
    first = index % np.shape(x)[place]
    return _slice_scatter(x, jnp.expand_dims(source, place), place, first, first + 1)


@rule("index_put.default")
def _index_put(
    x: Value, indices: Sequence[Value | None], values: Value, accumulate: bool = False
) -> Value:
    masks = [i for i in indices if i is not None and i.dtype == bool]
    if masks:
        if len(indices) > 1 or np.ndim(values) or accumulate:
            raise NotCoveredError("how many numbers a mask selects depends on its values")
        wide = jnp.reshape(masks[0], np.shape(masks[0]) + (1,) * (np.ndim(x) - np.ndim(masks[0])))
        return jnp.where(wide, values, x)
    at = jnp.asarray(x).at[tuple(slice(None) if i is None else i for i in indices)]
    return at.add(values) if accumulate else at.set(values)


@rule("copy.default")
def _copy(x: Value, source: Value, non_blocking: bool = False) -> Value:
    return jnp.broadcast_to(source, np.shape(x))


@rule("fill.Scalar", "fill.Tensor")
def _fill(x: Value, value: Operand) -> Value:
    return jnp.broadcast_to(value, np.shape(x))


@rule("constant_pad_nd.default")
def _pad(x: Value, widths: Sizes, value: Number = 0) -> Value:
    pairs = [(int(a), int(b), 0) for a, b in zip(widths[::2], widths[1::2], strict=True)]
    before = [(0, 0, 0)] * (np.ndim(x) - len(pairs))
    return lax.pad(x, jnp.asarray(value, x.dtype), [*before, *pairs[::-1]])


@rule("full.default", "new_full.default")
def _full(*arguments: Value | Sizes | Number, **_: object) -> Value:
    shape, value = arguments[-2:]  # after the array that tells where it is to lie, if there is one
    assert isinstance(shape, Sequence)
    assert not isinstance(value, Sequence)
    return jnp.full(_shape(shape), value)


@rule("full_like.default")
def _full_like(x: Value, value: Number, **_: object) -> Value:
    return jnp.full(np.shape(x), value)


@rule("zeros_like.default", "empty_like.default")
def _zeros_like(x: Value, **_: object) -> Value:
    return jnp.zeros(np.shape(x))


@rule("ones_like.default")
def _ones_like(x: Value, **_: object) -> Value:
    return jnp.ones(np.shape(x))


@rule("zeros.default", "empty.memory_format", "new_zeros.default", "new_empty.default")
def _zeros(*arguments: Value | Sizes, **_: object) -> Value:
    return jnp.zeros(_shape(arguments[-1]))


@rule("ones.default", "new_ones.default")
def _ones(*arguments: Value | Sizes, **_: object) -> Value:
    return jnp.ones(_shape(arguments[-1]))


@rule("scalar_tensor.default")
def _scalar(value: Number, **_: object) -> Value:
    return jnp.asarray(value)


@rule("arange.start_step", "arange.start", "arange.default")
def _arange(*arguments: Number, **_: object) -> Value:
    return np.arange(*arguments)


@rule("eye.default", "eye.m")
def _eye(n: int, m: int | None = None, **_: object) -> Value:
    return np.eye(n, m)


def _shape(sizes: Value | Sizes) -> tuple[int, ...]:
    return tuple(int(n) for n in sizes)
