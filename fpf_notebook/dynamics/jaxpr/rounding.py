"""Interval arithmetic that rounds outwards, and only where something was rounded.

An interval is a pair ``(low, high)`` of arrays; infinite ends are allowed. Statements are about
real numbers: whatever the operands are, within their intervals, the exact result lies in the
returned one. Sums, products and quotients are moved by one float where the floating-point result is
inexact (seen by error-free transformations), so that 1 stays 1. Elementary functions are taken to
be right to :data:`ULPS` units in the last place, which a test compares with mpmath.

References
----------
Rump, "Verification methods", Acta Numerica 19 (2010): error-free transformations, midpoint and
radius, a-priori bounds of dot products.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

Interval: TypeAlias = tuple[np.ndarray, np.ndarray]

U = 2.0**-53
"""Unit roundoff of double precision."""
TINY = 2.0**-1060
"""More than any rounding error of an underflow."""
ULPS = 16.0
"""How many units in the last place an elementary function of NumPy's may be wrong by.

Those of current versions stay below 4; tanh, exp and log on vector units are the worst."""
_MAX = np.finfo(float).max


def down(x: np.ndarray) -> np.ndarray:
    """Return the floats below."""
    return np.nextafter(x, -np.inf)


def up(x: np.ndarray) -> np.ndarray:
    """Return the floats above."""
    return np.nextafter(x, np.inf)


def point(x: np.ndarray) -> Interval:
    """Return numbers as intervals."""
    return x, x


def is_point(x: Interval) -> bool:
    """Whether all intervals are single numbers."""
    return x[0] is x[1] or bool(np.array_equal(x[0], x[1]))


def whole(low: np.ndarray, high: np.ndarray) -> Interval:
    """Replace NaN ends (of inf - inf, say) by infinite ones."""
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def widen(low: np.ndarray, high: np.ndarray, ulps: float = ULPS) -> Interval:
    """Move both ends outwards by a number of units in the last place, and always by a little."""
    c = (2 * ulps + 4) * U
    with np.errstate(all="ignore"):
        low = np.where(low == np.inf, _MAX, low - c * np.abs(low) - TINY)
        high = np.where(high == -np.inf, -_MAX, high + c * np.abs(high) + TINY)
    return whole(low, high)


# -- directed sums, products, quotients ------------------------------------------------------------


def _directed(value: np.ndarray, error: np.ndarray, direction: float) -> np.ndarray:
    """Move results outwards unless their error is known to be zero or on the safe side."""
    unsafe = ~(error >= 0) if direction < 0 else ~(error <= 0)
    return np.where(unsafe, np.nextafter(value, direction), value)


def _sum(a: np.ndarray, b: np.ndarray, direction: float) -> np.ndarray:
    s = a + b
    t = s - a
    error = (a - (s - t)) + (b - t)
    infinite = np.isinf(a) | np.isinf(b)
    out = _directed(s, np.where(infinite, 0.0, error), direction)
    return np.where(np.isnan(out), direction, out)


def add(x: Interval, y: Interval) -> Interval:
    """Return what sums can be."""
    return _sum(x[0], y[0], -np.inf), _sum(x[1], y[1], np.inf)


def neg(x: Interval) -> Interval:
    """Return what negatives can be."""
    if x[0] is x[1]:
        return point(-x[0])
    return -x[1], -x[0]


def sub(x: Interval, y: Interval) -> Interval:
    """Return what differences can be."""
    return add(x, neg(y))


_SPLIT = 134217729.0  # 2^27 + 1


def _product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rounded products and their errors, NaN where the error cannot be had."""
    zero = (a == 0) | (b == 0)
    p = np.where(zero, 0.0, a * b)
    c = _SPLIT * a
    a_high = c - (c - a)
    a_low = a - a_high
    c = _SPLIT * b
    b_high = c - (c - b)
    b_low = b - b_high
    error = a_low * b_low - (((p - a_high * b_high) - a_low * b_high) - a_high * b_low)
    size = np.abs(p)
    error = np.where((size < 1e-285) | (size > 1e292) | np.isnan(error), np.nan, error)
    error = np.where(zero | np.isinf(a) | np.isinf(b), 0.0, error)
    return p, error


def mul(x: Interval, y: Interval) -> Interval:
    """Return what products can be."""
    xs = (x[0],) if x[0] is x[1] else x
    ys = (y[0],) if y[0] is y[1] else y
    lows, highs = [], []
    for a in xs:
        for b in ys:
            # An end that is infinite is not reached: times 0 it is 0.
            a_, b_ = (
                np.where((b == 0) & np.isinf(a), 0.0, a),
                np.where((a == 0) & np.isinf(b), 0.0, b),
            )
            p, error = _product(a_, b_)
            lows.append(_directed(p, error, -np.inf))
            highs.append(_directed(p, error, np.inf))
    low, high = lows[0], highs[0]
    for other in lows[1:]:
        low = np.minimum(low, other)
    for other in highs[1:]:
        high = np.maximum(high, other)
    return low, high


def quick_add(x: Interval, y: Interval) -> Interval:
    """Return what sums can be, moved outwards whether they were rounded or not: half the time."""
    low, high = x[0] + y[0], x[1] + y[1]
    return whole(low - (2 * U * np.abs(low) + TINY), high + (2 * U * np.abs(high) + TINY))


def quick_mul(x: Interval, y: Interval) -> Interval:
    """Return what products can be, moved outwards whether they were rounded or not."""
    if y[0] is y[1]:
        x, y = y, x
    if x[0] is x[1]:
        a, b = x[0] * y[0], x[0] * y[1]
        low, high = np.minimum(a, b), np.maximum(a, b)
    else:
        a, b, c, d = x[0] * y[0], x[0] * y[1], x[1] * y[0], x[1] * y[1]
        low = np.minimum(np.minimum(a, b), np.minimum(c, d))
        high = np.maximum(np.maximum(a, b), np.maximum(c, d))
    if np.isnan(low).any() or np.isnan(high).any():  # 0 times infinity
        return mul(x, y)
    return low - (2 * U * np.abs(low) + TINY), high + (2 * U * np.abs(high) + TINY)


def _quotient(a: np.ndarray, b: np.ndarray, direction: float) -> np.ndarray:
    q = a / b
    p, error = _product(q, b)
    exact = ((p == a) & (error == 0)) | ((a == 0) & (b != 0)) | np.isinf(a)
    return np.where(exact, q, np.nextafter(q, direction))


def div(x: Interval, y: Interval) -> Interval:
    """Return what quotients can be; everything, where the divisor may be zero inside."""
    if is_point(y) and np.all(y[0] != 0) and np.all(np.isfinite(y[0])):
        positive = y[0] > 0
        low = _quotient(np.where(positive, x[0], x[1]), y[0], -np.inf)
        return low, _quotient(np.where(positive, x[1], x[0]), y[0], np.inf)
    return mul(x, reciprocal(y))


def reciprocal(y: Interval) -> Interval:
    """Return what 1 / y can be."""
    low, high = y
    with np.errstate(all="ignore"):
        a, b = down(1.0 / high), up(1.0 / low)
    a = np.where((low >= 0) & (a < 0), 0.0, a)
    b = np.where((high <= 0) & (b > 0), 0.0, b)
    inside = (low < 0) & (high > 0) | (low == 0) & (high == 0)
    a = np.where(inside | ((high == 0) & (low < 0)), -np.inf, a)
    b = np.where(inside | ((low == 0) & (high > 0)), np.inf, b)
    return a, b


def hull(x: Interval, y: Interval) -> Interval:
    """Return the smallest intervals that hold two."""
    return np.minimum(x[0], y[0]), np.maximum(x[1], y[1])


def middle_radius(x: Interval) -> tuple[np.ndarray, np.ndarray]:
    """Return midpoints and radii such that ``middle ± radius`` holds the interval."""
    m = x[0] / 2 + x[1] / 2
    if x[0] is x[1]:
        return x[0], np.zeros_like(x[0])
    r = np.maximum(x[1] - m, m - x[0])
    return m, np.where(x[0] == x[1], 0.0, r * (1 + 4 * U) + TINY)


def dot_error(inner: int) -> float:
    """Return gamma: a bound of the relative error of a dot product of this length, in any order."""
    return (inner + 4) * U / (1 - (inner + 4) * U)


def matmul(a: Interval, b: Interval) -> Interval:
    """Return what products of matrices can be; ``[..., rows, inner]`` by ``[..., inner, columns]``.

    Midpoints and radii: three products of matrices at most, in any order of summation.
    """
    wild = None
    parts = [a, b]
    finite = [bool(np.all(np.isfinite(x[0])) and np.all(np.isfinite(x[1]))) for x in parts]
    if not all(finite):
        masks = [~(np.isfinite(x[0]) & np.isfinite(x[1])) for x in parts]
        moving = [((x[0] != 0) | (x[1] != 0)).astype(float) for x in parts]
        wild = masks[0].astype(float) @ moving[1] + moving[0] @ masks[1].astype(float) > 0
        parts = [
            (np.where(m, 0.0, x[0]), np.where(m, 0.0, x[1]))
            for m, x in zip(masks, parts, strict=True)
        ]
    (am, ar), (bm, br) = (middle_radius(x) for x in parts)
    gamma = dot_error(a[0].shape[-1])
    size_a, size_b = np.abs(am), np.abs(bm)
    middle = am @ bm
    radius = size_a @ (br + gamma * size_b) if np.any(br) else gamma * (size_a @ size_b)
    if np.any(ar):
        radius = radius + ar @ (size_b + br)
    radius = radius * (1 + 8 * gamma) + TINY
    low, high = down(middle - radius), up(middle + radius)
    if wild is not None:
        low, high = np.where(wild, -np.inf, low), np.where(wild, np.inf, high)
    return whole(low, high)


def total(x: Interval, axis: int) -> Interval:
    """Return what sums along an axis can be."""
    gamma = dot_error(x[0].shape[axis])
    out = []
    for end, side in ((x[0], -1.0), (x[1], 1.0)):
        s = end.sum(axis=axis)
        e = gamma * np.abs(end).sum(axis=axis) * (1 + 8 * gamma) + TINY
        out.append(
            np.where(np.isnan(s), side * np.inf, s + side * np.where(np.isfinite(e), e, 0.0))
        )
    return down(out[0]), up(out[1])
