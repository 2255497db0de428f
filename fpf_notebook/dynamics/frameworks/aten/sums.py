"""Operators of ATen that put numbers together: products of matrices, sums, norms."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.frameworks.aten.rules import (
    NotCoveredError,
    Number,
    Sizes,
    Value,
    axes,
    axis,
    rule,
)


@rule("mm.default", "bmm.default", "mv.default", "dot.default", "matmul.default")
def _matmul(x: Value, y: Value) -> Value:
    if np.ndim(x) == 1 and np.ndim(y) == 2:
        return jnp.matmul(jnp.transpose(y), x)  # of which derivatives come out in the right order
    return jnp.matmul(x, y)


@rule("addmm.default", "addmv.default", "baddbmm.default")
def _addmm(bias: Value, x: Value, y: Value, *, beta: Number = 1, alpha: Number = 1) -> Value:
    product = _matmul(x, y)
    product = product if alpha == 1 else alpha * product
    return product + (bias if beta == 1 else beta * bias)


@rule("linear.default")
def _linear(x: Value, weight: Value, bias: Value | None = None) -> Value:
    product = _matmul(x, jnp.transpose(weight))
    return product if bias is None else product + bias


@rule("sum.dim_IntList", "sum.default")
def _sum(x: Value, dims: Sizes | None = None, keep: bool = False, **_: object) -> Value:
    return jnp.sum(x, axes(x, dims), keepdims=keep)


@rule("mean.dim", "mean.default")
def _mean(x: Value, dims: Sizes | None = None, keep: bool = False, **_: object) -> Value:
    return jnp.mean(x, axes(x, dims), keepdims=keep)


@rule("prod.dim_int", "prod.default")
def _prod(x: Value, dim: int | None = None, keep: bool = False, **_: object) -> Value:
    return jnp.prod(x, axes(x, dim), keepdims=keep)


@rule("amax.default")
def _amax(x: Value, dims: Sizes = (), keep: bool = False) -> Value:
    return jnp.max(x, axes(x, dims), keepdims=keep)


@rule("amin.default")
def _amin(x: Value, dims: Sizes = (), keep: bool = False) -> Value:
    return jnp.min(x, axes(x, dims), keepdims=keep)


@rule("max.dim")
def _max(x: Value, dim: int, keep: bool = False) -> tuple[Value, Value]:
    place = _argmax(x, dim, True)
    found = jnp.take_along_axis(x, place, axis(x, dim))
    return (found, place) if keep else (jnp.squeeze(found, dim), jnp.squeeze(place, dim))


@rule("min.dim")
def _min(x: Value, dim: int, keep: bool = False) -> tuple[Value, Value]:
    found, place = _max(-x, dim, keep)
    return -found, place


@rule("argmax.default")
def _argmax(x: Value, dim: int | None = None, keep: bool = False) -> Value:
    return jnp.argmax(x, dim, keepdims=keep)


@rule("argmin.default")
def _argmin(x: Value, dim: int | None = None, keep: bool = False) -> Value:
    return jnp.argmin(x, dim, keepdims=keep)


@rule("any.default", "any.dim", "any.dims")
def _any(x: Value, dims: int | Sizes | None = None, keep: bool = False) -> Value:
    return jnp.any(x, axes(x, dims), keepdims=keep)


@rule("cumsum.default")
def _cumsum(x: Value, dim: int, **_: object) -> Value:
    return jnp.cumsum(x, axis(x, dim))


@rule("var.correction", "var.dim")
def _var(
    x: Value, dims: Sizes | None = None, *, correction: Number | None = 1, keepdim: bool = False
) -> Value:
    along = axes(x, dims)
    n = math.prod(np.shape(x)[d] for d in along)
    off = x - jnp.mean(x, along, keepdims=True)
    return jnp.sum(off**2, along, keepdims=keepdim) / (
        n - (1 if correction is None else correction)
    )


@rule("linalg_vector_norm.default")
def _norm(
    x: Value, order: Number = 2, dims: Sizes | None = None, keepdim: bool = False, **_: object
) -> Value:
    along = axes(x, dims)
    if order == 2:
        squares = jnp.sum(x**2, along, keepdims=keepdim)
        # The derivative of the norm of zero is zero in PyTorch.
        return jnp.where(squares == 0, 0.0, jnp.sqrt(jnp.where(squares == 0, 1.0, squares)))
    if order == 1:
        return jnp.sum(jnp.abs(x), along, keepdims=keepdim)
    if order == math.inf:
        return jnp.max(jnp.abs(x), along, keepdims=keepdim)
    raise NotCoveredError(f"norms of order {order} are not covered")


@rule("_softmax.default")
def _softmax(x: Value, dim: int, half_to_float: bool = False) -> Value:
    return jax.nn.softmax(x, axis(x, dim))


@rule("_log_softmax.default")
def _log_softmax(x: Value, dim: int, half_to_float: bool = False) -> Value:
    return jax.nn.log_softmax(x, axis(x, dim))


@rule("native_layer_norm.default")
def _layer_norm(
    x: Value, shape: Sizes, weight: Value | None, bias: Value | None, eps: float
) -> tuple[Value, Value, Value]:
    along = tuple(range(np.ndim(x) - len(shape), np.ndim(x)))
    mean = jnp.mean(x, along, keepdims=True)
    scale = 1 / jnp.sqrt(jnp.mean((x - mean) ** 2, along, keepdims=True) + eps)
    return _scaled((x - mean) * scale, weight, bias), mean, scale


@rule("_native_batch_norm_legit_no_training.default")
def _batch_norm(
    x: Value,
    weight: Value | None,
    bias: Value | None,
    mean: Value,
    variance: Value,
    momentum: float,
    eps: float,
) -> tuple[Value, Value, Value]:
    if np.ndim(x) != 2:
        raise NotCoveredError("a batch norm is known for [batch, units] only")
    found = _scaled((x - mean) / jnp.sqrt(variance + eps), weight, bias)
    nothing = jnp.zeros((0,), x.dtype)
    return found, nothing, nothing


def _scaled(x: Value, weight: Value | None, bias: Value | None) -> Value:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias
