"""How far matrices are from normal, on matrices of which it is known."""

import numpy as np
import pytest
import scipy.linalg

from fpf_notebook.analysis import normality as nn

SHEARED = np.array([[0.5, 4.0], [0.0, 0.5]])


def orthogonal(n, seed=0):
    return scipy.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]


@pytest.mark.parametrize("n", [1, 2, 3, 8, 40])
def test_henrici_of_normal_matrices_is_rounding_not_its_root(n):
    Q = orthogonal(n)
    values = np.random.default_rng(1).normal(size=n)
    for normal in (np.diag(values), Q @ np.diag(values) @ Q.T, Q, Q - Q.T, Q + 3 * np.eye(n)):
        assert nn.non_normality(normal).henrici < 1e-13


@pytest.mark.parametrize("n", [2, 3, 7, 30])
def test_henrici_is_that_of_the_complex_schur_form(n):
    J = np.random.default_rng(n).normal(size=(n, n))  # with real and with paired eigenvalues
    T = scipy.linalg.schur(J, output="complex")[0]
    expected = np.linalg.norm(np.triu(T, 1)) / np.linalg.norm(J)
    assert nn.non_normality(J).henrici == pytest.approx(expected, rel=1e-11)


def test_henrici_of_a_pair_that_is_far_from_normal():
    # Eigenvalues ±i: |J|² - 2 = 16 + 1/16 - 2.
    J = np.array([[0.0, 4.0], [-0.25, 0.0]])
    expected = np.sqrt((16 + 1 / 16 - 2) / (16 + 1 / 16))
    assert nn.non_normality(J).henrici == pytest.approx(expected, rel=1e-12)


def test_of_a_sheared_matrix():
    measures = nn.non_normality(SHEARED, np.array([0.5, 0.5]))
    assert measures.henrici == pytest.approx(np.sqrt(16 / 16.5))
    assert measures.numerical_abscissa == pytest.approx(0.5 + 2)
    assert measures.norm == pytest.approx(np.linalg.norm(SHEARED, 2))


@pytest.mark.parametrize("n", [0, 3])
def test_of_nothing(n):
    measures = nn.non_normality(np.zeros((n, n)))
    assert (measures.henrici, measures.numerical_abscissa, measures.norm) == (0, 0, 0)


def test_pushes_grow_although_all_modes_decay():
    growth = nn.transient_growth(SHEARED, 30)
    assert growth[0] == 1
    assert growth.max() > 4
    assert growth[-1] < 1e-6
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    np.testing.assert_allclose(nn.transient_growth(turn, 10, "continuous", 0.3), 1)


def test_response_to_a_push():
    path = nn.linear_response(SHEARED, np.array([0.0, 1.0]), 2)
    np.testing.assert_allclose(path, [[0, 1], [4, 0.5], [4, 0.25]])


def test_what_is_no_jacobian_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        nn.transient_growth(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"J is NaN or infinite"):
        nn.non_normality(np.array([[np.nan]]))
