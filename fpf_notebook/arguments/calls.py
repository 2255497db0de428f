"""The arguments of the public calls: each declared once, with its type, range and meaning.

Upper bounds stand where a larger number would take the memory or the time of the machine instead of
giving an answer. Where memory is the reason, the message forecasts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fpf_notebook.arguments.calls_by_room import CALLS_BY_ROOM
from fpf_notebook.arguments.kinds import Choice, Flag, Kind, Pair, Real, Whole
from fpf_notebook.arguments.objects import Array, Methods, Named

__all__ = ["CALLS", "checked_argument", "kind_of"]


def _weights(n: int) -> tuple[str, float]:
    return "The recurrent weights of one tanh layer alone", 4.0 * n * n


def _outputs(n: int) -> tuple[str, float]:
    return "One trial of 64 steps alone", 4.0 * 64 * n


def _batch(n: int) -> tuple[str, float]:
    return "Trials of 64 steps with 10 channels", 4.0 * 64 * 10 * n


def _steps(n: int) -> tuple[str, float]:
    return "One trial with 10 channels", 4.0 * 10 * n


def _starts(n: int) -> tuple[str, float]:
    return "Their Jacobians, of 100 units,", 8.0 * 100 * 100 * n


def _runs(n: int) -> tuple[str, float]:
    return "Their states and marks, of 100 units,", 8.0 * 3 * 100 * n


_PROGRESS = Methods(
    "what is told of the progress", names=("start", "update", "log", "close"), optional=True
)
_SEED = Whole("what all random choices follow from", 0, 2**128 - 1)
_N_HIDDEN = Whole("number of hidden units", 1, 50_000, _weights)
_N_CHANNELS = Whole("number of channels", 0, 1_000_000, _outputs)
_N_BITS = Whole("number of bits, and of outputs", 1, 100_000, _outputs)
_N_TRIALS = Whole("number of trials", 1, 10_000_000, _batch)
_N_TIME = Whole("steps of a trial", 1, 100_000_000, _steps)
_N_STEPS = Whole("number of steps", 0, 100_000_000, _steps)
_RATE = Real("factor of a term of the loss")
_FIGSIZE = Pair("width and height in inches", optional=True)
_LONG = "Reaching that number would take years."

_CALLS: dict[str, dict[str, Kind]] = {
    "models": {
        "n_inputs": _N_CHANNELS,
        "n_hidden": _N_HIDDEN,
        "n_outputs": _N_CHANNELS,
        "n_states": _N_HIDDEN,
        "depth": Whole("number of layers of an expansion network", 1, 1000),
        "width": Whole("units of its layers", 1, 50_000, _weights, optional=True),
        "seed": _SEED,
    },
    "tasks.FlipFlop": {
        "n_bits": _N_BITS,
        "n_time": _N_TIME,
        "p": Real("probability of a pulse", 0.0, 1.0),
        "encoding": Choice("how pulses are shown", words=("pulse", "one_hot")),
        "n_trials": _N_TRIALS,
    },
    "tasks.ContextIntegration": {
        "n_time": _N_TIME,
        "bias": Real("standard deviation of the bias"),
        "noise": Real("strength of the noise"),
        "duration": Real("seconds of a trial", above=True),
        "n_trials": _N_TRIALS,
    },
    "training.train": {
        "n_epochs": Whole("number of epochs", 1, 10**9, why=_LONG),
        "steps_per_epoch": Whole("steps of an epoch", 1, 10**9, why=_LONG),
        "batch_size": _N_TRIALS,
        "seed": _SEED,
        "clip_norm": Real("longest gradient", above=True, optional=True),
        "l2": Real("factor of the squares of all parameters"),
        "min_loss": Real("loss at which to stop", optional=True),
        "validation": _N_TRIALS,
    },
    "training.train_flip_flop": {
        "n_bits": _N_BITS,
        "n_hidden": _N_HIDDEN,
        "n_attempts": Whole("number of attempts", 1, 1_000_000, why=_LONG),
        "seed": _SEED,
    },
    "training.co_training_loss": dict.fromkeys(
        ("lambda_rnn", "lambda_jslds", "lambda_e", "lambda_a"), _RATE
    ),
    "analysis.launch": {"n_steps": _N_STEPS},
    "analysis.pushes": {
        "size": Real("distance from the point"),
        "n_modes": Whole("number of modes", 1),
    },
    "analysis.pulse": {"n_pulse": _N_STEPS, "n_after": _N_STEPS},
    "StepMap.power": {
        "k": Whole(
            "number of steps", 1, 4096, why="Such long compositions take minutes to compile."
        ),
    },
    "plots": {"figsize": _FIGSIZE},
    "FixedPointFinder": {
        "method": Choice("how a start is improved", words=("newton", "joint", "sequential")),
        "dtype": Choice("precision of the search", words=("float64", "float32")),
        "max_iters": Whole("most iterations", 1, 10**9, why=_LONG, floats=True),
        "tol_q": Real("largest speed of a fixed point", infinite=True),
        "tol_dq": Real("smallest change of q that is worth a further step", infinite=True),
        "lr_init": Real("first learning rate", above=True, infinite=True),
        "lr_factor": Real("factor of the learning rate", 0.0, 1.0, above=True),
        "lr_patience": Whole("iterations without improvement", 1, 10**9, floats=True),
        "lr_cooldown": Whole("iterations of rest", 0, 10**9, floats=True),
        "tol_unique": Real("distance below which two points are one", above=True, infinite=True),
        "do_exclude_distance_outliers": Flag("whether far points are left out"),
        "outlier_distance_scale": Real("how far is far", above=True, infinite=True),
        "do_rerun_q_outliers": Flag("whether slow ones are improved again"),
        "outlier_q_scale": Real("how slow is slow", above=True, infinite=True),
        "max_n_unique": Whole("most points that are returned", 1, floats=True, infinite=True),
        "final_q_threshold": Real("largest speed that is returned", infinite=True),
        "do_compute_jacobians": Flag("whether Jacobians are computed"),
        "do_decompose_jacobians": Flag("whether they are decomposed"),
        "random_seed": _SEED,
        "verbose": Flag("whether progress is shown"),
        "super_verbose": Flag("whether much of it is"),
        "n_iters_per_print_update": Whole("iterations between two lines", 1, floats=True),
        "marginal_tol": Real("how close to the unit circle is marginal", infinite=True),
        "tol_slope": Real("slope at which a point counts as simple", infinite=True),
        "dense_limit": Whole("most units with dense Jacobians", 0, 20_000, floats=True),
        "max_memory": Whole("most bytes at a time", 1, floats=True),
        "search_tol_q": Real("q to which starts are improved", optional=True, infinite=True),
        "n_runs": Whole("number of forward runs", 0, 10_000_000, _runs, floats=True),
        "do_follow_curves": Flag("whether curves between points are followed"),
        "do_find_manifolds": Flag("whether lines and sheets of points are looked for"),
        "progress": _PROGRESS,
    },
    "FixedPointFinder.find_fixed_points": {
        "state_traj": Array(
            "trajectories", dims=("n_batch", "n_time", "n_states"), finite=False, masked=True
        ),
        "inputs": Array(
            "constant inputs", dims=("n_inits", "n_inputs"), optional=True, masked=True
        ),
        "n_inits": Whole("number of starts", 1, 10_000_000, _starts, floats=True),
        "noise_scale": Real("standard deviation of what is added to starts"),
        "period": Whole(
            "period of cycles",
            1,
            4096,
            why="Such long cycles take minutes to compile.",
            floats=True,
        ),
        "exhaustive": Flag("whether to search until nothing speaks for more"),
        "include_slow": Flag("whether slow points are returned among the unique ones"),
        "max_rounds": Whole(
            "most rounds of an exhaustive search", 1, 10**6, why=_LONG, floats=True
        ),
        "max_seconds": Real("most seconds", above=True, optional=True, infinite=True),
        "patience": Whole("idle rounds that end it", 1, 10**6, why=_LONG, floats=True),
        "prove": Flag("whether completeness is to be proved", optional=True),
        "progress": _PROGRESS,
        "cancel": Methods("what may stop the search", names=("cancel", "cancelled"), optional=True),
    },
    "plot_fixed_points_2d": {"config": Named("settings", classes=("PlotConfig",), optional=True)},
}

CALLS: Mapping[str, Mapping[str, Kind]] = MappingProxyType(
    {call: MappingProxyType(kinds) for call, kinds in {**_CALLS, **CALLS_BY_ROOM}.items()}
)
"""For each call the kinds of its arguments, by name."""


def kind_of(call: str, argument: str) -> Kind:
    """Return what an argument of a call may be."""
    return CALLS[call][argument]


def checked_argument(call: str, argument: str, value: object) -> Any:
    """Return the value of an argument in its type.

    Parameters
    ----------
    call
        A key of `CALLS`.
    argument
        Its name there.
    value
        What was given.

    Raises
    ------
    TypeError, ValueError
        If it is something else than declared. The message names the argument, what was given and
        what is expected.

    Examples
    --------
    >>> checked_argument("models", "n_hidden", 100)
    100
    >>> checked_argument("StepMap.power", "k", "2")
    Traceback (most recent call last):
        ...
    TypeError: k is '2', expected a whole number from 1 to 4096.
    """
    return CALLS[call][argument].check(argument, value)
