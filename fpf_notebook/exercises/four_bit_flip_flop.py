"""Checks the exercises of tutorial 4, "The 4-bit flip-flop"."""

from __future__ import annotations

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import array, number
from fpf_notebook.exercises.registry import exercise

_ALL = np.array([16, 32, 24, 8, 1])
_FOUND = np.array([16, 30, 18, 4, 1])
_EIGENVALUE = 0.97


@exercise("4.1")
def coverage(answer: object) -> str | None:
    """Check a function of the hits of all points that returns Good and Turing's coverage."""
    function = expect_function(answer, ("hits",))
    for hits in _HITS:
        counts = np.array(hits)
        given = call(function, counts, shown=f"the hits {hits}", advice=_ANY_NUMBER)
        value = number(given, "the coverage")
        once, n = int(np.sum(counts == 1)), int(counts.sum())
        if np.isclose(value, 1 - once / n):
            continue
        said = f"For the hits {hits} you return {value:.3g}. "
        if np.isclose(value, once / n):
            return said + "That is the chance of a new point; coverage is that of a known one."
        if np.isclose(value, 1 - once / len(counts)) or np.isclose(value, once / len(counts)):
            return said + "Divide by the number of hits, not by the number of points."
        if np.isclose(value, 1 - np.sum(counts == counts.min()) / n):
            return said + "You count the points with the fewest hits. Which hits are meant?"
        if np.isclose(value, 1 - np.sum(counts <= 2) / n):
            return said + "A point that was hit twice has been seen before."
        if np.isclose(value, 100 * (1 - once / n)) and once < n:
            return said + "Give a probability from 0 to 1, not per cent."
        if not 0 <= value <= 1:
            return said + "A coverage is a probability."
        return said + "How many points were hit once, and how many hits are there in all?"
    return None


_ANY_NUMBER = "There can be any number of points, a single one too."
_HITS = ([40, 30, 25, 4, 1], [5, 1, 1, 2, 2], [1, 1, 1, 1], [6, 7, 9], [1], [7], [2, 2, 1])


@exercise("4.2")
def missing(answer: object) -> str | None:
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
    if given.sum() == (_ALL - _FOUND).sum() and np.array_equal(given[::-1], _ALL - _FOUND):
        return "The order: the first number is for 0 unstable directions, the last for 4."
    if given.sum() != (_ALL - _FOUND).sum():
        return (
            f"You miss {given.sum():g} points in all; 81 less the number found is another number."
        )
    return "The number in all is right. Compare kind by kind with what tutorial 3 leads to expect."


@exercise("4.3")
def decay(answer: object) -> str | None:
    """Check the number of steps in which a mode of eigenvalue 0.97 shrinks to one percent."""
    steps = number(answer, "the number of steps")
    # 151.2 steps, or the first whole number of steps after which no more is left.
    if 151 <= steps <= 152:
        return None
    if abs(steps - np.log(0.01) / (_EIGENVALUE - 1)) < 0.1:
        return (
            "Nearly: that takes ln λ for λ − 1, which is its first approximation. Take the "
            "logarithm itself."
        )
    if abs(steps - np.log10(0.01) / np.log(_EIGENVALUE)) < 0.5 or (
        abs(steps - np.log(0.01) / np.log10(_EIGENVALUE)) < 5
    ):
        return "Two kinds of logarithm are mixed: np.log is the natural one, np.log10 is not."
    if abs(steps - np.log(0.1) / np.log(_EIGENVALUE)) < 0.5:
        return "That is how long it takes to shrink to ten percent."
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
    return f"After {steps:g} steps {100 * left:.3g} % of the deviation are left."
