"""Line attractors: recognized where there is one, and not where there is none."""

import numpy as np
import pytest

from fpf_notebook.analysis.line_attractor import find_line_attractor, order_along_curve
from fpf_notebook.analysis.record_points import record_points
from fpf_notebook.dynamics import StepMap
from fpf_notebook.result.fixed_points import FixedPoints


def linear(J):
    J = np.asarray(J, float)
    return StepMap(step=lambda p, h, u: p["J"] @ h, params={"J": J}, n_states=len(J), n_inputs=1)


@pytest.fixture
def integrator():
    """h' = J h with the eigenvalue 1 along r, and 0.5 and 0.2 across."""
    rng = np.random.default_rng(0)
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0] @ np.diag([1, 1.5, 1.0])
    return linear(R @ np.diag([1.0, 0.5, 0.2]) @ np.linalg.inv(R)), R[:, 0] / np.linalg.norm(
        R[:, 0]
    )


def test_the_points_of_a_perfect_integrator_are_a_line(integrator):
    step_map, direction = integrator
    rng = np.random.default_rng(1)
    place = rng.uniform(-2, 3, 60)
    line = find_line_attractor(record_points(step_map, place[:, None] * direction))
    assert line.is_line
    ordered = place[line.order]
    assert (np.diff(ordered) > 0).all() or (np.diff(ordered) < 0).all()
    assert line.length == pytest.approx(np.ptp(place), rel=1e-6)
    np.testing.assert_allclose(line.position, np.abs(ordered - ordered[0]), atol=1e-9)
    assert line.thickness < 1e-9
    np.testing.assert_allclose(np.abs(line.leading), 1, atol=1e-9)
    np.testing.assert_allclose(line.second, 0.5, atol=1e-9)
    np.testing.assert_allclose(line.alignment, 1, atol=1e-6)
    assert "line attractor of 60 points" in str(line)


def test_slow_points_between_fixed_ones_belong_to_the_line(integrator):
    # A leak: only the origin is fixed, all others creep towards it.
    step_map, direction = integrator
    leaky = linear(0.995 * np.asarray(step_map.params["J"]))
    points = record_points(leaky, np.linspace(-1, 1, 21)[:, None] * direction)
    assert points.counts()["fixed"] == 1
    assert points.counts()["slow"] == 20
    line = find_line_attractor(points)
    assert line.is_line
    assert line.q[10] == line.q.min()


def test_points_in_a_plane_are_no_line(integrator):
    step_map, _ = integrator
    rng = np.random.default_rng(0)
    plane = linear(np.diag([1.0, 1.0, 0.2]))
    points = record_points(plane, rng.uniform(-1, 1, (80, 3)) * [1, 1, 0])
    line = find_line_attractor(points)
    assert not line.is_line
    assert "exactly one eigenvalue is within 0.1 of 1 at 0% of the points only" in line.reason
    cloud = find_line_attractor(record_points(step_map, rng.uniform(-1, 1, (80, 3))))
    assert not cloud.is_line
    assert "scatter about a curve" in cloud.reason
    assert str(cloud).startswith("no line attractor: ")


def test_a_line_of_points_across_the_slow_direction_is_none():
    across = linear(np.diag([1.0, 0.5]))
    points = record_points(across, np.linspace(-1, 1, 20)[:, None] * np.array([0.0, 1.0]))
    line = find_line_attractor(points)
    assert not line.is_line
    assert "the slow direction is not along the curve" in line.reason


def test_two_crowds_far_apart_are_no_line(integrator):
    step_map, direction = integrator
    place = np.concatenate([np.linspace(0, 0.1, 10), np.linspace(5, 5.1, 10)])
    line = find_line_attractor(record_points(step_map, place[:, None] * direction))
    assert not line.is_line
    assert "there is a gap of" in line.reason


def test_corners_of_a_cube_are_no_line():
    corners = np.array([[i, j, k] for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)], float)
    assert not find_line_attractor(record_points(linear(0.5 * np.eye(3)), corners)).is_line


def test_a_bent_line_is_ordered_along_its_length():
    angle = np.random.default_rng(0).uniform(0, 1.6 * np.pi, 120)
    curve = np.stack([np.cos(angle), np.sin(angle), 0.2 * angle], axis=1)
    order = order_along_curve(curve)
    steps = np.diff(angle[order])
    assert (steps > 0).all() or (steps < 0).all()


def test_noisy_points_are_ordered_up_to_their_noise(integrator):
    step_map, direction = integrator
    rng = np.random.default_rng(2)
    place = rng.uniform(-1, 1, 100)
    points = place[:, None] * direction + 0.01 * rng.normal(size=(100, 3))
    line = find_line_attractor(record_points(step_map, points))
    assert line.is_line
    assert 0.001 < line.thickness < 0.02
    assert abs(np.corrcoef(np.arange(100), place[line.order])[0, 1]) > 0.99
    assert line.length == pytest.approx(np.ptp(place), rel=0.1)


def test_too_few_points_and_the_wrong_records():
    few = record_points(linear(np.eye(2)), np.zeros((3, 2)))
    line = find_line_attractor(few)
    assert not line.is_line
    assert "3 points, at least 5 are needed" in line.reason
    assert not find_line_attractor(FixedPoints()).is_line
    same = record_points(linear(np.diag([1.0, 0.5])), np.ones((9, 2)))
    assert "all points are in one place" in find_line_attractor(same).reason
    with pytest.raises(ValueError, match="find_line_attractor is for maps"):
        find_line_attractor(FixedPoints(xstar=np.zeros((6, 2)), time="continuous"))
    with pytest.raises(ValueError, match="eigval_J_xstar"):
        find_line_attractor(FixedPoints(xstar=np.zeros((6, 2))))
