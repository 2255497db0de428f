"""Views of a ledger: the unique points that pass the filters, and every start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.finder.evaluation import jacobians_at, residual_of
from fpf_notebook.finder.judge import KIND_NAMES, SLOW
from fpf_notebook.finder.ledger import ON_CONTINUUM
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.rounding import residual_noise
from fpf_notebook.result import newton_step, spectrum
from fpf_notebook.result.audit import Audit
from fpf_notebook.result.dedupe import unique_indices
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.verdicts import classify_modes, eigenvalue_conditions

if TYPE_CHECKING:
    from fpf_notebook.finder.ledger import Ledger

__all__ = ["all_starts", "unique_points"]

_MERGED = "merged into a nearby point with a smaller q"


def all_starts(ledger: Ledger, cond_ids: np.ndarray | None, provenance: JsonObject) -> FixedPoints:
    """Return where every lane ended, in order, as one record (``all_fps``, and those of runs)."""
    found = ledger.candidates
    assert found is not None
    lanes = found.lanes
    return FixedPoints(
        xstar=lanes.x,
        F_xstar=found.F_x,
        x_init=found.x_init,
        inputs=found.inputs,
        qstar=lanes.q,
        dq=lanes.dq,
        n_iters=lanes.n_iters,
        forward_error=lanes.step,
        kind=KIND_NAMES[ledger.kind],
        status=ledger.reason.astype(str),
        cond_id=cond_ids,
        provenance=provenance,
        tol_unique=ledger.options.tol_unique,
        dtype=np.float64,
        time=ledger.step_map.time,
        dt=ledger.step_map.dt,
        slices=ledger.step_map.slices,
        interrupted=ledger.interrupted,
    )


def unique_points(
    ledger: Ledger,
    everything: FixedPoints,
    *,
    include_slow: bool = False,
    exact: bool = True,
    certify: bool = False,
    near_ones: bool = True,
) -> FixedPoints:
    """Return each point that passes the filters, linearized, classified and ordered, with an audit.

    Parameters
    ----------
    ledger : Ledger
        All points and starts.
    everything : FixedPoints
        What `all_starts` made of it.
    include_slow : bool
        Return slow points too.
    exact : bool
        Whether to add Jacobians, if the options ask for them.
    certify : bool
        Whether to add certificates.
    near_ones : bool
        Whether to show two points that are nearer to each other than a ``tol_unique`` that is
        above its default: who raises it wants a coarse picture. (Which points are two is decided
        in the ledger.)

    Returns
    -------
    FixedPoints
        Ordered by input, kind, number of unstable directions and coordinates, so that the order
        does not depend on that of the starts.
    """
    options = ledger.options
    lanes = np.array(ledger.lane)
    outcome = np.array(ledger.owner)
    slow_lanes, slow_owner = _slow(ledger) if include_slow else (lanes[:0], None)
    if slow_owner is not None:
        taken = slow_owner >= 0
        outcome[taken] = slow_owner[taken]
    reason = np.array(ledger.reason, dtype=object)
    slow = (ledger.kind == SLOW) & ~np.char.startswith(reason.astype(str), ON_CONTINUUM)
    if not include_slow:
        reason[slow] = "slow point: " + reason[slow]
    stands = np.concatenate([lanes, slow_lanes]).astype(np.intp)
    merged = outcome >= 0
    merged[stands] = False
    reason[merged] = _MERGED

    unique = everything[stands]
    around = np.bincount(outcome[outcome >= 0], minlength=len(stands))
    hits = np.concatenate([ledger.hits(), around[len(lanes) :]])
    unique = unique.update(
        xstar=np.concatenate([ledger.states, unique.xstar[len(lanes) :]]),
        F_xstar=np.concatenate([ledger.F_x, unique.require("F_xstar")[len(lanes) :]]),
        qstar=np.concatenate([ledger.q, unique.require("qstar")[len(lanes) :]]),
        hits=hits,
    )
    if exact and ledger.exact and options.do_compute_jacobians:
        unique = _linearized(unique, ledger)
        if certify:
            unique = _certified(unique, ledger)
    keep, why = _filters(unique, everything.require("x_init")[ledger.drawn], options, near_ones)
    ended = np.flatnonzero(outcome >= 0)
    lost = ended[~keep[outcome[ended]]]
    reason[lost] = why[outcome[lost]]

    order = _order(unique, options)
    order = order[keep[order]]
    place = np.full(len(unique) + 1, -1)
    place[order] = np.arange(len(order))
    drawn = ledger.drawn
    audit = Audit(outcome=place[outcome[drawn]], reason=reason[drawn].astype(str))
    return unique[order].update(audit=audit)


def _slow(ledger: Ledger) -> tuple[np.ndarray, np.ndarray]:
    """Return the lanes that stand for slow points, and which point each start belongs to, or -1.

    A fixed point stands for the slow points around it, never the other way round.
    """
    found = ledger.candidates
    assert found is not None
    lanes = np.flatnonzero((ledger.kind == SLOW) & (ledger.owner < 0) & ledger.drawn)
    owner = np.full(len(found), -1)
    places = np.hstack([found.lanes.x, found.inputs])
    fixed = np.hstack([ledger.states, ledger.inputs])
    both = np.concatenate([fixed, places[lanes]])
    # Fixed points first, whatever their q is.
    rank = np.concatenate([np.full(len(fixed), -1.0), found.lanes.q[lanes]])
    chosen, labels = unique_indices(both, rank, ledger.options.tol_unique)
    new = chosen[chosen >= len(fixed)]
    number = np.empty(len(chosen), dtype=np.intp)
    number[chosen < len(fixed)] = chosen[chosen < len(fixed)]
    number[chosen >= len(fixed)] = len(fixed) + np.arange(len(new))
    theirs = labels[len(fixed) :]
    owner[lanes] = np.where(theirs >= 0, number[theirs], -1)
    return lanes[new - len(fixed)], owner


def _certified(unique: FixedPoints, ledger: Ledger) -> FixedPoints:
    """Add certificates of the ledger's points; slow points have none."""
    certified, enclosure, uniqueness = ledger.certificates()
    n_more = len(unique) - len(certified)
    nothing = np.full(n_more, np.nan)
    return unique.update(
        certified=np.concatenate([certified, np.zeros(n_more, dtype=bool)]),
        enclosure_radius=np.concatenate([enclosure, nothing]),
        uniqueness_radius=np.concatenate([uniqueness, nothing]),
    )


def _filters(
    unique: FixedPoints, starts: np.ndarray, options: Options, near_ones: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Tell which points are shown, and why the others are not."""
    keep = np.ones(len(unique), dtype=bool)
    why = np.full(len(unique), "", dtype=object)

    def drop(mask: np.ndarray, words: str) -> None:
        why[mask & keep] = words
        keep[mask] = False

    if not near_ones and options.tol_unique > Options.tol_unique and len(unique):
        places = np.hstack([unique.xstar, unique.require("inputs")])
        # A slow point is never preferred to a fixed one, whatever its q is.
        rank = np.where(unique.is_fixed, unique.require("qstar"), 1 + unique.require("qstar"))
        shown, _ = unique_indices(places, rank, options.tol_unique)
        near = np.ones(len(unique), dtype=bool)
        near[shown] = False
        drop(near, "nearer than tol_unique to a point that is shown")
    if options.do_exclude_distance_outliers and len(unique):
        drop(_distance_outliers(unique, starts, options), "distance outlier")
    if options.final_q_threshold > 0:
        drop(unique.require("qstar") > options.final_q_threshold, "q above final_q_threshold")
    if keep.sum() > options.max_n_unique:
        ranked = np.argsort(np.where(keep, unique.require("qstar"), np.inf), kind="stable")
        over = np.ones(len(unique), dtype=bool)
        over[ranked[: int(options.max_n_unique)]] = False
        drop(over, "more points than max_n_unique; this one has a larger q")
    return keep, why


def _linearized(unique: FixedPoints, ledger: Ledger) -> FixedPoints:
    """Add Jacobians, eigenmodes, stability, index and forward error, block by block.

    Where all Jacobians together would not fit into ``max_memory``, only the numbers made of them
    are kept.
    """
    options, step_map = ledger.options, ledger.step_map
    n, n_states = unique.xstar.shape
    # Jacobian, factors, and complex eigenvectors on both sides.
    per_point = 8 * n_states**2 * (6 if options.do_decompose_jacobians else 3)
    block = max(1, min(max(n, 1), int(options.max_memory // (2 * per_point))))
    keep_matrices = n * per_point <= options.max_memory
    columns: dict[str, list[np.ndarray]] = {}

    def add(**arrays: np.ndarray) -> None:
        for name, array in arrays.items():
            columns.setdefault(name, []).append(array)

    for start in range(0, max(n, 1), block):
        rows = slice(start, min(start + block, n))
        jacobian, input_jacobian = _jacobians(unique, ledger, rows)
        if keep_matrices:
            add(J_xstar=jacobian)
        add(dFdu=input_jacobian)
        _add_exact(add, unique, ledger, rows, jacobian)
        if options.do_decompose_jacobians:
            modes = spectrum.eigenmodes(jacobian, step_map.time)
            stability, n_unstable, margin, is_stable = classify_modes(
                jacobian, modes, step_map.time, options.marginal_tol, step_map.precision
            )
            add(
                eigval_J_xstar=modes.eigvals,
                eigval_condition=eigenvalue_conditions(modes),
                stability=stability,
                n_unstable=n_unstable,
                margin=margin,
                is_stable=is_stable,
            )
            if keep_matrices:
                add(eigvec_J_xstar=modes.right, eigvec_left_J_xstar=modes.left)
    joined: JsonObject = {name: np.concatenate(parts) for name, parts in columns.items()}
    if not keep_matrices:
        note = f"Jacobians and eigenvectors left out: more than max_memory={options.max_memory}"
        joined["provenance"] = {**unique.provenance, "left_out": note}
    return unique.update(**joined)


def _jacobians(unique: FixedPoints, ledger: Ledger, rows: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return those of the ledger, and compute what it does not hold."""
    kept = ledger.jacobians
    x, u = unique.xstar[rows], unique.require("inputs")[rows]
    if kept is None:
        return jacobians_at(ledger.step_map, x, u)
    there = len(kept[0][rows])
    if there == len(x):
        return kept[0][rows], kept[1][rows]
    missing = jacobians_at(ledger.step_map, x[there:], u[there:])
    jacobian, input_jacobian = (
        np.concatenate([mine[rows], more]) for mine, more in zip(kept, missing, strict=True)
    )
    return jacobian, input_jacobian


def _add_exact(
    add: Any, unique: FixedPoints, ledger: Ledger, rows: slice, jacobian: np.ndarray
) -> None:
    """Add index and forward error: the ledger's of its points, and computed ones of slow points."""
    index, error = ledger.index[rows], ledger.forward_error[rows]
    there = len(index) if ledger.exact else 0
    if there < len(jacobian):
        time = ledger.step_map.time
        x = unique.xstar[rows][there:]
        residual = residual_of(unique.require("F_xstar")[rows][there:], x, time)
        noise = residual_noise(ledger.step_map.precision, x)
        more = jacobian[there:]
        index = np.concatenate([index[:there], newton_step.fixed_point_index(more, time)])
        error = np.concatenate(
            [error[:there], newton_step.forward_error(more, residual, time, noise=noise)]
        )
    add(index=index, forward_error=error)


def _distance_outliers(unique: FixedPoints, starts: np.ndarray, options: Options) -> np.ndarray:
    """Points much further from the centre of the initial states than these are (Golub & Sussillo).

    With a single initial state there is no scale to compare with, and nothing is an outlier.
    """
    centre = starts.mean(axis=0)
    scale = np.linalg.norm(starts - centre, axis=1).mean()
    if scale == 0:
        return np.zeros(len(unique), dtype=bool)
    distance = np.linalg.norm(unique.xstar - centre, axis=1)
    return np.asarray(distance > options.outlier_distance_scale * scale)


def _order(unique: FixedPoints, options: Options) -> np.ndarray:
    """Order by input, kind, unstable directions, then by coordinates to within ``tol_unique``.

    Points that are nearer than that stand in the order of their exact coordinates.
    """
    keys = [unique.xstar.T[::-1], np.round(unique.xstar / options.tol_unique).T[::-1]]
    if unique.n_unstable is not None:
        keys.append(unique.n_unstable[None])
    keys.append(~unique.is_fixed[None])
    if unique.inputs is not None and unique.inputs.shape[1]:
        keys.append(unique.inputs.T[::-1])
    return np.lexsort(np.vstack([np.asarray(k, dtype=np.float64) for k in keys]))
