"""What a search leaves alone: global state, the model, other lanes, compiled functions."""

import logging
from collections.abc import Callable
from typing import Any

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.models import VanillaRNN
from tests.finder.known_maps import (
    Known,
    assert_same_points,
    finder_of,
    grid,
    scalar,
    scalar_map,
    tanh_root,
)

STARTS = grid(-1.5, 1.5, 16)
METHODS = ["newton", "joint", "sequential"]


def compilations(work: Callable[[], Any], caplog: pytest.LogCaptureFixture) -> int:
    """Count what JAX compiles meanwhile."""
    caplog.clear()
    with caplog.at_level(logging.WARNING), jax.log_compiles():
        work()
    return sum("Finished XLA compilation" in record.getMessage() for record in caplog.records)


def network(seed: int, n_hidden: int = 5) -> VanillaRNN:
    rng = np.random.default_rng(seed)
    return VanillaRNN.from_arrays(
        W_ih=rng.standard_normal((n_hidden, 2)),
        W_hh=1.5 * rng.standard_normal((n_hidden, n_hidden)) / np.sqrt(n_hidden),
        b=np.zeros(n_hidden),
    )


def starts_of(model: Any) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (32, model.n_states))


def run(model: Any, **options: Any) -> Any:
    finder = FixedPointFinder(model, progress=SilentProgress(), **options)
    return finder.find_fixed_points(initial_states=starts_of(model), inputs=np.zeros((1, 2)))


@pytest.mark.parametrize("x64", [False, True])
def test_the_precision_of_jax_is_as_it_was(x64: bool) -> None:
    with jax.enable_x64(x64):
        unique, _ = run(network(0))
        assert jax.config.jax_enable_x64 is x64
        assert jnp.zeros(1).dtype == (np.float64 if x64 else np.float32)
    assert unique.xstar.dtype == np.float64


def test_random_state_and_model_are_as_they_were() -> None:
    model = network(1)
    before = {name: np.array(value.value) for name, value in model.vars().items()}
    types = {name: value.value.dtype for name, value in model.vars().items()}
    numpy_state = np.random.get_state()[1].copy()
    brainpy_state = str(bm.random.DEFAULT.value)
    mode = str(bm.get_mode())

    traj = starts_of(model).reshape(4, 8, 5)
    FixedPointFinder(model, progress=SilentProgress()).find_fixed_points(
        traj, np.zeros((1, 2)), n_inits=16, noise_scale=0.1, exhaustive=True, max_rounds=2
    )

    after = {name: np.array(value.value) for name, value in model.vars().items()}
    assert before.keys() == after.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(value, after[name])
    assert types == {name: value.value.dtype for name, value in model.vars().items()}
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
    assert str(bm.random.DEFAULT.value) == brainpy_state
    assert str(bm.get_mode()) == mode


@pytest.mark.parametrize("method", METHODS)
def test_other_weights_compile_nothing_anew(method: str, caplog: pytest.LogCaptureFixture) -> None:
    # Seven units: no other test has compiled for these.
    first, second = network(2, 7), network(3, 7)
    options = {"method": method, "max_iters": 50}
    n_cold = compilations(lambda: run(first, **options), caplog)
    assert n_cold > 0
    assert compilations(lambda: run(second, **options), caplog) == 0
    assert not np.allclose(first.W_hh.value, second.W_hh.value)


def test_other_tolerances_compile_nothing_anew(caplog: pytest.LogCaptureFixture) -> None:
    model = network(4)
    run(model)
    changed = {"tol_q": 1e-10, "tol_unique": 1e-2, "tol_dq": 0.0, "max_iters": 77, "tol_slope": 0.1}
    assert compilations(lambda: run(model, **changed), caplog) == 0


def test_weights_changed_between_two_calls_are_seen() -> None:
    class Scaled(bp.DynamicalSystem):
        def __init__(self) -> None:
            super().__init__()
            self.gain = bm.TrainVar(bm.asarray([0.5]))
            self.n_inputs, self.n_states = 0, 1

        def __call__(self, inputs: Any, hidden: Any) -> Any:
            following = jnp.tanh(self.gain.value * hidden)
            return following[:, None], following

    model = Scaled()
    finder = FixedPointFinder(model, n_states=1, n_inputs=0, progress=SilentProgress())
    once, _ = finder.find_fixed_points(initial_states=STARTS)
    model.gain.value = bm.asarray([2.0])
    again, _ = finder.find_fixed_points(initial_states=STARTS)
    assert len(once) == 1
    assert_same_points(again, [[-tanh_root(2.0)], [0.0], [tanh_root(2.0)]])


def awkward_map(params: Any, h: Any) -> Any:
    """Maps that do not always return numbers: one function, to be compiled once a method."""
    return jax.lax.switch(
        params["which"],
        [
            # A latch up to 5, infinite beyond.
            lambda x: jnp.where(x > 5, jnp.inf, jnp.tanh(2 * x)),
            # Without a value for negative states.
            lambda x: 0.5 * jnp.sqrt(x) + 0.3,
            # Grows so fast that squares overflow: 0 is its only point.
            lambda x: jnp.sinh(3 * x),
        ],
        h,
    )


def awkward(name: str, **options: Any) -> FixedPointFinder:
    which = np.int32(["walled", "rooted", "expanding"].index(name))
    known = Known(name, awkward_map, {"which": which}, STARTS, STARTS, (), ())
    return finder_of(known, **options)


@pytest.mark.parametrize("method", METHODS)
def test_a_lane_that_diverges_leaves_the_others_untouched(method: str) -> None:
    finder = awkward("walled", method=method)
    _, alone = finder.find_fixed_points(initial_states=STARTS)
    with_one = np.insert(STARTS, 7, 6.0, axis=0)
    unique, together = finder.find_fixed_points(initial_states=with_one)
    assert together.kind[7] == "unconverged"
    assert together.status[7] == "diverged: the model returned NaN or inf"
    assert not np.isfinite(together.qstar[7])
    assert unique.audit.outcome[7] == -1
    others = np.delete(np.arange(17), 7)
    np.testing.assert_allclose(together.xstar[others], alone.xstar, atol=1e-12)
    np.testing.assert_array_equal(together.n_iters[others], alone.n_iters)
    assert len(unique) == 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_model_without_values_in_a_region(method: str, dtype: str) -> None:
    finder = awkward("rooted", method=method, dtype=dtype, lr_init=0.02, super_verbose=True)
    unique, everything = finder.find_fixed_points(initial_states=STARTS, exhaustive=True)
    # With s² = x: s² - s/2 - 0.3 = 0.
    root = (0.5 + np.sqrt(0.25 + 1.2)) / 2
    assert_same_points(unique, [[root**2]])
    negative = everything.x_init[:, 0] < 0
    assert (everything.status[negative] == "diverged: the model returned NaN or inf").all()
    assert (everything.kind[:16][STARTS[:, 0] > 0] == "fixed").all()


@pytest.mark.parametrize("method", METHODS)
def test_enormous_values_warn_of_nothing(method: str) -> None:
    starts = np.array([[0.2], [-0.3], [150.0], [230.0], [236.0]])
    finder = awkward("expanding", method=method, max_iters=300, super_verbose=True)
    unique, everything = finder.find_fixed_points(initial_states=starts, include_slow=True)
    assert_same_points(unique[unique.is_fixed], [[0.0]])
    assert len(everything) == 5


def test_the_finder_does_not_touch_its_arguments() -> None:
    known = Known("", scalar_map, scalar("tanh", 2.0), STARTS, STARTS, (), ())
    starts = STARTS.copy()
    starts.flags.writeable = False
    unique, everything = finder_of(known).find_fixed_points(initial_states=starts)
    np.testing.assert_array_equal(starts, STARTS)
    assert not np.shares_memory(everything.x_init, starts)
    assert not np.shares_memory(unique.xstar, everything.xstar)
