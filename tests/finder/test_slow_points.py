"""Fixed and slow points next to given states: they stay near, and are told apart."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import StepMap
from fpf_notebook.finder.progress import SilentProgress
from fpf_notebook.finder.slow_points import find_slow_points


@pytest.fixture
def near_miss():
    """h' = h + 1e-5 + h² nearly stands still at 0, and has no fixed point there; g is a latch."""
    return StepMap(
        step=lambda p, h, u: jnp.stack([h[0] + p["c"] + h[0] ** 2, jnp.tanh(2 * h[1])]),
        params={"c": np.array(1e-5)}, n_states=2, n_inputs=1,
    )  # fmt: skip


def test_slow_points_are_found_where_there_is_no_fixed_one(near_miss):
    starts = np.array([[[0.05, 0.9], [-0.05, 1.0], [0.02, -0.9]]])
    points = find_slow_points(near_miss, starts, progress=SilentProgress())
    assert points.n >= 2
    assert set(points.kind) == {"slow"}
    assert (points.qstar <= 1.001e-8).all()
    assert (np.abs(points.xstar[:, 0]) < 0.06).all()
    np.testing.assert_allclose(np.abs(points.xstar[:, 1]), 0.9575, atol=1e-3)


def test_fixed_points_are_called_fixed():
    latch = StepMap(
        step=lambda p, h, u: jnp.tanh(p["g"] * h), params={"g": np.array(2.0)}, n_states=1,
        n_inputs=1,
    )  # fmt: skip
    points = find_slow_points(latch, np.array([[[0.9], [-0.9]]]), progress=SilentProgress())
    assert set(points.kind) == {"fixed"}
    np.testing.assert_allclose(np.sort(points.xstar[:, 0]), [-0.9575, 0.9575], atol=1e-3)


def test_states_of_the_wrong_rank_are_refused(near_miss):
    with pytest.raises(ValueError, match="states"):
        find_slow_points(near_miss, np.zeros((3, 2)))
