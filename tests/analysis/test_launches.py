"""Runs, pushes and pulses, on maps whose paths are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints, as_step_map
from fpf_notebook.analysis import destination, launch, pulse, pushes

LEAKY = as_step_map(lambda h, u: 0.5 * h + u, n_states=1, n_inputs=1)


def found(matrix, time="discrete"):
    matrix = jnp.asarray(matrix)
    net = as_step_map(lambda h, u: matrix @ h, n_states=len(matrix), n_inputs=0, time=time)
    points, _ = FixedPointFinder(net).find_fixed_points(initial_states=np.ones((4, len(matrix))))
    return points


def test_launched_states_run_under_the_input():
    paths = launch(LEAKY, np.array([[8.0], [0.0]]), np.array([1.0]), 3)
    assert paths[..., 0].tolist() == [[8, 5, 3.5, 2.75], [0, 1, 1.5, 1.75]]
    assert launch(LEAKY, np.ones((1, 1)), np.zeros(1), 0).tolist() == [[[1.0]]]


def test_a_pulse_ends():
    path = pulse(LEAKY, np.zeros(1), np.array([1.0]), np.array([3.0]), 1, 2)
    assert path[:, 0].tolist() == [0, 3, 2.5, 2.25]


def test_pushes_go_along_the_growing_modes_if_there_are_some():
    pushed = pushes(found(np.diag([0.9, 1.5, 0.2])), 0, 0.1)
    assert np.abs(pushed) == pytest.approx(np.array([[0, 0.1, 0]] * 2), abs=1e-9)
    assert pushed[0] == pytest.approx(-pushed[1])
    # None grows: the slowest ones.
    pushed = pushes(found(np.diag([0.9, 0.5, 0.2])), 0, 0.1)
    assert np.abs(pushed) == pytest.approx(0.1 * np.eye(3)[[0, 1, 0, 1]], abs=1e-9)
    assert len(pushes(found(np.diag([0.9, 0.5, 0.2])), 0, 0.1, n_modes=1)) == 2


def test_of_a_complex_pair_one_direction_is_pushed():
    turn = 1.2 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    assert len(pushes(found(turn), 0, 0.1)) == 2


def test_of_a_flow_modes_grow_right_of_the_imaginary_axis():
    pushed = pushes(found(np.diag([-3.0, 0.5]), "continuous"), 0, 1.0)
    assert np.abs(pushed) == pytest.approx(np.array([[0, 1], [0, 1]]), abs=1e-9)


def test_destinations():
    points = FixedPoints(np.array([[100.0], [0.0]]))
    assert destination(points, np.array([96.0])) == 0  # within 5 % of the norm
    assert destination(points, np.array([94.0])) is None
    assert destination(points, np.array([0.04])) == 1
    assert destination(points, np.array([0.2]), tol=0.3) == 1
    assert destination(FixedPoints(), np.array([0.0])) is None


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: launch(LEAKY, np.zeros(1), np.zeros(1), 3), r"states has shape \(1,\)"),
        (lambda: launch(LEAKY, np.zeros((1, 1)), np.zeros(2), 3), r"u has shape \(2,\)"),
        (lambda: pulse(LEAKY, np.zeros(2), np.zeros(1), np.zeros(1), 1, 1), "state has shape"),
        (lambda: pulse(LEAKY, np.zeros(1), np.zeros(2), np.zeros(1), 1, 1), "base has shape"),
        (lambda: pulse(LEAKY, np.zeros(1), np.zeros(1), np.zeros(2), 1, 1), "pulse_input has"),
        (lambda: pushes(found(np.eye(2) / 2), 1, 0.1), "index is 1, expected that of one of 1"),
        (lambda: pushes(FixedPoints(np.zeros((1, 2))), 0, 0.1), "points have no eigenmodes"),
    ],
)
def test_what_does_not_fit_is_named(call, text):
    with pytest.raises(ValueError, match=text):
        call()
