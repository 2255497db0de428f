import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics.jacobians import input_jacobians, jacobians, linearize
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.result.fixed_points import FixedPoints

N_STATES, N_INPUTS = 4, 3


def tanh_net(n_inputs: int = N_INPUTS, seed: int = 0, **options) -> StepMap:
    rng = np.random.default_rng(seed)
    params = {
        "W": rng.normal(size=(N_STATES, N_STATES)),
        "V": rng.normal(size=(N_STATES, n_inputs)),
    }
    return StepMap(
        lambda p, h, u: jnp.tanh(p["W"] @ h + p["V"] @ u), params, N_STATES, n_inputs, **options
    )


def known(params: dict, x: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Jacobians of the net above, by hand."""
    slope = 1 - np.tanh(x @ params["W"].T + u @ params["V"].T) ** 2
    return slope[:, :, None] * params["W"], slope[:, :, None] * params["V"]


def points(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, N_STATES)), rng.normal(size=(n, N_INPUTS))


@pytest.mark.parametrize("n", [1, 2, 5, 33])
def test_jacobians_of_a_tanh_net_in_double_precision(n) -> None:
    net = tanh_net()
    x, u = points(n)
    J, dFdu = known(net.params, x, u)
    both = linearize(net, x, u)
    for mine, truth in (
        (both.J, J),
        (both.dFdu, dFdu),
        (jacobians(net, x, u), J),
        (input_jacobians(net, x, u), dFdu),
    ):
        assert mine.dtype == np.float64
        np.testing.assert_allclose(mine, truth, rtol=1e-12, atol=1e-14)
    assert not jax.config.jax_enable_x64


def test_one_input_for_all_points() -> None:
    net = tanh_net()
    x, u = points(5)
    np.testing.assert_array_equal(
        linearize(net, x, u[:1]).J, linearize(net, x, np.repeat(u[:1], 5, axis=0)).J
    )


def test_other_parameters_compile_nothing_anew() -> None:
    n_traced = 0

    def step(p, h, u):
        nonlocal n_traced
        n_traced += 1
        return p["a"] * h + u

    net = StepMap(step, {"a": np.array(2.0)}, 1, 1)
    x = np.zeros((3, 1))
    np.testing.assert_allclose(linearize(net, x, x).J, 2.0)
    before = n_traced
    np.testing.assert_allclose(linearize(net, x, x, {"a": np.array(3.0)}).J, 3.0)
    np.testing.assert_allclose(linearize(net.with_params({"a": np.array(4.0)}), x, x).J, 4.0)
    assert n_traced == before
    # 4 points are the same bucket as 3; 5 are another one.
    linearize(net, np.zeros((4, 1)), np.zeros((4, 1)))
    assert n_traced == before
    linearize(net, np.zeros((5, 1)), np.zeros((5, 1)))
    assert n_traced > before


def test_chunks_give_the_same_as_one_piece() -> None:
    net = tanh_net()
    x, u = points(33)
    whole, parts = linearize(net, x, u), linearize(net, x, u, max_memory=4096)
    np.testing.assert_allclose(whole.J, parts.J, rtol=1e-13)
    np.testing.assert_allclose(whole.dFdu, parts.dFdu, rtol=1e-13)


def test_too_little_memory_is_said_before_any_work() -> None:
    with pytest.raises(ValueError, match="max_memory is 100 bytes, expected at least 896"):
        linearize(tanh_net(), *points(2), max_memory=100)


def test_no_points_and_no_inputs() -> None:
    net = tanh_net()
    assert linearize(net, *points(0)).J.shape == (0, 4, 4)
    assert linearize(net, *points(0)).dFdu.shape == (0, 4, 3)
    autonomous = tanh_net(n_inputs=0)
    x, _ = points(3)
    both = linearize(autonomous, x, np.zeros((1, 0)))
    np.testing.assert_allclose(both.J, known(autonomous.params, x, np.zeros((1, 0)))[0])
    assert both.dFdu.shape == (3, 4, 0)
    assert input_jacobians(autonomous, x, np.zeros((3, 0))).shape == (3, 4, 0)


def test_step_map_in_single_precision() -> None:
    params = {"W": np.eye(2, dtype=np.float32) / 2}
    net = StepMap(lambda p, h, u: p["W"] @ h + u, params, 2, 2, dtype="float32")
    J = jacobians(net, np.zeros((1, 2)), np.zeros((1, 2)))
    assert J.dtype == np.float64
    np.testing.assert_allclose(J, [np.eye(2) / 2])


@pytest.mark.parametrize(
    ("x", "u", "message"),
    [
        (np.zeros(4), np.zeros((1, 3)), r"x has shape \[4\], expected .*\[n, n_states\]"),
        (np.zeros((2, 3)), np.zeros((1, 3)), r"x has shape \(2, 3\), expected \[n, n_states=4\]"),
        (np.zeros((2, 4)), np.zeros((3, 3)), r"u has shape \(3, 3\), expected \[n=2, n_inputs=3\]"),
        (np.zeros((2, 4)), np.zeros(3), r"u has shape \[3\]"),
    ],
)
def test_wrong_shapes_are_named(x, u, message) -> None:
    with pytest.raises(ValueError, match=message):
        linearize(tanh_net(), x, u)


def test_parameters_of_another_shape_are_refused() -> None:
    net = tanh_net()
    with pytest.raises(ValueError, match="has shape"):
        linearize(net, *points(1), {"W": np.eye(3), "V": net.params["V"]})


def test_everything_about_27_points_takes_milliseconds() -> None:
    net = tanh_net()
    x, u = points(27)

    def chain() -> FixedPoints:
        J, dFdu = linearize(net, x, u)
        return FixedPoints(x, F_xstar=net(x, u), J_xstar=J, dFdu=dFdu).decompose_jacobians()

    chain()  # compiles
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        chain()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 5e-3  # the quickest: other work on the machine is not our doing
