"""Lanes: one search per initial state, all of them advanced together.

A solver owns a batch of lanes and moves every living lane by some iterations in one
compiled call. What it needs and returns is the same for every method, so that the driver
(`search.py`) can pool, refill, cancel and resume lanes without knowing which method runs.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LaneStatus", "Lanes", "Tolerances", "new_lanes"]


class LaneStatus(IntEnum):
    """Why a lane stopped; `message` is the text that people read."""

    RUNNING = 0
    CONVERGED = 1
    STALLED = 2
    MAX_ITERS = 3
    DIVERGED = 4
    INTERRUPTED = 5

    @property
    def message(self) -> str:
        """The status in words."""
        return _MESSAGES[self]


_MESSAGES = {
    LaneStatus.RUNNING: "not finished",
    LaneStatus.CONVERGED: "converged",
    LaneStatus.STALLED: "stopped early: q no longer falls (a local minimum of q)",
    LaneStatus.MAX_ITERS: "reached max_iters",
    LaneStatus.DIVERGED: "diverged: the model returned NaN or inf",
    LaneStatus.INTERRUPTED: "interrupted before it finished",
}


class Lanes(NamedTuple):
    """State of a batch of lanes (`L` of them, `N` states); numpy outside, traced inside.

    ``step`` is the length of the last proposed step (for Newton an estimate of the distance
    to the fixed point), ``slope`` is |grad q| / |residual|, the rate at which the speed of the
    dynamics changes: zero at a stationary point of q. ``q_mark`` is q at the last stall check.
    """

    x: Any  # [L, N]
    q: Any  # [L]
    dq: Any  # [L]
    step: Any  # [L]
    slope: Any  # [L]
    damping: Any  # [L]
    q_mark: Any  # [L]
    n_iters: Any  # [L] int32
    status: Any  # [L] int8

    def take(self, index: Any) -> Lanes:
        """Return the lanes at ``index``."""
        return Lanes(*(field[index] for field in self))

    def put(self, index: Any, other: Lanes) -> None:
        """Write ``other`` into the (numpy) arrays at ``index``."""
        for mine, theirs in zip(self, other, strict=True):
            mine[index] = theirs


class Tolerances(NamedTuple):
    """Numbers that stop a lane; all are arguments of the compiled loop."""

    tol_q: Any
    tol_dq: Any
    tol_step: Any
    max_iters: Any
    may_stall: Any


def new_lanes(x_init: np.ndarray, dtype: Any, damping: float) -> Lanes:
    """Lanes that have not moved yet.

    A state that is not finite, which cannot occur for checked input, would be reported as
    diverged by the first iteration: q starts as inf so that any first value is an improvement.
    """
    n = len(x_init)
    return Lanes(
        x=np.array(x_init, dtype=dtype),
        q=np.full(n, np.inf, dtype=dtype),
        dq=np.full(n, np.nan, dtype=dtype),
        step=np.full(n, np.inf, dtype=dtype),
        slope=np.full(n, np.inf, dtype=dtype),
        damping=np.full(n, damping, dtype=dtype),
        q_mark=np.full(n, np.inf, dtype=dtype),
        n_iters=np.zeros(n, dtype=np.int32),
        status=np.zeros(n, dtype=np.int8),
    )
