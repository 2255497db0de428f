"""Checks the exercises of tutorial 1, "What is a fixed point?"."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import entries, number, word
from fpf_notebook.exercises.registry import exercise

_GAIN = 2.0
_ROOTS = ((1 - np.sqrt(3)) / 2, (1 + np.sqrt(3)) / 2)
_CLASSES = ("stable", "saddle", "unstable")


@exercise("1.1")
def parabola(answer: object) -> str | None:
    """Check the fixed points of F(x) = x² − 1/2, as ``{"stable": x, "unstable": x}``."""
    given = entries(answer, _CLASSES[::2])
    places = {name: number(value, name) for name, value in given.items()}
    for name, x in places.items():
        # Right to three digits: 1.37 as well as 1.366.
        if any(abs(x - root) <= 0.5001 * 10.0 ** (np.floor(np.log10(abs(root))) - 2)
               for root in _ROOTS):  # fmt: skip
            continue
        residual = x**2 - 0.5 - x
        if abs(x**2 - 0.5) < 0.01:
            return f"At x = {x:g} F is zero. A fixed point is where F(x) equals x."
        if abs(x**2 - 0.5 + x) < 0.01:
            return f"x = {x:g} solves F(x) = −x: look at the sign of the linear term."
        if abs(residual) < 0.1:
            return f"x = {x:g} is near a fixed point: give three digits, or let Python compute it."
        if abs(2 * x) < 1e-9 or abs(abs(2 * x) - 1) < 1e-9:
            return (
                f"At x = {x:g} it is the slope F′ that has a special value. Where is F(x) equal "
                "to x?"
            )
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
def fold(answer: object) -> str | None:
    """Check the constant input at which two fixed points of tanh(2x + b) meet."""
    b = number(answer, "b")
    exact = _fold_input(_GAIN)
    if abs(b - exact) <= 0.02:
        return None
    if b < 0:
        near = " The size is right." if abs(-b - exact) <= 0.02 else ""
        return f"A positive input was asked for, yours is {b:g}.{near}"
    if abs(b - (np.arctanh(np.sqrt(1 - 1 / _GAIN)) + _GAIN * np.sqrt(1 - 1 / _GAIN))) <= 0.02:
        return "artanh(x) = 2x + b: to get b, is 2x to be added or subtracted?"
    if abs(b - np.sqrt(1 - 1 / _GAIN)) <= 0.005:
        return (
            "That is the size of x where the curve's slope there is that of the diagonal. At which "
            "b is this x a fixed point?"
        )
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
def classify(answer: object) -> str | None:
    """Check a function that tells the class of a fixed point of a map from its Jacobian."""
    kind = expect_function(answer, ("jacobian",))
    for matrix, expected, reason in _matrices():
        shown = f"J = {_shown(matrix)}"
        given = call(kind, matrix, shown=shown, advice="A Jacobian can have any size.")
        if word(given, _CLASSES, "what the function returns") != expected:
            return f"For {shown} the function says {given!r}. {reason}"
    return None


def _shown(matrix: np.ndarray) -> str:
    return str(np.round(matrix, 2).tolist())


def roots(function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return where a function of one variable changes its sign between −1 and 1."""
    x = np.linspace(-1.0, 1.0, 20_002)
    sign = np.sign(function(x))
    return x[:-1][sign[:-1] * sign[1:] <= 0]


def _fold_input(gain: float) -> float:
    # Slope one: gain (1 − x²) = 1. Fixed: artanh(x) = gain x + b.
    x = np.sqrt(1 - 1 / gain)
    return float(abs(np.arctanh(x) - gain * x))


def _matrices() -> list[tuple[np.ndarray, str, str]]:
    """Return Jacobians of several sizes, what they are, and what to say if that was missed."""
    tried = [(np.array(matrix), kind, reason) for matrix, kind, reason in _SMALL]
    for values, expected, reason in _LARGER:
        # Not diagonal, and not symmetric: only the eigenvalues tell.
        n = sum(1 if np.isreal(value) else 2 for value in values)
        basis = np.eye(n) + 0.3 * np.random.default_rng(n).normal(size=(n, n))
        tried.append((basis @ _block_diagonal(values) @ np.linalg.inv(basis), expected, reason))
    return tried


def _block_diagonal(values: tuple[complex, ...]) -> np.ndarray:
    """Return a real matrix with these eigenvalues; a complex one stands for itself and its pair."""
    blocks = [
        np.array([[value.real]])
        if value.imag == 0
        else np.array([[value.real, -value.imag], [value.imag, value.real]])
        for value in map(complex, values)
    ]
    out = np.zeros((sum(map(len, blocks)),) * 2)
    at = 0
    for block in blocks:
        out[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    return out


_SMALL: tuple[tuple[list[list[float]], str, str], ...] = (
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
    ([[0.5]], "stable", "A network of one unit has a slope, and a Jacobian of 1 × 1."),
    ([[-1.5]], "unstable", "All directions grow here: there is one, and the sign only alternates."),
    ([[0.9, 0.0], [0.0, 0.9]], "stable", "The eigenvalue 0.9 is there twice; both decay."),
    ([[1.001, 0.0], [0.0, 0.999]], "saddle", "1.001 is above 1, however little; 0.999 is below."),
)
# Eigenvalues of larger matrices; of a complex pair one is listed.
_LARGER: tuple[tuple[tuple[complex, ...], str, str], ...] = (
    (
        (1.2, 1.2, 0.1),
        "saddle",
        "Its eigenvalues are 1.2, 1.2 and 0.1: two directions grow, but do all of them?",
    ),
    ((0.9, 0.9, -0.9), "stable", "Its eigenvalues are 0.9, 0.9 and −0.9: none grows."),
    ((1.1, -1.1, 3.0), "unstable", "Its eigenvalues are 1.1, −1.1 and 3: all grow."),
    (
        (0.8 + 0.9j, 0.3),
        "saddle",
        "A complex pair grows while it turns, and the third direction decays.",
    ),
    (
        (0.5 + 0.5j, -0.6 + 0.6j, 0.2),
        "stable",
        "Two complex pairs and a real eigenvalue, and all magnitudes are below 1.",
    ),
    (
        (0.5, 0.4, 0.3, 0.2, -1.3),
        "saddle",
        "One of five directions grows, with the eigenvalue −1.3.",
    ),
    ((1.3 + 0.2j, -0.9 + 0.9j, -2.0), "unstable", "All five magnitudes are above 1."),
)
