"""jPCA on rotations that are known, and against an iterative fit."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fpf_notebook.analysis import jpca, subspace_angles
from fpf_notebook.tasks import RotationSpikes

RNG = np.random.default_rng(0)


def rotations(frequencies, n_trials=40, n_time=50, dt=0.02, decay=0.0, n_states=12, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n_trials // 2, len(frequencies), 2)) @ [1, 1j]
    z = np.concatenate([z, -z])  # of mean 0 at each bin: the origin stays where it is
    factor = np.exp((2j * np.pi * np.asarray(frequencies) - decay) * dt)
    path = z[:, None] * factor ** np.arange(n_time)[:, None]
    latents = np.stack([path.real, path.imag], axis=-1).reshape(n_trials, n_time, -1)
    basis = np.linalg.qr(rng.normal(size=(n_states, latents.shape[2])))[0]
    return latents @ basis.T, basis.reshape(n_states, -1, 2).transpose(1, 0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_pure_rotations_are_found_exactly_the_fastest_first(seed):
    X, planes = rotations((0.7, 2.6, 1.3), seed=seed)
    found = jpca(X, n_pcs=6, subtract_condition_mean=False, dt=0.02)
    np.testing.assert_allclose(found.frequencies, [2.6, 1.3, 0.7], rtol=1e-6)
    for plane, k in zip(found.planes, (1, 2, 0), strict=True):
        np.testing.assert_allclose(plane.T @ plane, np.eye(2), atol=1e-9)
        assert subspace_angles(plane, planes[k]).max() < 1e-4
    assert found.r2_skew == pytest.approx(1, abs=1e-9)
    assert found.r2_full == pytest.approx(1, abs=1e-9)
    assert found.variance.sum() == pytest.approx(1)
    assert found.variance_kept == pytest.approx(1)
    assert "2.6 Hz" in str(found)


def test_the_matrix_is_the_least_squares_solution():
    X = RNG.normal(size=(20, 15, 6)).cumsum(axis=1)
    found = jpca(X, n_pcs=4)
    z = (X - found.mean) @ found.components
    d, m = z[:, 1:] - z[:, :-1], (z[:, 1:] + z[:, :-1]) / 2

    def error(entries):
        M = np.zeros((4, 4))
        M[np.triu_indices(4, 1)] = entries
        return np.sum((d - m @ (M - M.T).T) ** 2)

    best = minimize(error, np.zeros(6), tol=1e-12).fun
    entries = found.M[np.triu_indices(4, 1)]
    np.testing.assert_allclose(found.M, -found.M.T, atol=1e-12)
    assert error(entries) == pytest.approx(best, rel=1e-8)
    assert found.r2_skew <= found.r2_full


def test_states_turn_from_the_first_axis_to_the_second_and_start_along_the_first():
    X, _ = rotations((1.0, 2.0))
    found = jpca(X, n_pcs=4, dt=0.02)
    for k in range(2):
        path = found.project(X, k)
        cross = path[:, :-1, 0] * path[:, 1:, 1] - path[:, :-1, 1] * path[:, 1:, 0]
        assert cross.mean() > 0
        start = path[:, 0]
        assert start[:, 0].std() >= start[:, 1].std() - 1e-12
        assert abs(np.sum(start[:, 0] * start[:, 1])) < 1e-6 * np.sum(start**2)


def test_decay_costs_r2_but_not_the_frequency():
    X, _ = rotations((1.9,), decay=2.0)
    found = jpca(X, n_pcs=2, subtract_condition_mean=False, dt=0.02)
    assert found.r2_full == pytest.approx(1, abs=1e-9)
    assert found.r2_skew < 0.99
    assert found.frequencies[0] == pytest.approx(1.9, rel=0.01)


def test_growth_is_no_rotation():
    z = RNG.normal(size=(30, 1, 2)) * 1.05 ** np.arange(20)[:, None]
    z = np.concatenate([z, -z])
    found = jpca(z, n_pcs=2, subtract_condition_mean=False)
    assert found.r2_full == pytest.approx(1, abs=1e-9)
    assert found.r2_skew < 0.05


def test_latents_of_the_synthetic_set_have_its_frequencies():
    data = RotationSpikes(n_trials=200, n_neurons=4, n_conditions=100).data
    found = jpca(data.latents, n_pcs=8, dt=data.dt)
    np.testing.assert_allclose(found.frequencies, [2.6, 1.9, 1.3, 0.7], rtol=0.1)


def test_angles_between_subspaces():
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    A = np.eye(4)[:, :2]
    B = np.array([[1, 0], [0, c], [0, s], [0, 0.0]])
    np.testing.assert_allclose(subspace_angles(A, B), [0, 20], atol=1e-5)
    np.testing.assert_allclose(
        subspace_angles(A, 3 * B @ RNG.normal(size=(2, 2))), [0, 20], atol=1e-4
    )
    v = np.array([1, 1j, 0, 0])[:, None]
    np.testing.assert_allclose(subspace_angles(A, v), [0, 0], atol=1e-5)
    with pytest.raises(ValueError, match="A and B must have as many rows"):
        subspace_angles(A, B[:3])
    with pytest.raises(ValueError, match="B is NaN or infinite"):
        subspace_angles(A, np.full((4, 2), np.nan))


X = RNG.normal(size=(5, 6, 8))


@pytest.mark.parametrize(
    ("states", "options", "message"),
    [
        (X[0], {}, "states has shape"),
        (X[:, :1], {}, "with two bins at least"),
        (np.full_like(X, np.inf), {}, "states is NaN or infinite"),
        (X, {"n_pcs": 3}, "n_pcs must be an even number, got 3"),
        (X, {"n_pcs": 10}, "n_pcs must be from 2 to 8, got 10"),
        (X, {"n_pcs": 0}, "n_pcs is 0, expected a whole number from 2"),
        (X, {"dt": 0}, "dt is .*, expected a finite number above 0"),
        (np.tile(X[:1], (4, 1, 1)), {}, "states do not differ between trials"),
    ],
)
def test_what_cannot_rotate_is_refused(states, options, message):
    with pytest.raises(ValueError, match=message):
        jpca(states, **options)


def test_planes_that_do_not_exist_are_refused():
    found = jpca(X, n_pcs=4)
    with pytest.raises(ValueError, match="plane must be from 0 to below 2, got 2"):
        found.project(X, 2)
    with pytest.raises(ValueError, match="states must have the shape"):
        found.project(X[..., :3])
