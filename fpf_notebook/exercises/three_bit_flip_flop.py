"""Checks the exercises of tutorial 3, "The 3-bit flip-flop"."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import fixed_points, integer, number
from fpf_notebook.exercises.registry import exercise

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints


_N_STARTS = 256


@exercise("3.1")
def parts_of_a_cube(answer: object) -> str | None:
    """Check a function of n and k that counts the points with k unstable directions."""
    parts = expect_function(answer, ("n", "k"))
    for n in (3, 2, 1, 4, 5):
        given = [call(parts, n, k, shown=f"n = {n}, k = {k}") for k in range(n + 1)]
        counts = [integer(count, f"n = {n}, k = {k}") for k, count in enumerate(given)]
        if counts == [comb(n, k) * 2 ** (n - k) for k in range(n + 1)]:
            continue
        if n != 3:
            return (
                f"Right for the cube, but for n = {n} the counts {counts} are wrong. They must add "
                f"up to 3**{n}."
            )
        if counts == [comb(n, k) for k in range(n + 1)]:
            return "You choose which bits are undecided. What can each of the other bits be?"
        if counts == [comb(n, k) * 2**k for k in range(n + 1)]:
            return "That is the other way round: k bits are undecided, and the others have a sign."
        if set(counts) == {3**n}:
            return "That is how many points there are in all; the question is how many have this k."
        if counts == [2 ** (n - k) for k in range(n + 1)]:
            return "You count the signs of the decided bits. Which k bits are the undecided ones?"
        return f"For n = 3 the counts for k = 0, 1, 2, 3 are {counts}; look at a cube."
    return None


@exercise("3.2")
def index_of(answer: object) -> str | None:
    """Check a function of all eigenvalues of a Jacobian that returns the index."""
    index = expect_function(answer, ("eigenvalues",))
    for eigenvalues, right, reason in _SPECTRA:
        listed = ", ".join(f"{v:g}" for v in eigenvalues)
        given = call(index, np.array(eigenvalues), shown=f"the eigenvalues {listed}")
        value = number(given, "the index")
        if abs(value - right) < 1e-9:
            continue
        if abs(value) not in (0, 1):
            return f"For the eigenvalues {listed} you return {value:g}. The index is a sign."
        return f"For the eigenvalues {listed} you return {value:g}. {reason}"
    return None


@exercise("3.3")
def one_round(answer: object) -> str | None:
    """Check the points of a single round of 256 starts, which shall be all 27."""
    points = fixed_points(answer)
    report, audit = points.completeness, points.audit
    if report is None or audit is None:
        return (
            "These points were picked out of a set, or put together. Give the set as "
            "find_fixed_points returned it."
        )
    if report.rounds:
        return "This search was exhaustive. Here it is to be done in one round, by a good noise."
    if len(audit) != _N_STARTS:
        return f"These were {len(audit)} starts; the exercise wants {_N_STARTS}."
    if points.inputs is not None and points.inputs.any():
        return "These are the points under an input; they are asked for without."
    if len(points) == 27:
        return _about_all(points)
    if not len(points):
        return "No point was found at all. Do the starts, or the tolerances, make sense?"
    n_stable = int(np.count_nonzero(points.require("n_unstable") == 0))
    if len(points) == n_stable:
        return (
            f"{n_stable} points, all of them stable: every start fell into the memory that it came "
            "from. The saddles lie between the memories: do the starts get there?"
        )
    found = f"{len(points)} points, index sum {int(points.require('index').sum())}. "
    starts = points.x_init
    if starts is not None and np.abs(starts).max() > 4:
        return found + (
            "Many starts lie far outside of the box [-1, 1] of the states, where tanh is flat and "
            "one step leads to a corner."
        )
    return found + "Most of the starts are still near the corners. How far is it to the centre?"


def _about_all(points: FixedPoints) -> str | None:
    kinds = np.bincount(points.require("n_unstable"), minlength=4).tolist()
    if kinds != [8, 12, 6, 1]:
        return (
            f"27 points, but {kinds} of them have 0, 1, 2 and 3 unstable directions. Are some of "
            "them counted twice, or not fixed?"
        )
    starts = points.x_init
    if starts is not None and np.median(np.linalg.norm(starts - points.xstar, axis=1)) < 1e-2:
        return (
            "These starts lay upon the points already. Here they are to be drawn from the "
            "trajectories, with noise."
        )
    return None


_SPECTRA: tuple[tuple[list[complex], int, str], ...] = (
    ([0.5, 0.2], 1, "Both factors 1 − λ are positive."),
    ([2.0, 0.5], -1, "One factor 1 − λ is negative."),
    ([2.0, 3.0], 1, "Both factors 1 − λ are negative: what is the sign of their product?"),
    ([0.5, 0.2, 0.1], 1, "det(I − J), not det(J − I): in odd dimensions that is not the same."),
    (
        [-2.0, 0.5],
        1,
        "The eigenvalue −2 is unstable, but what is the sign of 1 − (−2)?",
    ),
    ([-2.0, 2.0], -1, "Two directions are unstable. What is the sign of each factor 1 − λ?"),
    (
        [1.1 + 0.5j, 1.1 - 0.5j, 0.3],
        1,
        "The two factors of a complex pair are conjugate: what is the sign of their product?",
    ),
    ([2.0, 0.9 + 0.9j, 0.9 - 0.9j], -1, "Only one factor 1 − λ is real and negative."),
    ([0.3], 1, "A single eigenvalue below 1: the factor 1 − λ is positive."),
    ([1.2], -1, "A single eigenvalue above 1: the factor 1 − λ is negative."),
    ([1.001, 0.999, 0.0], -1, "1.001 is above 1, however little, and 0.999 below."),
    ([1.5, 1.5, 1.5, 0.5, 0.5], -1, "Eigenvalues that are there more than once count each time."),
    (
        [1.2 + 0.7j, 1.2 - 0.7j, 1.2 + 0.7j, 1.2 - 0.7j, -3.0],
        1,
        "Complex pairs and eigenvalues below −1 are unstable, but what do they do to the sign?",
    ),
)
