"""Checks the exercises of tutorial 9, "Your own model"."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import array, describe, number
from fpf_notebook.exercises.registry import Hint, exercise

W = ((0.5, -1.5, 0.0), (1.5, 0.5, 0.3), (0.0, 0.2, 1.2))
"""Recurrent weights of exercise 9.1."""
DT, TAU = 1.0, 10.0
"""Step and time constant of exercise 9.1, in milliseconds."""
GAIN = ((1.8, 0.0), (0.4, 1.8))
"""Recurrent weights of exercise 9.2."""

_RATE = -0.2


@exercise("9.1")
def euler_step(answer: object) -> str | None:
    """Check one Euler step of a rate network, as F(state, input)."""
    function = expect_function(answer, ("state", "input"))
    rng = np.random.default_rng(9)
    weights, share = np.array(W), DT / TAU
    # At random, then far from zero, then zero itself with an input.
    for size_h, size_u in ((1.0, 1.0), (1.0, 1.0), (10.0, 0.1), (0.0, 1.0)):
        h, u = rng.normal(size=(2, 3)) * [[size_h], [size_u]]
        given = call(
            function, h.astype(np.float32), u.astype(np.float32), shown="a state and an input of 3"
        )
        if isinstance(given, tuple):
            return "Return the next state alone: F(state, input) -> next_state."
        state = array(np.asarray(given), (3,), "what the function returns")
        rate = np.tanh(weights @ h + u)
        if np.allclose(state, h + share * (rate - h), atol=1e-5):
            continue
        mistakes = (
            ((rate - h) / TAU, "This is the derivative dh/dt. A map returns the state after a "
                               "step of length dt."),
            (share * (rate - h), "This is the change in one step. What is the state after it?"),
            (h + rate - h, "dt/τ is missing: this would be a step of length τ."),
            (h + (rate - h) / TAU * DT**2 / TAU, "dt/τ is there twice."),
            (h + TAU / DT * (rate - h), "The step is τ/dt times the difference; should it not be "
                                        "small where dt is small?"),
            (h + share * rate, "The leak −h is missing."),
            (h + share * (np.tanh(weights.T @ h + u) - h), "W[i, j] is the weight from unit j to "
                                                           "unit i: is the product the right way "
                                                           "round?"),
            (h + share * (np.tanh(weights @ h) + u - h), "The input goes into the tanh."),
            (h + share * (np.tanh(weights @ h) - h), "The input does nothing in your function."),
            (h + share * (np.tanh(weights @ u + h) - h), "State and input have changed places."),
        )  # fmt: skip
        for wrong, hint in mistakes:
            if np.allclose(state, wrong, atol=1e-5):
                return hint
        return (
            "The next state differs from that of Euler's method, h + dt · dh/dt with "
            "dh/dt = (−h + tanh(W h + u)) / τ."
        )
    return None


@exercise("9.2")
def repaired(answer: Any) -> str | None:
    """Check the step map of the model that returns two values."""
    if not hasattr(answer, "n_states") or not callable(answer):
        raise Hint(f"Expected the result of as_step_map, got {describe(answer)}.")
    if (answer.n_states, answer.n_inputs) != (2, 1):
        return (
            f"The step map has n_states={answer.n_states} and n_inputs={answer.n_inputs}; how many "
            "has the model?"
        )
    rng = np.random.default_rng(10)
    h, u = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    given = array(answer(h, u), (5, 2), "its next state")
    if np.allclose(given, np.tanh(h @ np.array(GAIN).T + u), atol=1e-6):
        return _about_rest(answer, h, u, given)
    if np.allclose(given, np.tanh(h @ np.array(GAIN) + u), atol=1e-6):
        return "The weights are transposed. Change the order of what is returned, nothing else."
    return (
        "The step map does something else than the model. Call the model as it is, and change only "
        "the order of what it returns."
    )


def _about_rest(answer: Any, h: np.ndarray, u: np.ndarray, following: np.ndarray) -> str | None:
    """Check what is not the next state: time and output."""
    if answer.time != "discrete":
        return (
            "This is read as a flow, with the next state for a derivative. What the model returns "
            "is the next state: leave out time=."
        )
    if answer.readout is None:
        return "The dynamics are right, but the output is gone: return both values."
    if not np.allclose(answer.output(h, u), following.sum(axis=1, keepdims=True), atol=1e-6):
        return (
            "The dynamics are right, but the output is not the sum of the two units that the model "
            "returns beside the state."
        )
    return None


@exercise("9.3")
def eigenvalue_of_map(answer: object) -> str | None:
    """Check the eigenvalue of an Euler step of 1 ms, of a mode of the flow that decays at 0.2."""
    value = number(answer, "the eigenvalue")
    if abs(value - (1 + _RATE)) <= 1e-3:
        return None
    if abs(value - np.exp(_RATE)) <= 1e-3:
        return (
            "This is the eigenvalue of the exact flow over one millisecond. Euler's method follows "
            "the straight line of the derivative instead."
        )
    if abs(value - _RATE) <= 1e-3:
        return "This is the eigenvalue of the flow. The map also keeps the state it starts from."
    if abs(value - (1 - _RATE)) <= 1e-3:
        return "The mode would grow with it: look at the sign of the rate."
    if abs(value - 1 / _RATE) <= 1e-3 or abs(value + 1 / _RATE) <= 1e-3:
        return "This is the time constant of the mode, in milliseconds."
    if abs(value - 1 / (1 - _RATE)) <= 1e-3:
        return (
            "That is the backward (implicit) method of Euler. Here the derivative is taken before."
        )
    if abs(value - (1 + _RATE * 10)) <= 1e-3:
        return "That is a step of 10 ms. The rate is given per millisecond, and so is the step."
    if abs(value) > 1:
        return "A mode that decays has an eigenvalue inside the unit circle in a map."
    return (
        f"With {value:g} a deviation of 1 would be {value:g} after one millisecond. Do one step of "
        "Euler's method by hand: δ + dt · dδ/dt."
    )
