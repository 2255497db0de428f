"""From candidates to fixed points: what is what, each point once, linearized and classified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook.finder.degenerate import not_settled, residual_noise, settle
from fpf_notebook.finder.evaluation import evaluate, linearize, residual_of
from fpf_notebook.finder.search import Candidates
from fpf_notebook.finder.solvers.lanes import LaneStatus
from fpf_notebook.finder.solvers.pool import rounding_floor
from fpf_notebook.result import spectrum
from fpf_notebook.result.audit import Audit
from fpf_notebook.result.dedupe import unique_indices
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["Judgement", "judge", "select_unique", "to_fixed_points"]

FIXED, SLOW, UNCONVERGED = 0, 1, 2
_KIND_NAMES = np.array(["fixed", "slow", "unconverged"])

_TOO_FAR = "q is small, but the Newton step is longer than tol_unique: no fixed point is this near"
_MERGED = "merged into a nearby point with a smaller q"


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

    kind: np.ndarray
    reason: np.ndarray


def judge(candidates: Candidates, options: Options) -> Judgement:
    """Tell fixed points, slow points and unconverged lanes apart.

    A point is *fixed* when q is at most ``tol_q``, the Newton step from it is at most
    ``tol_unique`` and it lies in the invariant box where one is known. A small q alone proves
    little: where the gates of a GRU saturate, q vanishes far from any fixed point. It is *slow*
    when q is stationary there (|grad q| / |residual| at most ``tol_slope``), or below ``tol_q``
    with a fixed point too far away.

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
    small = lanes.q <= max(options.tol_q, rounding_floor(lanes.x.shape[1]))
    near = lanes.step <= options.tol_unique
    fixed = finite & small & near & inside
    slow = finite & ~fixed & inside & (small | (lanes.slope <= options.tol_slope))
    kind = np.where(fixed, FIXED, np.where(slow, SLOW, UNCONVERGED))
    messages = np.array([status.message for status in LaneStatus])
    reason = messages[lanes.status].astype(object)
    reason[finite & ~inside] = "outside the invariant box, where no fixed point can be"
    reason[finite & inside & small & ~near] = _TOO_FAR
    reason[~finite] = LaneStatus.DIVERGED.message
    return Judgement(kind=kind, reason=reason)


def to_fixed_points(
    candidates: Candidates,
    judgement: Judgement,
    step_map: StepMap,
    options: Options,
    cond_ids: np.ndarray | None,
    provenance: dict[str, Any],
) -> FixedPoints:
    """Return every lane, in order, as one record (``all_fps``)."""
    lanes = candidates.lanes
    return FixedPoints(
        xstar=lanes.x,
        F_xstar=candidates.F_x,
        x_init=candidates.x_init,
        inputs=candidates.inputs,
        qstar=lanes.q,
        dq=lanes.dq,
        n_iters=lanes.n_iters,
        forward_error=lanes.step,
        kind=_KIND_NAMES[judgement.kind],
        status=judgement.reason.astype(str),
        cond_id=cond_ids,
        provenance=provenance,
        **_metadata(step_map, options, candidates.interrupted),
    )


def select_unique(
    everything: FixedPoints,
    step_map: StepMap,
    options: Options,
    *,
    include_slow: bool = False,
) -> tuple[FixedPoints, FixedPoints]:
    """Return each point once, linearized, classified and ordered, with an audit of all lanes.

    Parameters
    ----------
    everything : FixedPoints
        All lanes, with their kinds.
    step_map : StepMap
        The network.
    options : Options
        Tolerances.
    include_slow : bool
        Keep slow points too.

    Returns
    -------
    unique : FixedPoints
        Ordered by input, kind, number of unstable directions and coordinates, so that the order
        does not depend on that of the initial states.
    everything : FixedPoints
        All lanes, those called slow now that the exact Newton step showed to be no fixed points.
    """
    q, kind = everything.require("qstar"), everything.require("kind")
    outcome = np.full(len(everything), -1)
    reason = np.array(everything.status, dtype=object)
    slow = kind == "slow"
    wanted = (kind == "fixed") | (slow & include_slow)
    if not include_slow:
        reason[slow] = "slow point: " + reason[slow]
    index = np.flatnonzero(wanted)
    # A fixed point stands for the slow points around it, never the other way round.
    preferred = q + np.where(slow, max(options.tol_q, q[kind == "fixed"].max(initial=0.0)), 0.0)
    chosen, labels = unique_indices(
        _places(everything)[index], preferred[index], options.tol_unique
    )
    outcome[index] = labels
    merged = labels >= 0
    merged[chosen] = False
    reason[index[merged]] = _MERGED
    unique = everything[index[chosen]]
    unique = unique.update(hits=np.bincount(labels[labels >= 0], minlength=len(chosen)))
    unique, kept, labels = _settled(_linearized(unique, step_map, options), step_map, options)
    reason[np.delete(index[chosen], kept)] = _MERGED
    outcome[index] = labels[outcome[index]]

    keep = np.ones(len(unique), dtype=bool)

    def drop(mask: np.ndarray, why: str) -> None:
        for row in np.flatnonzero(mask & keep):
            reason[outcome == row] = why
        keep[mask] = False

    if unique.forward_error is not None and len(unique):
        # The step of the search is damped and, for lanes at the end of their iterations, one
        # iteration old; here it is that of the point itself.
        far = (unique.forward_error > options.tol_unique) & unique.is_fixed
        if far.any():
            unique = unique.update(
                kind=np.where(far, "slow", unique.require("kind")),
                status=np.where(far, _TOO_FAR, unique.require("status")),
            )
            theirs = (outcome >= 0) & far[outcome]
            everything = everything.update(
                kind=np.where(theirs, "slow", kind),
                status=np.where(theirs, _TOO_FAR, everything.require("status")),
            )
            reason[theirs & (reason != _MERGED)] = _TOO_FAR
            if not include_slow:
                drop(far, "slow point: " + _TOO_FAR)
    if options.do_exclude_distance_outliers and len(unique):
        drop(_distance_outliers(unique, everything, options), "distance outlier")
    if options.final_q_threshold > 0:
        drop(unique.require("qstar") > options.final_q_threshold, "q above final_q_threshold")
    if keep.sum() > options.max_n_unique:
        ranked = np.argsort(np.where(keep, unique.require("qstar"), np.inf), kind="stable")
        over = np.ones(len(unique), dtype=bool)
        over[ranked[: int(options.max_n_unique)]] = False
        drop(over, "more points than max_n_unique; this one has a larger q")

    order = _order(unique, options)
    order = order[keep[order]]
    place = np.full(len(unique) + 1, -1)
    place[order] = np.arange(len(order))
    outcome = place[outcome]
    audit = Audit(outcome=outcome, reason=reason.astype(str))
    return unique[order].update(audit=audit), everything


def _places(points: FixedPoints) -> np.ndarray:
    """Return what points are compared by: states and inputs."""
    return points.xstar if points.inputs is None else np.hstack([points.xstar, points.inputs])


def _linearized(unique: FixedPoints, step_map: StepMap, options: Options) -> FixedPoints:
    """Add Jacobians, eigenmodes, stability, index and forward error, block by block.

    Where all Jacobians together would not fit into ``max_memory``, only the numbers made of them
    are kept.
    """
    if not options.do_compute_jacobians:
        return unique
    inputs, f_x = unique.require("inputs"), unique.require("F_xstar")
    n, n_states = unique.xstar.shape
    time = step_map.time
    # Jacobian, factors, and complex eigenvectors on both sides.
    per_point = 8 * n_states**2 * (6 if options.do_decompose_jacobians else 3)
    block = max(1, min(max(n, 1), int(options.max_memory // (2 * per_point))))
    keep_matrices = n * per_point <= options.max_memory
    residual = residual_of(f_x, unique.xstar, time)
    columns: dict[str, list[np.ndarray]] = {}

    def add(**arrays: np.ndarray) -> None:
        for name, array in arrays.items():
            columns.setdefault(name, []).append(array)

    for start in range(0, max(n, 1), block):
        rows = slice(start, start + block)
        jacobian, input_jacobian = linearize(step_map, unique.xstar[rows], inputs[rows])
        if keep_matrices:
            add(J_xstar=jacobian)
        add(
            dFdu=input_jacobian,
            index=spectrum.fixed_point_index(jacobian, time),
            forward_error=spectrum.forward_error(
                jacobian, residual[rows], time, noise=residual_noise(step_map, unique.xstar[rows])
            ),
        )
        if options.do_decompose_jacobians:
            values, right, left = spectrum.eigenmodes(jacobian, time)
            stability, n_unstable, margin, is_stable = spectrum.classify(
                values, time, options.marginal_tol
            )
            add(
                eigval_J_xstar=values,
                stability=stability,
                n_unstable=n_unstable,
                margin=margin,
                is_stable=is_stable,
            )
            if keep_matrices:
                add(eigvec_J_xstar=right, eigvec_left_J_xstar=left)
    joined: dict[str, Any] = {name: np.concatenate(parts) for name, parts in columns.items()}
    if not keep_matrices:
        note = f"Jacobians and eigenvectors left out: more than max_memory={options.max_memory}"
        joined["provenance"] = {**unique.provenance, "left_out": note}
    return unique.update(**joined)


def _settled(
    unique: FixedPoints, step_map: StepMap, options: Options
) -> tuple[FixedPoints, np.ndarray, np.ndarray]:
    """Lead points on that are not quite arrived, and call those degenerate that cannot arrive.

    Returns
    -------
    unique : FixedPoints
        Points that became the same are merged.
    kept : array of int, [n]
        Which points these were.
    labels : array of int, [n_before]
        Where each point went.
    """
    same = np.arange(len(unique))
    error = unique.forward_error
    if error is None or not options.do_compute_jacobians:
        return unique, same, same
    moving = unique.is_fixed & (error <= options.tol_unique)
    moving &= not_settled(step_map, unique.xstar, error)
    if not moving.any():
        return unique, same, same
    rows = np.flatnonzero(moving)
    u = unique.require("inputs")
    x, f_x, q = (np.array(unique.require(name)) for name in ("xstar", "F_xstar", "qstar"))
    x[rows], undecided, lost = settle(step_map, x[rows], u[rows])
    f_x[rows] = evaluate(step_map, x[rows], u[rows])
    q[rows] = 0.5 * np.sum(residual_of(f_x, x, step_map.time)[rows] ** 2, axis=1)
    degenerate, none_near = np.zeros((2, len(unique)), dtype=bool)
    degenerate[rows], none_near[rows] = undecided, lost
    moved = unique.update(xstar=x, F_xstar=f_x, qstar=q)
    chosen, labels = unique_indices(_places(moved), q, options.tol_unique)
    hits = np.bincount(labels, weights=unique.require("hits"), minlength=len(chosen)).astype(int)
    merged = _linearized(moved[chosen].update(hits=hits), step_map, options)
    index = np.where(degenerate[chosen], 0, merged.require("index"))
    error = np.where(none_near[chosen], np.inf, merged.require("forward_error"))
    return merged.update(index=index, forward_error=error), chosen, labels


def _distance_outliers(
    unique: FixedPoints, everything: FixedPoints, options: Options
) -> np.ndarray:
    """Points much further from the centre of the initial states than these are (Golub & Sussillo).

    With a single initial state there is no scale to compare with, and nothing is an outlier.
    """
    starts = everything.require("x_init")
    centre = starts.mean(axis=0)
    scale = np.linalg.norm(starts - centre, axis=1).mean()
    if scale == 0:
        return np.zeros(len(unique), dtype=bool)
    distance = np.linalg.norm(unique.xstar - centre, axis=1)
    return distance > options.outlier_distance_scale * scale


def _order(unique: FixedPoints, options: Options) -> np.ndarray:
    """Order by input, kind, unstable directions, then by coordinates to within ``tol_unique``."""
    keys = [np.round(unique.xstar / options.tol_unique).T[::-1]]
    if unique.n_unstable is not None:
        keys.append(unique.n_unstable[None])
    keys.append(~unique.is_fixed[None])
    if unique.inputs is not None and unique.inputs.shape[1]:
        keys.append(unique.inputs.T[::-1])
    return np.lexsort(np.vstack([np.asarray(k, dtype=np.float64) for k in keys]))


def _metadata(step_map: StepMap, options: Options, interrupted: bool) -> dict[str, Any]:
    return {
        "tol_unique": options.tol_unique,
        "dtype": np.float64,
        "time": step_map.time,
        "dt": step_map.dt,
        "slices": step_map.slices,
        "interrupted": interrupted,
    }
