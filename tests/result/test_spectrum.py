import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fpf_notebook.result import spectrum
from fpf_notebook.result.newton_step import fixed_point_index, forward_error
from fpf_notebook.result.spectrum import (
    classify,
    eigenmodes,
    frequencies,
    time_constants,
)

ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])


def random_matrices(n: int, n_states: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, n_states, n_states))


@pytest.mark.parametrize("time", ["discrete", "continuous"])
@pytest.mark.parametrize("n_states", [1, 2, 5, 16])
def test_eigenvalues_are_those_of_numpy_sorted_and_pairs_stay_together(n_states, time) -> None:
    J = random_matrices(20, n_states)
    eigvals, right, _ = eigenmodes(J, time)
    size = np.abs(eigvals) if time == "discrete" else eigvals.real
    assert (np.diff(size, axis=1) <= 1e-12).all()
    for matrix, mine in zip(J, eigvals, strict=True):
        np.testing.assert_allclose(
            np.sort_complex(mine), np.sort_complex(np.linalg.eigvals(matrix)), atol=1e-10
        )
        positive = np.flatnonzero(mine.imag > 0)
        np.testing.assert_array_equal(mine[positive + 1], mine[positive].conj())
    np.testing.assert_allclose(J @ right, right * eigvals[:, None, :], atol=1e-10)
    np.testing.assert_allclose(np.linalg.norm(right, axis=1), 1)


# Rounded: entries some 1e38 times smaller than others lead LAPACK's balancing astray.
ENTRIES = st.floats(-2, 2, width=32).map(lambda entry: round(entry, 6))


@given(arrays(float, (3, 3), elements=ENTRIES))
@settings(max_examples=100, deadline=None)
def test_left_vectors_are_biorthogonal_left_eigenvectors_or_nan(J) -> None:
    eigvals, right, left = (part[0] for part in eigenmodes(J[None]))
    if np.isnan(left).any():
        assert np.isnan(left).all()
        assert np.linalg.cond(right) > 1e9
        return
    accuracy = 1e-13 * max(np.linalg.cond(right), 1) * 10
    np.testing.assert_allclose(left.conj().T @ right, np.eye(3), atol=accuracy)
    scale = np.linalg.norm(left) * (1 + np.linalg.norm(J))
    np.testing.assert_allclose(
        left.conj().T @ J, eigvals[:, None] * left.conj().T, atol=accuracy * scale
    )


def test_left_vectors_of_a_matrix_with_known_ones() -> None:
    J = np.array([[[2.0, 1.0], [0.0, 1.0]]])
    eigvals, right, left = eigenmodes(J)
    np.testing.assert_allclose(eigvals, [[2.0, 1.0]])
    np.testing.assert_allclose(left[0][0, 0], left[0][1, 0])  # (1, 1) J = 2 (1, 1)
    assert left[0][0, 1] == pytest.approx(0)  # (0, 1) J = (0, 1)
    np.testing.assert_allclose(left[0].conj().T @ right[0], np.eye(2), atol=1e-15)


def test_defective_matrix_has_no_left_vectors_and_its_neighbours_have() -> None:
    J = np.stack([[[1.0, 1.0], [0.0, 1.0]], np.diag([2.0, 1.0]), np.zeros((2, 2))])
    modes = eigenmodes(J)
    assert np.isnan(modes.left[0]).all()
    np.testing.assert_allclose(np.abs(modes.left[1]), np.eye(2))
    np.testing.assert_allclose(np.abs(modes.left[2]), np.eye(2))
    np.testing.assert_allclose(modes.eigvals[0], [1.0, 1.0])


def test_exactly_singular_eigenvectors_do_not_stop_the_others(monkeypatch) -> None:
    right = np.stack([np.ones((2, 2)), np.eye(2)]).astype(complex)
    monkeypatch.setattr(np.linalg, "eig", lambda J: (np.ones((2, 2), complex), right))
    left = eigenmodes(np.zeros((2, 2, 2))).left
    assert np.isnan(left[0]).all()
    np.testing.assert_allclose(left[1], np.eye(2))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_matrix_that_is_not_finite_spoils_only_itself(bad) -> None:
    J = np.stack([np.diag([0.5, 0.2]), np.diag([bad, 0.2]), np.diag([2.0, 0.2])])
    modes = eigenmodes(J)
    assert np.isnan(modes.eigvals[1]).all()
    assert np.isnan(modes.right[1]).all()
    assert np.isnan(modes.left[1]).all()
    np.testing.assert_allclose(modes.eigvals[[0, 2]], [[0.5, 0.2], [2.0, 0.2]])
    classes = classify(modes.eigvals)
    assert classes.stability.tolist() == ["stable", "unknown", "saddle"]
    assert classes.n_unstable.tolist() == [0, -1, 1]
    assert np.isnan(classes.margin[1])
    assert not classes.is_stable[1]
    assert fixed_point_index(J).tolist() == [1, 0, -1]
    assert np.isnan(forward_error(J, np.ones((3, 2)))).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("time", "eigvals", "stability", "n_unstable", "margin"),
    [
        ("discrete", [0.5, -0.9], "stable", 0, 0.1),
        ("discrete", [0.5, -1.1], "saddle", 1, -0.1),
        ("discrete", [1.5, -1.1], "unstable", 2, -0.5),
        ("discrete", [1j, -1j], "marginal", 0, 0.0),
        ("discrete", [1 + 5e-7, 0.5], "marginal", 0, -5e-7),
        ("discrete", [1.5, 1.0], "saddle", 1, -0.5),
        ("continuous", [-0.5, -3.0], "stable", 0, 0.5),
        ("continuous", [-3.0, 0.5], "saddle", 1, -0.5),
        ("continuous", [0.2 + 1j, 0.2 - 1j], "unstable", 2, -0.2),
        ("continuous", [1j, -1j], "marginal", 0, 0.0),
    ],
)
def test_classes(time, eigvals, stability, n_unstable, margin) -> None:
    classes = classify(np.array([eigvals]), time)
    assert classes.stability.tolist() == [stability]
    assert classes.n_unstable.tolist() == [n_unstable]
    assert classes.is_stable.tolist() == [stability == "stable"]
    np.testing.assert_allclose(classes.margin, [margin], atol=1e-12)


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.sampled_from(spectrum.TIMES))
def test_index_is_the_parity_of_the_real_eigenvalues_beyond_one_or_zero(eigvals, time) -> None:
    threshold = 1 if time == "discrete" else 0
    if any(abs(value - threshold) < 1e-6 for value in eigvals):
        return
    basis = np.linalg.qr(random_matrices(1, len(eigvals))[0])[0]
    J = basis @ np.diag(eigvals) @ basis.T
    expected = (-1) ** sum(value > threshold for value in eigvals)
    assert fixed_point_index(J[None], time).tolist() == [expected]


def test_index_of_rotations_and_degenerate_points() -> None:
    J = np.stack([2 * ROTATION, np.diag([1.0, 0.5]), np.eye(2), np.diag([1 - 1e-9, 0.5])])
    assert fixed_point_index(J).tolist() == [1, 0, 0, 0]
    assert fixed_point_index(J, degenerate_tol=1e-12).tolist() == [1, 0, 0, 1]
    assert fixed_point_index(np.diag([-1.0, 0.0])[None], "continuous").tolist() == [0]
    # A well-conditioned matrix of tiny numbers is not degenerate: what is slow is only the unit.
    assert fixed_point_index(-1e-12 * np.eye(2)[None], "continuous").tolist() == [1]


def test_forward_error_of_a_linear_map_is_the_distance() -> None:
    rng = np.random.default_rng(0)
    J = 0.5 * random_matrices(6, 4)
    truth, x = rng.normal(size=(2, 6, 4))
    residual = np.einsum("nij,nj->ni", J, x - truth) + truth - x
    np.testing.assert_allclose(forward_error(J, residual), np.linalg.norm(x - truth, axis=1))
    slope = np.einsum("nij,nj->ni", J, x - truth)
    np.testing.assert_allclose(
        forward_error(J, slope, "continuous"), np.linalg.norm(x - truth, axis=1)
    )


def test_forward_error_on_a_line_attractor_is_zero_not_noise() -> None:
    J = np.diag([1.0, 0.5])[None]
    assert forward_error(J, np.array([[1e-16, 0.0]]))[0] == 0
    # across the line the distance counts
    np.testing.assert_allclose(forward_error(J, np.array([[1e-16, 1e-3]])), [2e-3])
    nearly = np.diag([1.0 - 1e-12, 0.5])[None]
    assert forward_error(nearly, np.array([[1e-16, 0.0]]))[0] == 0


def test_forward_error_at_a_ghost_is_large_although_the_residual_is_small() -> None:
    # x + 1e-9 + x^2 at 0: q is 5e-19 and stationary, but there is no fixed point.
    J = np.eye(1)[None]
    assert forward_error(J, np.array([[1e-9]]))[0] == np.inf
    nearly = np.array([[[1.0 - 1e-10]]])
    np.testing.assert_allclose(forward_error(nearly, np.array([[1e-9]])), [10.0], rtol=1e-5)
    assert forward_error(J, np.array([[1e-9]]), noise=1e-8)[0] == 0


def test_time_constants() -> None:
    eigvals = np.array([np.exp(-0.1), -np.exp(-0.1), np.exp(0.5), 1.0, 0.0, 1j, np.nan])
    expected = [10, 10, -2, np.inf, 0, np.inf, np.nan]
    np.testing.assert_allclose(time_constants(eigvals), expected)
    np.testing.assert_allclose(time_constants(eigvals, dt=0.5), 0.5 * np.array(expected))
    flow = np.array([-0.1, 0.5 + 3j, 0.0, -0.0, 2j])
    np.testing.assert_allclose(
        time_constants(flow, "continuous", dt=0.5), [10, -2, np.inf, np.inf, np.inf]
    )


def test_frequencies() -> None:
    eigvals = np.array([0.5, -0.5, 0.5j, -0.5j, 0.0, complex(-1, -0.0)])
    np.testing.assert_allclose(frequencies(eigvals), [0, 0.5, 0.25, 0.25, 0, 0.5])
    np.testing.assert_allclose(frequencies(eigvals, dt=0.01), [0, 50, 25, 25, 0, 50])
    flow = np.array([-1.0, -1 + 2j * np.pi, -1 - 2j * np.pi])
    np.testing.assert_allclose(frequencies(flow, "continuous", dt=0.01), [0, 1, 1])


@pytest.mark.parametrize("n_states", [0, 1, 3])
def test_no_points_at_all(n_states) -> None:
    J = np.zeros((0, n_states, n_states))
    modes = eigenmodes(J)
    assert modes.left.shape == modes.right.shape == (0, n_states, n_states)
    assert classify(modes.eigvals).stability.shape == (0,)
    assert fixed_point_index(J).shape == (0,)
    assert forward_error(J, np.zeros((0, n_states))).shape == (0,)
    assert time_constants(modes.eigvals).shape == (0, n_states)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: eigenmodes(np.eye(2)),
            r"J has shape \[2, 2\], expected .*\[n, n_states, n_states\]",
        ),
        (lambda: fixed_point_index(np.zeros((1, 2, 3))), r"J has shape \(1, 2, 3\)"),
        (
            lambda: eigenmodes(np.zeros((1, 2, 2)), "map"),
            "time is 'map', expected one of 'discrete', 'continuous'",
        ),
        (lambda: classify(np.zeros(3)), r"eigvals has shape \(3,\), expected \[n, n_modes\]"),
        (lambda: classify(np.zeros((1, 3)), marginal_tol=-1), "marginal_tol is -1, expected"),
        (
            lambda: forward_error(np.zeros((1, 2, 2)), np.zeros((1, 3))),
            r"residual has shape \(1, 3\), expected \[n=1, n_states=2\]",
        ),
        (
            lambda: forward_error(np.zeros((2, 3, 3)), np.zeros((2, 2))),
            r"residual has shape \(2, 2\), expected \[n=2, n_states=3\]",
        ),
        (lambda: time_constants(np.ones(2), "Discrete"), "time is 'Discrete'"),
    ],
)
def test_bad_input_is_named(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_integers_and_single_precision_are_computed_in_double() -> None:
    assert eigenmodes(np.eye(2, dtype=int)[None]).eigvals.dtype == np.complex128
    assert eigenmodes(np.eye(2, dtype=np.float32)[None]).left.dtype == np.complex128
