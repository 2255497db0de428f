"""The exercises of tutorial 3: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from fpf_notebook import Completeness, FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.exercises import check
from fpf_notebook.models import VanillaRNN
from fpf_notebook.result.audit import Audit
from tests.exercises.hints import hint


class TestPartsOfACube:
    def test_right(self):
        assert check("3.1", lambda n, k: comb(n, k) * 2 ** (n - k)).passed
        assert check("3.1", lambda n, k: np.float64(comb(n, k)) * 2.0 ** (n - k)).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda n, k: comb(n, k), "What can each of the other bits be?"),
            (lambda n, k: comb(n, k) * 2**k, "other way round"),
            (lambda n, k: 2 ** (n - k), "Which k bits"),
            (lambda n, k: [8, 12, 6, 1, 0, 0][k], "Right for the cube, but for n = 2"),
            (lambda n, k: 3**n, "in all"),
            (lambda n, k: None, "returned None"),
            (lambda n, k: 0.5, "whole number"),
            (27, "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("3.1", function, "comb", "2 ** (n - k)", "8, 12, 6, 1]")


class TestIndex:
    @pytest.mark.parametrize(
        "function",
        [
            lambda v: np.sign(np.prod(1 - v).real),
            lambda v: np.prod(1 - v) / abs(np.prod(1 - v)),
            lambda v: (-1) ** np.sum((abs(v.imag) < 1e-12) & (v.real > 1)),
        ],
    )
    def test_right(self, function):
        assert check("3.2", function).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda v: (-1) ** np.sum(abs(v) > 1), "the sign of 1 − (−2)"),
            (lambda v: np.sign(np.prod(v - 1).real), "odd dimensions"),
            (lambda v: -1 if (v.real > 1).any() else 1, "sign of their product"),
            (lambda v: np.prod(1 - v).real, "The index is a sign"),
            (lambda v: 1, "One factor"),
            (lambda v: None, "returned None"),
            (lambda v: np.sign(1 - v), "Expected one number for the index"),
            (1, "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("3.2", function, "np.prod", "np.sign")


def found(counts, *, starts=1.0, n_starts=256, rounds=(), u=0.0):
    n_unstable = np.repeat(np.arange(len(counts)), counts)
    n = len(n_unstable)
    index = (-1) ** n_unstable
    return FixedPoints(
        np.zeros((n, 4)),
        x_init=np.full((n, 4), starts),
        inputs=np.full((n, 3), u),
        n_unstable=n_unstable,
        index=index,
        audit=Audit(np.zeros(n_starts, int), np.full(n_starts, "new")),
        completeness=Completeness(int(index.sum()), 1, rounds=list(rounds)),
    )


class TestOneRound:
    def test_right(self):
        assert check("3.3", found([8, 12, 6, 1])).passed

    @pytest.mark.parametrize(
        ("points", "words"),
        [
            (found([8]), "8 points, all of them stable"),
            (found([8, 12, 5]), "25 points, index sum 1. Most of the starts are still near"),
            (found([8, 9, 3], starts=20.0), "far outside of the box"),
            (found([8, 12, 6, 1], rounds=[{}]), "exhaustive"),
            (found([8, 12, 6, 1], n_starts=1024), "1024 starts"),
            (found([8, 12, 6, 1], n_starts=27), "27 starts"),
            (found([8, 12, 6, 1], u=0.01), "under an input"),
            (found([8, 12, 6, 1])[:20], "picked out of a set"),
            (found([14, 12, 1]), "counted twice"),
            (found([8, 12, 6, 1], starts=0.0), "lay upon the points"),
            (27, "Expected the fixed points"),
        ],
    )
    def test_wrong(self, points, words):
        assert words in hint("3.3", points, "0.8", "1.5")


@pytest.fixture(scope="module")
def search():
    latches = VanillaRNN.from_arrays(W_hh=2 * np.eye(3), W_ih=np.eye(3), b=np.zeros(3))
    finder = FixedPointFinder(latches, progress=SilentProgress())
    corners = 0.95 * np.sign(np.random.default_rng(0).normal(size=(40, 10, 3)))

    def find(noise, n_inits=256, **options):
        none = np.zeros((1, 3))
        found = finder.find_fixed_points(
            corners, none, n_inits=n_inits, noise_scale=noise, **options
        )
        return found[0]

    return find


class TestOneRoundOfARealSearch:
    @pytest.mark.parametrize("noise", [0.8, 1.0, 1.2])
    def test_right(self, search, noise):
        assert check("3.3", search(noise)).passed

    def test_wrong(self, search):
        assert "8 points, all of them stable" in hint("3.3", search(0.1))
        assert "far outside" in hint("3.3", search(30.0))
        assert "exhaustive" in hint("3.3", search(0.1, exhaustive=True))
        assert "1024 starts" in hint("3.3", search(1.0, n_inits=1024))
