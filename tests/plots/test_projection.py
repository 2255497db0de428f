import numpy as np
import pytest

from fpf_notebook.plots.projection import fit_projection, percent, state_axes
from tests.plots.latches import three_latches, trajectories


def own_pca(samples: np.ndarray, n_dims: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mean = samples.mean(axis=0)
    _, singular, rows = np.linalg.svd(samples - mean, full_matrices=False)
    return mean, rows[:n_dims], (singular**2 / (singular**2).sum())[:n_dims]


@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_components_are_those_of_an_svd_of_the_trajectories(n_dims):
    traj, points = trajectories(), three_latches().xstar
    projection = fit_projection(traj, points, n_dims)
    mean, rows, ratio = own_pca(traj.reshape(-1, 3), n_dims)
    np.testing.assert_allclose(projection.mean, mean, atol=1e-12)
    np.testing.assert_allclose(projection.explained_variance_ratio, ratio, rtol=1e-9)
    cosines = np.abs(np.sum(projection.components * rows, axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-9)
    expected = np.abs((points - mean) @ rows.T)
    np.testing.assert_allclose(np.abs(projection.transform(points)), expected, atol=1e-9)
    assert projection.source == "trajectories"


def test_signs_do_not_depend_on_the_order_of_the_samples():
    traj, points = trajectories(), three_latches().xstar
    there = fit_projection(traj, points)
    back = fit_projection(traj[::-1, ::-1], points)
    np.testing.assert_allclose(there.components, back.components, atol=1e-9)
    largest = np.abs(there.components).argmax(axis=1)
    assert (there.components[np.arange(3), largest] > 0).all()


@pytest.mark.parametrize("traj", [None, np.zeros((0, 5, 3)), np.zeros((4, 0, 3))])
def test_without_trajectories_the_points_decide(traj):
    points = three_latches().xstar
    projection = fit_projection(traj, points, 2)
    assert projection.source == "fixed points"
    np.testing.assert_allclose(projection.mean, points.mean(axis=0), atol=1e-12)


def test_one_state_dimension_is_its_own_axis():
    projection = fit_projection(np.array([[[3.0], [5.0]]]), np.array([[4.0]]), 3)
    assert projection.n_dims == 1
    assert projection.labels == ("h",)
    assert projection.transform(np.array([[4.0]])) == pytest.approx(4.0)


def test_two_state_dimensions_give_at_most_two_components():
    projection = fit_projection(trajectories()[:, :, :2], np.zeros((1, 2)), 3)
    assert projection.n_dims == 2
    assert projection.explained_variance_ratio.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("points", "n_known"),
    [
        (np.zeros((0, 4)), 0),
        (np.ones((1, 4)), 0),
        (np.full((5, 4), 7.0), 0),
        (np.array([[0.0, 0, 0, 0], [1, 2, 3, 4]]), 1),
        (np.array([[0.0, 0, 0, 0], [1, 2, 3, 4], [0, 1, 0, 0]]), 2),
    ],
    ids=["none", "one", "equal", "two", "three"],
)
def test_missing_components_are_completed(points, n_known):
    projection = fit_projection(None, points, 3)
    rows = projection.components
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-12)
    ratio = projection.explained_variance_ratio
    if n_known == 0:
        assert np.isnan(ratio).all()
        assert projection.labels == ("PC 1", "PC 2", "PC 3")
    else:
        assert ratio.sum() == pytest.approx(1)
        assert (ratio[n_known:] == 0).all()
    # What is shown of the points is all that there is of them.
    shown = projection.transform(points)
    np.testing.assert_allclose(
        np.linalg.norm(shown, axis=1), np.linalg.norm(points - projection.mean, axis=1), atol=1e-9
    )


def test_long_recordings_give_the_same_components():
    rng = np.random.default_rng(3)
    traj = rng.normal(size=(50, 2100, 20)) * np.linspace(3, 0.1, 20)
    fast = fit_projection(traj, np.zeros((0, 20)))
    slow = fit_projection(traj[:, ::2], np.zeros((0, 20)))  # short enough for the full solver
    _, rows, _ = own_pca(traj.reshape(-1, 20), 3)
    np.testing.assert_allclose(np.abs(np.sum(fast.components * rows, axis=1)), 1, atol=1e-8)
    assert not np.allclose(fast.components, slow.components, atol=1e-8)


def test_labels_carry_the_explained_variance():
    projection = fit_projection(trajectories(), np.zeros((0, 3)), 2)
    first, second = projection.explained_variance_ratio
    assert projection.labels == (f"PC 1 ({100 * first:.0f} %)", f"PC 2 ({100 * second:.0f} %)")


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1e-6, "<0.1 %"),
        (0.021, "2.1 %"),
        (0.46, "46 %"),
        (0.998, "99.8 %"),
        (1, "100 %"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text


def test_state_axes_show_states_as_they_are():
    projection = state_axes(5, (0, 3))
    assert projection.labels == ("h₁", "h₄")
    np.testing.assert_array_equal(projection.transform(np.arange(5.0)), [0, 3])
    with pytest.raises(ValueError, match="dims: 5 given, the state has dimensions 0 to 4"):
        state_axes(5, (0, 5))
