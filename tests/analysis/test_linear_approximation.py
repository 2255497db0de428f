"""Relative error, and linear dynamics around the nearest point: known answers."""

import numpy as np
import pytest

from fpf_notebook.analysis.linear_approximation import linearized_run, nearest_point, relative_error
from fpf_notebook.analysis.record_points import record_points
from fpf_notebook.dynamics import StepMap
from fpf_notebook.result.fixed_points import FixedPoints


@pytest.fixture
def affine():
    rng = np.random.default_rng(0)
    A, B, c = 0.4 * rng.normal(size=(3, 3)), rng.normal(size=(3, 2)), rng.normal(size=3)
    return StepMap(
        step=lambda p, h, u: p["A"] @ h + p["B"] @ u + p["c"],
        params={"A": A, "B": B, "c": c}, n_states=3, n_inputs=2,
    )  # fmt: skip


X = 0.9575040240772687  # tanh(2 X) = X


def latch(gain=2.0):
    """h' = tanh(gain h + u), one unit: points at 0 and at ±0.957 for a gain of 2."""
    import jax.numpy as jnp

    return StepMap(
        step=lambda p, h, u: jnp.tanh(p["g"] * h + u), params={"g": np.array([gain])},
        n_states=1, n_inputs=1,
    )  # fmt: skip


def test_relative_error_is_the_mean_of_the_ratios():
    h = np.array([[[3.0, 4.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 0.0]]])
    other = h + np.array([[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.5], [9.0, 9.0]]])
    assert relative_error(h, h) == 0.0
    # 1/5, 1/2 and 1/2; the state that is zero has no relative error.
    assert relative_error(h, other) == pytest.approx((0.2 + 0.5 + 0.5) / 3)
    assert np.isnan(relative_error(np.zeros((1, 2, 3)), np.ones((1, 2, 3))))
    with pytest.raises(ValueError, match=r"states has shape .*\[trial, time, n_states\]"):
        relative_error(h[0], other[0])
    with pytest.raises(ValueError, match="approximation must have the shape of states"):
        relative_error(h, other[:, :1])


@pytest.mark.parametrize("mode", ["one_step", "free"])
def test_an_affine_map_is_predicted_exactly_around_any_point(affine, mode):
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(4, 9, 2))
    states = affine.trajectory(rng.normal(size=(4, 3)), inputs)
    points = record_points(affine, rng.normal(size=(2, 3)), rng.normal(size=(2, 2)))
    run = linearized_run(affine, points, inputs, states, mode)
    np.testing.assert_allclose(run.states, states, atol=1e-10)
    assert run.mode == mode


def test_each_step_is_linear_around_the_nearest_point():
    step_map = latch()
    x = np.array([[-X], [0.0], [X]])
    points = record_points(step_map, x)
    states = np.array([[[0.1], [0.6], [0.9]]])
    inputs = np.array([[[0.0], [0.3], [-0.2]]])
    one = linearized_run(step_map, points, inputs, states, initial_states=np.array([[-0.3]]))
    np.testing.assert_array_equal(one.nearest, [[1, 1, 2]])
    slope = 2 * (1 - X**2)
    F = np.tanh(2 * X)
    expected = [2 * -0.3 + 0.0, 2 * 0.1 + 0.3, F + slope * (0.6 - X) + slope / 2 * -0.2]
    np.testing.assert_allclose(one.states[0, :, 0], expected, atol=1e-9)
    free = linearized_run(
        step_map, points, inputs, states, "free", initial_states=np.array([[-0.3]])
    )
    # -0.6 is now the state, nearer to the left point than to the middle one.
    np.testing.assert_array_equal(free.nearest, [[1, 0, 0]])
    second = -F + slope * (-0.6 + X) + slope / 2 * 0.3
    assert free.states[0, 1, 0] == pytest.approx(second, abs=1e-9)


def test_without_initial_states_the_first_states_are_taken_as_they_are():
    step_map = latch()
    points = record_points(step_map, np.array([[0.0]]))
    states = np.array([[[0.1], [0.2], [0.4]]])
    run = linearized_run(step_map, points, np.zeros((1, 3, 1)), states, "free")
    np.testing.assert_allclose(run.states[0, :, 0], [0.1, 0.2, 0.4], atol=1e-12)


def test_free_runs_gather_error_that_single_steps_do_not():
    step_map = latch(1.5)
    rng = np.random.default_rng(0)
    inputs = 0.5 * rng.normal(size=(8, 30, 1))
    start = 0.1 * rng.normal(size=(8, 1))
    states = step_map.trajectory(start, inputs)
    points = record_points(step_map, np.array([[-0.8586], [0.0], [0.8586]]))
    error = {
        mode: relative_error(
            states, linearized_run(step_map, points, inputs, states, mode,
                                   initial_states=start).states
        )
        for mode in ("one_step", "free")
    }  # fmt: skip
    assert error["one_step"] < error["free"]


def test_jacobians_are_computed_where_the_record_has_none(affine):
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(2, 4, 2))
    states = affine.trajectory(rng.normal(size=(2, 3)), inputs)
    bare = FixedPoints(xstar=np.zeros((1, 3)), inputs=np.zeros((1, 2)))
    np.testing.assert_allclose(
        linearized_run(affine, bare, inputs, states).states, states, atol=1e-10
    )


def test_nearest_point_is_that_of_the_distances():
    rng = np.random.default_rng(3)
    states, points = rng.normal(size=(50, 4)), rng.normal(size=(7, 4))
    expected = np.linalg.norm(states[:, None] - points, axis=-1).argmin(axis=1)
    np.testing.assert_array_equal(nearest_point(states, points), expected)


def test_the_nearest_point_is_told_far_from_the_origin():
    points = 1e8 + np.array([[0.0, 0.0], [0.5, 0.0], [0.5, 0.5]])
    states = points[[2, 0, 1, 1]] + 0.1
    np.testing.assert_array_equal(nearest_point(states, points), [2, 0, 1, 1])


@pytest.mark.parametrize("n_states", [3, 50])
def test_of_two_points_equally_near_the_first_is_the_nearest(n_states):
    point = np.random.default_rng(n_states).normal(size=n_states)
    middle = np.zeros((5, n_states))  # of a symmetric pair
    assert nearest_point(middle, np.stack([point, -point])).tolist() == [0] * 5
    assert nearest_point(middle, np.stack([-point, point])).tolist() == [0] * 5


def test_what_does_not_fit_is_refused(affine):
    states, inputs = np.zeros((2, 4, 3)), np.zeros((2, 4, 2))
    points = record_points(affine, np.zeros((1, 3)))
    with pytest.raises(ValueError, match="mode is 'two', expected one of 'one_step', 'free'"):
        linearized_run(affine, points, inputs, states, "two")
    with pytest.raises(ValueError, match="fixed_points is empty"):
        linearized_run(affine, points[:0], inputs, states)
    with pytest.raises(ValueError, match=r"states must have the shape \[trial, time, n_states=3\]"):
        linearized_run(affine, points, inputs, states[..., :2])
    with pytest.raises(ValueError, match=r"inputs must have the shape \[2, 4, 2\]"):
        linearized_run(affine, points, inputs[:, :3], states)
    with pytest.raises(ValueError, match=r"initial_states must have the shape \[2, 3\]"):
        linearized_run(affine, points, inputs, states, initial_states=np.zeros((1, 3)))
    with pytest.raises(ValueError, match="fixed_points has n_states=2, the step map n_states=3"):
        linearized_run(affine, FixedPoints(xstar=np.zeros((1, 2))), inputs, states)
    flow = FixedPoints(xstar=np.zeros((1, 3)), time="continuous")
    with pytest.raises(ValueError, match="linearized_run is for maps"):
        linearized_run(affine, flow, inputs, states)
