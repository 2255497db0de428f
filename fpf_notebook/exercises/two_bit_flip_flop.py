"""Checks the exercises of tutorial 2, "The 2-bit flip-flop"."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpf_notebook.exercises.reading import describe, fixed_points, number
from fpf_notebook.exercises.registry import Hint, exercise

_EIGENVALUE, _DISTANCE = 0.99, 1e-3


@exercise("2.1")
def speed(answer: Any) -> str | None:
    """Check a function of states and next states that returns q of each state."""
    if not callable(answer):
        raise Hint(f"Expected a function of two arrays, got {describe(answer)}: leave out the ().")
    rng = np.random.default_rng(0)
    h, F_h = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    given = answer(h, F_h)
    if given is None:
        return "The function returned None: has it a return?"
    q = np.asarray(given)
    step = F_h - h
    right = (step**2).sum(axis=1) / 2
    if q.shape == () or q.shape == (1,):
        return "One number came back for five states. Add up over the units only: axis=1."
    if q.shape == (3,):
        return "Three numbers came back for five states of three units: that is the wrong axis."
    if q.shape != (5,):
        return f"Expected one number for each of the five states, got {describe(q)}."
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
    return "The numbers differ from q. Compare the formula term by term: difference, square, sum."


@exercise("2.2")
def tolerance(answer: Any) -> str | None:
    """Check the q at a distance of 0.001 along a direction with the eigenvalue 0.99."""
    given = number(answer, "tol_q")
    right = ((1 - _EIGENVALUE) * _DISTANCE) ** 2 / 2
    if given <= 0:
        return "q is a squared length: the tolerance is a positive number."
    ratio = given / right
    if 0.9 <= ratio <= 1.1:
        return None
    if np.isclose(ratio, 2, rtol=0.1):
        return "Nearly: mind the factor in front of the sum in the definition of q."
    if np.isclose(ratio, (_EIGENVALUE / (1 - _EIGENVALUE)) ** 2, rtol=0.005):
        return "λδ is what is left of the deviation after a step; the step is the difference."
    if np.isclose(ratio, 1 / (1 - _EIGENVALUE) ** 2, rtol=0.1):
        return (
            "That is q if a step led all the way to the fixed point. How long is the step really?"
        )
    if np.isclose(given, (1 - _EIGENVALUE) * _DISTANCE, rtol=0.1):
        return "That is the length of the step. q is made of its square."
    which = "small" if ratio < 1 else "large"
    return (
        f"Too {which}, by a factor of about {max(ratio, 1 / ratio):.0f}. First write down F(h) − h."
    )


@exercise("2.3")
def one_memory(answer: Any) -> str | None:
    """Check the fixed points under a constant input that leaves one memory, (+1, +1), alone."""
    points = fixed_points(answer)
    u = None if points.inputs is None or not len(points) else points.inputs[0]
    if not len(points):
        return (
            "This set is empty. A tanh network always has a fixed point: was the search cut short?"
        )
    if u is None or len(u) != 2:
        return "These points do not know their two inputs: use what find_fixed_points returned."
    if not np.any(u):
        return "These are the points without input. Hold a constant input on the lines."
    stable = int(np.count_nonzero(points.require("n_unstable") == 0))
    if len(points) > 1 and np.count_nonzero(u) == 1:
        return f"{stable} memories are left: one line decides one bit. What about the other?"
    if len(points) > 1:
        return f"There are still {len(points)} fixed points, {stable} of them stable: push harder."
    if not (u > 0).all():
        return "One memory is left, but which? The signs of the input say which bits it writes."
    if (np.abs(u) > 1.5).any():
        return "One memory is left, but no pulse of the task is as strong as that. Try weaker ones."
    return None
