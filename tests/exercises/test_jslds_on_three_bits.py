"""The exercises of tutorial 7: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.exercises import check
from tests.exercises.hints import hint


class TestStep:
    @pytest.mark.parametrize(
        "function",
        [
            lambda e, J, B, a, u: e + J @ (a - e) + B @ u,
            lambda e, J, B, a, u: list(J.dot(a) + B.dot(u) + (np.eye(len(e)) - J).dot(e)),
        ],
    )
    def test_right(self, function):
        assert check("7.1", function).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda e, J, B, a, u: J @ (a - e) + B @ u, "how far the new state is from e"),
            (lambda e, J, B, a, u: e + J @ a + B @ u, "From which point"),
            (lambda e, J, B, a, u: a + J @ (a - e) + B @ u, "not from the old state"),
            (lambda e, J, B, a, u: e + J @ (a - e), "input does not appear"),
            (lambda e, J, B, a, u: e + J @ (e - a) + B @ u, "wrong sign"),
            (lambda e, J, B, a, u: e + (a - e) @ J + B @ u, "right way round"),
            (lambda e, J, B, a, u: J @ a + B @ u, "if e were zero"),
            (lambda e, J, B, a, u: e, "three terms"),
            (lambda e, J, B, a, u: u, "shape [3]"),
            (lambda e, J, B, a, u: None, "needs a return"),
            (np.zeros(3), "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("7.1", function, "a - e", "a − e")


class TestDrift:
    def test_right(self):
        q, way = 2e-9, 0.1
        assert check("7.2", way / np.sqrt(2 * q)).passed
        assert check("7.2", 1600).passed  # rounded to two digits

    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            (0.1 / np.sqrt(2e-9), "factor 1/2"),
            (0.1 / np.sqrt(1e-9), "wrong side"),
            (0.1 / 2e-9, "not a speed"),
            (0.1 / 4e-9, "square of a speed"),
            (np.sqrt(4e-9) / 0.1, "share of the distance"),
            (np.sqrt(4e-9), "How long is the way"),
            (100, "moves by 0.0063"),
            ("long", "Expected one number"),
        ],
    )
    def test_wrong(self, steps, words):
        assert words in hint("7.2", steps, "158", "sqrt(2")


class TestSwitches:
    @pytest.mark.parametrize("share", [19 / 27, 0.711, 0.7])
    def test_right(self, share):
        assert check("7.3", share).passed

    @pytest.mark.parametrize(
        ("share", "words"),
        [
            (8 / 27, "memory stays"),
            (26 / 27, "repeats what a bit is"),
            (1 / 3, "one bit"),
            (2 / 3, "how many of the pulses"),
            (70.4, "not per cent"),
            (0.5, "one comparison less"),
            (-0.5, "between 0 and 1"),
        ],
    )
    def test_wrong(self, share, words):
        assert words in hint("7.3", share, "0.70", "19/27", "8/27")

    def test_answer_follows_from_the_task(self):
        from fpf_notebook.tasks import FlipFlop

        targets = FlipFlop(3, encoding="one_hot").sample(2000, seed=0).targets
        changes = (targets[:, 1:] != targets[:, :-1]).any(axis=2)
        assert check("7.3", float(changes.mean())).passed

    def test_what_is_counted_in_the_notebook(self):
        from fpf_notebook import load_pretrained
        from fpf_notebook.analysis import cluster_expansion_points
        from fpf_notebook.tasks import FlipFlop

        trials = FlipFlop(3, encoding="one_hot").sample(64, seed=0)
        run = load_pretrained("jslds-3bit-gru100").run(trials.inputs)
        found = cluster_expansion_points(run.expansion_points[:, 5:])
        labels = found.labels.reshape(64, 20)
        assert check("7.3", np.mean(labels[:, 1:] != labels[:, :-1])).passed
        across = labels.ravel()
        assert "next one" in hint("7.3", np.mean(across[1:] != across[:-1]))
        assert "19 comparisons" in hint("7.3", np.sum(labels[:, 1:] != labels[:, :-1]) / 64 / 20)
