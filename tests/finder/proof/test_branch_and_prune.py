"""Branch and prune finds every point, proves it, and never proves too much."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.finder import CancelToken
from fpf_notebook.finder.proof.branch_and_prune import prove

U = np.zeros(1)


def tanh_net(w, b):
    return StepMap(
        step=lambda p, h, u: jnp.tanh(p["W"] @ h + p["b"]),
        params={"W": np.asarray(w, float), "b": np.asarray(b, float)},
        n_states=len(b),
        n_inputs=1,
    )


def check_points(step_map, proof, number):
    assert proof.complete, proof.reason
    assert len(proof.points) == number
    assert len(proof.undecided_low) == 0
    residual = step_map(proof.points, U) - proof.points
    steepness = np.max(np.abs(residual))
    assert steepness < 1e-2 if number else True
    assert np.all((proof.point_low <= proof.points) & (proof.points <= proof.point_high))


def test_independent_latches_are_products():
    step_map = tanh_net(2 * np.eye(5), np.zeros(5))
    proof = prove(step_map, U)
    check_points(step_map, proof, 243)
    assert proof.whole
    assert proof.all_points
    assert len(np.unique(np.sign(proof.points.round(6)), axis=0)) == 243


@pytest.mark.parametrize("n", [1, 2, 4])
def test_steep_latches(n):
    # tanh(1e5 (x - 0.9)): saturated to exactly -1 and 1 in double precision.
    step_map = tanh_net(1e5 * np.eye(n), np.full(n, -9e4))
    proof = prove(step_map, U)
    assert proof.complete
    assert len(proof.points) == 3**n
    middle = np.sort(np.unique(proof.points[:, 0].round(4)))
    np.testing.assert_allclose(middle, [-1, 0.9, 1], atol=1e-4)


def test_steep_and_coupled():
    w = 1e5 * np.eye(3) + 30 * np.random.default_rng(0).normal(size=(3, 3))
    proof = prove(tanh_net(w, [-9e4] * 3), U)
    assert proof.complete
    assert len(proof.points) == 27


def test_coupled_blocks():
    w = np.kron(np.diag([1.6, 2.0]), np.ones((3, 3)) / 3)
    step_map = tanh_net(w, np.zeros(6))
    check_points(step_map, prove(step_map, U), 9)


def test_against_many_newton_runs():
    rng = np.random.default_rng(4)
    w = 2.2 * rng.normal(size=(4, 4)) / 2
    step_map = tanh_net(w, 0.2 * rng.normal(size=4))
    proof = prove(step_map, U)
    assert proof.complete
    found = rng.uniform(-1, 1, (3000, 4))
    for _ in range(60):
        value = np.tanh(found @ w.T + step_map.params["b"])
        slopes = (1 - value**2)[..., None] * w
        found = found + np.linalg.solve(np.eye(4) - slopes, (value - found)[..., None])[..., 0]
        found = np.clip(found, -1.5, 1.5)
    good = np.abs(np.tanh(found @ w.T + step_map.params["b"]) - found).max(axis=1) < 1e-12
    assert len(np.unique(found[good].round(6) + 0.0, axis=0)) == len(proof.points)


@pytest.mark.parametrize(
    ("step", "number", "flow"),
    [
        (lambda h, u: h + 0.1 * (jnp.tanh(3 * h) - h), 9, False),
        (lambda h, u: jnp.tanh(3 * h) - h, 9, True),
        (lambda h, u: 2.2 * h - h**3, 9, True),
        (lambda h, u: h + 0.3 * (jnp.clip(3 * h, -1, 1) - h), 9, False),
    ],
)
def test_other_forms(step, number, flow):
    step_map = as_step_map(step, n_states=2, n_inputs=1, time="continuous" if flow else "discrete")
    check_points(
        step_map if not flow else as_step_map(lambda h, u: h + step(h, u), n_states=2, n_inputs=1),
        prove(step_map, U),
        number,
    )


def test_known_points_are_matched_and_doubted():
    step_map = tanh_net(2 * np.eye(1), [0.0])
    rest = 0.95750402407726874
    proof = prove(step_map, U, np.array([[rest], [0.4], [0.0]]))
    assert proof.complete
    assert proof.known.tolist() == [-1, 2, 0]
    assert proof.unproven.tolist() == [1]


def test_a_continuum_is_not_decided():
    line = as_step_map(
        lambda h, u: h * jnp.array([1.0, 0.5]), n_states=2, n_inputs=1, invariant_box=(-1, 1)
    )
    proof = prove(line, U, max_seconds=0.5)
    assert not proof.complete
    assert len(proof.undecided_low)
    assert "degenerate" in proof.reason or "max_seconds" in proof.reason


def test_a_degenerate_point_is_not_decided():
    pitchfork = tanh_net([[1.0]], [0.0])
    proof = prove(pitchfork, U, max_seconds=2)
    assert not proof.complete
    assert "degenerate" in proof.reason
    distance = np.maximum(np.abs(proof.undecided_low), np.abs(proof.undecided_high))
    assert distance.max() <= 1
    assert len(proof.points) == 0


def test_without_a_box_nothing_is_proven():
    growing = as_step_map(lambda h, u: 2 * h + 1, n_states=1, n_inputs=1)
    proof = prove(growing, U)
    assert not proof.complete
    assert proof.low is None
    assert "there is no box to search" in proof.reason
    given = prove(growing, U, box=(np.array([-5.0]), np.array([5.0])))
    assert given.complete
    np.testing.assert_allclose(given.points, [[-1.0]])


def test_points_outside_a_part_are_not_claimed():
    latch = tanh_net([[2.0]], [0.0])
    proof = prove(latch, U, box=(np.array([0.5]), np.array([1.0])))
    assert proof.complete
    assert not proof.whole
    assert not proof.all_points
    assert len(proof.points) == 1


def test_time_and_cancellation():
    rng = np.random.default_rng(0)
    hard = tanh_net(3 * rng.normal(size=(24, 24)) / np.sqrt(24), np.zeros(24))
    proof = prove(hard, U, max_seconds=0.3)
    assert not proof.complete
    assert "max_seconds=0.3 reached" in proof.reason
    stop = CancelToken()
    stop.cancel()
    assert prove(hard, U, max_seconds=60, cancel=stop).reason == "cancelled"


def test_a_number_of_boxes_is_a_limit_too():
    W = 3 * np.random.default_rng(6).normal(size=(6, 6)) / np.sqrt(6)
    step_map = as_step_map(lambda h: jnp.tanh(W @ h), n_states=6, n_inputs=0, batched=False)
    few = prove(step_map, np.zeros(0), max_seconds=60, max_boxes=100)
    again = prove(step_map, np.zeros(0), max_seconds=60, max_boxes=100)
    assert not few.complete
    assert few.reason == "max_boxes=100 reached"
    assert few.n_boxes == again.n_boxes
    with pytest.raises(ValueError, match="max_boxes is 0, expected a whole number from 1"):
        prove(step_map, np.zeros(0), max_boxes=0)


def test_what_is_not_covered_is_said():
    jumping = as_step_map(
        lambda h, u: jnp.tanh(jnp.where(h > 0.1, h + 1, h)), n_states=1, n_inputs=1
    )
    proof = prove(jumping, U)
    assert not proof.complete
    assert "may jump" in proof.reason


def test_bad_arguments():
    latch = tanh_net([[2.0]], [0.0])
    with pytest.raises(ValueError, match=r"known_points has shape \[2\]"):
        prove(latch, U, np.zeros(2))
    with pytest.raises(ValueError, match="box has ends"):
        prove(latch, U, box=(np.array([1.0]), np.array([-1.0])))
