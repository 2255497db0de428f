"""Checks the exercises of tutorial 2, "The 2-bit flip-flop"."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import describe, fixed_points, number
from fpf_notebook.exercises.registry import exercise

_EIGENVALUE, _DISTANCE = 0.99, 1e-3


@exercise("2.1")
def speed(answer: Any) -> str | None:
    """Check a function of states and next states that returns q of each state."""
    function = expect_function(answer, ("h", "F_h"))
    rng = np.random.default_rng(0)
    # Five states of three units tell most; then one state, one unit, as many of both, and no step.
    for n, n_units in ((5, 3), (1, 5), (3, 1), (4, 4), (1, 1)):
        h, F_h = rng.normal(size=(2, n, n_units))
        F_h[0] = h[0] if n > 1 else F_h[0]
        shown = f"h and F_h of shape [{n}, {n_units}]"
        q = np.asarray(call(function, h, F_h, shown=shown))
        hint = _about_speed(q, h, F_h)
        if hint:
            return hint if (n, n_units) == (5, 3) else f"For {shown}: {hint}"
    return None


def _about_speed(q: np.ndarray, h: np.ndarray, F_h: np.ndarray) -> str | None:
    step, (n, n_units) = F_h - h, h.shape
    right = (step**2).sum(axis=1) / 2
    if q.dtype.kind not in "iuf":
        return f"Expected real numbers, got {describe(q)} of another kind."
    if q.shape == (n,):
        return _about_values(q, h, F_h, right)
    if n > 1 and q.shape in ((), (1,)):
        return f"One number came back for {n} states. Add up over the units only: axis=1."
    if q.shape == (n_units,) and n_units > 1:
        return f"{n_units} numbers came back for {n} states of {n_units} units: the wrong axis."
    return f"Expected one number for each of the {n} states, got {describe(q)}."


def _about_values(q: np.ndarray, h: np.ndarray, F_h: np.ndarray, right: np.ndarray) -> str | None:
    step = F_h - h
    if np.allclose(q, right):
        return None
    if np.allclose(q, 2 * right):
        return "Nearly: there is a factor in front of the sum in the definition of q."
    if np.allclose(q, np.sqrt(2 * right)) or np.allclose(q, np.sqrt(2 * right) / 2):
        return "That is the length of the step; q is made of its square."
    if np.allclose(q, (step**2).mean(axis=1)) or np.allclose(q, (step**2).mean(axis=1) / 2):
        return "That is a mean over the units; the squared length is a sum."
    if np.allclose(q, (F_h**2).sum(axis=1) / 2):
        return (
            "This is small where the next state is small. q is small where the state moves little."
        )
    if np.allclose(q, step.sum(axis=1) ** 2 / 2):
        return "You square the sum. The squared length of a vector is a sum of squares."
    if len(q) == h.shape[1] and np.allclose(q, (step**2).sum(axis=0) / 2):
        return "The sum goes over the states, not over the units: the wrong axis."
    return "The numbers differ from q. Compare the formula term by term: difference, square, sum."


@exercise("2.2")
def tolerance(answer: object) -> str | None:
    """Check the q at a distance of 0.001 along a direction with the eigenvalue 0.99."""
    given = number(answer, "tol_q")
    right = ((1 - _EIGENVALUE) * _DISTANCE) ** 2 / 2
    if given <= 0:
        return "q is a squared length: the tolerance is a positive number."
    ratio = given / right
    if 0.99 <= ratio <= 1.01:
        return None
    if np.isclose(ratio, 2, rtol=0.01):
        return "Nearly: mind the factor in front of the sum in the definition of q."
    if np.isclose(ratio, (_EIGENVALUE / (1 - _EIGENVALUE)) ** 2, rtol=0.005):
        return "λδ is what is left of the deviation after a step; the step is the difference."
    if np.isclose(ratio, 1 / (1 - _EIGENVALUE) ** 2, rtol=0.01):
        return (
            "That is q if a step led all the way to the fixed point. How long is the step really?"
        )
    if np.isclose(given, (1 - _EIGENVALUE) * _DISTANCE, rtol=0.01):
        return "That is the length of the step. q is made of its square."
    if np.isclose(ratio, (1 + _EIGENVALUE) ** 2, rtol=0.01):
        return "That would be q for the step of λ² − 1; how much of δ does *one* step take away?"
    if 0.5 < ratio < 2:
        return f"{given:.3g} is near, but not what the formula gives: compute, do not round."
    which, factor = ("small" if ratio < 1 else "large"), max(ratio, 1 / ratio)
    return f"Too {which}, by a factor of about {factor:.3g}. First write down F(h) − h."


@exercise("2.3")
def one_memory(answer: object) -> str | None:
    """Check the fixed points under a constant input that leaves one memory, (+1, +1), alone."""
    points = fixed_points(answer)
    if not len(points):
        return (
            "This set is empty. A tanh network always has a fixed point: was the search cut short?"
        )
    if points.inputs is None or points.inputs.shape[1] != 2:
        return "These points do not know their two inputs: use what find_fixed_points returned."
    u = points.inputs[0]
    if (points.inputs != u).any():
        return "These are points under several inputs. Give those under one."
    if not u.any():
        return "These are the points without input. Hold a constant input on the lines."
    report = points.completeness
    if report is None:
        return (
            "These points were picked out of a set. Give the whole set that find_fixed_points "
            "returned: the question is which points are *left*."
        )
    if report.n_shown is not None or report.n_points not in (None, len(points)):
        return f"The search knows {report.n_points} points, and shows {len(points)} of them."
    stable = int(np.count_nonzero(points.require("n_unstable") == 0))
    if len(points) > 1 and np.count_nonzero(u) == 1:
        return f"{stable} memories are left: one line decides one bit. What about the other?"
    if len(points) > 1:
        return f"There are still {len(points)} fixed points, {stable} of them stable: push harder."
    # Before the proof: whoever has one point under the wrong input needs this hint.
    if not (u > 0).all():
        return "One memory is left, but which? The signs of the input say which bits it writes."
    if (u > 1 + 1e-9).any():
        return (
            f"One memory is left, but an input of {u.max():g} is stronger than the exercise "
            "allows. Try weaker ones."
        )
    if report.grade != "proved":
        return (
            "One point was found, but a search that looks once, from a few starts, may have missed "
            "the others. Search with exhaustive=True, which proves that there is no other."
        )
    return None
