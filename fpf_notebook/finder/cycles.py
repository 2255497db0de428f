"""Cycles: fixed points of the k-fold map that are not fixed points of a shorter one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import evaluate
from fpf_notebook.finder.search import search
from fpf_notebook.result.audit import Audit
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.candidates import Candidates
    from fpf_notebook.finder.ledger import Ledger
    from fpf_notebook.finder.progress import CancelToken
    from fpf_notebook.finder.request import SearchRequest

__all__ = ["group_orbits", "orbit_images", "search_images"]


def search_images(
    base: StepMap,
    repeated: StepMap,
    ledger: Ledger,
    rows: np.ndarray,
    request: SearchRequest,
    cancel: CancelToken | None,
    pool_of: int,
) -> Candidates:
    """Search from the other points of the orbits of some known points.

    Parameters
    ----------
    base, repeated : StepMap
        One step, and ``request.period`` of them.
    ledger : Ledger
        The points known.
    rows : array of int, [m]
        Which of them.
    request : SearchRequest
        For the period and the options.
    cancel : CancelToken, optional
        Ends the search.
    pool_of : int
        As for `search`: starts of the search before, whose compiled loop is used again.
    """
    inputs = ledger.inputs[rows]
    images = orbit_images(base, ledger.states[rows], inputs, request.period)
    return search(
        repeated,
        images.reshape(-1, base.n_states),
        np.tile(inputs, (request.period - 1, 1)),
        request.options,
        cancel=cancel,
        pool_of=pool_of,
    )


def orbit_images(
    step_map: StepMap, states: np.ndarray, inputs: np.ndarray, period: int
) -> np.ndarray:
    """Return the states that follow, ``[period - 1, n, n_states]``: further points of each orbit.

    Parameters
    ----------
    step_map : StepMap
        One step.
    states, inputs : arrays, [n, n_states] and [n, n_inputs]
        Points of period ``period``.
    period : int
        Length of the cycle.
    """
    images = []
    for _ in range(period - 1):
        states = evaluate(step_map, states, inputs)
        images.append(states)
    return np.array(images).reshape(period - 1, len(inputs), step_map.n_states)


def group_orbits(points: FixedPoints, step_map: StepMap, period: int) -> FixedPoints:
    """Keep the points whose shortest period is ``period``, and number their orbits.

    Parameters
    ----------
    points : FixedPoints
        Fixed points of the ``period``-fold map, those of shorter periods included.
    step_map : StepMap
        One step.
    period : int
        Length of the cycles.

    Returns
    -------
    FixedPoints
        With `orbit_id` and `period`, orbit by orbit, each in the order in which it is run through.
    """
    completeness = points.completeness
    if completeness is not None:
        # The account is that of the k-fold map, and its number of points not that of this set.
        counted = f"all fixed points of {period} steps are counted, shorter periods included"
        reason = f"{completeness.reason}; {counted}" if completeness.reason else counted
        completeness = dataclasses.replace(completeness, reason=reason, n_points=None)
    if not len(points):
        return points.update(
            orbit_id=np.zeros(0, int), period=np.zeros(0, int), completeness=completeness
        )
    inputs = points.inputs if points.inputs is not None else np.zeros((len(points), 0))
    images = orbit_images(step_map, points.xstar, inputs, period)
    balls = _balls(points)
    proper = np.ones(len(points), dtype=bool)
    for shorter in range(1, period):
        if period % shorter == 0:
            proper &= ~_within(images[shorter - 1] - points.xstar, *balls)
    free = proper.copy()
    same_input = [np.flatnonzero((inputs == u).all(axis=1)) for u in np.unique(inputs, axis=0)]
    order: list[int] = []
    ids: list[int] = []
    n_orbits = 0
    for rows in same_input:
        for first in rows[proper[rows]]:
            if not free[first]:
                continue
            for state in [points.xstar[first], *images[:, first]]:
                mine = rows[free[rows]]
                if not len(mine):
                    break
                gap = state - points.xstar[mine]
                nearest = int(np.linalg.norm(gap, axis=1).argmin())
                member = mine[nearest]
                # Unstable orbits blow up the last digits on the way round.
                certified, radius, tolerance = (part[member : member + 1] for part in balls)
                if _within(gap[nearest][None], certified, radius, 10 * tolerance)[0]:
                    free[member] = False
                    order.append(int(member))
                    ids.append(n_orbits)
            n_orbits += 1
    return points[np.array(order, dtype=int)].update(
        orbit_id=np.array(ids, dtype=int),
        period=np.full(len(order), period, dtype=int),
        completeness=completeness,
        audit=_kept(points.audit, order, len(points)),
    )


def _balls(points: FixedPoints) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which points are certified, the radii of the balls, and the tolerance otherwise."""
    tolerance = np.full(len(points), points.tol_unique)
    if points.certified is None or points.uniqueness_radius is None:
        return np.zeros(len(points), dtype=bool), tolerance, tolerance
    return points.certified, points.uniqueness_radius, tolerance


def _within(
    gap: np.ndarray, certified: np.ndarray, radius: np.ndarray, tolerance: np.ndarray
) -> np.ndarray:
    """Tell which differences from points mean that it is the same point."""
    near = np.linalg.norm(gap, axis=1) <= tolerance
    return np.where(certified, np.abs(gap).max(axis=1) <= radius, near)


def _kept(audit: Audit | None, order: list[int], n_points: int) -> Audit | None:
    """Tell of each start where its point stands now, or that its period is a shorter one."""
    if audit is None:
        return None
    place = np.full(n_points + 1, -1)
    place[order] = np.arange(len(order))
    outcome = place[audit.outcome]
    dropped = (audit.outcome >= 0) & (outcome < 0)
    reason = np.where(dropped, "fixed, or on a cycle of a shorter period", audit.reason)
    return Audit(outcome=outcome, reason=reason)
