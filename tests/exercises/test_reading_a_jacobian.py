"""The exercises of tutorial 6: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fpf_notebook.exercises import check
from tests.exercises.hints import hint


class TestHalfLife:
    @pytest.mark.parametrize(
        "function",
        [
            lambda v: np.log(0.5) / np.log(np.abs(v)),
            lambda v: -1 / np.log2(np.abs(v)),
            lambda v: math.log(2) / -math.log(abs(v)),
            lambda v: np.array([np.log(0.5) / np.log(abs(v))]),
        ],
    )
    def test_right(self, function):
        assert check("6.1", function).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda v: -1 / np.log(np.abs(v)), "time constant τ"),
            (lambda v: np.log(2) / np.log(np.abs(v)), "cannot be negative"),
            (lambda v: np.log(0.5) / np.log(v), "whatever its sign or angle"),
            (lambda v: math.log(0.5) / math.log(v), "negative or complex"),
            (lambda v: np.log(0.5) / np.log(abs(np.real(v))), "what is the magnitude"),
            (lambda v: np.ceil(np.log(0.5) / np.log(abs(v))), "Do not round"),
            (lambda v: 0.5 / (1 - abs(v)), "is left, and not one half"),
            (lambda v: None, "needs a return"),
            ("half_life", "leave out the ()"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("6.1", function, "6.58", "log(0.5)", "log 2", "ln 2")


def modes(J):
    values, right = np.linalg.eig(J)
    k = int(np.argmin(np.abs(values - 1)))
    return right[:, k], np.linalg.inv(right)[k], right[:, (k + 1) % len(J)]


def what_is_left(J, b):
    right, left, _ = modes(J)
    return (left @ b) * right


class TestLastingEffect:
    @pytest.mark.parametrize(
        "function",
        [
            what_is_left,
            lambda J, b: -what_is_left(J, -b),
            lambda J, b: what_is_left(J, b).astype(complex),
            lambda J, b: np.linalg.matrix_power(J, 500) @ b,
            lambda J, b: list(what_is_left(J, b)),
        ],
    )
    def test_right(self, function):
        assert check("6.2", function).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda J, b: J @ b, "right at the beginning"),
            (lambda J, b: b, "right at the beginning"),
            (lambda J, b: (modes(J)[0] @ b) * modes(J)[0], "another vector"),
            (lambda J, b: (modes(J)[1] @ b) * modes(J)[1], "lies along the left vector"),
            (
                lambda J, b: (modes(J)[1] @ b) / np.linalg.norm(modes(J)[1]) * modes(J)[0],
                "have to be scaled",
            ),
            (lambda J, b: 2 * what_is_left(J, b), "how much of the mode"),
            (lambda J, b: modes(J)[2], "come in no order"),
            (lambda J, b: J @ J @ b, "which of its terms"),
            (lambda J, b: np.linalg.eigvals(J) * 1j, "real numbers"),
            (lambda J, b: modes(J)[1] @ b, "shape [4]"),
            (lambda J, b: None, "needs a return"),
            (np.ones(3), "leave out the ()"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("6.2", function, "np.linalg.inv", "l @ b")


def triangle(n, diagonal=0.5):
    return np.tril(np.ones((n, n)), -1) + diagonal * np.eye(n)


class TestGrowingMatrix:
    @pytest.mark.parametrize("J", [triangle(6), triangle(6).T, triangle(6, 0.3), 0.9 * triangle(6)])
    def test_right(self, J):
        assert check("6.3", J).passed

    @pytest.mark.parametrize(
        ("J", "words"),
        [
            (0.5 * np.eye(6), "is normal"),
            (np.eye(6, k=-1), "without getting it back"),
            (triangle(6, 0.9), "magnitude of 0.9"),
            (np.ones((6, 6)), "triangular matrix"),
            (20 * np.eye(6, k=1), "one of 20"),
            (triangle(7), "yours has 7"),
            (np.ones((2, 3)), "square matrix"),
            (np.full((2, 2), np.nan), "NaN"),
            (3.0, "shape [any, any]"),
        ],
    )
    def test_wrong(self, J, words):
        assert words in hint("6.3", J, "np.tril", "all later")

    def test_tells_how_far_it_is(self):
        # A pulse in a chain of ones keeps its size until it has reached the last unit.
        assert "growth of a push is ×1. " in hint("6.3", np.eye(4, k=-1))
        # [[1, 0], [1, 1]], what is left of it without zeros, has the golden ratio as its norm.
        assert "growth of a push is ×1.62. " in hint("6.3", triangle(3, 0.0))
