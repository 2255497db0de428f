"""Where manifolds may be, and which points lie on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.finder.manifolds.field import SlowField, frames_at, refined
from fpf_notebook.finder.manifolds.lines import Region
from fpf_notebook.finder.manifolds.rules import FEWEST, Rules, rates_of
from fpf_notebook.finder.manifolds.shapes import line_through, sheet_through, solid_of
from fpf_notebook.result.dedupe import unique_indices
from fpf_notebook.result.manifolds import Manifold

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.progress import CancelToken

__all__ = ["Rules", "manifolds_through", "who_lies_on"]

_FAR = 1e100
_MOST_UNITS = 512
_FASTEST = 0.02  # rate at which states move to or from a manifold at least, a step


def manifolds_through(
    step_map: StepMap,
    u: Float[np.ndarray, "n_inputs"],
    places: Float[np.ndarray, "n n_states"],
    seen: Float[np.ndarray, "m n_states"],
    *,
    tol_q: float,
    tol_unique: float,
    rules: Rules | None = None,
    cancel: CancelToken | None = None,
) -> list[Manifold]:
    """Return the lines, rings and sheets of fixed or slow points through given places.

    Parameters
    ----------
    step_map : StepMap
        The network.
    u : array, [n_inputs]
        The constant input.
    places : array, [n, n_states]
        Fixed or slow points, the most telling first.
    seen : array, [m, n_states]
        States in use: a line without end is followed as far as these reach.
    tol_q : float
        Points with a q of at most this are fixed.
    tol_unique : float
        Lines are longer than that.
    rules : Rules, optional
        What counts as slow.
    cancel : CancelToken, optional
        Ends it.

    Returns
    -------
    list of Manifold
        In the order in which they were found; `members` are not known here.
    """
    rules = rules or Rules()
    if not len(places) or step_map.n_states > _MOST_UNITS:
        return []
    field = SlowField(step_map, u)
    region = _region(np.concatenate([places, seen]), rules)
    if not region.size > 0:
        return []
    places = _slowest_first(field, _spread_out(places, region, rules.max_seeds), rules)
    found: list[Manifold] = []
    solid: list[np.ndarray] = []  # places with three slow directions or more
    most = 0
    for x in places:
        if cancel is not None and cancel.cancelled:
            break
        if any(_lies_on(x[None], one, 0.5)[0] for one in found):
            continue
        A = field.A(x[None])
        d, other = _slow_directions(field, A[0], rules)
        if d == 0:
            continue
        if d > 2:
            solid.append(x)
            most = max(most, d)
            continue
        frame = frames_at(A, d, field.precision)
        local = _local_region(region, field, rules, other)
        one = (line_through if d == 1 else sheet_through)(
            field, x, frame, local, rules, tol_q, tol_unique
        )
        if one is not None and not any(_is_same(one, other) for other in found):
            found.append(one)
    if len(solid) >= FEWEST:
        one = solid_of(field, np.array(solid), most, tol_q)
        if one is not None:
            found.append(one)
    return found


def who_lies_on(
    manifolds: list[Manifold],
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    isolated: Bool[np.ndarray, "n"],
    tol_unique: float,
) -> tuple[list[Manifold], Int[np.ndarray, "n"]]:
    """Tell which points lie on which manifold, and where the isolated ones on it stand.

    Parameters
    ----------
    manifolds : list of Manifold
        Of any inputs.
    x, u : arrays, [n, n_states] and [n, n_inputs]
        Points and their inputs.
    isolated : array of bool, [n]
        Which points have an index of their own.
    tol_unique : float
        Isolated points as near to one of the manifold are that.

    Returns
    -------
    manifolds : list of Manifold
        With `members`.
    ids : array of int, [n]
        The manifold of each point, or -1.
    """
    ids = np.full(len(x), -1)
    placed = []
    for number, one in enumerate(manifolds):
        here = np.flatnonzero((u == one.inputs).all(axis=1) & (ids < 0))
        members = np.full(len(one.fixed_points), -1)
        if len(here) and len(members):
            apart = np.linalg.norm(one.fixed_points[:, None] - x[None, here], axis=2)
            nearest = apart.argmin(axis=1)
            near = apart[np.arange(len(members)), nearest] <= tol_unique
            members[near] = here[nearest[near]]
        ids[members[members >= 0]] = number
        loose = here[~isolated[here] | (one.kind == "fixed")]
        loose = loose[~isolated[loose]] if one.kind == "slow" else loose
        if len(loose):
            ids[loose[_lies_on(x[loose], one, 0.2)]] = number
        placed.append(replace(one, members=members))
    return placed, ids


def _region(states: np.ndarray, rules: Rules) -> Region:
    """Return the box of the states that were seen.

    Not the invariant box: all fixed points may lie in a small one, and slow lines reach beyond it.
    """
    # What diverged, or began out of all bounds, has no length that could be squared.
    near = states[(np.abs(states) < _FAR).all(axis=1)]
    states = near if len(near) else np.zeros((1, states.shape[1]))
    low, high = states.min(axis=0), states.max(axis=0)
    size = float(np.linalg.norm(high - low)) / 2
    return Region(low.astype(float), high.astype(float), size, rules.near_one, size)


def _local_region(region: Region, field: SlowField, rules: Rules, other_rate: float) -> Region:
    """Set the limits of what is slow there, for a flow relative to its other time constants."""
    unit = 1.0 if field.is_map else (other_rate if np.isfinite(other_rate) else 1.0)
    return replace(
        region,
        near_one=rules.near_one * unit if not field.is_map else rules.near_one,
        max_speed=4 * region.size / rules.min_time * unit,
    )


def _spread_out(places: np.ndarray, region: Region, most: int) -> np.ndarray:
    """Return some of the places, spread over all, the first ones first."""
    if len(places) <= most:
        return places
    width = region.size / 8
    for _ in range(6):
        chosen, _ = unique_indices(places, np.arange(len(places), dtype=float), width)
        if len(chosen) >= most // 2:
            break
        width /= 3
    return places[np.sort(chosen)[:most]]


def _slowest_first(field: SlowField, places: np.ndarray, rules: Rules) -> np.ndarray:
    """Return the places that may have a slow direction, the slowest first."""
    A = field.A(places)
    finite = np.isfinite(A).all(axis=(1, 2))
    places, A = places[finite], A[finite]
    if not len(places):
        return places
    # Inverse iteration, from nowhere in particular: much quicker than all eigenvalues.
    start = np.random.default_rng(0).normal(size=(A.shape[1], min(2, A.shape[1])))
    start = np.broadcast_to(np.linalg.qr(start)[0], (len(A), *start.shape))
    try:
        slow = np.linalg.eigvals(refined(A, start, start, field.precision, 4).slow)
    except np.linalg.LinAlgError:
        return places
    rate = np.abs(slow).min(axis=1)
    size = np.linalg.norm(A, axis=(1, 2))
    likely = rate <= (2 * rules.near_one if field.is_map else 0.25 * size)
    rows = np.flatnonzero(likely)
    zero = field.is_zero(rate[rows], size[rows])
    return places[rows[np.lexsort((np.arange(len(rows)), ~zero))]]


def _slow_directions(field: SlowField, A: np.ndarray, rules: Rules) -> tuple[int, float]:
    """Return how many directions are slow beside the others, and the slowest rate of these."""
    slow = np.linalg.eigvals(A)
    slow = slow[np.argsort(np.abs(slow))]
    rates = rates_of(field, slow)
    size = float(np.linalg.norm(A, 2))
    n = len(slow)
    for d in range(1, n + 1):
        other = float(rates[d:].min()) if d < n else np.inf
        mine = float(np.abs(slow[d - 1]))
        # Where all directions are slow nothing is attracted: only a continuum is a manifold then.
        if d == n and not bool(field.is_zero(np.array([mine]), size)[0]):
            break
        if field.is_map and mine > rules.near_one:
            break
        floor = _FASTEST if field.is_map else _FASTEST * max(size, 1e-300)
        if other >= floor and mine <= rules.gap * other:
            return d, other
    return 0, np.inf


def _lies_on(x: np.ndarray, one: Manifold, share: float) -> np.ndarray:
    """Tell which states lie on a manifold, to within a share of the distance of its points."""
    if one.dimension == 1:
        a = one.path[:-1]
        b = one.path[1:]
        chord = b - a
        length = np.linalg.norm(chord, axis=1)
        best = np.full(len(x), False)
        for k in range(len(a)):
            along = np.clip((x - a[k]) @ chord[k] / max(length[k] ** 2, 1e-300), -0.5, 1.5)
            beside = np.linalg.norm(x - a[k] - along[:, None] * chord[k], axis=1)
            best |= beside <= share * length[k]
        return best
    from scipy.spatial import cKDTree

    if one.dimension == 2 and len(one.edges):
        lengths = np.linalg.norm(one.points[one.edges[:, 0]] - one.points[one.edges[:, 1]], axis=1)
        return np.asarray(cKDTree(one.points).query(x)[0] <= 1.3 * np.median(lengths))
    low, high = one.points.min(axis=0), one.points.max(axis=0)
    slack = 0.1 * (high - low)
    return np.asarray(((x >= low - slack) & (x <= high + slack)).all(axis=1))


def _is_same(one: Manifold, other: Manifold) -> bool:
    """Tell whether most of one lies on the other."""
    if one.dimension != other.dimension:
        return False
    return bool(_lies_on(one.points, other, 0.5).mean() > 0.5)
