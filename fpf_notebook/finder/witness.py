"""The report on completeness, made of the points found and of the rounds that found them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.conditions import distinct_inputs
from fpf_notebook.finder.coverage import chao1_unseen, good_turing_coverage
from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.exhaustive import Rounds

__all__ = ["on_boundary", "report_completeness"]

_TOUCHING = 1e-12  # of the width of the box


def on_boundary(step_map: StepMap, states: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Tell which points lie on the boundary of the invariant box, where the sign may mislead.

    The index of a point of the boundary, with respect to the box, is 0 if the point repels into the
    box, whatever the sign of the determinant is.

    Parameters
    ----------
    step_map : StepMap
        The network.
    states, inputs : arrays, [n, n_states] and [n, n_inputs]
        Points.

    Returns
    -------
    array of bool, [n]
        False everywhere without a box.
    """
    touching = np.zeros(len(states), dtype=bool)
    if step_map.box is None or not len(states):
        return touching
    distinct, which = distinct_inputs(inputs)
    for k, u in enumerate(distinct):
        edges = step_map.invariant_box(u)
        assert edges is not None
        low, high = (edge.astype(np.float64) for edge in edges)
        mine = which == k
        gap = np.minimum(states[mine] - low, high - states[mine])
        touching[mine] = (gap <= _TOUCHING * (high - low)).any(axis=1)
    return touching


def report_completeness(
    points: FixedPoints,
    step_map: StepMap,
    conditions: np.ndarray,
    rounds: Rounds | None,
    stopped_because: str,
) -> Completeness | None:
    """Say what is known of the completeness of a set.

    Parameters
    ----------
    points : FixedPoints
        The unique points; slow ones are left out of the account.
    step_map : StepMap
        The network, with its invariant box or the reason why there is none.
    conditions : array, [n_conditions, n_inputs]
        The constant inputs of the search: each has a set of fixed points, and a sum, of its own.
    rounds : Rounds or None
        The rounds of an exhaustive search.
    stopped_because : str
        Why a search that was not exhaustive ended.

    Returns
    -------
    Completeness or None
        None when the points were not linearized, so that they have no index.
    """
    if points.index is None:
        return None
    fixed = points.is_fixed
    index = points.index[fixed]
    n_degenerate = int(np.sum(index == 0))
    expected, reason = None, f"no invariant box: {step_map.box_reason or 'none is known'}"
    consistent: bool | None = None
    if step_map.box is not None:
        expected = len(conditions)
        reason = f"invariant box: {step_map.box_reason or 'given with the step map'}"
        sums = _sums(points, fixed, conditions)
        consistent = bool((sums == 1).all())
        if n_degenerate:
            consistent = None
            reason += "; degenerate points have no index, so that the sum decides nothing"
        elif on_boundary(step_map, points.xstar[fixed], points.require("inputs")[fixed]).any():
            consistent = None
            reason += "; a point lies on the boundary of the box, so that the sum decides nothing"
    if rounds is None:
        hits = np.zeros(0, int) if points.hits is None else points.hits[fixed]
        coverage, unseen = good_turing_coverage(hits), chao1_unseen(hits)
    else:
        last = rounds.rounds[-1] if rounds.rounds else {}
        coverage, unseen = last.get("coverage"), last.get("estimated_unseen")
        stopped_because = rounds.stopped_because
    return Completeness(
        index_sum=int(index.sum()),
        expected_sum=expected,
        reason=reason,
        consistent=consistent,
        coverage=coverage,
        estimated_unseen=unseen,
        n_degenerate=n_degenerate,
        rounds=[] if rounds is None else rounds.rounds,
        new_points_per_round=[] if rounds is None else [r["new_points"] for r in rounds.rounds],
        stopped_because=stopped_because,
        n_points=int(fixed.sum()),
    )


def _sums(points: FixedPoints, fixed: np.ndarray, conditions: np.ndarray) -> np.ndarray:
    inputs, index = points.require("inputs"), points.require("index")
    mine = (inputs[:, None] == conditions[None]).all(axis=2)
    return np.asarray((index * fixed) @ mine)
