"""The finders compared, each behind the same call: network and starts in, points out."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.networks import Network

Points = np.ndarray
Finder = Callable[[Network, np.ndarray], Points]


def ours() -> Finder:
    """Return `fpf_notebook.FixedPointFinder` with its defaults."""
    from fpf_notebook import FixedPointFinder

    finders: dict[int, FixedPointFinder] = {}

    def find(network: Network, starts: np.ndarray) -> Points:
        finder = finders.setdefault(id(network), FixedPointFinder(network.model))
        unique, _ = finder.find_fixed_points(initial_states=starts, inputs=network.inputs)
        return unique.xstar

    return find


def ours_exhaustive() -> Finder:
    """Return `fpf_notebook.FixedPointFinder`, searching in rounds until it knows enough."""
    from fpf_notebook import FixedPointFinder

    finders: dict[int, FixedPointFinder] = {}

    def find(network: Network, starts: np.ndarray) -> Points:
        finder = finders.setdefault(id(network), FixedPointFinder(network.model))
        unique, _ = finder.find_fixed_points(
            network.trajectories, network.inputs, initial_states=starts, exhaustive=True
        )
        return unique.xstar

    return find


def canns() -> Finder:
    """Return canns' finder at the settings of its flip-flop example."""
    from canns.analyzer.slow_points import FixedPointFinder

    def find(network: Network, starts: np.ndarray) -> Points:
        finder = FixedPointFinder(
            network.model,
            method="joint",
            max_iters=5000,
            lr_init=0.02,
            tol_q=1e-4,
            final_q_threshold=1e-6,
            tol_unique=1e-2,
            outlier_distance_scale=10.0,
            verbose=False,
        )
        # Its starts are drawn inside; a trajectory of one step each, taken whole, hands it ours.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            unique, _ = finder.find_fixed_points(
                state_traj=starts[:, None].astype(np.float32),
                inputs=network.inputs.astype(np.float32),
                n_inits=len(starts),
            )
        return np.asarray(unique.xstar, dtype=np.float64).reshape(-1, starts.shape[1])

    return find


def brainpy_adam() -> Finder:
    """Return BrainPy's finder, gradient descent with its default optimizer."""
    return _brainpy("adam")


def brainpy_bfgs() -> Finder:
    """Return BrainPy's finder with its BFGS solver."""
    return _brainpy("bfgs")


def _brainpy(method: str) -> Finder:
    import brainpy as bp
    import jax
    import jax.numpy as jnp

    from fpf_notebook import as_step_map

    def find(network: Network, starts: np.ndarray) -> Points:
        step_map = as_step_map(network.model, dtype="float32")
        u = jnp.asarray(network.inputs[0], dtype=jnp.float32)

        def cell(h: Any) -> Any:
            return step_map.step(step_map.params, h, u)

        finder = bp.analysis.SlowPointFinder(
            f_cell=lambda h: cell(h) if h.ndim == 1 else jax.vmap(cell)(h),
            f_type="discrete",
            verbose=False,
        )
        candidates = jnp.asarray(starts, dtype=jnp.float32)
        if method == "adam":
            finder.find_fps_with_gd_method(candidates, tolerance=1e-8, num_batch=200)
        else:
            finder.find_fps_with_opt_solver(candidates)
        finder.filter_loss(1e-8)
        finder.keep_unique(1e-2)
        points = np.asarray(finder.fixed_points, dtype=np.float64)
        if len(points):
            np.asarray(finder.compute_jacobians(points.astype(np.float32)))
        return points

    return find


FINDERS: dict[str, Callable[[], Finder]] = {
    "fpf_notebook": ours,
    "fpf_notebook, exhaustive": ours_exhaustive,
    "canns": canns,
    "BrainPy, Adam": brainpy_adam,
    "BrainPy, BFGS": brainpy_bfgs,
}
