"""The manifolds among what a search has found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.arguments import checks
from fpf_notebook.finder.judge import SLOW
from fpf_notebook.finder.manifolds.search import Rules, manifolds_through, who_lies_on
from fpf_notebook.result.manifolds import Manifold, on_continuum

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.ledger import Ledger
    from fpf_notebook.finder.progress import CancelToken
    from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["find_manifolds", "manifolds_of", "samples_of", "starts_on", "with_manifolds"]

_MOST_INPUTS = 16  # with more, each is looked at too shortly to tell anything
_SLOWEST = 1e-8  # q of slow points from which curves begin
_MOST_SLOW = 64
_NUMBERS = 4_000_000  # in the Jacobians of all places


def manifolds_of(ledger: Ledger, cancel: CancelToken | None) -> list[Manifold]:
    """Return the lines, rings and sheets of fixed or slow points that a search has met.

    Parameters
    ----------
    ledger : Ledger
        All points and starts.
    cancel : CancelToken, optional
        Ends it.
    """
    step_map, found = ledger.step_map, ledger.candidates
    if found is None or not ledger.exact or len(ledger.conditions) > _MOST_INPUTS:
        return []
    lanes = found.lanes
    first = ledger.start_kind == ledger.start_kind[0]
    slow = (ledger.kind == SLOW) & (ledger.owner < 0) & (lanes.q <= _SLOWEST)
    rules = _rules_for(step_map)
    manifolds: list[Manifold] = []
    for u in ledger.conditions:
        mine = ledger.of_condition(u)
        degenerate = ledger.index[mine] == 0
        states = ledger.states[mine]
        under = np.isfinite(lanes.x).all(axis=1) & (found.inputs == u).all(axis=1)
        still = np.flatnonzero(under & slow)
        still = still[np.argsort(lanes.q[still], kind="stable")][:_MOST_SLOW]
        manifolds += manifolds_through(
            step_map,
            u,
            np.concatenate([states[degenerate], states[~degenerate], lanes.x[still]]),
            found.x_init[first & (found.inputs == u).all(axis=1)],
            tol_q=ledger.options.tol_q,
            tol_unique=ledger.options.tol_unique,
            rules=rules,
            cancel=cancel,
        )
    return manifolds


def _rules_for(step_map: StepMap) -> Rules:
    most = max(8, min(Rules.max_seeds, _NUMBERS // step_map.n_states**2))
    return Rules(max_seeds=most)


def samples_of(manifolds: list[Manifold], ledger: Ledger) -> Bool[np.ndarray, "n_points"]:
    """Tell which points of a ledger are nothing but samples of a continuum of fixed points.

    Parameters
    ----------
    manifolds : list of Manifold
        Those of the search.
    ledger : Ledger
        All points.
    """
    continua = [one for one in manifolds if one.kind == "fixed"]
    tol = ledger.options.tol_unique
    isolated = ledger.index != 0
    _, ids = who_lies_on(continua, ledger.states, ledger.inputs, isolated, tol)
    return np.asarray(ids >= 0)


def starts_on(one: Manifold, ledger: Ledger) -> Int[np.ndarray, "n"]:
    """Return the starts that ended in no point, but on a continuum of fixed points.

    Parameters
    ----------
    one : Manifold
        The continuum.
    ledger : Ledger
        All starts.
    """
    found = ledger.candidates
    if found is None or one.kind != "fixed":
        return np.zeros(0, dtype=int)
    lost = (ledger.kind == SLOW) & (ledger.owner < 0) & (found.inputs == one.inputs).all(axis=1)
    lost &= (found.lanes.q <= ledger.options.tol_q) & np.isfinite(found.lanes.x).all(axis=1)
    rows = np.flatnonzero(lost)
    x, u = found.lanes.x[rows], found.inputs[rows]
    ids = who_lies_on([one], x, u, np.zeros(len(rows), dtype=bool), ledger.options.tol_unique)[1]
    return rows[ids >= 0]


def with_manifolds(points: FixedPoints, manifolds: list[Manifold]) -> FixedPoints:
    """Return a record that knows its manifolds, and which points lie on them.

    Parameters
    ----------
    points : FixedPoints
        The points, with their inputs.
    manifolds : list of Manifold
        What was found.
    """
    if not manifolds:
        return points
    inputs = points.inputs
    if inputs is None:
        inputs = np.zeros((len(points), 0))
    isolated = np.zeros(len(points), dtype=bool)
    if points.index is not None:
        isolated = np.asarray((points.index != 0) & points.is_fixed)
    placed, ids = who_lies_on(manifolds, points.xstar, inputs, isolated, points.tol_unique)
    return points.update(manifolds=tuple(placed), manifold_id=ids)


@checks("finder.find_manifolds")
def find_manifolds(
    model: object,
    points: FixedPoints,
    states: Float[np.ndarray, "*any n_states"] | None = None,
    *,
    min_time: float = Rules.min_time,
    near_one: float = Rules.near_one,
    gap: float = Rules.gap,
    min_share: float = Rules.min_share,
    cancel: CancelToken | None = None,
) -> FixedPoints:
    """Look for lines, rings and sheets through the points of a search, by rules of your own.

    Every search has looked already, by the default rules: `FixedPoints.manifolds` has what it
    found. Here you say yourself what counts as slow.

    Parameters
    ----------
    model : StepMap, bp.DynamicalSystem or callable
        Whatever `FixedPointFinder` takes.
    points : FixedPoints
        Where to begin: fixed points, and slow ones (``include_slow=True``) where there are no fixed
        points.
    states : array, [..., n_states], optional
        States in use, trajectories for example: lines without end are followed as far as these
        reach. Default: as far as the points and their starts do.
    min_time : float
        Time that it takes to travel a slow line from end to end, at least, at the highest speed of
        the drift: in steps (map), or in time constants of the slowest other direction (flow).
        Default 500.
    near_one : float
        How far the eigenvalue of the slow direction may be from 1 (map; for a flow from 0, in
        shares of the slowest other rate). Default 0.1.
    gap : float
        The slow rate is at most this share of the slowest other rate. Default 0.25.
    min_share : float
        A slow line is at least as long as this share of half the diagonal of the region that the
        states fill. Default 0.2. Continua of fixed points may be shorter.
    cancel : CancelToken, optional
        Ends it.

    Returns
    -------
    FixedPoints
        The same points, with `manifolds` and `manifold_id`.

    Raises
    ------
    TypeError, ValueError
        If `points` is no record, a shape does not fit or a number is not positive.

    References
    ----------
    .. [1] U. Maas & S. B. Pope, "Simplifying chemical kinetics: intrinsic low-dimensional manifolds
       in composition space", Combustion and Flame 88 (1992): the equations of slow manifolds.

    Examples
    --------
    A ring on which a small force makes eight stable points and eight saddles:

    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook import FixedPointFinder, SilentProgress
    >>> from fpf_notebook.finder import find_manifolds
    >>> def step(h, u):
    ...     angle, across = jnp.arctan2(h[1], h[0]), jnp.array([-h[1], h[0]])
    ...     return h + 0.3 * h * (1 - h @ h) + 0.02 * jnp.sin(8 * angle) * across
    >>> finder = FixedPointFinder(step, n_states=2, n_inputs=1, progress=SilentProgress())
    >>> starts = np.random.default_rng(0).normal(size=(256, 2))
    >>> found, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)))
    >>> found.manifolds  # it takes only 314 steps to travel it
    ()
    >>> again = find_manifolds(finder.step_map(), found, min_time=200, near_one=0.2, gap=0.5)
    >>> [(one.name, len(one.fixed_points)) for one in again.manifolds]
    [('ring of slow points', 16)]
    """
    from fpf_notebook.dynamics import as_step_map
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.result.fixed_points import FixedPoints

    if not isinstance(points, FixedPoints):
        raise TypeError(f"points is of type {type(points).__name__}, expected FixedPoints.")
    for name, value in (
        ("min_time", min_time), ("near_one", near_one), ("gap", gap), ("min_share", min_share)
    ):  # fmt: skip
        if isinstance(value, bool) or not 0 < float(value) < np.inf:
            raise ValueError(f"{name} is {value!r}, expected a positive number.")
    n_inputs = points.n_inputs
    step_map = (
        model
        if isinstance(model, StepMap)
        else as_step_map(model, n_states=points.n_states, n_inputs=n_inputs)
    )
    if step_map.n_states != points.n_states:
        raise ValueError(
            f"points have {points.n_states} states, but the model has {step_map.n_states}."
        )
    starts = points.xstar if points.x_init is None else points.x_init
    seen = starts if states is None else np.asarray(states, np.float64)
    if seen.ndim == 0 or seen.shape[-1] != points.n_states:
        raise ValueError(
            f"states has shape {seen.shape}, expected [..., n_states={points.n_states}]."
        )
    seen = seen.reshape(-1, points.n_states)
    rules = replace(
        _rules_for(step_map), min_time=min_time, near_one=near_one, gap=gap, min_share=min_share
    )
    inputs = points.inputs if points.inputs is not None else np.zeros((points.n, n_inputs))
    continuum = on_continuum(points)
    manifolds: list[Manifold] = []
    for u in np.unique(inputs, axis=0):
        rows = np.flatnonzero((inputs == u).all(axis=1))
        rows = rows[np.argsort(~continuum[rows], kind="stable")]
        manifolds += manifolds_through(
            step_map,
            u,
            points.xstar[rows].astype(np.float64),
            seen[np.isfinite(seen).all(axis=1)],
            tol_q=float(points.provenance.get("options", {}).get("tol_q", 1e-12)),
            tol_unique=points.tol_unique,
            rules=rules,
            cancel=cancel,
        )
    return with_manifolds(points.update(manifolds=(), manifold_id=None), manifolds)
