"""Lanes: one search per initial state, all of them advanced together.

A solver owns a batch of lanes and moves every living lane by some iterations in one
compiled call. What it needs and returns is the same for every method, so that the driver
(`search.py`) can pool, refill, cancel and resume lanes without knowing which method runs.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fpf_notebook.finder.endings import Ending

__all__ = ["LaneStatus", "Lanes", "new_lanes"]


Array: TypeAlias = Any
"""NumPy's outside of the compiled loop, JAX's inside."""

Index: TypeAlias = np.ndarray | slice


class LaneStatus(Ending):
    """Why a lane stopped; `message` is the text that people read."""

    RUNNING = 0, "not finished"
    CONVERGED = 1, "converged"
    STALLED = 2, "stopped early: q no longer falls (a local minimum of q)"
    MAX_ITERS = 3, "reached max_iters"
    DIVERGED = 4, "diverged: the model returned NaN or inf"
    INTERRUPTED = 5, "interrupted before it finished"


class Lanes(NamedTuple):
    """State of a batch of lanes (`L` of them, `N` states); numpy outside, traced inside.

    ``step`` is the length of the last proposed step (for Newton an estimate of the distance
    to the fixed point), ``slope`` is |grad q| / |residual|, the rate at which the speed of the
    dynamics changes: zero at a stationary point of q. ``q_mark`` is q at the last stall check.
    """

    x: Array  # [L, N]
    q: Array  # [L]
    dq: Array  # [L]
    step: Array  # [L]
    slope: Array  # [L]
    damping: Array  # [L]
    q_mark: Array  # [L]
    n_iters: Array  # [L] int32
    status: Array  # [L] int8

    def take(self, index: Index) -> Lanes:
        """Return the lanes at ``index``."""
        return Lanes(*(field[index] for field in self))

    def put(self, index: Index, other: Lanes) -> None:
        """Write ``other`` into the (numpy) arrays at ``index``."""
        for mine, theirs in zip(self, other, strict=True):
            mine[index] = theirs


def new_lanes(x_init: np.ndarray, dtype: type[np.floating], damping: float) -> Lanes:
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
