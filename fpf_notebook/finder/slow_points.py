"""The fixed and slow points that a network comes by, for linear approximations of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from fpf_notebook.analysis.fixed_points import FixedPoints
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.finder.progress import Progress


def find_slow_points(
    model: Any,
    states: Float[np.ndarray, "trial time n_states"],
    inputs: Float[np.ndarray, "1 n_inputs"] | None = None,
    *,
    n_inits: int = 128,
    max_q: float = 1e-6,
    seed: int = 0,
    max_iters: int = 200,
    progress: Progress | None = None,
) -> FixedPoints:
    """Find the fixed and the slow points near states that a network visits.

    An exact search, which keeps points at which the network only nearly stands still. A network
    co-trained as a JSLDS, or an approximate line attractor, has more of these than of true fixed
    points; `kind` tells one from the other. Searches in the nearly flat valleys of such networks
    do not end by themselves: they are cut off, and what they reached is returned if it is slow
    enough.

    Parameters
    ----------
    model : StepMap, bp.DynamicalSystem or callable
        Whatever `FixedPointFinder` takes.
    states : array, [trial, time, n_states]
        Trajectories to start from.
    inputs : array, [1, n_inputs], optional
        The constant input, by default zero.
    n_inits : int
        How many states to start from. Default 128.
    max_q : float
        Slow points have a q of at most this. Default 1e-6.
    seed : int
        Of the choice of states.
    max_iters : int
        Iterations of a search at most. Default 200.
    progress : Progress, optional
        As for `FixedPointFinder`.

    Returns
    -------
    points : FixedPoints
        Unique points, fixed and slow, with Jacobians and eigenmodes.

    Raises
    ------
    TypeError, ValueError
        As `FixedPointFinder.find_fixed_points`.
    """
    finder = FixedPointFinder(
        model,
        max_iters=max_iters,
        final_q_threshold=max_q,
        random_seed=seed,
        progress=progress,
    )
    points, _ = finder.find_fixed_points(states, inputs, n_inits=n_inits, include_slow=True)
    return points
