"""Fixed, slow or neither: the one place where that is decided.

A search, points that are given, and snapshots of a training all ask here. Needs numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from fpf_notebook.finder.rounding import is_small
from fpf_notebook.finder.solvers.lanes import LaneStatus

if TYPE_CHECKING:
    from fpf_notebook.finder.candidates import Candidates
    from fpf_notebook.finder.options import Options

__all__ = [
    "FIXED",
    "KIND_NAMES",
    "SLOW",
    "TOO_FAR",
    "UNCONVERGED",
    "Judgement",
    "judge",
    "kinds_of",
]

FIXED, SLOW, UNCONVERGED = 0, 1, 2
KIND_NAMES = np.array(["fixed", "slow", "unconverged"])

TOO_FAR = "q is small, but the Newton step is longer than tol_unique: no fixed point is this near"


@dataclass(frozen=True)
class Judgement:
    """What each lane is, by the same three tests for every method.

    Attributes
    ----------
    kind : array of int, [n]
        FIXED, SLOW or UNCONVERGED.
    reason : array of str, [n]
        Why a lane is not a fixed point; for a fixed point why it stopped.
    """

    kind: Int[np.ndarray, "n"]
    reason: Shaped[np.ndarray, "n"]


def kinds_of(
    q: Float[np.ndarray, "n"],
    x: Float[np.ndarray, "n n_states"],
    newton_step: Float[np.ndarray, "n"],
    resting: Bool[np.ndarray, "n"],
    *,
    tol_q: float,
    tol_unique: float,
    precision: str,
) -> Int[np.ndarray, "n"]:
    """Tell fixed points, slow points and others apart.

    A point is *fixed* when q is at most ``tol_q`` (or what rounding leaves there) and the Newton
    step from it is at most ``tol_unique``. A small q alone proves little: where the gates of a GRU
    saturate, q vanishes far from any fixed point. A point is *slow* when q is small without that,
    or where `resting` says so.

    Parameters
    ----------
    q, x, newton_step : arrays
        Half the squared residual, the state, the length of the Newton step from it.
    resting : array of bool, [n]
        Whether q is stationary there, by the caller's measure.
    tol_q, tol_unique : float
        As for `FixedPointFinder`.
    precision : str
        In which the step computes.

    Returns
    -------
    array of int, [n]
        FIXED, SLOW or UNCONVERGED.
    """
    small = is_small(q, x, tol_q, precision)
    fixed = small & (newton_step <= tol_unique)
    return np.where(fixed, FIXED, np.where(small | resting, SLOW, UNCONVERGED))


def judge(candidates: Candidates, options: Options) -> Judgement:
    """Judge where the lanes of a search ended.

    What is outside the invariant box, where one is known, or not finite, is neither fixed nor slow.
    A lane rests where |grad q| / |residual| is at most ``tol_slope``.

    Parameters
    ----------
    candidates : Candidates
        Where the lanes ended.
    options : Options
        Tolerances.

    Returns
    -------
    Judgement
    """
    lanes = candidates.lanes
    slack = options.tol_unique
    finite = np.isfinite(lanes.q) & np.isfinite(lanes.x).all(axis=1)
    inside = ((lanes.x >= candidates.low - slack) & (lanes.x <= candidates.high + slack)).all(
        axis=1
    )
    with np.errstate(invalid="ignore", over="ignore"):  # lanes that diverged
        kind = kinds_of(
            lanes.q,
            lanes.x,
            lanes.step,
            lanes.slope <= options.tol_slope,
            tol_q=options.tol_q,
            tol_unique=options.tol_unique,
            precision=candidates.precision,
        )
        small = is_small(lanes.q, lanes.x, options.tol_q, candidates.precision)
    kind = np.where(finite & inside, kind, UNCONVERGED)
    messages = np.array([status.message for status in LaneStatus])
    reason = messages[lanes.status].astype(object)
    reason[finite & ~inside] = "outside the invariant box, where no fixed point can be"
    reason[finite & inside & small & ~(lanes.step <= options.tol_unique)] = TOO_FAR
    reason[~finite] = LaneStatus.DIVERGED.message
    return Judgement(kind=kind, reason=reason)
