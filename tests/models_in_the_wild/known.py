"""Answers that are known without the package: roots of scalar equations, and their combinations."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import brentq


@dataclass(frozen=True)
class Wild:
    """A model as its author wrote it, and what is known of it.

    Parameters
    ----------
    make
        Returns the model.
    points
        All its fixed points within reach of `low` and `high`, [n, n_states], in any order.
    options
        Of the finder.
    input
        The constant input.
    low, high
        Where the search starts.
    framework
        What must be installed.
    """

    make: Callable[[], Any]
    points: np.ndarray
    options: dict[str, Any] = field(default_factory=dict)
    input: tuple[float, ...] = (0.0,)
    low: float = -1.5
    high: float = 1.5
    framework: str = "jax"


def roots(function: Callable[[float], float], low: float, high: float) -> np.ndarray:
    """Return all zeros of a function between two numbers, by the changes of its sign."""
    grid = np.linspace(low, high, 4001)
    values = np.array([function(x) for x in grid])
    found = [x for x, v in zip(grid, values, strict=True) if v == 0]
    for a, b, fa, fb in zip(grid, grid[1:], values, values[1:], strict=False):
        if fa * fb < 0:
            found.append(brentq(function, a, b, xtol=1e-15))
    return np.array(sorted(found))


def tanh_roots(gain: float, drive: float = 0.0) -> np.ndarray:
    """Return all x with x = tanh(gain x + drive)."""
    return roots(lambda x: np.tanh(gain * x + drive) - x, -1.0007, 1.0003)


def current_roots(gain: float, drive: float = 0.0) -> np.ndarray:
    """Return all x with x = gain tanh(x) + drive."""
    reach = gain + abs(drive) + 0.1007
    return roots(lambda x: gain * np.tanh(x) + drive - x, -reach, reach + 0.0004)


def grid_of(*values: np.ndarray) -> np.ndarray:
    """Return all combinations: the fixed points of units that do not touch each other."""
    return np.array(list(itertools.product(*values)))


def check(case: Wild) -> Any:
    """Search a model and compare with what is known; returns the points."""
    from fpf_notebook import FixedPointFinder

    n = case.points.shape[1]
    rng = np.random.default_rng(0)
    starts = np.concatenate([rng.uniform(case.low, case.high, (48, n)), case.points + 1e-3])
    finder = FixedPointFinder(case.make(), **case.options)
    u = np.array([case.input])
    found, _ = finder.find_fixed_points(initial_states=starts, inputs=u)
    step_map = finder.step_map()
    assert step_map.reading is not None
    # Weights in single precision, and models that compute in it.
    tolerance = {"jax": 1e-8}.get(case.framework, 1e-6)
    tolerance = tolerance if step_map.precision == "float64" else 2e-5
    assert len(found) == len(case.points), (len(found), len(case.points), step_map.reading)
    for point in case.points:
        nearest = np.abs(found.xstar - point).max(axis=1).min()
        assert nearest < tolerance, (point, nearest)
    return found
