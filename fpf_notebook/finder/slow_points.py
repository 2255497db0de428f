"""The fixed and slow points that a network comes by, for linear approximations of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from fpf_notebook.analysis.fixed_points import FixedPoints
from fpf_notebook.finder.arguments import check_states
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.finder.progress import Progress
from fpf_notebook.finder.sampling import sample_states


def find_slow_points(
    model: Any,
    states: Float[np.ndarray, "trial time n_states"],
    inputs: Float[np.ndarray, "1 n_inputs"] | None = None,
    *,
    n_inits: int = 128,
    max_q: float = 1e-8,
    seed: int = 0,
    max_iters: int = 200,
    settle: int = 30,
    progress: Progress | None = None,
) -> FixedPoints:
    """Find the fixed and the slow points near states that a network visits.

    Searches start from states, and from where the network itself takes them in `settle` steps
    under the constant input; they stop as soon as q is at most `max_q`. For in a network
    co-trained as a JSLDS the valleys of small q are long and flat, and an exact search slides away
    along them, to fixed points elsewhere. From the slow points thus found an exact search follows; where it ends in a
    fixed point nearby, within a tenth of the states' root mean square distance from their mean,
    that one is returned in place of the slow point.

    Parameters
    ----------
    model : StepMap, bp.DynamicalSystem or callable
        Whatever `FixedPointFinder` takes.
    states : array, [trial, time, n_states]
        Trajectories to start from.
    inputs : array, [1, n_inputs], optional
        The constant input, by default zero.
    n_inits : int
        How many states to start from, each before and after settling. Default 128.
    max_q : float
        Slow points have a q of at most this. Default 1e-8.
    seed : int
        Of the choice of states.
    max_iters : int
        Iterations of a search at most. Default 200.
    settle : int
        Steps of the network before half of the searches, 0 for none. Default 30.
    progress : Progress, optional
        As for `FixedPointFinder`.

    Returns
    -------
    points : FixedPoints
        Unique points, fixed and slow (see `kind`), with Jacobians and eigenmodes. Slow points of
        one valley are not merged into one.

    Raises
    ------
    TypeError, ValueError
        As `FixedPointFinder.find_fixed_points`.
    """
    traj = check_states("state_traj", states, 3, None)
    flat = traj.reshape(-1, traj.shape[2])
    options: dict[str, Any] = {
        "max_iters": max_iters,
        "progress": progress,
        "n_states": traj.shape[2],
        "n_inputs": None if inputs is None else np.shape(inputs)[-1],
    }
    rough = FixedPointFinder(model, tol_q=max_q, final_q_threshold=max_q, **options)
    step_map = rough.step_map()
    if inputs is None:
        inputs = np.zeros((1, step_map.n_inputs))
    starts = sample_states(traj, n_inits, np.random.default_rng(seed), 0.0, None)
    if settle > 0 and step_map.time == "discrete":
        held = np.broadcast_to(np.asarray(inputs, np.float64), (len(starts), step_map.n_inputs))
        held = np.repeat(held[:, None], settle, axis=1)
        starts = np.concatenate([starts, step_map.trajectory(starts, held)[:, -1]])
    slow, _ = rough.select(
        rough.search(starts, inputs, step_map=step_map), step_map=step_map, include_slow=True
    )
    if slow.n == 0:
        return slow
    exact = FixedPointFinder(model, final_q_threshold=max_q, **options)
    ends, all_ends = exact.select(
        exact.search(slow.xstar, inputs, step_map=step_map), step_map=step_map
    )
    reach = 0.1 * np.sqrt(((flat - flat.mean(axis=0)) ** 2).sum(axis=1).mean())
    moved = np.linalg.norm(all_ends.xstar - slow.xstar, axis=1)
    replaced = all_ends.is_fixed & (moved <= reach)
    kept = slow[~replaced]
    kept = kept.update(kind=np.full(kept.n, "slow"))
    near = [ends.nearest(x) for x in all_ends.xstar[replaced]]
    if not near:
        return kept
    fixed = ends[np.unique(near)].update(completeness=None)
    return fixed.concatenate([fixed, kept]) if kept.n else fixed
