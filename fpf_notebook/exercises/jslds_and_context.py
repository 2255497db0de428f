"""Checks the exercises of tutorial 8, "JSLDS and context-dependent integration"."""

from __future__ import annotations

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import array, number
from fpf_notebook.exercises.registry import exercise

_N_STEPS = 25
_KEPT = 0.9
# Of the shipped network, measured; the inputs' share is the rest.
_SELECTION_SHARE = 0.389


@exercise("8.1")
def leak(answer: object) -> str | None:
    """Check the smallest eigenvalue with which early evidence counts 90 % of late evidence."""
    value = number(answer, "λ")
    exact = _KEPT ** (1 / (_N_STEPS - 1))
    # Four digits: 0.9956, rounded, or 0.9957, the smallest of four digits that is enough.
    if exact - 5e-5 <= value <= exact + 1e-4:
        return None
    if abs(value - _KEPT ** (1 / _N_STEPS)) <= 1.5e-5:
        return (
            "Count again: trials have 25 steps. How many of them lie between the first evidence "
            "and the last?"
        )
    if abs(value - (1 - (1 - _KEPT) / (_N_STEPS - 1))) <= 1.5e-5:
        return (
            "That takes the loss of every step from what was there at first. Each step multiplies "
            "by λ: compute the power."
        )
    if value > 1:
        return (
            f"With λ = {value:g} evidence grows with time: the first step would count more than "
            "the last."
        )
    if value <= 0:
        return "An integrator needs a positive eigenvalue, close to 1."
    kept = value ** (_N_STEPS - 1)
    if value < exact:
        return (
            f"With λ = {value:g} the evidence of the first step counts {100 * kept:.1f} % of that "
            "of the last: too little."
        )
    return (
        f"λ = {value:g} is more than needed: the evidence of the first step counts "
        f"{100 * kept:.1f} %. Look for the smallest λ."
    )


@exercise("8.2")
def input_axis(answer: object) -> str | None:
    """Check a function that makes an input's effect orthogonal to the choice axis."""
    function = expect_function(answer, ("choice", "effect"))
    rng = np.random.default_rng(8)
    for n in (5, 2, 3, 20):
        choice, effect = rng.normal(size=(2, n))
        choice /= np.linalg.norm(choice)
        effect *= 3 if n != 3 else 1e-3
        if n == 20:  # almost along the choice axis, backwards
            effect = 1e-3 * effect - choice
        given = call(function, choice, effect, shown=f"two arrays of length {n}")
        axis = array(given, (n,), "what the function returns")
        rest = effect - (effect @ choice) * choice
        exact = rest / np.linalg.norm(rest)
        if np.allclose(axis, exact, atol=1e-6):
            continue
        if np.allclose(axis, -exact, atol=1e-6):
            return "The axis points the wrong way: a positive input should move along it forwards."
        if np.allclose(axis, rest, atol=1e-9):
            return "It is orthogonal to the choice axis, but an axis has the length 1."
        if abs(axis @ choice) > 1e-6 * max(float(np.linalg.norm(axis)), 1e-300):
            return (
                f"The result still has a part along the choice axis: their product is "
                f"{axis @ choice:.3g} in a test. Which part of the effect must go?"
            )
        return (
            "The result is orthogonal to the choice axis, but does not lie in the plane of choice "
            "axis and effect. Begin with the effect, and take away from it."
        )
    return None


@exercise("8.3")
def selection_share(answer: object) -> str | None:
    """Check the share of context dependence that is due to the selection vector."""
    share = number(answer, "the share")
    if abs(share - _SELECTION_SHARE) <= 0.005:
        return None
    if abs(share / 100 - _SELECTION_SHARE) <= 0.01:
        return "Give a share from 0 to 1, not per cent."
    for one_context, name in ((0.425, "motion"), (0.354, "colour")):
        if abs(share - one_context) <= 0.01:
            return (
                f"You took the effect in the {name} context alone. The bar stands for the mean of "
                "both contexts."
            )
    if abs(1 - share - _SELECTION_SHARE) <= 0.03:
        return (
            "This is the share of the other term: Δ belongs to the selection vector here, and the "
            "effect of the input is averaged over the contexts."
        )
    if abs(share / 2 - _SELECTION_SHARE) <= 0.03 or abs(2 * share - _SELECTION_SHARE) <= 0.03:
        return "There is a factor of 2 too many or too few: a mean is half a sum."
    if not 0 <= share <= 1:
        return (
            f"In this network both terms have the same sign, so that the share lies between 0 and "
            f"1; yours is {share:.3g}. Is Δ the same way round, motion minus colour, above and "
            "below?"
        )
    return (
        f"{share:.3g} is not the share. Take Δs as the difference of the two mean selection "
        "vectors, multiply it with the mean of the two effects, and divide by the difference of "
        "the two gains s·b. Do not normalize in between."
    )
