"""Checks the exercises of tutorial 1, "What is a fixed point?"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fpf_notebook.exercises.reading import describe, entries, number, word
from fpf_notebook.exercises.registry import Hint, exercise

_GAIN = 2.0
_CLASSES = ("stable", "saddle", "unstable")


@exercise("1.1")
def parabola(answer: Any) -> str | None:
    """Check the fixed points of F(x) = x² − 1/2, as ``{"stable": x, "unstable": x}``."""
    given = entries(answer, _CLASSES[::2])
    places = {name: number(value, name) for name, value in given.items()}
    for name, x in places.items():
        residual = x**2 - 0.5 - x
        if abs(residual) < 0.01:
            continue
        if abs(x**2 - 0.5) < 0.01:
            return f"At x = {x:g} F is zero. A fixed point is where F(x) equals x."
        if abs(x**2 - 0.5 + x) < 0.01:
            return f"x = {x:g} solves F(x) = −x: look at the sign of the linear term."
        if abs(residual) < 0.1:
            return f"x = {x:g} is near a fixed point: give three digits, or let Python compute it."
        return (
            f"F moves x = {x:g} to {x**2 - 0.5:.3g}, so {name!r} is not a fixed point. "
            "Solve F(x) = x, a quadratic equation."
        )
    if abs(places["stable"] - places["unstable"]) < 0.1:
        return "These are the same point twice. A quadratic equation has another solution."
    if abs(2 * places["stable"]) > 1:
        return (
            "Both are fixed points. Now compare the slopes F′ there: which of them has a magnitude "
            "below 1?"
        )
    return None


@exercise("1.2")
def fold(answer: Any) -> str | None:
    """Check the constant input at which two fixed points of tanh(2x + b) meet."""
    b = abs(number(answer, "b"))
    exact = _fold_input(_GAIN)
    if abs(b - exact) <= 0.02:
        return None
    n_points = len(roots(lambda x: np.tanh(_GAIN * x + b) - x))
    if n_points > 1:
        more = " Only a little more is missing." if exact - b < 0.08 else ""
        return f"With b = {b:g} there are still {n_points} fixed points.{more}"
    less = " but not by much" if b - exact < 0.08 else ""
    return (
        f"With b = {b:g} one fixed point is left, but the other two have met earlier{less}: "
        "look for the smallest b that does it. Where they meet, the curve touches the diagonal: "
        "its slope there is that of the diagonal."
    )


@exercise("1.3")
def classify(answer: Any) -> str | None:
    """Check a function that tells the class of a fixed point of a map from its Jacobian."""
    if not callable(answer):
        raise Hint(f"Expected a function of a matrix, got {describe(answer)}: leave out the ().")
    for matrix, expected, reason in _MATRICES:
        given = answer(np.array(matrix))
        if given is None:
            return "The function returned None: has each of its branches a return?"
        if word(given, _CLASSES, "what the function returns") != expected:
            return f"For J = {matrix} the function says {given!r}. {reason}"
    return None


def roots(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return where a function of one variable changes its sign between −1 and 1."""
    x = np.linspace(-1.0, 1.0, 20_002)
    sign = np.sign(function(x))
    return x[:-1][sign[:-1] * sign[1:] <= 0]


def _fold_input(gain: float) -> float:
    # Slope one: gain (1 − x²) = 1. Fixed: artanh(x) = gain x + b.
    x = np.sqrt(1 - 1 / gain)
    return float(abs(np.arctanh(x) - gain * x))


_MATRICES: tuple[tuple[list[list[float]], str, str], ...] = (
    ([[0.5, 0.0], [0.0, 0.2]], "stable", "What happens to a small deviation after many steps?"),
    ([[2.0, 0.0], [0.0, 1.5]], "unstable", "Every deviation grows here."),
    ([[2.0, 0.0], [0.0, 0.5]], "saddle", "One direction grows and one decays."),
    (
        [[-0.5, 0.0], [0.0, 0.3]],
        "stable",
        "A negative eigenvalue makes a deviation change its sign at each step; whether it grows is "
        "another question.",
    ),
    (
        [[-1.5, 0.0], [0.0, 0.3]],
        "saddle",
        "Its first eigenvalue is −1.5: a deviation changes its sign, but what does its size do?",
    ),
    (
        [[-1.5, 0.0], [0.0, -2.0]],
        "unstable",
        "Its eigenvalues are −1.5 and −2: what does the size of a deviation do?",
    ),
    (
        [[0.0, -0.9], [0.9, 0.0]],
        "stable",
        "Its eigenvalues are complex: it is their magnitude that counts (np.abs).",
    ),
    (
        [[0.8, -0.9], [0.9, 0.8]],
        "unstable",
        "Its eigenvalues are complex with a magnitude above 1, though their real part is below 1.",
    ),
    (
        [[0.5, 10.0], [0.0, 0.5]],
        "stable",
        "A large entry is not a large eigenvalue: take np.linalg.eigvals of the matrix.",
    ),
)
