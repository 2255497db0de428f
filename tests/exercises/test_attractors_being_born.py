"""The exercises of tutorial 5: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.exercises import check
from tests.exercises.hints import hint


class TestImpossibleCounts:
    @pytest.mark.parametrize("answer", [[18, 22], (22, 18), np.array([18, 22, 22])])
    def test_right(self, answer):
        assert check("5.1", answer).passed

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ([18], "not all of them"),
            ([], "There are some"),
            ([1, 3, 21, 25, 27], "The other way round"),
            ([18, 22, 25], "25 points could be complete"),
            ([18, 22, 4], "4 is not among"),
            (18, "shape [any]"),
            ("18, 22", "array of real numbers"),
        ],
    )
    def test_wrong(self, answer, words):
        assert words in hint("5.1", answer, "even number", "odd")


class TestForecast:
    # (1 − λ)² is 0.16 at 0.08 and 0.04 at 0.10: it falls by 0.12 in 0.02, and 0.04 are left.
    @pytest.mark.parametrize("u", [0.10 + 0.02 / 3, 0.1067, 0.107])
    def test_right(self, u):
        assert check("5.3", u).passed

    @pytest.mark.parametrize(
        ("u", "words"),
        [
            (0.12, "λ itself"),
            (0.11, "three digits"),
            (0.115, "Compute (1 − λ)²"),
            (0.09, "still there"),
            (0.5, "too far"),
            ("0.1", "Expected one number"),
        ],
    )
    def test_wrong(self, u, words):
        assert words in hint("5.3", u, "0.106", "0.107")


RIGHT = {"A": "pitchfork", "B": "flip", "C": "neimark-sacker", "D": "fold"}


class TestNames:
    def test_right(self):
        assert check("5.2", RIGHT).passed
        assert check("5.2", {case: name.title() for case, name in RIGHT.items()}).passed

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"A": "fold"}, "symmetry"),
            ({"B": "fold"}, "cross the unit circle"),
            ({"C": "flip"}, "not real"),
            ({"D": "pitchfork"}, "before and after"),
            ({"D": "hopf"}, "Expected one of"),
        ],
    )
    def test_wrong(self, wrong, words):
        (case,) = wrong
        said = hint("5.2", RIGHT | wrong)
        assert words in said
        if wrong[case] != "hopf":
            assert RIGHT[case] not in said.replace("that a fold does not", "")

    def test_no_dictionary(self):
        assert "dictionary" in hint("5.2", "fold")
        assert "no entry 'D'" in hint("5.2", {"A": "fold", "B": "fold", "C": "fold"})
