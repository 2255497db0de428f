import numpy as np
import pytest

from fpf_notebook.result.fixed_points import FixedPoints
from tests.result.records import full_record


def test_states_are_mapped_and_measurements_kept() -> None:
    fps = full_record(3)
    U = np.random.default_rng(1).normal(size=(4, 2))
    new = fps.transform(U, [1.0, -1.0])
    for name in ("xstar", "x_init", "F_xstar"):
        np.testing.assert_allclose(getattr(new, name), getattr(fps, name) @ U + [1.0, -1.0])
    for name in ("qstar", "inputs", "eigval_J_xstar", "stability", "index", "hits"):
        np.testing.assert_array_equal(getattr(new, name), getattr(fps, name))
    assert new.n_states == 2
    assert new.slices == ()


def test_projection_maps_directions_and_drops_the_jacobians() -> None:
    fps = full_record(3)
    U = np.random.default_rng(1).normal(size=(4, 2))
    new = fps.transform(U)
    assert new.J_xstar is None
    assert new.eigvec_left_J_xstar is None
    assert new.eigval_J_xstar.shape == (3, 4)
    assert new.eigvec_J_xstar.shape == (3, 2, 4)
    # x = x* + a v is mapped to x* U + a (v U): a direction knows no offset.
    moved = FixedPoints(fps.xstar + fps.eigvec_J_xstar[:, :, 0].real).transform(U, 5.0)
    np.testing.assert_allclose(
        moved.xstar - fps.transform(U, 5.0).xstar, new.eigvec_J_xstar[:, :, 0].real
    )
    np.testing.assert_allclose(new.dFdu, np.einsum("sk,nsi->nki", U, fps.dFdu))


def test_change_of_coordinates_maps_jacobians_so_that_the_modes_stay_modes() -> None:
    fps = full_record(5)
    U = np.random.default_rng(2).normal(size=(4, 4))  # invertible, not orthogonal
    new = fps.transform(U)
    np.testing.assert_allclose(
        new.J_xstar @ new.eigvec_J_xstar,
        new.eigvec_J_xstar * new.eigval_J_xstar[:, None, :],
        atol=1e-10,
    )
    left, right = new.eigvec_left_J_xstar, new.eigvec_J_xstar
    np.testing.assert_allclose(
        left.conj().swapaxes(1, 2) @ right, np.broadcast_to(np.eye(4), (5, 4, 4)), atol=1e-10
    )


def test_transformed_jacobian_is_the_jacobian_of_the_transformed_map() -> None:
    A = np.array([[0.5, 0.2], [-0.1, 0.3]])
    U, offset = np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0.5, -1.0])
    J = FixedPoints([[0.0, 0.0]], J_xstar=[A]).transform(U, offset).J_xstar[0]

    def transformed_map(y: np.ndarray) -> np.ndarray:
        x = (y - offset) @ np.linalg.inv(U)
        return (A @ x) @ U + offset

    columns = [transformed_map(offset + e) - transformed_map(offset) for e in np.eye(2)]
    np.testing.assert_allclose(J, np.transpose(columns))


def test_singular_square_matrix_is_a_projection() -> None:
    new = full_record(2).transform(np.diag([1.0, 1.0, 1.0, 0.0]))
    assert new.J_xstar is None
    assert new.eigvec_left_J_xstar is None


def test_derivatives_of_a_flow_are_not_shifted() -> None:
    fps = FixedPoints([[1.0]], F_xstar=[[0.5]], time="continuous")
    new = fps.transform([[2.0]], 10.0)
    assert new.xstar.tolist() == [[12.0]]
    assert new.F_xstar.tolist() == [[1.0]]


def test_record_with_states_only() -> None:
    assert FixedPoints([[1.0, 2.0]]).transform([[1.0], [1.0]], 1).xstar.tolist() == [[4.0]]


@pytest.mark.parametrize(
    ("U", "offset", "message"),
    [
        (np.eye(3), 0.0, r"U has shape \(3, 3\), expected \[n_states=4, k\]"),
        (np.ones(4), 0.0, r"U has shape \[4\]"),
        (np.eye(4), np.zeros(3), r"offset has shape \(3,\), expected \[k=4\] or a scalar"),
        (np.full((4, 2), np.nan), 0.0, "NaN or infinite"),
    ],
)
def test_bad_matrices_are_refused(U, offset, message) -> None:
    with pytest.raises(ValueError, match=message):
        full_record(1).transform(U, offset)
