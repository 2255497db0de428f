"""Newton's method with one factorization for many steps, for networks of 33 units and more.

Residuals, the choice of steps and the end of a lane are in double precision. Jacobians and their
factors are in single precision: they make directions only, so that their rounding costs some
contraction and never truth. One iteration of a lane is one factorization (`factoring.py`), or one
step of Levenberg–Marquardt in double precision (`refining.py`) where single precision cannot solve
the linear system (on a line of fixed points, say), or has brought a lane near and no further.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fpf_notebook.finder.solvers.factoring import HostProblem, factored_round
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.refining import FIRST_DAMPING, refined_round

if TYPE_CHECKING:
    import jax

    from fpf_notebook.finder.solvers.protocol import Limits

__all__ = ["LEAST_STATES", "Factored", "FactoredMemory"]

LEAST_STATES = 96
"""Below, whole batches in one compiled loop are faster (at 64 units 1.6 times, at 128 slower)."""

# A lane is given up when q is more than this part of what it was 1, 2, … factorizations ago.
_HOPELESS = np.array([0.995, 0.97, 0.93, 0.88, 0.82, 0.75])
_NEAR = 1e-5  # in a valley of slow points at least: there the right damping finds the points
_RUNNING = int(LaneStatus.RUNNING)


class FactoredMemory(NamedTuple):
    """What is remembered of each lane.

    Attributes
    ----------
    r : array, [L, N]
        Residual at the state, where it is known.
    known : array of bool, [L]
        Whether it is.
    marks : array, [L, 6]
        q before the last factorizations, the last one first.
    refining : array of bool, [L]
        Whether the lane goes on in double precision.
    fate : array of int8, [L]
        The `LaneStatus` that the last iteration found.
    """

    r: np.ndarray
    known: np.ndarray
    marks: np.ndarray
    refining: np.ndarray
    fate: np.ndarray


class Factored:
    """Newton's method with one factorization for many steps; the default of large networks."""

    name = "newton"
    together = False
    exact = True
    on_host = True
    initial_damping = 0.01

    def key(self) -> Hashable:
        """Return what the compiled functions depend on."""
        return (self.name, "factored")

    def lane_numbers(self, n_states: int) -> int:
        """Return what a matrix, its factor and copies of them take, in single precision."""
        return 2 * n_states**2 + 60 * n_states

    def lane_flops(self, n_states: int) -> int:
        """Return what an iteration takes, in operations of double precision."""
        return n_states**3 // 3 + 40 * n_states**2

    def init(self, x: jax.Array | np.ndarray, limits: Limits) -> FactoredMemory:
        """Return what is remembered before the first iteration."""
        n = len(x)
        return FactoredMemory(
            r=np.zeros(np.shape(x)),
            known=np.zeros(n, dtype=bool),
            marks=np.full((n, len(_HOPELESS)), np.inf),
            refining=np.zeros(n, dtype=bool),
            fate=np.zeros(n, dtype=np.int8),
        )

    def step(
        self, problem: HostProblem, lanes: Lanes, memory: FactoredMemory, limits: Limits
    ) -> tuple[Lanes, FactoredMemory]:
        """Make one iteration of every lane that is running."""
        lanes = Lanes(*(np.array(field) for field in lanes))
        memory = FactoredMemory(*(np.array(field) for field in memory))
        running = np.flatnonzero(lanes.status == LaneStatus.RUNNING)
        new = running[~memory.known[running]]
        if len(new):
            memory.r[new], norms = problem.of(new).residuals(lanes.x[new])
            memory.known[new] = True
            lanes.q[new] = 0.5 * norms**2
        refining = memory.refining[running]
        for rows, advance in (
            (running[~refining], self._factored),
            (running[refining], self._refined),
        ):
            if len(rows):
                advance(problem, lanes, memory, rows, limits)
        return lanes, memory

    def terminate(
        self,
        before: Lanes,
        after: Lanes,
        memory: FactoredMemory,
        problem: HostProblem,
        limits: Limits,
    ) -> np.ndarray:
        """Tell which lanes have ended, and why."""
        used_up = (memory.fate == _RUNNING) & (after.n_iters >= limits.max_iters)
        fate = np.where(used_up, np.int8(LaneStatus.MAX_ITERS), memory.fate)
        running = before.status == LaneStatus.RUNNING
        return np.where(running, fate, before.status).astype(np.int8)

    def _factored(
        self,
        problem: HostProblem,
        lanes: Lanes,
        memory: FactoredMemory,
        rows: np.ndarray,
        limits: Limits,
    ) -> None:
        before = lanes.q[rows].copy()
        done = factored_round(problem.of(rows), lanes.take(rows), memory.r[rows], limits)
        if done is None:  # stopped
            return
        lanes.put(rows, done.lanes)
        memory.r[rows] = done.r
        marks = np.column_stack([before, memory.marks[rows][:, :-1]])
        memory.marks[rows] = marks
        q = lanes.q[rows]
        with np.errstate(invalid="ignore"):
            hopeless = limits.may_stall & (q[:, None] > _HOPELESS * marks).any(axis=1)
        double = hopeless & ~done.arrived & (done.unsolved | (q <= np.maximum(limits.tol_q, _NEAR)))
        memory.refining[rows] = double
        lanes.damping[rows[double]] = FIRST_DAMPING
        lanes.q_mark[rows[double]] = np.inf
        memory.fate[rows] = np.select(
            [~np.isfinite(q), done.arrived, double, hopeless],
            [LaneStatus.DIVERGED, LaneStatus.CONVERGED, LaneStatus.RUNNING, LaneStatus.STALLED],
            _RUNNING,
        )

    def _refined(
        self,
        problem: HostProblem,
        lanes: Lanes,
        memory: FactoredMemory,
        rows: np.ndarray,
        limits: Limits,
    ) -> None:
        done = refined_round(problem.of(rows), lanes.take(rows), memory.r[rows], limits)
        if done is None:
            return
        lanes.put(rows, done.lanes)
        memory.r[rows] = done.r
        memory.fate[rows] = np.select(
            [done.arrived, done.stalled], [LaneStatus.CONVERGED, LaneStatus.STALLED], _RUNNING
        )
