"""The exercises of tutorial 9: right answers, and what is said to typical wrong ones."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.exercises import check
from tests.exercises.hints import hint

W3 = jnp.array([[0.5, -1.5, 0.0], [1.5, 0.5, 0.3], [0.0, 0.2, 1.2]])


def rate(h, u, weights=W3):
    return jnp.tanh(weights @ h + u)


class TestEuler:
    @pytest.mark.parametrize(
        "function",
        [
            lambda h, u: h + 0.1 * (-h + rate(h, u)),
            lambda h, u: 0.9 * h + 0.1 * np.tanh(np.asarray(W3) @ h + u),
        ],
    )
    def test_right(self, function):
        assert check("9.1", function).passed

    @pytest.mark.parametrize(
        ("function", "words"),
        [
            (lambda h, u: 0.1 * (rate(h, u) - h), "derivative dh/dt"),
            (lambda h, u: rate(h, u), "length τ"),
            (lambda h, u: h + 0.01 * (rate(h, u) - h), "there twice"),
            (lambda h, u: h + 10 * (rate(h, u) - h), "small where dt is small"),
            (lambda h, u: h + 0.1 * rate(h, u), "leak"),
            (lambda h, u: h + 0.1 * (rate(h, u, W3.T) - h), "right way"),
            (lambda h, u: h + 0.1 * (rate(h, 0) + u - h), "into the tanh"),
            (lambda h, u: h + 0.1 * (rate(h, 0) - h), "input does nothing"),
            (lambda h, u: h + 0.1 * (rate(u, h) - h), "changed places"),
            (lambda h, u: h - 0.1 * (rate(h, u) - h), "differs from that of Euler"),
            (lambda h, u: (h, h), "Return the next state alone"),
            (lambda h, u: None, "needs a return"),
            (lambda h, u: h[:2], "shape [3]"),
            (W3, "Expected a function"),
        ],
    )
    def test_wrong(self, function, words):
        assert words in hint("9.1", function, "0.1 *", "tanh(W3 @ state")


def two_values(input, state):
    following = jnp.tanh(jnp.array([[1.8, 0.0], [0.4, 1.8]]) @ state + input)
    return following, following.sum(keepdims=True)


def step_map(function, n_inputs=1):
    return as_step_map(function, n_states=2, n_inputs=n_inputs)


class TestRepaired:
    @pytest.mark.parametrize(
        "function",
        [
            two_values,
            lambda input, state: two_values(input, state)[::-1],
            lambda input, state: (two_values(input, state)[1], two_values(input, state)[0]),
        ],
    )
    def test_right(self, function):
        assert check("9.2", step_map(function)).passed

    @pytest.mark.parametrize(
        ("function", "n_inputs", "words"),
        [
            (lambda state, input: two_values(input, state)[0], 1, "output is gone"),
            (lambda state, input: jnp.tanh(state + input), 1, "something else"),
            (
                lambda state, input: jnp.tanh(jnp.array([[1.8, 0.4], [0.0, 1.8]]) @ state + input),
                1,
                "transposed",
            ),
            (lambda input, state: two_values(input, state)[::-1], 2, "how many"),
        ],
    )
    def test_wrong(self, function, n_inputs, words):
        assert words in hint("9.2", step_map(function, n_inputs), "[::-1]", "return output")

    def test_no_step_map(self):
        assert "result of as_step_map" in hint("9.2", two_values)
        assert "result of as_step_map" in hint("9.2", "repaired")


class TestEigenvalue:
    def test_right(self):
        assert check("9.3", 0.8).passed

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (np.exp(-0.2), "exact flow"),
            (-0.2, "also keeps the state"),
            (1.2, "sign of the rate"),
            (5.0, "time constant"),
            (-5.0, "time constant"),
            (3.0, "inside the unit circle"),
            (0.5, "by hand"),
            ("0.8", "Expected one number"),
        ],
    )
    def test_wrong(self, value, words):
        given = hint("9.3", value)
        assert words in given
        if value != "0.8":
            assert "0.8" not in given.replace(f"{value:g}", "")
