"""The fixed and slow points next to given states, for linear approximations of a network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from fpf_notebook.arguments import checks
from fpf_notebook.finder.arguments import check_states
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.finder.progress import Progress
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["find_slow_points"]


@checks("finder.find_slow_points")
def find_slow_points(
    model: object,
    states: Float[np.ndarray, "trial time n_states"],
    inputs: Float[np.ndarray, "1 n_inputs"] | None = None,
    *,
    n_inits: int = 128,
    max_q: float = 1e-8,
    seed: int = 0,
    max_iters: int = 2000,
    progress: Progress | None = None,
) -> FixedPoints:
    """Find the fixed and the slow points next to given states, by small steps.

    Each search goes downhill by steps of Adam at a rate of 1e-3 and stops as soon as q is at most
    `max_q`. In a network co-trained as a JSLDS, or along an approximate line attractor, the valleys
    of small q are long and flat: the large steps of a Newton search slide away along them, to fixed
    points elsewhere, while what the linear approximation needs is the point at hand.

    Parameters
    ----------
    model : StepMap, bp.DynamicalSystem or callable
        Whatever `FixedPointFinder` takes.
    states : array, [trial, time, n_states]
        Where to start: trajectories, or the expansion points of a JSLDS.
    inputs : array, [1, n_inputs], optional
        The constant input, by default zero.
    n_inits : int
        How many states to start from. Default 128.
    max_q : float
        Slow points have a q of at most this. Default 1e-8.
    seed : int
        Of the choice of states.
    max_iters : int
        Steps of a search at most. Default 2000.
    progress : Progress, optional
        As for `FixedPointFinder`.

    Returns
    -------
    points : FixedPoints
        Unique points, fixed and slow (see `kind`), with Jacobians and eigenmodes.

    Raises
    ------
    TypeError, ValueError
        As `FixedPointFinder.find_fixed_points`.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> from fpf_notebook import SilentProgress, as_step_map
    >>> F = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=1, n_inputs=1)
    >>> starts = np.linspace(-1, 1, 16).reshape(1, 16, 1)
    >>> found = find_slow_points(F, starts, n_inits=16, progress=SilentProgress())
    >>> sorted({float(x) for x in np.abs(found.xstar).round(3).ravel()})
    [0.0, 0.958]
    """
    traj = check_states("states", states, 3, None)
    finder = FixedPointFinder(
        model,
        method="sequential",
        lr_init=1e-3,
        tol_q=max_q,
        # q is computed again at the point that is returned, and may differ in its last digits.
        final_q_threshold=1.001 * max_q,
        max_iters=max_iters,
        n_runs=0,
        do_find_manifolds=False,
        progress=progress,
        n_states=traj.shape[2],
        n_inputs=None if inputs is None else np.shape(inputs)[-1],
    )
    step_map = finder.step_map()
    if inputs is None:
        inputs = np.zeros((1, step_map.n_inputs))
    request = SearchRequest(
        options=replace(finder.options, random_seed=seed),
        state_traj=traj,
        inputs=inputs,
        n_inits=n_inits,
        include_slow=True,
    )
    points, _ = finder.run(request, step_map, progress=progress, second_searches=False)
    # Small steps from given states are no search for all points: nothing is said of that.
    return points.update(completeness=None)
