"""Checks the exercises of tutorial 6, "Reading a Jacobian"."""

from __future__ import annotations

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import array, number
from fpf_notebook.exercises.registry import Hint, exercise

_MAX_UNITS = 6
_MAX_ENTRY = 1.0
_RADIUS = 0.5
_GROWTH = 10.0
_N_STEPS = 60


@exercise("6.1")
def half_life(answer: object) -> str | None:
    """Check a function that tells in how many steps a mode shrinks to one half."""
    function = expect_function(answer, ("value",))
    for value in (0.9, 0.5, 0.99, -0.9, 0.9j, 0.6 + 0.6j, 0.3 - 0.4j, -0.001, 0.9999):
        exact = float(np.log(0.5) / np.log(abs(value)))
        shown = f"λ = {value}"
        advice = "Eigenvalues can be negative or complex; what is it that shrinks?"
        given = call(function, value, shown=shown, advice=advice)
        if np.ndim(given) or isinstance(given, str):
            given = number(given, "what the function returns")
        if abs(np.imag(given)) <= 1e-9:
            given = np.real(given)
        if np.iscomplexobj(given) or not np.isfinite(given):
            return (
                f"For λ = {value} the function returns {given}. A mode shrinks by the magnitude "
                "of its eigenvalue in each step, whatever its sign or angle."
            )
        steps = number(given, "what the function returns")
        if abs(steps - exact) <= 1e-3 * exact:
            continue
        return _about_half_life(value, steps, exact)
    return None


def _about_half_life(value: complex, steps: float, exact: float) -> str:
    if abs(steps + exact) <= 1e-3 * exact:
        return "A time cannot be negative: logarithms of numbers below 1 are."
    if abs(steps * np.log(2) - exact) <= 1e-3 * exact:
        return (
            "This is the time constant τ, in which the mode shrinks by the factor e. How long does "
            "it take to shrink to one half?"
        )
    if abs(steps * np.log(2) - exact * np.log(10)) <= 1e-3 * exact:
        return "Two kinds of logarithm are mixed, the natural one and that to the base 10."
    if abs(steps * np.log(abs(value)) - np.log(0.5) * np.log(2)) <= 1e-6:
        return "The factor ln 2 is there twice: how is a half-life got from a time constant?"
    if steps == round(steps) and abs(steps - exact) < 1:
        return "Do not round: a half-life of 3.7 steps is a fine answer."
    if value != abs(value):
        return (
            f"For λ = {value} the function returns {steps:.3g}. Positive eigenvalues are right; "
            "what is the magnitude of this one?"
        )
    left = abs(value) ** steps
    return (
        f"For λ = {value} the function returns {steps:.3g}, but after so many steps {left:.2g} of "
        "the mode is left, and not one half."
    )


@exercise("6.2")
def lasting_effect(answer: object) -> str | None:
    """Check a function that tells what is left of a pulse when all but the mode of 1 has gone."""
    function = expect_function(answer, ("J", "b"))
    rng = np.random.default_rng(6)
    for blocks, place in _DECAYING:
        values = _with_one(blocks, place)
        n = len(values)
        right = np.eye(n) + 0.6 / np.sqrt(n) * rng.normal(size=(n, n))
        right /= np.linalg.norm(right, axis=0)
        left = np.linalg.inv(right).T
        J, b = right @ values @ left.T, rng.normal(size=n)
        given = np.asarray(
            call(
                function, J, b, shown=f"a J of {n} × {n}", advice="A network can have any size."
            )
        )  # fmt: skip
        state = array(given, (n,), "what the function returns")
        r, w = right[:, place], left[:, place]
        if np.linalg.norm(state - (w @ b) * r) <= 1e-4:
            continue
        return _about_effect(state, J, b, r, w, np.delete(right, place, axis=1))
    return None


# What decays beside the eigenvalue 1: a number, or a complex pair given by one of the two. Then the
# place of the 1 among them.
_DECAYING: tuple[tuple[tuple[complex, ...], int], ...] = (
    ((0.5, 0.3, -0.2), 0),
    ((0.5, 0.3, -0.2), 2),
    ((0.5, 0.3, -0.2), 1),
    ((0.4,), 1),
    ((0.6 + 0.5j, -0.8), 0),
    ((-0.9, 0.2, 0.7, 0.1), 3),
    ((0.5, 0.5, 0.1), 1),
    ((), 0),
)


def _with_one(blocks: tuple[complex, ...], place: int) -> np.ndarray:
    """Return a block diagonal matrix with the eigenvalue 1 at a place, and these beside it."""
    rest = [
        np.array([[value.real]])
        if value.imag == 0
        else np.array([[value.real, -value.imag], [value.imag, value.real]])
        for value in map(complex, blocks)
    ]
    n = 1 + sum(map(len, rest))
    others = np.zeros((n - 1, n - 1))
    at = 0
    for block in rest:
        others[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    out = np.eye(n)
    keep = [k for k in range(n) if k != place]
    out[np.ix_(keep, keep)] = others
    return out


def _about_effect(
    state: np.ndarray, J: np.ndarray, b: np.ndarray, r: np.ndarray, w: np.ndarray, rest: np.ndarray
) -> str:
    if np.allclose(state, b) or np.allclose(state, J @ b):
        return "This is the state right at the beginning. What is left of it after many steps?"
    if np.allclose(state, (r @ b) * r, atol=1e-6):
        return (
            "You have projected the pulse onto r. How strongly a pulse excites a mode is told by "
            "another vector than the one along which the mode lies."
        )
    if _parallel(state, r):
        if np.allclose(np.abs(state), np.abs((w @ b) / np.linalg.norm(w) * r), atol=1e-6):
            return (
                "The direction is right, the length is not: left vectors have to be scaled such "
                "that the product of a left vector with its own right vector is 1."
            )
        return "The direction is right, the length is not: how much of the mode does b excite?"
    if _parallel(state, w):
        return "The result lies along the left vector. Along which vector does the state settle?"
    if any(_parallel(state, column) for column in rest.T):
        return (
            "The result lies along a mode that decays. numpy's eigenvalues come in no order: look "
            "for the one that is 1."
        )
    return (
        "The state that you return is not where the network ends. Compare with "
        "np.linalg.matrix_power(J, 200) @ b, and look at the formula for δ_t: which of its terms "
        "survive?"
    )


@exercise("6.3")
def growing_matrix(answer: object) -> str | None:
    """Check a matrix whose modes all decay quickly, and in which some push grows tenfold."""
    J = array(answer, (None, None), "J")
    if J.shape[0] != J.shape[1]:
        raise Hint(f"Expected a square matrix, got one of shape {list(J.shape)}.")
    if len(J) > _MAX_UNITS:
        return f"At most {_MAX_UNITS} units are allowed, yours has {len(J)}."
    largest = np.abs(J).max(initial=0)
    if largest > _MAX_ENTRY + 1e-9:
        return f"No entry may be larger than {_MAX_ENTRY:g}, yours has one of {largest:.3g}."
    # Multiple eigenvalues are computed with large errors: those of a triangular matrix are known.
    values = np.diag(J) if _is_a_chain(J) else np.linalg.eigvals(J)
    radius = np.abs(values).max(initial=0)
    if radius > _RADIUS + 1e-6:
        return (
            f"The largest eigenvalue has a magnitude of {radius:.3g}, more than {_RADIUS:g}. Where "
            "do the eigenvalues of a triangular matrix stand?"
        )
    growth, power = 0.0, np.eye(len(J))
    for _ in range(_N_STEPS):
        power = J @ power
        growth = max(growth, float(np.linalg.norm(power, 2)))
    if growth >= _GROWTH:
        return None
    if np.allclose(J @ J.T, J.T @ J):
        return (
            "Your matrix is normal (J Jᵀ = Jᵀ J): its modes are orthogonal, so that no push can "
            f"grow by more than the largest eigenvalue, {radius:.3g}, in a step."
        )
    return (
        f"The eigenvalues are fine; the largest growth of a push is ×{growth:.3g}. Units have to "
        "hand on what they get, without getting it back: how many of the entries that the chain "
        "leaves at zero can you use without moving an eigenvalue?"
    )


def _is_a_chain(J: np.ndarray) -> bool:
    """Say whether the units can be numbered such that J is triangular: no unit hears itself."""
    drives = (J != 0) & ~np.eye(len(J), dtype=bool)
    left = list(range(len(J)))
    while left:
        first = [k for k in left if not drives[k, left].any()]
        if not first:
            return False
        left = [k for k in left if k not in first]
    return True


def _parallel(a: np.ndarray, b: np.ndarray) -> bool:
    size = np.linalg.norm(a) * np.linalg.norm(b)
    return bool(size > 1e-9 and abs(a @ b) > (1 - 1e-9) * size)
