"""Each message names the argument, says what was given and what is expected."""

import re
from typing import Any

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress, as_step_map
from fpf_notebook.models import VanillaRNN
from tests.finder.known_maps import Known, finder_of, grid, scalar, scalar_map

STARTS = grid(-1, 1, 4)
TRAJ = np.zeros((2, 5, 3))


@pytest.fixture(scope="module")
def finder() -> FixedPointFinder:
    """A finder for three units with two inputs."""
    return FixedPointFinder(VanillaRNN(2, 3, 1), progress=SilentProgress())


def with_value(shape: tuple[int, ...], value: float) -> np.ndarray:
    array = np.zeros(shape)
    array.flat[-1] = value
    return array


INPUTS = np.zeros((1, 2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Neither state_traj nor initial_states is given; expected"),
        (
            {"state_traj": np.zeros(3)},
            r"state_traj has shape (3,), expected [n_batch, n_time, n_states].",
        ),
        # As FixedPointFinder has it, a first argument of two axes is the initial states.
        ({"state_traj": np.zeros((5, 4))}, "initial_states has 4 states (shape (5, 4)), but the"),
        ({"state_traj": np.zeros((1, 2, 5, 3))}, "state_traj has shape (1, 2, 5, 3), expected"),
        ({"state_traj": np.zeros((2, 0, 3))}, "state_traj is empty (shape (2, 0, 3)), expected"),
        (
            {"state_traj": np.zeros((2, 5, 4))},
            "state_traj has 4 states (shape (2, 5, 4)), but the model has 3",
        ),
        (
            {"state_traj": with_value((2, 5, 3), np.nan)},
            "state_traj holds 1 values that are NaN or inf, the first at [1, 4, 2]; "
            "expected finite numbers. Mask such states out with valid_bxt",
        ),
        ({"state_traj": with_value((2, 5, 3), np.inf)}, "state_traj holds 1 values that are NaN"),
        ({"state_traj": [[["a"]]]}, "state_traj has type <U1, expected real numbers"),
        ({"state_traj": TRAJ + 0j}, "state_traj has type complex128, expected real numbers"),
        (
            {"initial_states": np.zeros(3)},
            "initial_states has shape (3,), expected [n_inits, n_states]. "
            "Add an axis for a single state: x[None]",
        ),
        (
            {"initial_states": np.zeros((4, 2))},
            "initial_states has 2 states (shape (4, 2)), but the model has 3",
        ),
        ({"initial_states": np.zeros((0, 3))}, "initial_states is empty"),
        (
            {"initial_states": with_value((4, 3), np.nan)},
            "initial_states holds 1 values that are NaN or inf, the first at [3, 2]; "
            "expected finite numbers.",
        ),
        (
            {"state_traj": TRAJ, "initial_states": np.zeros((4, 2))},
            "state_traj has 3 states (shape (2, 5, 3)), but",
        ),
        (
            {"state_traj": TRAJ, "inputs": np.zeros(2)},
            "inputs has shape (2,), expected [1, n_inputs] or [n_inits=1024, n_inputs]. "
            "Use inputs[None]",
        ),
        (
            {"state_traj": TRAJ, "inputs": np.zeros((1, 5))},
            "inputs has shape (1, 5), expected [1, n_inputs=2] or [n_inits=1024, n_inputs=2]",
        ),
        ({"state_traj": TRAJ, "inputs": np.zeros((7, 2))}, "inputs has shape (7, 2), expected"),
        (
            {"state_traj": TRAJ, "inputs": np.array([[0, np.inf]])},
            "inputs holds 1 values that are NaN or inf",
        ),
        (
            {"state_traj": TRAJ, "valid_bxt": np.ones((2, 4), bool)},
            "valid_bxt has shape (2, 4), expected [n_batch, n_time] = [2, 5]",
        ),
        (
            {"state_traj": TRAJ, "valid_bxt": np.zeros((2, 5), bool)},
            "valid_bxt is False everywhere",
        ),
        (
            {"state_traj": TRAJ, "valid_bxt": np.full((2, 5), 0.5)},
            "valid_bxt has type float64, expected booleans",
        ),
        (
            {"state_traj": TRAJ, "valid_bxt": np.full((2, 5), np.nan)},
            "valid_bxt has type float64, expected booleans",
        ),
        (
            {"initial_states": np.zeros((4, 3)), "valid_bxt": np.ones((2, 5), bool)},
            "valid_bxt is given without state_traj",
        ),
        (
            {"state_traj": TRAJ, "cond_ids": np.zeros(3, int)},
            "cond_ids has shape (3,), expected [n_inits=1024]",
        ),
        (
            {"state_traj": TRAJ, "n_inits": 2, "cond_ids": np.zeros(2)},
            "cond_ids has type float64, expected integers",
        ),
        (
            {"state_traj": TRAJ, "noise_scale": -0.1},
            "noise_scale is -0.1, expected a finite number of at least 0",
        ),
        ({"state_traj": TRAJ, "noise_scale": np.nan}, "noise_scale is nan, expected"),
        (
            {"state_traj": TRAJ, "noise_scale": "small"},
            "noise_scale is 'small', expected a finite number",
        ),
        ({"state_traj": TRAJ, "n_inits": 0}, "n_inits is 0, expected a whole number from 1"),
        ({"state_traj": TRAJ, "n_inits": 2.5}, "n_inits is 2.5, expected a whole number"),
        ({"state_traj": TRAJ, "max_rounds": 0}, "max_rounds is 0, expected a whole number"),
        (
            {"state_traj": TRAJ, "max_seconds": 0},
            "max_seconds is 0, expected a number above 0 or None",
        ),
        ({"state_traj": TRAJ, "patience": -1}, "patience is -1, expected a whole number"),
        ({"state_traj": TRAJ, "exhaustive": "no"}, "exhaustive is 'no', expected True or False"),
        ({"state_traj": TRAJ, "max_seconds": "x"}, "max_seconds is 'x', expected a number above 0"),
        ({"state_traj": TRAJ, "progress": 1}, "progress is 1, expected an object with start, upd"),
        ({"state_traj": TRAJ, "cancel": 1}, "cancel is 1, expected an object with cancel"),
        (
            {"state_traj": TRAJ, "n_inits": 10**9},
            "n_inits is 1000000000, expected a whole number from 1 to 10000000. Their Jacobians",
        ),
    ],
)
def test_arguments_of_a_search(
    finder: FixedPointFinder, arguments: dict[str, Any], message: str
) -> None:
    arguments = {"state_traj": None, "inputs": None} | arguments
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        finder.find_fixed_points(**arguments)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("method", "bfgs", "method is 'bfgs', expected one of 'newton', 'joint', 'sequential'"),
        ("dtype", "float16", "dtype is 'float16', expected one of 'float64', 'float32'"),
        ("dtype", np.int32, "dtype is 'int32', expected one of"),
        ("dtype", 3, "dtype is 3, expected one of"),
        ("max_iters", 0, "max_iters is 0, expected a whole number from 1"),
        ("max_iters", 2.5, "max_iters is 2.5, expected a whole number from 1"),
        ("max_iters", "many", "max_iters is 'many', expected a whole number"),
        ("tol_q", -1e-9, "tol_q is -1e-09, expected a number of at least 0"),
        ("tol_q", np.nan, "tol_q is nan, expected"),
        ("tol_dq", -1, "tol_dq is -1, expected"),
        ("tol_unique", 0, "tol_unique is 0, expected a number above 0"),
        ("tol_unique", None, "tol_unique is None, expected a number above 0"),
        ("final_q_threshold", -1, "final_q_threshold is -1, expected"),
        ("marginal_tol", -1, "marginal_tol is -1, expected"),
        ("tol_slope", -1, "tol_slope is -1, expected"),
        ("lr_init", 0, "lr_init is 0, expected a number above 0"),
        ("lr_factor", 1.5, "lr_factor is 1.5, expected a number above 0 and at most 1"),
        ("lr_patience", 0, "lr_patience is 0, expected a whole number from 1"),
        ("lr_cooldown", -1, "lr_cooldown is -1, expected a whole number from 0"),
        ("outlier_distance_scale", 0, "outlier_distance_scale is 0, expected a number above 0"),
        ("outlier_q_scale", -2, "outlier_q_scale is -2, expected a number above 0"),
        ("max_n_unique", 0, "max_n_unique is 0, expected a whole number of at least 1"),
        ("max_n_unique", 1.5, "max_n_unique is 1.5, expected a whole number"),
        ("n_iters_per_print_update", 0, "n_iters_per_print_update is 0, expected a whole number"),
        ("dense_limit", -1, "dense_limit is -1, expected a whole number from 0"),
        ("max_memory", 0, "max_memory is 0, expected a whole number of at least 1"),
        ("random_seed", -1, "random_seed is -1, expected a whole number from 0"),
        ("max_iters", 10**18, "expected a whole number from 1 to 1000000000. Reaching that number"),
        ("n_runs", 10**9, "expected a whole number from 0 to 10000000. Their states and marks"),
        ("do_follow_curves", 1, "do_follow_curves is 1, expected True or False"),
        ("search_tol_q", "x", "search_tol_q is 'x', expected a number of at least 0 or None"),
        ("progress", 1, "progress is 1, expected an object with start, update, log, close"),
        ("verbose", "yes", "verbose is 'yes', expected True or False"),
        ("do_compute_jacobians", 1, "do_compute_jacobians is 1, expected True or False"),
    ],
)
def test_options_of_a_finder(option: str, value: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        FixedPointFinder(lambda h: h, **{option: value})


def test_an_unknown_option_is_refused_with_a_suggestion() -> None:
    with pytest.raises(TypeError, match=r"no option 'tol_uniqe'. Did you mean 'tol_unique'\?"):
        FixedPointFinder(lambda h: h, tol_uniqe=1e-3)
    with pytest.raises(TypeError, match="no option 'zzz'"):
        FixedPointFinder(lambda h: h, zzz=1)


def search_of(function: Any, n_states: int = 2, **options: Any) -> Any:
    finder = FixedPointFinder(function, progress=SilentProgress(), **options)
    return finder.find_fixed_points(initial_states=np.zeros((3, n_states)))


def test_a_model_of_the_wrong_shape() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\), expected \(2,\)"):
        search_of(lambda h: jnp.concatenate([h, h[:1]]), batched=False)


def test_a_model_of_whole_numbers() -> None:
    with pytest.raises(TypeError, match=r"of type int32, expected a real floating-point"):
        search_of(lambda h: h.astype("int32"), batched=False)


def test_a_model_of_nan() -> None:
    with pytest.raises(ValueError, match="NaN or inf"):
        search_of(lambda h: h * jnp.nan, batched=False)


def test_a_model_that_is_another_each_time() -> None:
    calls = []

    def moody(h: Any) -> Any:
        calls.append(1)
        return 0.5 * h + len(calls)

    with pytest.raises(ValueError, match=r"called (a second time|twice)"):
        search_of(moody, batched=False)


def test_a_model_with_noise() -> None:
    rng = np.random.default_rng(0)

    @jax.custom_jvp
    def noise(h: Any) -> Any:
        def draw(x: Any) -> Any:
            return rng.standard_normal(x.shape).astype(x.dtype)

        return jax.pure_callback(draw, h, h, vmap_method="broadcast_all")

    noise.defjvps(lambda tangent, answer, h: jnp.zeros_like(answer))

    def noisy(h: Any) -> Any:
        return 0.5 * h + noise(h)

    with pytest.raises(ValueError, match=r"called (a second time|twice)"):
        search_of(noisy, batched=False)


@pytest.mark.parametrize("model", [3, "net", None, object()])
def test_something_that_is_no_model(model: Any) -> None:
    with pytest.raises(TypeError, match=r"model is \w+, expected a brainpy.DynamicalSystem"):
        search_of(model)


def test_a_function_whose_sizes_are_not_known() -> None:
    def step(state: Any, given: Any) -> Any:
        return jnp.tanh(state + given)

    with pytest.raises(ValueError, match="pass n_inputs= to"):
        search_of(step, convention="state_input")


def test_a_box_that_the_map_leaves() -> None:
    known = Known("", scalar_map, scalar("tanh", 2.0), STARTS, STARTS, (), ())
    with pytest.raises(ValueError, match="leaves its invariant box"):
        finder_of(known, invariant_box=(-0.5, 0.5)).find_fixed_points(initial_states=STARTS)


def test_nothing_is_done_before_the_arguments_are_checked() -> None:
    traced = []

    def step(h: Any) -> Any:
        traced.append(1)
        return 0.5 * h

    finder = FixedPointFinder(step, batched=False, progress=SilentProgress())
    with pytest.raises(ValueError, match="noise_scale"):
        finder.find_fixed_points(np.zeros((1, 4, 2)), noise_scale=-1)
    assert not traced


def test_a_finder_of_a_step_map_knows_its_sizes() -> None:
    step_map = as_step_map(lambda h: 0.5 * h, n_states=2, batched=False)
    finder = FixedPointFinder(step_map, progress=SilentProgress())
    with pytest.raises(ValueError, match="has 3 states"):
        finder.find_fixed_points(initial_states=np.zeros((1, 3)))
    with pytest.raises(ValueError, match="n_inputs=0"):
        finder.find_fixed_points(initial_states=np.zeros((1, 2)), inputs=np.zeros((1, 1)))
    unique, _ = finder.find_fixed_points(initial_states=np.zeros((1, 2)))
    assert len(unique) == 1


def test_the_model_survives_an_error() -> None:
    model = bp.dyn.RNNCell(2, 3, mode=bp.math.TrainingMode())
    model.reset(1)
    before = {name: np.array(value.value) for name, value in model.vars().items()}
    with pytest.raises(ValueError, match="initial_states has 5 states"):
        FixedPointFinder(model, progress=SilentProgress()).find_fixed_points(
            initial_states=np.zeros((1, 5)), inputs=np.zeros((1, 2))
        )
    for name, value in before.items():
        np.testing.assert_array_equal(np.array(model.vars()[name].value), value)
