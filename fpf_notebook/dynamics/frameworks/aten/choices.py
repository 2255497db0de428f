"""Operators of ATen that sort, choose or put numbers by their places."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import expm

from fpf_notebook.dynamics.frameworks.aten.rules import (
    NotCoveredError,
    Number,
    Sizes,
    Value,
    axis,
    rule,
)


@rule("sort.default", "sort.stable")
def _sort(
    x: Value, dim: int = -1, descending: bool = False, *, stable: bool = False
) -> tuple[Value, Value]:
    place = axis(x, dim)
    order = jnp.argsort(x, place, stable=True, descending=descending)
    return jnp.take_along_axis(jnp.asarray(x), order, place), order


@rule("topk.default")
def _topk(
    x: Value, k: int, dim: int = -1, largest: bool = True, is_sorted: bool = True
) -> tuple[Value, Value]:
    place = axis(x, dim)
    order = jnp.argsort(x, place, stable=True, descending=largest)
    order = jnp.take(order, np.arange(k), place)
    return jnp.take_along_axis(jnp.asarray(x), order, place), order


@rule("median.dim")
def _median(x: Value, dim: int, keep: bool = False) -> tuple[Value, Value]:
    place = axis(x, dim)
    # The lower one of two in the middle.
    middle = (np.shape(x)[place] - 1) // 2
    order = jnp.take(jnp.argsort(x, place), np.array([middle]), place)
    found = jnp.take_along_axis(jnp.asarray(x), order, place)
    return (found, order) if keep else (jnp.squeeze(found, place), jnp.squeeze(order, place))


@rule("max.default")
def _max_of_all(x: Value) -> Value:
    return jnp.max(x)


@rule("min.default")
def _min_of_all(x: Value) -> Value:
    return jnp.min(x)


@rule("cumprod.default")
def _cumprod(x: Value, dim: int, **_: object) -> Value:
    return jnp.cumprod(x, axis(x, dim))


@rule("diagonal.default", "diagonal_copy.default")
def _diagonal(x: Value, offset: int = 0, first: int = 0, second: int = 1) -> Value:
    return jnp.diagonal(x, offset, axis(x, first), axis(x, second))


def _places(x: Value, dim: int, index: Value) -> tuple[Value, ...]:
    grid: list[Value] = list(jnp.meshgrid(*(np.arange(n) for n in np.shape(index)), indexing="ij"))
    grid[axis(x, dim)] = index
    return tuple(grid)


@rule("scatter.src", "scatter.value")
def _scatter(x: Value, dim: int, index: Value, source: Value | Number) -> Value:
    if isinstance(source, int | float):
        return jnp.asarray(x).at[_places(x, dim, index)].set(source)
    taken = source[tuple(slice(n) for n in np.shape(index))]
    return jnp.asarray(x).at[_places(x, dim, index)].set(taken)


@rule("scatter_add.default")
def _scatter_add(x: Value, dim: int, index: Value, source: Value) -> Value:
    taken = source[tuple(slice(n) for n in np.shape(index))]
    return jnp.asarray(x).at[_places(x, dim, index)].add(taken)


@rule("index_add.default")
def _index_add(x: Value, dim: int, index: Value, source: Value, *, alpha: Number = 1) -> Value:
    where = (slice(None),) * axis(x, dim) + (index,)
    return jnp.asarray(x).at[where].add(source if alpha == 1 else alpha * source)


@rule("index_copy.default")
def _index_copy(x: Value, dim: int, index: Value, source: Value) -> Value:
    where = (slice(None),) * axis(x, dim) + (index,)
    return jnp.asarray(x).at[where].set(source)


@rule("_trilinear.default")
def _trilinear(
    x: Value,
    y: Value,
    z: Value,
    expand_x: Sizes,
    expand_y: Sizes,
    expand_z: Sizes,
    summed: Sizes,
    unroll: int = 1,
) -> Value:
    for dims, which in ((expand_x, 0), (expand_y, 1), (expand_z, 2)):
        parts = [x, y, z]
        for dim in sorted(dims):
            parts[which] = jnp.expand_dims(parts[which], dim)
        x, y, z = parts
    return jnp.sum(x * y * z, tuple(summed))


@rule("linalg_matrix_exp.default")
def _matrix_exp(x: Value) -> Value:
    return expm(jnp.asarray(x)) if np.ndim(x) == 2 else _only_one()


@rule("linalg_inv_ex.default")
def _inverse(x: Value, *, check_errors: bool = False) -> tuple[Value, Value]:
    return jnp.linalg.inv(jnp.asarray(x)), jnp.zeros(np.shape(x)[:-2], np.int32)


@rule("_linalg_solve_ex.default")
def _solve(
    A: Value, b: Value, *, left: bool = True, check_errors: bool = False
) -> tuple[Value, Value, Value, Value]:
    if not left:
        raise NotCoveredError("linalg.solve with left=False is not covered")
    column = np.ndim(b) == np.ndim(A) - 1
    found = jnp.linalg.solve(A, b[..., None] if column else b)
    pivots, info = (jnp.zeros(np.shape(A)[:-n], np.int32) for n in (1, 2))
    return (found[..., 0] if column else found), jnp.zeros(np.shape(A)), pivots, info


def _only_one() -> Value:
    raise NotCoveredError("exponentials of several matrices at once are not covered")


@rule("view_as_complex.default")
def _as_complex(x: Value) -> Value:
    return jnp.asarray(x)[..., 0] + 1j * jnp.asarray(x)[..., 1]


@rule("view_as_real.default", "view_as_real_copy.default")
def _as_real(x: Value) -> Value:
    return jnp.stack([jnp.real(x), jnp.imag(x)], -1)


@rule("complex.default")
def _complex(real: Value, imaginary: Value) -> Value:
    return real + 1j * jnp.asarray(imaginary)


@rule("polar.default")
def _polar(size: Value, angle: Value) -> Value:
    return size * (jnp.cos(angle) + 1j * jnp.sin(angle))


@rule("_conj.default", "conj_physical.default", "_conj_physical.default")
def _conjugate(x: Value) -> Value:
    return jnp.conj(x)


@rule("angle.default")
def _angle(x: Value) -> Value:
    return jnp.angle(x)


@rule("resolve_conj.default", "resolve_neg.default")
def _resolved(x: Value) -> Value:
    return x
