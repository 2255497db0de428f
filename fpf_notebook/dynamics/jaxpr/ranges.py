"""The range of each elementwise operation on intervals, rounded outwards."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.plain import ELEMENTWISE
from fpf_notebook.dynamics.jaxpr.rounding import Interval

Range = Callable[..., Interval]
_INF = np.inf


def _everything(x: Interval) -> Interval:
    return np.full(np.shape(x[0]), -_INF), np.full(np.shape(x[0]), _INF)


def _increasing(
    name: str, low: float = -_INF, high: float = _INF, ulps: float = iv.ULPS,
    domain: tuple[float, float] = (-_INF, _INF),
) -> Range:  # fmt: skip
    """Ranges of an increasing function with values in [low, high]; anything outside its domain."""
    function = ELEMENTWISE[name]

    def rule(x: Interval) -> Interval:
        with np.errstate(all="ignore"):
            a = function(np.clip(x[0], *domain))
            b = a if x[0] is x[1] else function(np.clip(x[1], *domain))
            out = iv.widen(a, b, ulps)
        out = np.clip(out[0], low, high), np.clip(out[1], low, high)
        if domain == (-_INF, _INF):
            return out
        outside = (x[0] < domain[0]) | (x[1] > domain[1])
        return np.where(outside, -_INF, out[0]), np.where(outside, _INF, out[1])

    return rule


def _decreasing(name: str, low: float = -_INF, high: float = _INF, ulps: float = iv.ULPS) -> Range:
    function = ELEMENTWISE[name]

    def rule(x: Interval) -> Interval:
        with np.errstate(all="ignore"):
            a, b = iv.widen(function(x[1]), function(x[0]), ulps)
        return np.clip(a, low, high), np.clip(b, low, high)

    return rule


def _stairs(name: str) -> Range:
    function = ELEMENTWISE[name]
    return lambda x: (function(x[0]), function(x[1]))


def absolute(x: Interval) -> Interval:
    """Return what absolute values can be."""
    across = (x[0] <= 0) & (x[1] >= 0)
    a, b = np.abs(x[0]), np.abs(x[1])
    return np.where(across, 0.0, np.minimum(a, b)), np.maximum(a, b)


def power(x: Interval, exponent: int) -> Interval:
    """Return what an integer power can be."""
    if exponent < 0:
        return iv.reciprocal(power(x, -exponent))
    if exponent == 0:
        return iv.point(np.ones_like(x[0]))
    base = absolute(x) if exponent % 2 == 0 else x
    with np.errstate(all="ignore"):
        if exponent == 2:
            least, most = (iv.mul(iv.point(end), iv.point(end)) for end in base)
            return np.maximum(least[0], 0.0), most[1]
        low, high = iv.widen(base[0] ** exponent, base[1] ** exponent, 2 * exponent)
    return (np.maximum(low, 0.0), high) if exponent % 2 == 0 else (low, high)


def _periodic(name: str, first_top: float) -> Range:
    """Ranges of sine and cosine: tops at first_top + 2 pi k, bottoms half a turn further."""
    function = ELEMENTWISE[name]

    def holds(x: Interval, place: float) -> np.ndarray:
        # Whether place + 2 pi k may lie inside: the ends are moved outwards by far more than
        # the rounding of the quotient.
        slack = 1e-12 * (1 + np.maximum(np.abs(x[0]), np.abs(x[1])))
        turn = 2 * np.pi
        return np.floor((x[1] + slack - place) / turn) >= np.ceil((x[0] - slack - place) / turn)

    def rule(x: Interval) -> Interval:
        with np.errstate(all="ignore"):
            a, b = function(x[0]), function(x[1])
            low, high = iv.widen(np.minimum(a, b), np.maximum(a, b))
            wide = ~(x[1] - x[0] < 6.0) | (np.maximum(np.abs(x[0]), np.abs(x[1])) > 1e6)
            low = np.where(wide | holds(x, first_top + np.pi), -1.0, low)
            high = np.where(wide | holds(x, first_top), 1.0, high)
        return np.clip(low, -1, 1), np.clip(high, -1, 1)

    return rule


def _tan(x: Interval) -> Interval:
    inside = (x[0] > -1.57) & (x[1] < 1.57)
    with np.errstate(all="ignore"):
        low, high = iv.widen(np.tan(x[0]), np.tan(x[1]))
    return np.where(inside, low, -_INF), np.where(inside, high, _INF)


def _cosh(x: Interval) -> Interval:
    size = absolute(x)
    with np.errstate(all="ignore"):
        low, high = iv.widen(np.cosh(size[0]), np.cosh(size[1]))
    return np.maximum(low, 1.0), high


def _rsqrt(x: Interval) -> Interval:
    return iv.reciprocal(RANGES["sqrt"](x))


def _pow(x: Interval, y: Interval) -> Interval:
    """X ** y = exp(y log(x)) for x >= 0; anything elsewhere."""
    fine = x[0] >= 0
    safe = np.where(fine, x[0], 1.0), np.where(fine, np.maximum(x[1], 0), 1.0)
    out = RANGES["exp"](iv.mul(y, RANGES["log"](safe)))
    zero = (safe[0] == 0) & (y[0] <= 0)  # 0 ** 0, and powers that are not bounded
    high = np.where(zero, _INF, out[1])
    return np.where(fine, out[0], -_INF), np.where(fine, high, _INF)


def _atan2(y: Interval, x: Interval) -> Interval:
    right = x[0] > 0
    inner = RANGES["atan"](iv.div(y, (np.where(right, x[0], 1.0), np.where(right, x[1], 1.0))))
    limit = iv.up(iv.up(np.asarray(np.pi)))
    return np.where(right, inner[0], -limit), np.where(right, inner[1], limit)


def _rem(x: Interval, y: Interval) -> Interval:
    size = absolute(y)[1]
    return np.where(x[0] >= 0, 0.0, -size), np.where(x[1] <= 0, 0.0, size)


def _truth(low: np.ndarray, high: np.ndarray) -> Interval:
    return low.astype(float), high.astype(float)


def _eq(x: Interval, y: Interval) -> Interval:
    sure = (x[0] == x[1]) & (y[0] == y[1]) & (x[0] == y[0])
    return _truth(sure, (x[0] <= y[1]) & (y[0] <= x[1]))


def _not(x: Interval) -> Interval:
    return 1.0 - x[1], 1.0 - x[0]


def _xor(x: Interval, y: Interval) -> Interval:
    known = (x[0] == x[1]) & (y[0] == y[1])
    different = (x[0] != y[0]).astype(float)
    return np.where(known, different, 0.0), np.where(known, different, 1.0)


def select(condition: Interval, yes: Interval, no: Interval) -> Interval:
    """Return what a choice can be."""
    both = iv.hull(yes, no)
    sure, never = condition[0] > 0, condition[1] == 0
    return (
        np.where(sure, yes[0], np.where(never, no[0], both[0])),
        np.where(sure, yes[1], np.where(never, no[1], both[1])),
    )


RANGES: dict[str, Range] = {
    "neg": iv.neg,
    "abs": absolute,
    "sign": _stairs("sign"),
    "floor": _stairs("floor"),
    "ceil": _stairs("ceil"),
    "round": _stairs("round"),
    "exp": _increasing("exp", 0),
    "exp2": _increasing("exp2", 0),
    "expm1": _increasing("expm1", -1),
    "log": _increasing("log", domain=(0, _INF)),
    "log1p": _increasing("log1p", domain=(-1, _INF)),
    "sqrt": _increasing("sqrt", 0, domain=(0, _INF)),
    "rsqrt": _rsqrt,
    "cbrt": _increasing("cbrt"),
    "square": lambda x: power(x, 2),
    "tanh": _increasing("tanh", -1, 1),
    # Made of exp, a sum and a quotient: twice the error.
    "logistic": _increasing("logistic", 0, 1, 3 * iv.ULPS),
    "softplus": _increasing("softplus", 0, ulps=3 * iv.ULPS),
    "sin": _periodic("sin", np.pi / 2),
    "cos": _periodic("cos", 0.0),
    "tan": _tan,
    "asin": _increasing("asin", domain=(-1, 1)),
    "acos": lambda x: _outside(x, _decreasing("acos", 0.0), -1, 1),
    "atan": _increasing("atan"),
    "sinh": _increasing("sinh"),
    "cosh": _cosh,
    "asinh": _increasing("asinh"),
    "acosh": _increasing("acosh", 0, domain=(1, _INF)),
    "atanh": _increasing("atanh", domain=(-1, 1)),
    "erf": _increasing("erf", -1, 1),
    # Far out SciPy squares its argument first: the error grows with the square.
    "erfc": _decreasing("erfc", 0, 2, 256 * iv.ULPS),
    "not": _not,
    "is_finite": lambda x: iv.point(np.ones_like(x[0])),
    "add": iv.add,
    "sub": iv.sub,
    "mul": iv.mul,
    "div": iv.div,
    "max": lambda x, y: (np.maximum(x[0], y[0]), np.maximum(x[1], y[1])),
    "min": lambda x, y: (np.minimum(x[0], y[0]), np.minimum(x[1], y[1])),
    "pow": _pow,
    "atan2": _atan2,
    "rem": _rem,
    "lt": lambda x, y: _truth(x[1] < y[0], x[0] < y[1]),
    "le": lambda x, y: _truth(x[1] <= y[0], x[0] <= y[1]),
    "gt": lambda x, y: _truth(x[0] > y[1], x[1] > y[0]),
    "ge": lambda x, y: _truth(x[0] >= y[1], x[1] >= y[0]),
    "eq": _eq,
    "ne": lambda x, y: _not(_eq(x, y)),
    "and": lambda x, y: (np.minimum(x[0], y[0]), np.minimum(x[1], y[1])),
    "or": lambda x, y: (np.maximum(x[0], y[0]), np.maximum(x[1], y[1])),
    "xor": _xor,
    "select": select,
}
"""One rule for each elementwise operation: intervals of equal shape to an interval."""


def _outside(x: Interval, rule: Range, low: float, high: float) -> Interval:
    out = rule((np.clip(x[0], low, high), np.clip(x[1], low, high)))
    outside = (x[0] < low) | (x[1] > high)
    return np.where(outside, -_INF, out[0]), np.where(outside, _INF, out[1])
