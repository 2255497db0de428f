"""The exercises of tutorial 1: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fpf_notebook.exercises import check
from tests.exercises.hints import hint

LOW, HIGH = (1 - np.sqrt(3)) / 2, (1 + np.sqrt(3)) / 2
FOLD = np.sqrt(2) - np.arctanh(np.sqrt(0.5))  # g = 2: slope one at x² = 1/2


class TestParabola:
    @pytest.mark.parametrize("digits", [3, 6, 15])
    def test_right(self, digits):
        answer = {"stable": round(LOW, digits), "unstable": round(HIGH, digits)}
        assert check("1.1", answer).passed

    @pytest.mark.parametrize(
        ("stable", "unstable", "words"),
        [
            (HIGH, LOW, "compare the slopes"),
            (-np.sqrt(0.5), np.sqrt(0.5), "F is zero"),
            (-LOW, -HIGH, "sign of the linear term"),
            (LOW, LOW, "same point twice"),
            (-0.4, HIGH, "three digits"),
            (0.2, HIGH, "F moves x = 0.2 to -0.46"),
            (0.0, HIGH, "the slope F′"),
            (-0.37, HIGH, "three digits"),
        ],
    )
    def test_wrong(self, stable, unstable, words):
        answer = {"stable": stable, "unstable": unstable}
        assert words in hint("1.1", answer)

    def test_hints_do_not_tell(self):
        hint("1.1", {"stable": 0.3, "unstable": 2}, "0.366", "1.366")
        assert "no entry 'unstable'" in hint("1.1", {"stable": LOW}, "1.366")
        assert "dictionary" in hint("1.1", [LOW, HIGH])


class TestFold:
    @pytest.mark.parametrize("b", [FOLD, 0.53, 0.54])
    def test_right(self, b):
        assert check("1.2", b).passed

    @pytest.mark.parametrize(
        ("b", "words"),
        [
            (0.0, "still 3 fixed points."),
            (0.5, "Only a little more"),
            (1.0, "look for the smallest"),
            (0.58, "but not by much"),
            (np.sqrt(0.5), "slope there is that of the diagonal"),
            ("0.5", "Expected one number"),
        ],
    )
    def test_wrong(self, b, words):
        assert words in hint("1.2", b, "0.53")


def by(rule):
    def classify(jacobian):
        grows = rule(jacobian)
        if grows.all():
            return "unstable"
        return "saddle" if grows.any() else "stable"

    return classify


class TestClassify:
    def test_right(self):
        assert check("1.3", by(lambda J: np.abs(np.linalg.eigvals(J)) > 1)).passed

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            (lambda J: np.linalg.eigvals(J).real > 0, "small deviation after many steps"),
            (lambda J: np.linalg.eigvals(J).real > 1, "changes its sign"),
            (lambda J: np.linalg.norm(J, axis=0) > 1, "eigenvalues are complex|large entry"),
            (lambda J: np.abs(np.diag(J)) > 1, "magnitude above 1"),
            (lambda J: np.abs(J).max(axis=0) > 1, "large entry|complex"),
        ],
    )
    def test_wrong_rules(self, rule, words):
        assert re.search(words, hint("1.3", by(rule)))

    def test_never_a_saddle(self):
        assert "One direction grows" in hint(
            "1.3", lambda J: "stable" if max(abs(np.linalg.eigvals(J))) < 1 else "unstable"
        )

    def test_no_function(self):
        assert "leave out the ()" in hint("1.3", "stable")
        assert "returned None" in hint("1.3", lambda J: None)
        assert "Expected one of" in hint("1.3", lambda J: "attractor")
