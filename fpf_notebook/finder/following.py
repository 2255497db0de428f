"""Known points are followed to a nearby setting: Newton from where they were, births looked for.

A whole search takes from milliseconds to minutes; while a hand drags a slider, what matters is
where the points that are known have gone. Nothing here says that the set is complete: the grade
of what is returned is always "open".
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.dynamics.batches import power_of_two_above
from fpf_notebook.finder import engine
from fpf_notebook.finder.proposals.sampling import (
    box_starts,
    segment_starts,
    trajectory_starts,
)
from fpf_notebook.finder.search import search

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.progress import CancelToken
    from fpf_notebook.finder.request import SearchRequest
    from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["FOLLOWING", "Trail", "follow", "prepare", "trail_of"]

FOLLOWING = "the points are followed while a setting moves"

_MOST_FRESH = 32  # starts that may end in no point have to fit into the smallest pool
_MAX_VANISHED = 64
_LONGEST_STEP = 0.25  # of 1 + |x|: a prediction further away is none
_NEAR_FOLD = 0.3  # an eigenvalue of I - J (or -J) this small: a partner may be near
_PARTNERS = (0.03, 0.1, 0.3)  # how far along the soft direction one is looked for


@dataclass(frozen=True)
class Trail:
    """What is known when the points are followed once more.

    Attributes
    ----------
    points : FixedPoints
        The points, with Jacobians if there are any: the next ones are then predicted.
    vanished : array, [n_vanished, n_states]
        Where points were last seen that have vanished: on the way back they are born there.
    ghosts : array, [n_ghosts, n_states]
        Minima of q that are no fixed points: where points are born next.
    n_fresh : int
        Fresh starts to make: fewer where following takes long.
    turn : int
        Times that the points were followed; seeds the fresh starts.
    """

    points: FixedPoints
    vanished: Float[np.ndarray, "n_vanished n_states"]
    ghosts: Float[np.ndarray, "n_ghosts n_states"]
    n_fresh: int = 8
    turn: int = 0


def trail_of(points: FixedPoints, n_states: int) -> Trail:
    """Begin to follow the points of a search.

    Parameters
    ----------
    points : FixedPoints
        Under one constant input; slow points become ghosts.
    n_states : int
        Number of states, for a set without points.

    Returns
    -------
    Trail
    """
    none = np.zeros((0, n_states))
    fixed = np.asarray(points.is_fixed) if len(points) else np.zeros(0, dtype=bool)
    ghosts = points.xstar[~fixed] if len(points) else none
    return Trail(points[np.flatnonzero(fixed)] if len(points) else points, none, ghosts)


def follow(
    trail: Trail,
    request: SearchRequest,
    step_map: StepMap,
    *,
    cancel: CancelToken | None = None,
    seconds: float = 0.03,
) -> tuple[engine.Searched, engine.Found, Trail]:
    """Find the points of a setting near that of the trail.

    Starts are the points (carried along by the derivative of their place by the input, where
    Jacobians are there), places where points have vanished, ghosts, both sides of every point that
    is near a fold, and fresh ones: the fewer, the longer it takes.

    Parameters
    ----------
    trail : Trail
        From `trail_of`, or from the last call.
    request : SearchRequest
        What would be searched for; only its tolerances, pool, input and seed are used.
    step_map : StepMap
        The network at this setting.
    cancel : CancelToken, optional
        Ends it early; the result is then not to be shown (`Searched.interrupted`).
    seconds : float
        What a call may take: after a longer one, fewer fresh starts are made. Infinity makes the
        result independent of the machine.

    Returns
    -------
    searched : Searched
        Where the starts ended.
    found : Found
        The points. Their report is open, because they were followed.
    trail : Trail
        For the next call.
    """
    began = time.perf_counter()
    n_states = step_map.n_states
    options = replace(request.options, method="newton", n_runs=0)
    u = np.asarray(request.inputs if request.inputs is not None else np.zeros((1, 0)))[0]
    rng = np.random.default_rng((options.random_seed, trail.turn))
    known = _predicted(trail.points, u, n_states)
    wanted = [known, trail.vanished, trail.ghosts, *_partners(trail.points, n_states)]
    n_fresh = trail.n_fresh if any(map(len, wanted)) else _MOST_FRESH
    fresh = _fresh(rng, n_fresh, known, request, step_map, u)
    # The step is compiled for powers of two: no more starts than one of them holds.
    most = max(4 * _MOST_FRESH, power_of_two_above(2 * len(known) + len(fresh)))
    extra = np.concatenate(wanted[1:])[: most - len(known) - len(fresh)]
    starts = np.concatenate([known, extra, fresh])
    asked = request.replace(
        initial_states=starts,
        exhaustive=False,
        noise_scale=0.0,
        cond_ids=None,
        known_states=None,
        options=options,
    )
    inputs = np.broadcast_to(u, (len(starts), len(u)))
    # In the pool of the whole search, which is compiled: another size would be compiled anew.
    lanes = search(step_map, starts, inputs, options, cancel=cancel, pool_of=request.n_inits)
    kinds = np.full(len(starts), "followed", dtype=object)
    searched = engine.Searched([(lanes, kinds)], u[None], None, None, FOLLOWING)
    found = engine.finish(searched, asked, step_map, cancel=cancel, manifolds=False)
    report = found.unique.completeness
    if report is not None:
        report = replace(report, grade="open", open_because=[FOLLOWING], stopped_because=FOLLOWING)
        found = replace(found, unique=found.unique.update(completeness=report))
    share = (time.perf_counter() - began) / seconds
    return searched, found, _next(trail, found, share)


def prepare(trail: Trail, request: SearchRequest, step_map: StepMap) -> None:
    """Have compiled whatever `follow` may need.

    Parameters
    ----------
    trail, request, step_map
        As for `follow`.
    """
    follow(trail, request, step_map)


def _next(trail: Trail, found: engine.Found, share: float) -> Trail:
    """Remember what has vanished, and how many fresh starts there was time for."""
    points = found.unique
    here = trail_of(points, trail.vanished.shape[1])
    old = trail.points.xstar if len(trail.points) else trail.vanished[:0]
    lost = np.concatenate([trail.vanished, _lost(old, here.points, trail.vanished)])
    lanes = found.everything
    unmoved = np.asarray(lanes.kind) == "slow"
    ghosts = np.concatenate([here.ghosts, lanes.xstar[unmoved][:8]])[:16]
    n_fresh = trail.n_fresh
    if share > 1:
        n_fresh //= 2
    elif share < 0.5:
        n_fresh = min(_MOST_FRESH, 2 * n_fresh + 4)
    return Trail(here.points, lost[-_MAX_VANISHED:], ghosts, n_fresh, trail.turn + 1)


def _lost(old: np.ndarray, new: FixedPoints, vanished: np.ndarray) -> np.ndarray:
    """Return the old places that no new point is nearest to, and which are not known as such."""
    if not len(old):
        return old
    if not len(new):
        lost = np.ones(len(old), dtype=bool)
    else:
        lost = np.ones(len(old), dtype=bool)
        lost[_nearest(new.xstar, old)[0]] = False
    places = old[lost]
    if len(vanished) and len(places):
        places = places[_nearest(places, vanished)[1] > 1e-2]
    return places


def _nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which of the others is nearest to each point, and its distance."""
    square = (points**2).sum(1)[:, None] + (others**2).sum(1)[None] - 2 * points @ others.T
    which = square.argmin(axis=1)
    return which, np.sqrt(np.maximum(square[np.arange(len(points)), which], 0))


def _predicted(points: FixedPoints, u: np.ndarray, n_states: int) -> np.ndarray:
    """Carry the points along with the input, to first order."""
    if not len(points):
        return np.zeros((0, n_states))
    x, J, B, old = points.xstar, points.J_xstar, points.dFdu, points.inputs
    if J is None or B is None or old is None or not len(u):
        return x
    moved = u - old
    if not moved.any():
        return x
    matrix = -J if points.time == "continuous" else np.eye(n_states) - J
    try:
        step = np.linalg.solve(matrix, np.einsum("nij,nj->ni", B, moved)[..., None])[..., 0]
    except np.linalg.LinAlgError:  # one of them is at its fold
        return x
    length = np.linalg.norm(step, axis=1, keepdims=True)
    limit = _LONGEST_STEP * (1 + np.linalg.norm(x, axis=1, keepdims=True))
    return np.where(np.isfinite(step) & (length <= limit), x + step, x)


def _partners(points: FixedPoints, n_states: int) -> list[np.ndarray]:
    """Return states on both sides of the points near a fold: of two that are born LM finds one."""
    values, vectors = points.eigval_J_xstar, points.eigvec_J_xstar
    if not len(points) or values is None or vectors is None:
        return []
    distance = np.abs(values if points.time == "continuous" else 1 - values)
    softest = distance.argmin(axis=1)
    rows = np.arange(len(points))
    near = np.flatnonzero(distance[rows, softest] < _NEAR_FOLD)[:32]
    if not len(near):
        return []
    along = np.real(vectors[near, :, softest[near]])
    return [points.xstar[near] + sign * s * along for s in _PARTNERS for sign in (-1.0, 1.0)]


def _fresh(
    rng: np.random.Generator,
    n: int,
    known: np.ndarray,
    request: SearchRequest,
    step_map: StepMap,
    u: np.ndarray,
) -> np.ndarray:
    """Draw starts along the trajectories, between the points, and around both."""
    if request.state_traj is None:
        assert request.initial_states is not None
        pool = np.asarray(request.initial_states)
    else:
        traj = request.state_traj
        pool = traj.reshape(-1, traj.shape[-1])
        if request.valid_bxt is not None:
            pool = traj[request.valid_bxt]
    seen = np.concatenate([pool[:: max(1, len(pool) // 2000)], known])
    box = np.stack([seen.min(axis=0) - 0.1, seen.max(axis=0) + 0.1])
    edges = step_map.invariant_box(u) if step_map.box is not None else None
    if edges is not None:
        box = np.stack([np.maximum(edges[0], box[0] - 1), np.minimum(edges[1], box[1] + 1)])
    third = -(-n // 3)
    kinds = (trajectory_starts, segment_starts, box_starts)
    return np.concatenate([draw(rng, third, pool, known, box) for draw in kinds])[:n]
