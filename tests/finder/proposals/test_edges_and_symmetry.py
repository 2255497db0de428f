"""Saddles between basins, and symmetries, where both are known."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.proposals.edges import edge_states
from fpf_notebook.finder.proposals.symmetry import images, is_odd, swaps

ROOT = 0.957504024077  # of x = tanh(2 x)
LATCH = as_step_map(lambda h: jnp.tanh(2 * h), n_states=2, n_inputs=0, batched=False)
THRESHOLD = as_step_map(
    lambda h, u: jnp.tanh(6 * h - 3.8 + u), n_states=1, n_inputs=1, batched=False
)


def test_the_border_between_two_latches() -> None:
    ones = ROOT * np.array([[-1, -1], [-1, 1], [1, -1]])
    others = ROOT * np.array([[1, -1], [-1, -1], [1, 1]])
    edge = edge_states(LATCH, ones, others, np.zeros((3, 0)))
    assert edge.found.all()
    np.testing.assert_allclose(edge.x, ROOT * np.array([[0, -1], [-1, 0], [1, 0]]), atol=1e-6)
    assert (edge.speed < 1e-6).all()


def test_the_border_is_found_where_it_is_not_in_the_middle() -> None:
    rest, memory = np.array([[-0.99999]]), np.array([[0.97]])
    edge = edge_states(THRESHOLD, rest, memory, np.zeros((1, 1)))
    assert edge.found[0]
    x = edge.x[0, 0]
    assert 0.5 < x < 0.9
    assert np.tanh(6 * x - 3.8) == pytest.approx(x, abs=1e-8)


def test_a_flow_has_borders_too() -> None:
    flow = as_step_map(
        lambda h: 1e-2 * (-h + jnp.tanh(2 * h)),
        n_states=2,
        n_inputs=0,
        batched=False,
        time="continuous",
    )
    ones, others = ROOT * np.array([[-1.0, 1.0]]), ROOT * np.array([[1.0, 1.0]])
    edge = edge_states(flow, ones, others, np.zeros((1, 0)))
    assert edge.found[0]
    np.testing.assert_allclose(edge.x, [[0, ROOT]], atol=1e-3)


def test_states_that_are_no_attractors_have_no_border() -> None:
    edge = edge_states(LATCH, np.array([[0.5, 0.5]]), np.array([[0.6, 0.6]]), np.zeros((1, 0)))
    assert not edge.found[0]
    assert np.isnan(edge.x).all()
    token = CancelToken()
    token.cancel()
    same = edge_states(LATCH, -np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 0)), cancel=token)
    assert same.interrupted
    assert not same.found[0] or np.isfinite(same.x).all()


def test_bad_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"others\[0\] is the same state"):
        edge_states(LATCH, np.ones((1, 2)), np.ones((1, 2)), np.zeros((1, 0)))
    with pytest.raises(ValueError, match="expected twice"):
        edge_states(LATCH, np.ones((1, 2)), np.ones((2, 2)), np.zeros((1, 0)))


def test_oddness_is_checked_for_each_input() -> None:
    assert is_odd(LATCH, np.zeros(0))
    assert not is_odd(THRESHOLD, np.zeros(1))
    assert is_odd(THRESHOLD, np.full(1, 3.8))
    nearly = as_step_map(lambda h: jnp.tanh(2 * h) + 1e-9, n_states=1, n_inputs=0, batched=False)
    assert not is_odd(nearly, np.zeros(0))
    with pytest.raises(ValueError, match="scale is 0"):
        is_odd(LATCH, np.zeros(0), scale=0)


def test_units_that_can_be_exchanged() -> None:
    """Two pairs of like units: each pair can be exchanged, and nothing else."""
    w = np.kron(np.diag([1.4, 1.8]), np.ones((2, 2)) / 2)
    net = as_step_map(lambda p, h: jnp.tanh(p @ h), params=w, n_states=4, n_inputs=0, batched=False)
    found = {tuple(p) for p in swaps(net, np.zeros(0))}
    assert found == {(1, 0, 2, 3), (0, 1, 3, 2)}
    noisy = net.with_params(w + 1e-6 * np.random.default_rng(0).normal(size=(4, 4)))
    assert swaps(noisy, np.zeros(0)) == []


def test_groups_of_units_are_exchanged_together() -> None:
    """Two like modules: the first unit of one goes with the first of the other."""
    module = np.array([[1.0, -2.0], [0.5, 0.3]])
    w = np.kron(np.eye(2), module) + np.kron(1 - np.eye(2), 0.1 * module)
    net = as_step_map(lambda h: jnp.tanh(w @ h), n_states=4, n_inputs=0, batched=False)
    assert [p.tolist() for p in swaps(net, np.zeros(0))] == [[2, 3, 0, 1]]


def test_images_leave_out_the_points_themselves() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.5]])
    made = images(points, True, [np.array([1, 0])])
    np.testing.assert_array_equal(made, [[0.5, 1.0], [-1.0, -0.5]])
    assert images(points, False, []).shape == (0, 2)
