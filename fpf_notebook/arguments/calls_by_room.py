"""The arguments of public functions of `dynamics`, `finder`, `result`, `analysis` and `sweep`.

How arrays fit each other is checked by the functions themselves; here is what each may be alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from fpf_notebook.arguments.kinds import Choice, Flag, Kind, Real, Whole
from fpf_notebook.arguments.objects import Array, Listed, Methods, Named, PathLike

__all__ = ["CALLS_BY_ROOM"]

_STEP_MAP = Named("the network", classes=("StepMap",))
_POINTS = Named("the points", classes=("FixedPoints",))
_U = Array("the constant input", dims=("n_inputs",), empty=True)
_CANCEL = Methods("what may stop it", names=("cancelled",), optional=True)
_PROGRESS = Methods(
    "what is told of the progress", names=("start", "update", "log", "close"), optional=True
)
_TIME = Choice("whether it is a map or a flow", words=("discrete", "continuous"))
_DT = Real("time step", above=True)
_SHARE = Real("a share", 0.0, 1.0)
_DISTANCE = Real("a distance")
_SEED = Whole("what all random choices follow from", 0, 2**128 - 1)
_MATRIX = Array("the Jacobian", dims=("n_states", "n_states"), empty=True)
_MATRICES = Array(
    "Jacobians", dims=("n", "n_states", "n_states"), finite=False, empty=True, complex=True
)
_VALUES = Array("eigenvalues", dims=("*any",), finite=False, empty=True, complex=True)
_TOLERANCE = Real("a tolerance", infinite=True)
_TRIALS = Array("trials", dims=("trial", "time", "neuron"))
_STATES = Array("states", dims=("n", "n_states"), empty=True)
_RUNS = Array("runs", dims=("trial", "time", "n_states"))
_ANY_STATES = Array("states", dims=("*any", "n_states"), finite=False)
_ANY = Array("an array", dims=("*any",), finite=False, empty=True)
_CONDITIONS = Array("number of each trial's condition", dims=("trial",))


def _steps(n: int) -> tuple[str, float]:
    return "The states of one run of 100 units", 8.0 * 100 * n


_N_STEPS = Whole("number of steps", 0, 100_000_000, _steps)
_MAX_OPERATIONS = Whole("longest program", 1, 10**9)

CALLS_BY_ROOM: Mapping[str, Mapping[str, Kind]] = {
    "StepMap.__call__": {"h": _ANY, "u": _ANY},
    "StepMap.trajectory": {"h0": _ANY, "inputs": _ANY},
    "StepMap.invariant_box": {"u": _ANY},
    "StepMap.box_is_whole": {"u": _ANY},
    "FixedPoints.find": {"tol": Real("largest distance", optional=True, infinite=True)},
    "FixedPoints.get_unique": {"tol": Real("largest distance", optional=True, infinite=True)},
    "FixedPoints.transform": {
        "U": Array("the map", dims=("n_states", "k"), empty=True),
        "offset": Array("what is added", dims=("*any",), empty=True),
    },
    "FixedPoints.decompose_jacobians": {
        "marginal_tol": Real("how close is marginal", optional=True, infinite=True),
        "verbose": Flag("whether progress is shown"),
    },
    "dynamics.invariant_box": {
        "step_map": _STEP_MAP,
        "u": _U,
        "quick": Flag("whether to give up early"),
        "max_operations": _MAX_OPERATIONS,
    },
    "dynamics.is_whole": {
        "step_map": _STEP_MAP,
        "u": _U,
        "low": Array("lower ends", dims=("n_states",)),
        "high": Array("upper ends", dims=("n_states",)),
        "max_operations": _MAX_OPERATIONS,
    },
    "dynamics.linearize": {
        "step_map": _STEP_MAP,
        "x": Array("states", dims=("n", "n_states"), finite=False, empty=True),
        "u": Array("inputs", dims=("n", "n_inputs"), finite=False, empty=True),
        "max_memory": Real("most bytes at a time", above=True, infinite=True),
    },
    "finder.certify": {
        "step_map": _STEP_MAP,
        "x": Array("points", dims=("n_points", "n_states"), finite=False, empty=True),
        "u": _U,
        "largest": Real("largest radius of uniqueness", above=True, infinite=True),
    },
    "finder.prove": {
        "step_map": _STEP_MAP,
        "u": _U,
        "known_points": Array(
            "points known", dims=("n_known", "n_states"), empty=True, optional=True
        ),
        "max_seconds": Real("most seconds", above=True, infinite=True),
        "cancel": _CANCEL,
        "box": Array("the box to search", dims=("2", "n_states"), optional=True),
        "max_boxes": Whole("how many boxes to look at", 1, 10**9, optional=True),
    },
    "finder.find_manifolds": {
        "points": _POINTS,
        "min_time": Real("least time constant", above=True, infinite=True),
        "near_one": _DISTANCE,
        "gap": Real("longest gap", above=True),
        "min_share": _SHARE,
        "cancel": _CANCEL,
    },
    "finder.find_slow_points": {
        "n_inits": Whole("number of starts", 1, 10_000_000),
        "max_q": Real("largest speed", above=True, infinite=True),
        "seed": _SEED,
        "max_iters": Whole("most iterations", 1, 10**9),
        "progress": _PROGRESS,
    },
    "result.eigenmodes": {"J": _MATRICES, "time": _TIME},
    "result.classify": {"eigvals": _VALUES, "time": _TIME, "marginal_tol": _TOLERANCE},
    "result.time_constants": {
        "eigvals": _VALUES,
        "time": _TIME,
        "dt": Real("time step", above=True, optional=True),
    },
    "result.frequencies": {
        "eigvals": _VALUES,
        "time": _TIME,
        "dt": Real("time step", above=True, optional=True),
    },
    "result.fixed_point_index": {"J": _MATRICES, "time": _TIME, "degenerate_tol": _TOLERANCE},
    "result.forward_error": {
        "J": _MATRICES,
        "residual": Array("F(x) - x", dims=("n", "n_states"), finite=False, empty=True),
        "time": _TIME,
        "degenerate_tol": _TOLERANCE,
        "noise": _TOLERANCE,
    },
    "analysis.set_distances": {
        "sets": Listed("the sets", of=Named(classes=("FixedPoints",))),
        "kind": Choice("how sets are compared", words=("procrustes", "matched")),
        "stable_only": Flag("whether to look at stable points alone"),
    },
    "analysis.embed_distances": {
        "distances": Array("distances", dims=("n", "n"), empty=True),
        "n_components": Whole("number of coordinates", 1, 10_000),
    },
    "analysis.relative_error": {"states": _RUNS, "approximation": _RUNS},
    "analysis.linearized_run": {
        "step_map": _STEP_MAP,
        "fixed_points": _POINTS,
        "mode": Choice("what is predicted", words=("one_step", "free")),
    },
    "analysis.nearest_point": {"states": _STATES, "points": _STATES},
    "analysis.mutual_nearest": {"before": _STATES, "after": _STATES},
    "analysis.order_along_curve": {"x": _STATES},
    "analysis.destination": {
        "points": _POINTS,
        "state": Array("a state", dims=("n_states",)),
        "tol": _DISTANCE,
    },
    "analysis.find_line_attractor": {
        "points": _POINTS,
        "near_one": _DISTANCE,
        "max_thickness": _DISTANCE,
        "max_gap": _DISTANCE,
        "min_alignment": _SHARE,
        "min_points": Whole("fewest points", 2, 10**9),
    },
    "analysis.cluster_expansion_points": {
        "points": _ANY_STATES,
        "radius": Real("radius of a cluster", above=True, optional=True),
        "min_share": _SHARE,
    },
    "analysis.compare_expansion_points": {
        "step_map": _STEP_MAP,
        "expansion_points": _ANY_STATES,
        "fixed_points": _POINTS,
        "radius": Real("radius of a cluster", above=True, optional=True),
        "min_share": _SHARE,
        "near_one": _DISTANCE,
    },
    "analysis.analyze_integration": {
        "step_map": _STEP_MAP,
        "offset": _N_STEPS,
        "n_points": Whole("number of points", 1, 10**9),
        "seed": _SEED,
    },
    "analysis.generator_modes": {
        "n_samples": Whole("number of samples", 1, 10**9),
        "max_difference": _DISTANCE,
        "min_share": _SHARE,
        "seed": _SEED,
    },
    "analysis.jpca": {
        "states": _RUNS,
        "n_pcs": Whole("number of principal components", 2, 10_000),
        "subtract_condition_mean": Flag("whether the mean of all trials is subtracted"),
        "dt": Real("time step", above=True, optional=True),
    },
    "analysis.subspace_angles": {
        "A": Array("one basis", dims=("n_states", "a"), complex=True),
        "B": Array("another", dims=("n_states", "b"), complex=True),
    },
    "analysis.non_normality": {"J": _MATRIX},
    "analysis.transient_growth": {"J": _MATRIX, "n_steps": _N_STEPS, "time": _TIME, "dt": _DT},
    "analysis.linear_response": {
        "J": _MATRIX,
        "push": Array("the push", dims=("n_states",), empty=True),
        "n_steps": _N_STEPS,
        "time": _TIME,
        "dt": _DT,
    },
    "analysis.eigenvalue_paths": {
        "snapshots": Listed("snapshots", of=Named(classes=("Snapshot",))),
        "max_jump": _DISTANCE,
    },
    "analysis.count_changes": {
        "snapshots": Listed("snapshots", of=Named(classes=("Snapshot",))),
    },
    "analysis.bits_per_spike": {"rates": _TRIALS, "spikes": _TRIALS},
    "analysis.co_smoothing": {
        "rates": _TRIALS,
        "spikes": _TRIALS,
        "n_heldin": Whole("neurons that the model saw", 0, 10**9),
    },
    "analysis.r2_of_rates": {"rates": _TRIALS, "truth": _TRIALS},
    "analysis.psth": {"values": _TRIALS, "conditions": _CONDITIONS},
    "analysis.psth_r2": {
        "rates": _TRIALS,
        "spikes": _TRIALS,
        "conditions": _CONDITIONS,
        "width": _DISTANCE,
    },
    "analysis.smoothed_spikes": {"spikes": _TRIALS, "width": Real("bins", above=True)},
    "sweep.sweep": {
        "folder": PathLike("where results are kept", optional=True),
        "client": Methods("a client of Dask", names=("submit", "cancel"), optional=True),
        "progress": _PROGRESS,
        "cancel": Methods("what may stop it", names=("cancel", "cancelled"), optional=True),
    },
}
"""For each call the kinds of its arguments, by name."""
