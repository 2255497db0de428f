"""Operators of ATen that look at neighbours or groups: convolutions, pools, norms of groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from fpf_notebook.dynamics.frameworks.aten.rules import NotCoveredError, Sizes, Value, axis, rule


@rule("convolution.default")
def _convolution(
    x: Value,
    weight: Value,
    bias: Value | None,
    stride: Sizes,
    padding: Sizes,
    dilation: Sizes,
    transposed: bool,
    output_padding: Sizes,
    groups: int,
) -> Value:
    n = np.ndim(x) - 2
    stride, padding, dilation, more = (
        _each(sizes, n) for sizes in (stride, padding, dilation, output_padding)
    )
    kernel = np.shape(weight)[2:]
    pads = [(p, p) for p in padding]
    spread = (1,) * n
    if transposed:
        if groups != 1:
            raise NotCoveredError("a transposed convolution in groups is not covered")
        weight = jnp.flip(jnp.swapaxes(weight, 0, 1), tuple(range(2, n + 2)))
        reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        pads = [(r - p, r - p + m) for r, p, m in zip(reach, padding, more, strict=True)]
        stride, spread = spread, stride
    found = lax.conv_general_dilated(
        jnp.asarray(x),
        jnp.asarray(weight),
        stride,
        pads,
        lhs_dilation=spread,
        rhs_dilation=dilation,
        feature_group_count=groups,
    )
    return found if bias is None else found + jnp.reshape(bias, (-1,) + (1,) * n)


def _each(sizes: Sizes, n: int) -> tuple[int, ...]:
    return tuple(int(s) for s in (sizes if len(sizes) == n else tuple(sizes) * n))


@rule("avg_pool1d.default", "avg_pool2d.default", "avg_pool3d.default")
def _avg_pool(
    x: Value,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor: int | None = None,
) -> Value:
    window, steps, pads = _windows(x, kernel, stride, padding, ceil_mode)
    zero = np.zeros((), x.dtype)
    total = lax.reduce_window(jnp.asarray(x), zero, lax.add, window, steps, pads)
    if divisor is not None:
        return total / divisor
    if count_include_pad:
        return total / math.prod(window)
    ones = jnp.ones(np.shape(x), x.dtype)
    return total / lax.reduce_window(ones, zero, lax.add, window, steps, pads)


@rule("max_pool2d_with_indices.default", "max_pool3d_with_indices.default")
def _max_pool(
    x: Value,
    kernel: Sizes,
    stride: Sizes = (),
    padding: Sizes = (0,),
    dilation: Sizes = (1,),
    ceil_mode: bool = False,
) -> tuple[Value, Value]:
    if any(d != 1 for d in dilation):
        raise NotCoveredError("a pool with gaps (dilation) is not covered")
    window, steps, pads = _windows(x, kernel, stride, padding, ceil_mode)
    low = np.asarray(-np.inf, x.dtype)
    found = lax.reduce_window(jnp.asarray(x), low, lax.max, window, steps, pads)
    return found, jnp.zeros(np.shape(found), int)  # the places are for the way back


def _windows(
    x: Value, kernel: Sizes, stride: Sizes, padding: Sizes, ceil_mode: bool
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    if ceil_mode:
        raise NotCoveredError("a pool with ceil_mode is not covered")
    n = len(kernel)
    before = np.ndim(x) - n
    steps = _each(stride, n) if len(stride) else tuple(kernel)
    pads = tuple((p, p) for p in _each(padding, n))
    ones = (1,) * before
    return (*ones, *kernel), (*ones, *steps), (*((0, 0),) * before, *pads)


@rule("_adaptive_avg_pool2d.default", "_adaptive_avg_pool3d.default")
def _adaptive(x: Value, sizes: Sizes) -> Value:
    n = len(sizes)
    shape = np.shape(x)[-n:]
    if any(a % b for a, b in zip(shape, sizes, strict=True)):
        raise NotCoveredError("an adaptive pool whose windows are of different sizes")
    for place, (a, b) in enumerate(zip(shape, sizes, strict=True)):
        along = np.ndim(x) - n + place
        parts = (*np.shape(x)[:along], b, a // b, *np.shape(x)[along + 1 :])
        x = jnp.mean(jnp.reshape(x, parts), along + 1)
    return x


@rule("native_group_norm.default")
def _group_norm(
    x: Value,
    weight: Value | None,
    bias: Value | None,
    n_batch: int,
    n_channels: int,
    n_inner: int,
    groups: int,
    eps: float,
) -> tuple[Value, Value, Value]:
    parts = jnp.reshape(x, (n_batch, groups, -1))
    mean = jnp.mean(parts, -1, keepdims=True)
    scale = 1 / jnp.sqrt(jnp.mean((parts - mean) ** 2, -1, keepdims=True) + eps)
    normed = jnp.reshape((parts - mean) * scale, np.shape(x))
    wide = (n_channels,) + (1,) * (np.ndim(x) - 2)
    if weight is not None:
        normed = normed * jnp.reshape(weight, wide)
    if bias is not None:
        normed = normed + jnp.reshape(bias, wide)
    return normed, mean[..., 0], scale[..., 0]


@rule("_native_batch_norm_legit.no_stats")
def _norm_of_batch(
    x: Value, weight: Value | None, bias: Value | None, training: bool, momentum: float, eps: float
) -> tuple[Value, Value, Value]:
    # Of an instance norm: what stands for the batch there are channels of one state.
    along = (0, *range(2, np.ndim(x)))
    mean = jnp.mean(x, along, keepdims=True)
    scale = 1 / jnp.sqrt(jnp.mean((x - mean) ** 2, along, keepdims=True) + eps)
    wide = (1, -1, *(1,) * (np.ndim(x) - 2))
    normed = (x - mean) * scale
    normed = normed if weight is None else normed * jnp.reshape(weight, wide)
    normed = normed if bias is None else normed + jnp.reshape(bias, wide)
    return normed, jnp.ravel(mean), jnp.ravel(scale)


@rule("unfold.default")
def _unfold(x: Value, dim: int, size: int, step: int) -> Value:
    place = axis(x, dim)
    starts = range(0, np.shape(x)[place] - size + 1, step)
    windows: Sequence[Value] = [
        jnp.moveaxis(lax.slice_in_dim(x, first, first + size, 1, place), place, -1)
        for first in starts
    ]
    return jnp.stack(windows, place)
