"""The exercises of tutorial 2: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.exercises import check
from fpf_notebook.models import VanillaRNN
from tests.exercises.hints import hint


class TestSpeed:
    @pytest.mark.parametrize(
        "function",
        [
            lambda h, F_h: 0.5 * np.sum((F_h - h) ** 2, axis=1),
            lambda h, F_h: np.linalg.norm(h - F_h, axis=-1) ** 2 / 2,
        ],
    )
    def test_right(self, function):
        assert check("2.1", function).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda h, F_h: ((F_h - h) ** 2).sum(axis=1), "factor in front"),
            (lambda h, F_h: np.linalg.norm(F_h - h, axis=1), "length of the step"),
            (lambda h, F_h: ((F_h - h) ** 2).mean(axis=1) / 2, "mean over the units"),
            (lambda h, F_h: ((F_h - h) ** 2).sum() / 2, "over the units only"),
            (lambda h, F_h: ((F_h - h) ** 2).sum(axis=0) / 2, "wrong axis"),
            (lambda h, F_h: (F_h**2).sum(axis=1) / 2, "where the next state is small"),
            (lambda h, F_h: (F_h - h) ** 2 / 2, "one number for each of the 5"),
            (lambda h, F_h: (F_h - h).sum(axis=1), "term by term"),
            (lambda h, F_h: None, "returned None"),
            (0.5, "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("2.1", function, "0.5 *", "/ 2")


class TestTolerance:
    @pytest.mark.parametrize("tol", [5e-11, 0.5 * (1e-2 * 1e-3) ** 2, np.array([5.0e-11])])
    def test_right(self, tol):
        assert check("2.2", tol).passed

    @pytest.mark.parametrize(
        ("tol", "words"),
        [
            (1e-10, "factor in front"),
            (5e-7, "led all the way"),
            (0.5 * (0.99e-3) ** 2, "after a step"),
            (1e-5, "length of the step"),
            (1e-3, "Too large"),
            (1e-20, "Too small"),
            (-5e-11, "positive"),
            ("1e-12", "Expected one number"),
        ],
    )
    def test_wrong(self, tol, words):
        assert words in hint("2.2", tol, "5e-11")


@pytest.fixture(scope="module")
def search():
    """Two bits held by two units: what a search finds under a constant input."""
    latches = VanillaRNN.from_arrays(W_hh=2 * np.eye(2), W_ih=np.eye(2), b=np.zeros(2))
    finder = FixedPointFinder(latches, progress=SilentProgress())
    starts = np.random.default_rng(0).uniform(-1, 1, (64, 2))

    def find(u, initial_states=starts, **options):
        return finder.find_fixed_points(initial_states=initial_states, inputs=[u], **options)

    return find


class TestOneMemory:
    @pytest.mark.parametrize("u", [[0.8, 1.0], [1.0, 1.0], (0.6, 0.6)])
    def test_right(self, search, u):
        assert check("2.3", search(u, exhaustive=True)[0]).passed

    @pytest.mark.parametrize(
        ("u", "words"),
        [
            ([0, 0], "without input"),
            ([1, 0], "3 memories|one line decides one bit"),
            ([0.1, 0.3], "9 fixed points, 4 of them stable"),
            ([1, 0.1], "3 fixed points, 2 of them stable"),
            ([1, -1], "which bits it writes"),
            ([5, 5], "an input of 5 is stronger"),
            ([1.5, 1], "an input of 1.5 is stronger"),
        ],
    )
    def test_wrong_input(self, search, u, words):
        assert re.search(words, hint("2.3", search(u, exhaustive=True)[0]))

    def test_one_point_of_nine(self, search):
        # Starts in one basin find one point, with an index sum of 1; eight others are there.
        one, _ = search([0.1, 0.1], np.full((512, 2), 0.9))
        assert len(one) == 1
        assert "may have missed" in hint("2.3", one)

    def test_slice(self, search):
        nine, _ = search([0.1, 0.1], exhaustive=True)
        assert len(nine) == 9
        best = np.argmax(nine.xstar.sum(axis=1))
        assert "picked out of a set" in hint("2.3", nine[best : best + 1])

    def test_one_shown_of_nine(self, search):
        nine, _ = search([0.1, 0.1], exhaustive=True)
        report = dataclasses.replace(nine.completeness, n_shown=1)
        best = int(np.argmax(nine.xstar.sum(axis=1)))
        shown = nine[best : best + 1].update(completeness=report)
        assert "knows 9 points, and shows 1" in hint("2.3", shown)

    def test_no_points(self):
        one = FixedPoints(np.zeros((1, 3)))
        assert "do not know their two inputs" in hint("2.3", one)
        assert "the first of the two" in hint("2.3", (one, None))
        assert "empty" in hint("2.3", FixedPoints())
        assert "Expected the fixed points" in hint("2.3", [[1, 1]])
