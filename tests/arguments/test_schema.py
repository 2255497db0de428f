"""What is declared is what is accepted, and a thousand bad calls end in an error that says why."""

import dataclasses
import functools
import math
import os
import random
import signal
import time
from pathlib import Path

import brainpy as bp
import brainpy.math as bm
import jax
import matplotlib as mpl
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder
from fpf_notebook.analysis import FixedPoints, launch, pulse, pushes
from fpf_notebook.arguments import CALLS, bad_calls, checked_argument
from fpf_notebook.arguments.kinds import Choice, Flag, Pair, Real, Whole, size_in_words
from fpf_notebook.arguments.objects import Array, Listed, Methods, Named, PathLike
from fpf_notebook.dynamics import as_step_map
from fpf_notebook.models import GRU, JSLDS, LSTM, VanillaRNN
from fpf_notebook.models.expansion import ResidualMLP
from fpf_notebook.plots.config import PlotConfig
from fpf_notebook.plots.draw import draw
from fpf_notebook.tasks import ContextIntegration, FlipFlop
from fpf_notebook.training import train, train_flip_flop
from fpf_notebook.training.jslds import co_training_loss
from tests.arguments.calls_by_room import CALLS_TO_MAKE

# -- kinds -----------------------------------------------------------------------------------------


class Told:
    """Something that is told of progress."""

    def start(self):
        """Begin."""

    def update(self):
        """Take note."""


@pytest.mark.parametrize(
    ("kind", "good"),
    [
        (Whole("", 1, 9), [1, 9, np.int64(3), np.uint8(9)]),
        (Whole("", 0, floats=True), [0, 5.0, 1e9, np.float32(2)]),
        (Whole("", 0, optional=True), [None, 0]),
        (Whole("", 1, infinite=True), [1, math.inf, np.inf]),
        (Real(""), [0, 0.0, 1e300, np.float32(0.5), np.int8(3)]),
        (Real("", 0, 1, above=True), [1e-300, 1]),
        (Real("", infinite=True), [math.inf]),
        (Flag(""), [True, False, np.True_]),
        (Choice("", words=("a", "b")), ["a", "b"]),
        (Pair(""), [(1, 2), [0.5, np.float32(3)], np.array([1, 2])]),
        (
            Array("", dims=("a", "b")),
            [[[1, 2]], np.ones((2, 3), np.float32), np.ones((1, 1), bool)],
        ),
        (Array("", dims=("a",), finite=False), [[math.nan, math.inf]]),
        (Array("", dims=("a",), masked=True), [np.ma.masked_array([1.0, 2.0])]),
        (Methods("", names=("start", "update")), [Told()]),
        (Named("", classes=("PlotConfig",)), [PlotConfig()]),
        (Listed("", of=Named(classes=("PlotConfig",))), [[], (PlotConfig(), PlotConfig())]),
        (PathLike("", optional=True), ["a", Path("b"), None]),
        (Array("", dims=("*any",), complex=True, empty=True), [1j, np.zeros((0, 2)), [[[1]]]]),
    ],
)
def test_what_is_accepted_and_what_is_not(kind, good):
    for value in good:
        checked = kind.check("x", value)
        if value is None or isinstance(kind, Listed | Methods | Named | PathLike):
            assert checked is value
        else:
            np.testing.assert_array_equal(checked, value)
    assert len(kind.bad_values()) > 10
    for value in kind.bad_values():
        with pytest.raises((TypeError, ValueError), match=r"^x (is|has) "):
            kind.check("x", value)


def test_types_are_those_of_python():
    assert type(Whole("").check("x", np.int64(3))) is int
    assert type(Whole("", floats=True).check("x", 3.0)) is int
    assert type(Real("").check("x", np.float32(3))) is float
    assert type(Flag("").check("x", np.True_)) is bool
    assert Pair("").check("x", np.array([1, 2])) == (1.0, 2.0)


def test_bounds_and_their_neighbours():
    whole, real, above = Whole("", 1, 9), Real("", 0, 1), Real("", 0, 1, above=True)
    assert (whole.check("x", 1), whole.check("x", 9)) == (1, 9)
    for value in (0, 10):
        with pytest.raises(ValueError, match=f"x is {value}, expected a whole number from 1 to 9"):
            whole.check("x", value)
    assert (real.check("x", 0), real.check("x", 1)) == (0, 1)
    for kind, value in ((real, -5e-324), (real, 1 + 2e-16), (above, 0), (above, -0.0)):
        with pytest.raises(ValueError, match=r"x is .*, expected a number"):
            kind.check("x", value)


@pytest.mark.parametrize(
    ("call", "argument", "value", "text"),
    [
        ("models", "n_hidden", 10**6, "1 to 50000. The recurrent weights .* would need 4 TB"),
        ("tasks.FlipFlop", "n_bits", 10**9, "One trial of 64 steps alone would need 256 GB"),
        ("FixedPointFinder.find_fixed_points", "period", 10**18, "1 to 4096. Such long cycles"),
        ("FixedPointFinder.find_fixed_points", "n_inits", 10**9, "Jacobians, .* need 80 TB"),
        ("FixedPointFinder.find_fixed_points", "exhaustive", "no", "'no', expected True or False"),
        (
            "FixedPointFinder.find_fixed_points",
            "progress",
            1,
            "is 1, expected an object with start, upd",
        ),
        ("FixedPointFinder.find_fixed_points", "cancel", 1, "is 1, expected an object with canc"),
        (
            "FixedPointFinder.find_fixed_points",
            "max_seconds",
            "x",
            "'x', expected a number above 0",
        ),
        ("FixedPointFinder", "max_iters", 10**18, "Reaching that number would take years"),
        ("models", "seed", 10**400, "expected a whole number from 0"),
        ("models", "n_hidden", 10**400, "more than an exabyte of memory"),
        ("plots", "figsize", (0, 0), r"is \(0, 0\), expected two positive numbers or None"),
        ("plot_fixed_points_2d", "config", 3, "is 3, expected a PlotConfig or None"),
    ],
)
def test_the_message_says_what_was_given_what_is_expected_and_why(call, argument, value, text):
    with pytest.raises((TypeError, ValueError), match=f"^{argument} .*{text}"):
        checked_argument(call, argument, value)


@pytest.mark.parametrize(
    ("call", "argument", "low", "high"),
    [
        ("models", "n_hidden", 1, 50_000),
        ("models", "n_inputs", 0, 1_000_000),
        ("models", "depth", 1, 1000),
        ("models", "seed", 0, 2**128 - 1),
        ("tasks.FlipFlop", "n_bits", 1, 100_000),
        ("tasks.FlipFlop", "n_trials", 1, 10**7),
        ("tasks.FlipFlop", "n_time", 1, 10**8),
        ("training.train", "n_epochs", 1, 10**9),
        ("training.train", "steps_per_epoch", 1, 10**9),
        ("training.train_flip_flop", "n_attempts", 1, 10**6),
        ("analysis.launch", "n_steps", 0, 10**8),
        ("StepMap.power", "k", 1, 4096),
        ("FixedPointFinder", "max_iters", 1, 10**9),
        ("FixedPointFinder", "lr_patience", 1, 10**9),
        ("FixedPointFinder", "lr_cooldown", 0, 10**9),
        ("FixedPointFinder", "dense_limit", 0, 20_000),
        ("FixedPointFinder", "n_runs", 0, 10**7),
        ("FixedPointFinder.find_fixed_points", "n_inits", 1, 10**7),
        ("FixedPointFinder.find_fixed_points", "period", 1, 4096),
        ("FixedPointFinder.find_fixed_points", "max_rounds", 1, 10**6),
        ("FixedPointFinder.find_fixed_points", "patience", 1, 10**6),
        ("finder.prove", "max_boxes", 1, 10**9),
        ("finder.find_slow_points", "n_inits", 1, 10**7),
        ("analysis.embed_distances", "n_components", 1, 10_000),
        ("analysis.jpca", "n_pcs", 2, 10_000),
    ],
)
def test_the_largest_and_the_smallest_that_is_accepted(call, argument, low, high):
    assert checked_argument(call, argument, low) == low
    assert checked_argument(call, argument, high) == high
    for wrong in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"^{argument} is {wrong}, expected .*{low} to {high}"):
            checked_argument(call, argument, wrong)


def test_arrays_of_other_kinds():
    kind = Array("", dims=("n_batch", "n_time", "n_states"))
    good = np.ones((2, 3, 4))
    for value, text in (
        (np.ma.masked_array(good), "is a masked array, whose masked entries would be taken"),
        (good.astype(object), "has type object, expected an array of finite numbers"),
        (good[0], r"has shape \[3, 4\], expected .*\[n_batch, n_time, n_states\]"),
        (good[:0], r"has shape \[0, 3, 4\]"),
        ([[[1.0, math.nan]]], r"is NaN or infinite at \[0, 0, 1\]"),
        ([[[1.0], [1.0, 2.0]]], "is not one array"),
    ):
        with pytest.raises((TypeError, ValueError), match=f"^x {text}"):
            kind.check("x", value)


def test_long_values_are_cut_and_broken_ones_named():
    class Broken:
        def __repr__(self):
            raise RuntimeError

    with pytest.raises(TypeError, match=r"^x is 'a+… \(of type str\), expected") as caught:
        Whole("").check("x", "a" * 10_000)
    assert len(str(caught.value)) < 200
    with pytest.raises(TypeError, match="x is of type Broken, expected"):
        Whole("").check("x", Broken())


def test_sizes_in_words():
    words = ["0 bytes", "999 bytes", "1 kB", "1.5 MB", "2 PB", "more than an exabyte"]
    for n_bytes, text in zip((0, 999, 1000, 1.5e6, 2e15, 1e40), words, strict=True):
        assert size_in_words(n_bytes) == text


def test_each_argument_is_declared_with_its_meaning():
    for call, kinds in CALLS.items():
        for name, kind in kinds.items():
            assert kind.meaning, (call, name)
            assert dataclasses.is_dataclass(kind)


def test_what_the_finder_has_by_default_is_accepted():
    from fpf_notebook.finder.options import Options

    defaults = {field.name: field.default for field in dataclasses.fields(Options)}
    assert set(CALLS["FixedPointFinder"]) == {*defaults, "progress"}
    for name, value in defaults.items():
        CALLS["FixedPointFinder"][name].check(name, value)


# -- a thousand bad calls --------------------------------------------------------------------------


def _model(**sizes):
    if sizes.keys() & {"n_states", "depth", "width"}:
        return ResidualMLP(**({"n_states": 3} | sizes))
    models = [GRU, LSTM, VanillaRNN]
    for cls in models:
        cls(**({"n_inputs": 2, "n_hidden": 3, "n_outputs": 1} | sizes))


def _flip_flop(n_trials=2, **settings):
    FlipFlop(**({"n_bits": 2} | settings)).sample(n_trials, seed=0)


def _context(n_trials=2, **settings):
    ContextIntegration(**settings).sample(n_trials, seed=0)


def _figure(figsize):
    draw(None, figsize=figsize)  # refused before it is looked at


CALLERS = {
    "models": _model,
    "tasks.FlipFlop": _flip_flop,
    "tasks.ContextIntegration": _context,
    "training.train": lambda **settings: train(MODEL, TASK, **({"n_epochs": 1} | settings)),
    "training.train_flip_flop": lambda **settings: train_flip_flop(**({"n_bits": 2} | settings)),
    "training.co_training_loss": lambda **factors: co_training_loss(NETWORK, **factors),
    "analysis.launch": lambda n_steps: launch(STEP_MAP, np.zeros((1, 2)), np.zeros(0), n_steps),
    "analysis.pushes": lambda **settings: pushes(POINTS, 0, **({"size": 0.1} | settings)),
    "analysis.pulse": lambda **steps: pulse(
        STEP_MAP, np.zeros(2), np.zeros(0), np.zeros(0), **({"n_pulse": 1, "n_after": 1} | steps)
    ),
    "StepMap.power": lambda k: STEP_MAP.power(k),
    "FixedPointFinder": lambda **options: FixedPointFinder(STEP_MAP, **options),
    "FixedPointFinder.find_fixed_points": lambda **settings: FINDER.find_fixed_points(
        **({"state_traj": np.zeros((1, 2, 2))} | settings)
    ),
    "plots": _figure,
    **{
        call: functools.partial(function, **good)
        for call, (function, good) in CALLS_TO_MAKE.items()
    },
}
MODEL, TASK = GRU(2, 3, 2), FlipFlop(2, n_time=6)
NETWORK = JSLDS(GRU(2, 3, 1))
POINTS = FixedPoints(
    np.zeros((1, 2)), eigval_J_xstar=np.ones((1, 2)) * 2j, eigvec_J_xstar=np.eye(2)[None] + 0j
)
STEP_MAP = as_step_map(lambda h, u: 0.5 * h, n_states=2, n_inputs=0)
FINDER = FixedPointFinder(STEP_MAP)
# `None` has a meaning of its own here: the default.
OPTIONAL_THERE = {
    ("tasks.FlipFlop", "n_time"),
    ("tasks.FlipFlop", "p"),
    ("training.train", "validation"),
    ("training.train_flip_flop", "n_hidden"),
}


def world():
    """Return everything global that a call might change."""
    return {
        "x64": jax.config.jax_enable_x64,
        "numpy": np.random.get_state()[1].tobytes(),
        "python": random.getstate(),
        "brainpy": np.asarray(jax.random.key_data(bm.random.DEFAULT.value)).tobytes(),
        "share": dict(bp.share.get_shargs()) if hasattr(bp.share, "get_shargs") else None,
        "rcParams": dict(mpl.rcParams),
        "folder": os.getcwd(),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "environment": dict(os.environ),
    }


def refusal(call, argument, value):
    """Make a call and return the message of its error."""
    try:
        CALLERS[call](**{argument: value})
    except (TypeError, ValueError) as error:
        return str(error)
    return f"it was accepted: {value!r}"


def test_a_thousand_bad_calls_end_in_an_error_that_names_the_argument():
    before = world()
    made = 0
    for call, argument, value in bad_calls(1000, seed=0, calls=CALLERS):
        if value is None and (call, argument) in OPTIONAL_THERE:
            continue
        began = time.perf_counter()
        message = refusal(call, argument, value)
        assert argument in message, (call, argument, value, message)
        assert time.perf_counter() - began < 5, (call, argument, value)  # a second, when alone
        made += 1
    assert made > 950
    assert world() == before


def test_every_call_that_can_be_made_is_called():
    # The plots' own comes with its conversion.
    assert set(CALLS) - set(CALLERS) == {"plot_fixed_points_2d"}


def test_bad_calls_follow_from_the_seed_and_reach_every_argument():
    first, second = (list(bad_calls(300, seed=3)) for _ in range(2))
    assert [repr(call)[:40] for call in first] == [repr(call)[:40] for call in second]
    places = {(call, argument) for call, kinds in CALLS.items() for argument in kinds}
    assert {(call.call, call.argument) for call in first} == places
