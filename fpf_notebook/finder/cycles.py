"""Cycles: fixed points of the k-fold map that are not fixed points of a shorter one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import evaluate
from fpf_notebook.result.audit import Audit
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["group_orbits", "orbit_images"]


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
    proper = np.ones(len(points), dtype=bool)
    for shorter in range(1, period):
        if period % shorter == 0:
            back = np.linalg.norm(images[shorter - 1] - points.xstar, axis=1)
            proper &= back > points.tol_unique
    places = np.hstack([points.xstar, inputs])
    free = proper.copy()
    order: list[int] = []
    ids: list[int] = []
    for first in np.flatnonzero(proper):
        if not free[first]:
            continue
        orbit_id = len(set(ids))
        for state in [points.xstar[first], *images[:, first]]:
            distance = np.linalg.norm(places - np.concatenate([state, inputs[first]]), axis=1)
            distance[~free] = np.inf
            member = int(np.argmin(distance))
            # Further than tol_unique: unstable orbits blow up the last digits on the way round.
            if distance[member] <= 10 * points.tol_unique:
                free[member] = False
                order.append(member)
                ids.append(orbit_id)
    return points[np.array(order, dtype=int)].update(
        orbit_id=np.array(ids, dtype=int),
        period=np.full(len(order), period, dtype=int),
        completeness=completeness,
        audit=_kept(points.audit, order, len(points)),
    )


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
