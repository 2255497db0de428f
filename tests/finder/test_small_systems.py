"""Small linear systems against NumPy's solution of each."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from fpf_notebook.finder.solvers.small_systems import LARGEST, solve_normal_equations


@pytest.mark.parametrize("n", range(1, LARGEST + 3))
def test_the_same_as_numpy(n):
    rng = np.random.default_rng(n)
    a, gradient = rng.normal(size=(50, n, n)), rng.normal(size=(50, n))
    ridge = rng.uniform(0.01, 1, size=50)
    normal = np.swapaxes(a, 1, 2) @ a + ridge[:, None, None] * np.eye(n)
    with jax.enable_x64(True):
        x = np.asarray(solve_normal_equations(a, gradient, ridge))
    np.testing.assert_allclose(x, np.linalg.solve(normal, gradient[..., None])[..., 0], rtol=1e-10)


def test_a_singular_matrix_gets_the_shortest_solution():
    # A projects on the first axis: what the second asks for cannot be had.
    a = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    with jax.enable_x64(True):
        x = np.asarray(solve_normal_equations(a, np.array([[2.0, 0.0]]), np.array([1e-14])))
    np.testing.assert_allclose(x, [[2.0, 0.0]], atol=1e-12)


def test_one_lane_that_fails_leaves_the_others_alone():
    a = np.stack([np.eye(2), np.full((2, 2), np.nan), np.zeros((2, 2))])
    with jax.enable_x64(True):
        x = np.asarray(solve_normal_equations(a, np.ones((3, 2)), np.array([0.0, 0.0, -1.0])))
    np.testing.assert_array_equal(x[0], [1.0, 1.0])
    assert np.isnan(x[1:]).all()
