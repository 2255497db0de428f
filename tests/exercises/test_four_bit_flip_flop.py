"""The exercises of tutorial 4: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.exercises import check
from fpf_notebook.finder.coverage import good_turing_coverage
from tests.exercises.hints import hint


class TestCoverage:
    def test_right(self):
        assert check("4.1", good_turing_coverage).passed
        assert check("4.1", lambda hits: 1 - np.sum(hits == 1) / np.sum(hits)).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda h: np.mean(h == 1), "not by the number of points"),
            (lambda h: 1 - np.mean(h == 1), "not by the number of points"),
            (lambda h: np.sum(h == 1) / np.sum(h), "chance of a new point"),
            (lambda h: 1 - np.sum(h == 1), "How many points were hit once"),
            (lambda h: np.sum(h), "a probability"),
            (lambda h: 1.0, "How many points were hit once"),
            (lambda h: None, "returned None"),
            (0.9, "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("4.1", function, "1 -", "sum()")


class TestMissing:
    @pytest.mark.parametrize("answer", [[0, 2, 6, 4, 0], np.array([0.0, 2, 6, 4, 0])])
    def test_right(self, answer):
        assert check("4.2", answer).passed

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ([16, 30, 18, 4, 1], "were found"),
            ([16, 32, 24, 8, 1], "should be"),
            ([0, -2, -6, -4, 0], "as positive"),
            ([0, 0, 0, 0, 0], "are there 81 points?"),
            ([0, 2, 6, 3, 0], "11 points in all"),
            ([0, 4, 6, 2, 0], "The order"),
            ([0, 3, 6, 3, 0], "kind by kind"),
            (12, "shape [5]"),
        ],
    )
    def test_wrong(self, answer, words):
        assert words in hint("4.2", answer, "2, 6, 4")


class TestDecay:
    @pytest.mark.parametrize("steps", [np.log(0.01) / np.log(0.97), 151, 152])
    def test_right(self, steps):
        assert check("4.3", steps).passed

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            (-1 / np.log(0.97), "about the time constant"),
            (1 / 0.03, "about the time constant"),
            (0.99 / 0.03, "about the time constant"),
            (np.log(0.99) / np.log(0.97), "shall be left"),
            (-151, "signs of the two logarithms"),
            (0.03, "less than one step"),
            (100, "4.76 %"),
            (1000, "% of the deviation are left"),
            ("many", "Expected one number"),
        ],
    )
    def test_wrong(self, steps, words):
        assert words in hint("4.3", steps, "151.", "152")
