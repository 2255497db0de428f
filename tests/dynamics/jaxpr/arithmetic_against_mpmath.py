"""Compares the interval arithmetic with mpmath at 60 digits: nothing may lie outside.

python -m tests.dynamics.jaxpr.arithmetic_against_mpmath --checks 100000
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.ranges import RANGES, power

_EXACT: dict[str, Callable[..., Any]] = {
    "neg": lambda x: -x,
    "abs": abs,
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.mpf(2) ** x,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "square": lambda x: x * x,
    "tanh": mpmath.tanh,
    "logistic": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "asin": mpmath.asin,
    "acos": mpmath.acos,
    "atan": mpmath.atan,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "asinh": mpmath.asinh,
    "acosh": mpmath.acosh,
    "atanh": mpmath.atanh,
    "erf": mpmath.erf,
    "erfc": mpmath.erfc,
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "pow": lambda x, y: x**y,
    "atan2": mpmath.atan2,
    "max": max,
    "min": min,
}
_DOMAINS = {
    "log": (0, np.inf), "sqrt": (0, np.inf), "rsqrt": (0, np.inf), "log1p": (-1, np.inf),
    "asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1), "acosh": (1, np.inf), "pow": (0, np.inf),
}  # fmt: skip
_LIMITS = {"exp": 600, "exp2": 900, "expm1": 600, "sinh": 600, "cosh": 600, "softplus": 1e4}


def _intervals(rng: np.random.Generator, n: int, name: str) -> iv.Interval:
    """Draw intervals of all sizes and widths, points among them."""
    size = 10.0 ** rng.uniform(-8, 4, n) * rng.choice([-1.0, 1.0], n)
    size[rng.random(n) < 0.05] = 0.0
    width = np.where(rng.random(n) < 0.4, 0.0, 10.0 ** rng.uniform(-17, 1, n))
    limit = _LIMITS.get(name, 1e6 if name not in ("sin", "cos", "tan") else 50.0)
    low = np.clip(size, -limit, limit)
    low, high = low, np.clip(low + width, -limit, limit)
    first, last = _DOMAINS.get(name, (-np.inf, np.inf))
    if np.isfinite(first) and np.isfinite(last):
        low, high = np.tanh(low), np.tanh(high)
    elif np.isfinite(first):
        low, high = first + np.abs(low), first + np.abs(low) + (high - low)
    return low, np.maximum(low, high)


def check(n_checks: int, seed: int = 0) -> tuple[int, list[str]]:
    """Check about so many values; return how many were checked, and what lay outside."""
    rng = np.random.default_rng(seed)
    names = [*_EXACT, "power 3", "power 4", "power -2", "matmul", "sum"]
    each, checked, outside = max(2, n_checks // (2 * len(names))), 0, []
    with mpmath.workdps(60), np.errstate(all="ignore"):
        for name in names:
            pairs = _products(rng, each, name) if name in ("matmul", "sum") else None
            for low, high, exact in pairs or _values(rng, each, name):
                checked += 1
                if not (mpmath.mpf(low) <= exact <= mpmath.mpf(high)):
                    outside.append(f"{name}: {exact} is not in [{low!r}, {high!r}]")
    return checked, outside


def _values(rng: np.random.Generator, n: int, name: str) -> list[tuple[float, float, Any]]:
    function = _EXACT.get(name)
    n_operands = 2 if name in ("add", "sub", "mul", "div", "pow", "atan2", "max", "min") else 1
    operands = [_intervals(rng, n, name) for _ in range(n_operands)]
    if name == "pow":
        operands[1] = tuple(np.clip(end, -5, 5) for end in operands[1])
        operands[0] = tuple(np.clip(end, 1e-3, 1e3) for end in operands[0])
    if function is None:
        exponent = int(name.split()[1])
        low, high = power(operands[0], exponent)
        function = lambda x: x**exponent  # noqa: E731
    else:
        low, high = RANGES[name](*operands)
    out = []
    for inside in (0.0, 1.0, rng.random(n)):
        points = [np.clip(a + inside * (b - a), a, b) for a, b in operands]
        for i in range(n):
            try:
                exact = function(*(mpmath.mpf(float(p[i])) for p in points))
            except ZeroDivisionError:
                continue
            if isinstance(exact, mpmath.mpf) and mpmath.isfinite(exact):
                out.append((float(low[i]), float(high[i]), exact))
    return out


def _products(rng: np.random.Generator, n: int, name: str) -> list[tuple[float, float, Any]]:
    out = []
    for _ in range(max(1, n // 8)):
        k = int(rng.integers(1, 40))
        a = rng.normal(size=(2, k)) * 10.0 ** rng.integers(-3, 4, (2, k))
        b = rng.normal(size=(k, 2)) * 10.0 ** rng.integers(-3, 4, (k, 2))
        width = 10.0 ** rng.uniform(-18, 0) * (rng.random() < 0.7)
        inside = b + width * rng.random((k, 2))
        if name == "matmul":
            low, high = iv.matmul(iv.point(a), (b, b + width))
            rows = [(a[i], inside[:, j], low[i, j], high[i, j]) for i in range(2) for j in range(2)]
        else:
            low, high = iv.total((b, b + width), axis=0)
            rows = [(np.ones(k), inside[:, j], low[j], high[j]) for j in range(2)]
        for x, y, lower, upper in rows:
            terms = (mpmath.mpf(float(p)) * mpmath.mpf(float(q)) for p, q in zip(x, y, strict=True))
            out.append((float(lower), float(upper), mpmath.fsum(terms)))
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    number, wrong = check(given.checks, given.seed)
    print(f"{number} checks, {len(wrong)} outside")
    print("\n".join(wrong[:20]))
    raise SystemExit(bool(wrong))
