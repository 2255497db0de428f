"""Checks the exercises of tutorial 4, "The 4-bit flip-flop"."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpf_notebook.exercises.reading import array, describe, number
from fpf_notebook.exercises.registry import Hint, exercise

_ALL = np.array([16, 32, 24, 8, 1])
_FOUND = np.array([16, 30, 18, 4, 1])
_EIGENVALUE = 0.97


@exercise("4.1")
def coverage(answer: Any) -> str | None:
    """Check a function of the hits of all points that returns Good and Turing's coverage."""
    if not callable(answer):
        raise Hint(f"Expected a function of an array, got {describe(answer)}: leave out the ().")
    for hits in ([40, 30, 25, 4, 1], [5, 1, 1, 1, 2], [1, 1, 1, 1], [6, 7]):
        counts = np.array(hits)
        given = answer(counts)
        if given is None:
            return "The function returned None: has it a return?"
        value = number(given, "the coverage")
        once, n = int(np.sum(counts == 1)), int(counts.sum())
        if np.isclose(value, 1 - once / n):
            continue
        said = f"For the hits {hits} you return {value:.3g}. "
        if np.isclose(value, once / n):
            return said + "That is the chance of a new point; coverage is that of a known one."
        if np.isclose(value, 1 - once / len(counts)) or np.isclose(value, once / len(counts)):
            return said + "Divide by the number of hits, not by the number of points."
        if not 0 <= value <= 1:
            return said + "A coverage is a probability."
        return said + "How many points were hit once, and how many hits are there in all?"
    return None


@exercise("4.2")
def missing(answer: Any) -> str | None:
    """Check how many points of each kind a search with the right index sum has missed."""
    given = array(answer, (5,), "the five numbers")
    if np.array_equal(given, _ALL - _FOUND):
        return None
    if np.array_equal(given, _FOUND):
        return "These are the points that were found. How many should there be of each kind?"
    if np.array_equal(given, _ALL):
        return "These are all points that there should be. How many of them were found?"
    if np.array_equal(given, _FOUND - _ALL):
        return "Count what is missing as positive."
    if not given.any():
        return "The sum is right, but are there 81 points?"
    if given.sum() != (_ALL - _FOUND).sum():
        return (
            f"You miss {given.sum():g} points in all; 81 less the number found is another number."
        )
    return "The number in all is right. Compare kind by kind with what tutorial 3 leads to expect."


@exercise("4.3")
def decay(answer: Any) -> str | None:
    """Check the number of steps in which a mode of eigenvalue 0.97 shrinks to one percent."""
    steps = number(answer, "the number of steps")
    if 150 <= steps <= 153:
        return None
    if 31.5 <= steps <= 34.5:
        return (
            "That is about the time constant. Each step takes 3 % of what is left, not of what was "
            "there at first: after this time more than a third remains."
        )
    if 0.2 < steps < 0.5:
        return "That is how long it takes to lose one percent. One percent shall be left."
    if steps < 0:
        return "A negative time: mind the signs of the two logarithms."
    if steps < 1:
        return "That is less than one step, in which only 3 % are lost."
    left = _EIGENVALUE**steps
    return f"After {steps:g} steps {100 * left:.2g} % of the deviation are left."
