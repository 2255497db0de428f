"""The exercises of tutorial 8: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.exercises import check
from tests.exercises.hints import hint


class TestLeak:
    @pytest.mark.parametrize("value", [0.9 ** (1 / 24), 0.9956, 0.9957])
    def test_right(self, value):
        assert check("8.1", value).passed

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (0.9, "counts 8.0 %"),
            (0.99, "too little"),
            (0.999, "smallest λ"),
            (1.0, "smallest λ"),
            (1.01, "grows with time"),
            (-0.5, "positive eigenvalue"),
            ("0.9956", "Expected one number"),
        ],
    )
    def test_wrong(self, value, words):
        given = hint("8.1", value)
        assert words in given
        assert "0.995" not in given.replace(repr(value), "")


def rest(choice, effect):
    return effect - (effect @ choice) * choice


class TestInputAxis:
    @pytest.mark.parametrize(
        "function",
        [
            lambda c, b: rest(c, b) / np.linalg.norm(rest(c, b)),
            lambda c, b: rest(c, b / 7) / np.linalg.norm(rest(c, b / 7)),
        ],
    )
    def test_right(self, function):
        assert check("8.2", function).passed

    def test_qr_is_right_up_to_its_sign(self):
        def by_qr(choice, effect):
            axis = np.linalg.qr(np.column_stack([choice, effect]))[0][:, 1]
            return axis * np.sign(axis @ effect)

        assert check("8.2", by_qr).passed
        assert "wrong way" in hint("8.2", lambda c, b: -by_qr(c, b))

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (rest, "length 1"),
            (lambda c, b: b / np.linalg.norm(b), "still has a part"),
            (lambda c, b: b - c, "still has a part"),
            (lambda c, b: rest(c, np.ones(5)), "Begin with the effect"),
            (lambda c, b: b @ c, "shape [5]"),
            (lambda c, b: None, "needs a return"),
            (np.ones(5), "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("8.2", function, "effect @ choice", "(b @ c)")


class TestSelectionShare:
    def test_right(self):
        assert check("8.3", 0.39).passed

    @pytest.mark.parametrize(
        ("share", "words"),
        [
            (0.61, "share of the other term"),
            (39, "not per cent"),
            (0.78, "factor of 2"),
            (1.4, "same way round"),
            (-0.4, "same way round"),
            (0.5, "Do not normalize"),
            ([0.39, 0.61], "Expected one number"),
        ],
    )
    def test_wrong(self, share, words):
        assert words in hint("8.3", share, "0.38", "0.389")

    def test_answer_follows_from_the_shipped_network(self):
        from fpf_notebook import as_step_map, load_pretrained
        from fpf_notebook.analysis.integration import analyze_integration
        from fpf_notebook.tasks import ContextIntegration

        task, model = ContextIntegration(), load_pretrained("jslds-context-vanilla128")
        step_map, readout = as_step_map(model.rnn), np.asarray(model.rnn.W_out.value)[0]
        left, effect = [], []
        for context in (0, 1):
            run = model.run(task.sample_fixed_bias(task.bias_grid(), context, 4, seed=9).inputs)
            u_star = np.eye(4)[2 + context]
            found = analyze_integration(
                step_map, run.expansion_points, u_star, readout=readout, n_points=60
            )
            left.append(np.nanmean(found.selection, axis=0))
            effect.append(found.points.dFdu[:, :, 0].mean(axis=0))
        turned = (left[0] - left[1]) @ (effect[0] + effect[1]) / 2
        share = turned / (left[0] @ effect[0] - left[1] @ effect[1])
        assert check("8.3", float(share)).passed
