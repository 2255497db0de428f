"""Checks the exercises of tutorial 7, "JSLDS on three bits"."""

from __future__ import annotations

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import array, number
from fpf_notebook.exercises.registry import exercise

_Q, _DISTANCE = 2e-9, 0.1
# Counted in the notebook, for the shipped network and its 64 trials; a test counts them anew.
_SWITCHES_COUNTED, _COUNTED_ACROSS_TRIALS = 0.7113, 0.7201


@exercise("7.1")
def switching_step(answer: object) -> str | None:
    """Check one step of a JSLDS with u* = 0, as a function of e, J, B, a and u."""
    function = expect_function(answer, ("e", "J", "B", "a", "u"))
    rng = np.random.default_rng(7)
    for n, m in ((3, 2), (1, 1), (5, 3), (2, 4), (3, 3)):
        e, a = rng.normal(size=(2, n))
        J, B, u = rng.normal(size=(n, n)), rng.normal(size=(n, m)), rng.normal(size=m)
        given = call(
            function, e, J, B, a, u, shown=f"{n} units and {m} inputs",
            advice="Networks of any size, with any number of inputs, are tried.",
        )  # fmt: skip
        state = array(given, (n,), "what the function returns")
        if not np.allclose(state, e + J @ (a - e) + B @ u):
            return _about_step(state, e, J, B, a, u)
    return None


def _about_step(
    state: np.ndarray, e: np.ndarray, J: np.ndarray, B: np.ndarray, a: np.ndarray, u: np.ndarray
) -> str:
    mistakes = (
        (J @ (a - e) + B @ u, "This is how far the new state is from e, and not the state itself."),
        (e + J @ a + B @ u, "J multiplies a deviation. From which point is a measured here?"),
        (a + J @ (a - e) + B @ u, "The new state is measured from the point around which F was "
                                  "expanded, not from the old state."),
        (e + J @ (a - e), "The input does not appear in your result."),
        (e + J @ (e - a) + B @ u, "The deviation has the wrong sign: it leads from e to a."),
        (e + J.T @ (a - e) + B @ u, "Entry [i, j] of J is the effect of unit j on unit i: is your "
                                    "product the right way round?"),
        (e + (a - e) @ J + u @ B.T, "Entry [i, j] of J is the effect of unit j on unit i: is your "
                                    "product the right way round?"),
        (J @ a + B @ u, "This would be right if e were zero."),
    )  # fmt: skip
    for wrong, hint in mistakes:
        if np.allclose(state, wrong):
            return hint
    return (
        "The result differs from the formula for a_t. It has three terms: where the point is, what "
        "becomes of the deviation from it, and the effect of the input."
    )


@exercise("7.2")
def drift(answer: object) -> str | None:
    """Check how many steps the state takes to creep a distance of 0.1 where q is 2e-9."""
    steps = number(answer, "the number of steps")
    speed = np.sqrt(2 * _Q)
    if abs(steps * speed / _DISTANCE - 1) <= 0.02:
        return None
    mistakes = (
        (_DISTANCE / np.sqrt(_Q), "Look at the definition of q once more: it has a factor 1/2."),
        (_DISTANCE / np.sqrt(_Q / 2), "The factor 1/2 of q went to the wrong side."),
        (_DISTANCE / _Q, "q is not a speed: it is half the square of one."),
        (_DISTANCE / (2 * _Q), "2q is the square of a speed."),
        (speed / _DISTANCE, "This is the share of the distance that one step covers."),
        (speed, "This is the speed, in units of state for each step. How long is the way?"),
    )
    for wrong, hint in mistakes:
        if abs(steps / wrong - 1) <= 0.02:
            return hint
    way = steps * speed
    return (
        f"In {steps:g} steps the state moves by {way:.3g}. q = ½|F(x) − x|² tells how far F moves "
        "a state in one step."
    )


@exercise("7.3")
def switches(answer: object) -> str | None:
    """Check the share of steps at which the memory, and with it the cluster, changes."""
    share = number(answer, "the share")
    exact = 1 - (2 / 3) ** 3
    if abs(share - exact) <= 0.004 or abs(share - _SWITCHES_COUNTED) <= 0.003:
        return None
    if 1 < share <= 100 and abs(share / 100 - exact) <= 0.011:
        return "Give a share from 0 to 1, not per cent."
    if abs(share - _COUNTED_ACROSS_TRIALS) <= 0.003:
        return "You also compare the end of each trial with the beginning of the next one."
    if abs(share - _SWITCHES_COUNTED * 19 / 20) <= 0.004:
        return "20 steps have 19 comparisons: the first one has no step before it. Divide by them."
    mistakes = (
        (1 - exact, "Is this the share of steps at which the memory stays?"),
        (1 - (1 / 3) ** 3, "At so many steps there is a pulse on some line. But a pulse that "
                           "repeats what a bit is already changes nothing."),
        (1 / 3, "This is true of one bit. There are three, and each may change."),
        (2 / 3, "A line has a pulse at two of three steps; how many of the pulses change the bit? "
                "And then there are three bits."),
    )  # fmt: skip
    for wrong, hint in mistakes:
        if abs(share - wrong) <= 0.006:
            return hint
    if not 0 <= share <= 1:
        return f"A share lies between 0 and 1, yours is {share:g}."
    return (
        "Compare the label of each step with that of the next one in the same trial; there is one "
        "comparison less than there are steps. Or compute: when does a bit stay as it is?"
    )
