"""Checks the exercises of tutorial 8, "JSLDS and context-dependent integration"."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpf_notebook.exercises.reading import array, describe, number
from fpf_notebook.exercises.registry import Hint, exercise

_N_STEPS = 25
_KEPT = 0.9
# Of the shipped network, measured; the inputs' share is the rest.
_SELECTION_SHARE = 0.389


@exercise("8.1")
def leak(answer: Any) -> str | None:
    """Check the smallest eigenvalue with which early evidence counts 90 % of late evidence."""
    value = number(answer, "λ")
    exact = _KEPT ** (1 / (_N_STEPS - 1))
    if exact - 1e-4 <= value <= exact + 2.5e-4:
        return None
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
def input_axis(answer: Any) -> str | None:
    """Check a function that makes an input's effect orthogonal to the choice axis."""
    if not callable(answer):
        raise Hint(f"Expected a function of choice and effect, got {describe(answer)}.")
    rng = np.random.default_rng(8)
    for _ in range(2):
        choice, effect = rng.normal(size=(2, 5))
        choice /= np.linalg.norm(choice)
        effect *= 3
        given = answer(choice.copy(), effect.copy())
        if given is None:
            return "The function returned None: it needs a return."
        axis = array(given, (5,), "what the function returns")
        rest = effect - (effect @ choice) * choice
        exact = rest / np.linalg.norm(rest)
        if np.allclose(axis, exact, atol=1e-6):
            continue
        if np.allclose(axis, -exact, atol=1e-6):
            return "The axis points the wrong way: a positive input should move along it forwards."
        if np.allclose(axis, rest):
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
def selection_share(answer: Any) -> str | None:
    """Check the share of context dependence that is due to the selection vector."""
    share = number(answer, "the share")
    if abs(share - _SELECTION_SHARE) <= 0.03:
        return None
    if abs(share / 100 - _SELECTION_SHARE) <= 0.03:
        return "Give a share from 0 to 1, not per cent."
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
