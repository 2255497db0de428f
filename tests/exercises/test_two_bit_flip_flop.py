"""The exercises of tutorial 2: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook import FixedPoints
from fpf_notebook.exercises import check
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
            (lambda h, F_h: (F_h - h) ** 2 / 2, "one number for each of the five"),
            (lambda h, F_h: (F_h - h).sum(axis=1), "term by term"),
            (lambda h, F_h: None, "returned None"),
            (0.5, "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("2.1", function, "0.5 *", "/ 2")


class TestTolerance:
    @pytest.mark.parametrize("tol", [5e-11, 0.5 * (1e-2 * 1e-3) ** 2, 4.8e-11])
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


def found(n_unstable, u):
    n = len(n_unstable)
    return FixedPoints(
        np.zeros((n, 3)), inputs=np.tile(np.asarray(u, float), (n, 1)), n_unstable=n_unstable
    )


class TestOneMemory:
    def test_right(self):
        assert check("2.3", found([0], [0.8, 1.0])).passed

    @pytest.mark.parametrize(
        ("points", "words"),
        [
            (found([0, 0, 0, 0, 1, 1, 1, 1, 2], [0, 0]), "without input"),
            (found([0, 0, 1], [1, 0]), "What about the other?"),
            (found([0, 0, 1], [0.1, 0.3]), "3 fixed points, 2 of them stable"),
            (found([0], [1, -1]), "which bits it writes"),
            (found([0], [5, 5]), "Try weaker"),
            ((found([0], [1, 1]), None), "the first of the two"),
            (FixedPoints(np.zeros((1, 3))), "do not know their two inputs"),
            (FixedPoints(), "empty"),
            ([[1, 1]], "Expected the fixed points"),
        ],
    )
    def test_wrong(self, points, words):
        assert words in hint("2.3", points)
