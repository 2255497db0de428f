"""How each call that is declared in `calls_by_room` is made, with good arguments."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

import fpf_notebook.analysis as analysis
import fpf_notebook.dynamics as dynamics
import fpf_notebook.finder as finder
from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.analysis import Snapshot
from fpf_notebook.sweep import sweep

STEP_MAP = dynamics.as_step_map(lambda h, u: jnp.tanh(2 * h + 0 * u), n_states=2, n_inputs=2)
POINTS = FixedPoints(
    np.zeros((1, 2)),
    J_xstar=2 * np.eye(2)[None],
    eigval_J_xstar=np.ones((1, 2)) * 2j,
    eigvec_J_xstar=np.eye(2)[None] + 0j,
)
RNG = np.random.default_rng(0)
U, STATES, RUNS = np.zeros(2), np.zeros((3, 2)), RNG.normal(size=(4, 12, 5))
MATRIX, MATRICES, VALUES = 0.5 * np.eye(2), 0.5 * np.eye(2)[None], np.ones((1, 2)) * 0.5
TRIALS = np.ones((2, 3, 4))
SNAPSHOTS: list[Snapshot] = []

Call = tuple[Callable[..., Any], dict[str, Any]]

CALLS_TO_MAKE: dict[str, Call] = {
    "StepMap.__call__": (STEP_MAP, {"h": U, "u": U}),
    "StepMap.trajectory": (STEP_MAP.trajectory, {"h0": STATES[:1], "inputs": STATES[None]}),
    "StepMap.invariant_box": (STEP_MAP.invariant_box, {"u": U}),
    "StepMap.box_is_whole": (STEP_MAP.box_is_whole, {"u": U}),
    "FixedPoints.find": (POINTS.find, {"x": U}),
    "FixedPoints.get_unique": (POINTS.get_unique, {}),
    "FixedPoints.transform": (POINTS.transform, {"U": np.eye(2)}),
    "FixedPoints.decompose_jacobians": (POINTS.decompose_jacobians, {}),
    "dynamics.invariant_box": (dynamics.invariant_box, {"step_map": STEP_MAP, "u": U}),
    "dynamics.is_whole": (
        dynamics.is_whole,
        {"step_map": STEP_MAP, "u": U, "low": U - 1, "high": U + 1},
    ),
    "dynamics.linearize": (
        dynamics.linearize,
        {"step_map": STEP_MAP, "x": STATES, "u": np.zeros((3, 2))},
    ),
    "finder.certify": (finder.certify, {"step_map": STEP_MAP, "x": STATES, "u": U}),
    "finder.prove": (finder.prove, {"step_map": STEP_MAP, "u": U, "max_boxes": 1}),
    "finder.find_manifolds": (finder.find_manifolds, {"model": STEP_MAP, "points": POINTS}),
    "finder.find_slow_points": (
        finder.find_slow_points,
        {"model": STEP_MAP, "states": STATES[None], "inputs": U[None], "n_inits": 1},
    ),
    "result.eigenmodes": (analysis.eigenmodes, {"J": MATRICES}),
    "result.classify": (analysis.classify, {"eigvals": VALUES}),
    "result.time_constants": (analysis.time_constants, {"eigvals": VALUES}),
    "result.frequencies": (analysis.frequencies, {"eigvals": VALUES}),
    "result.fixed_point_index": (analysis.fixed_point_index, {"J": MATRICES}),
    "result.forward_error": (analysis.forward_error, {"J": MATRICES, "residual": STATES[:1]}),
    "analysis.set_distances": (analysis.set_distances, {"sets": [POINTS, POINTS]}),
    "analysis.embed_distances": (analysis.embed_distances, {"distances": [[0.0, 1], [1, 0]]}),
    "analysis.relative_error": (
        analysis.relative_error,
        {"states": RUNS, "approximation": RUNS + 1},
    ),
    "analysis.linearized_run": (
        analysis.linearized_run,
        {"step_map": STEP_MAP, "fixed_points": POINTS, "inputs": np.zeros((1, 3, 2)),
         "states": STATES[None]},
    ),
    "analysis.nearest_point": (analysis.nearest_point, {"states": STATES, "points": STATES}),
    "analysis.mutual_nearest": (analysis.mutual_nearest, {"before": STATES, "after": STATES}),
    "analysis.order_along_curve": (analysis.order_along_curve, {"x": RUNS[0]}),
    "analysis.destination": (analysis.destination, {"points": POINTS, "state": U}),
    "analysis.find_line_attractor": (analysis.find_line_attractor, {"points": POINTS}),
    "analysis.cluster_expansion_points": (
        analysis.cluster_expansion_points,
        {"points": RUNS, "radius": 1.0},
    ),
    "analysis.compare_expansion_points": (
        analysis.compare_expansion_points,
        {"step_map": STEP_MAP, "expansion_points": STATES, "fixed_points": POINTS, "radius": 1.0},
    ),
    "analysis.analyze_integration": (
        analysis.analyze_integration,
        {"step_map": STEP_MAP, "expansion_points": STATES[None], "input_point": U},
    ),
    "analysis.generator_modes": (analysis.generator_modes, {"run": None}),
    "analysis.jpca": (analysis.jpca, {"states": RUNS, "n_pcs": 2}),
    "analysis.subspace_angles": (analysis.subspace_angles, {"A": np.eye(2), "B": np.eye(2)}),
    "analysis.non_normality": (analysis.non_normality, {"J": MATRIX}),
    "analysis.transient_growth": (analysis.transient_growth, {"J": MATRIX, "n_steps": 2}),
    "analysis.linear_response": (
        analysis.linear_response,
        {"J": MATRIX, "push": U, "n_steps": 2},
    ),
    "analysis.eigenvalue_paths": (analysis.eigenvalue_paths, {"snapshots": SNAPSHOTS}),
    "analysis.count_changes": (analysis.count_changes, {"snapshots": SNAPSHOTS}),
    "analysis.bits_per_spike": (analysis.bits_per_spike, {"rates": TRIALS, "spikes": TRIALS}),
    "analysis.co_smoothing": (
        analysis.co_smoothing,
        {"rates": TRIALS, "spikes": TRIALS, "n_heldin": 2},
    ),
    "analysis.r2_of_rates": (
        analysis.r2_of_rates,
        {"rates": RUNS, "truth": RUNS},
    ),
    "analysis.psth": (analysis.psth, {"values": TRIALS, "conditions": np.zeros(2, int)}),
    "analysis.psth_r2": (
        analysis.psth_r2,
        {"rates": RUNS, "spikes": RUNS, "conditions": np.arange(4) % 2},
    ),
    "analysis.smoothed_spikes": (analysis.smoothed_spikes, {"spikes": TRIALS, "width": 1.0}),
    "sweep.sweep": (
        sweep,
        {"networks": [STEP_MAP], "progress": SilentProgress(),
         "request": FixedPointFinder(STEP_MAP).request(initial_states=STATES, inputs=U[None])},
    ),
}  # fmt: skip
"""The function and arguments that it accepts, by the name under which they are declared."""

NOT_CALLED = {
    # What they are given here is not enough for an answer, or that takes seconds: only what they
    # refuse is looked at.
    "analysis.find_line_attractor",
    "analysis.analyze_integration",
    "analysis.generator_modes",
    "analysis.compare_expansion_points",
    "finder.find_manifolds",
    "finder.find_slow_points",
}
