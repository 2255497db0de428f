"""Verdicts that rounding could flip are undetermined, and only those."""

import mpmath
import numpy as np
import pytest

from fpf_notebook import FixedPoints
from fpf_notebook.result.spectrum import classify, eigenmodes
from fpf_notebook.result.verdicts import classify_modes, eigenvalue_conditions


def chain(n: int, coupling: float, eigenvalue: float = 0.9) -> np.ndarray:
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))[0]
    return q @ (eigenvalue * np.eye(n) + coupling * np.eye(n, k=1)) @ q.T


def verdict(J: np.ndarray, time: str = "discrete", precision: str = "float64") -> str:
    modes = eigenmodes(J[None], time)
    return str(classify_modes(J[None], modes, time, precision=precision).stability[0])


def test_a_long_chain_is_no_saddle() -> None:
    J = chain(12, 10.0)
    assert classify(eigenmodes(J[None]).eigvals).stability[0] == "saddle"
    assert verdict(J) == "undetermined"
    points = FixedPoints(np.zeros((1, 12)), J_xstar=J[None]).decompose_jacobians()
    assert points.stability.tolist() == ["undetermined"]
    assert points.n_unstable.tolist() == [-1]
    assert not points.is_stable.any()
    assert np.isinf(points.eigval_condition).all()


@pytest.mark.parametrize("time", ["discrete", "continuous"])
def test_a_short_chain_is_decided_though_its_eigenvalues_are_ill_conditioned(time: str) -> None:
    J = chain(4, 3.0) - (np.eye(4) if time == "continuous" else 0)
    modes = eigenmodes(J[None], time)
    assert eigenvalue_conditions(modes).max() > 1e7
    assert verdict(J, time) == "stable"


@pytest.mark.parametrize("time", ["discrete", "continuous"])
def test_counts_that_are_given_are_right(time: str) -> None:
    rng = np.random.default_rng(1)
    decided = 0
    for _ in range(30):
        n = int(rng.integers(3, 9))
        q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        upper = 10 ** rng.uniform(-1, 2.5) * np.triu(rng.normal(size=(n, n)), 1)
        J = q @ (np.diag(rng.uniform(-1.3, 1.3, n)) + upper) @ q.T
        with mpmath.workdps(60):
            exact = mpmath.eig(mpmath.matrix(J.tolist()), left=False, right=False)
            grows = [mpmath.re(e) > 0 if time == "continuous" else abs(e) > 1 for e in exact]
        found = classify_modes(J[None], eigenmodes(J[None], time), time)
        if found.n_unstable[0] >= 0:
            decided += 1
            assert found.n_unstable[0] == sum(grows)
    assert decided >= 15


def test_ordinary_points_are_as_before() -> None:
    J = np.random.default_rng(0).normal(size=(50, 16, 16)) / 4
    modes = eigenmodes(J)
    np.testing.assert_array_equal(
        classify_modes(J, modes).stability, classify(modes.eigvals).stability
    )


def test_single_precision_leaves_more_undecided() -> None:
    J = np.array([[1.0 - 3e-6, 10.0], [0.0, 0.5]])
    assert verdict(J) == "stable"
    assert verdict(J, precision="float32") == "undetermined"


def test_conditions_are_those_of_the_textbook() -> None:
    for a in (0.0, 1.0, 100.0):
        J = np.array([[[0.5, a], [0.0, 0.4]]])
        expected = np.sqrt(1 + (a / 0.1) ** 2)
        np.testing.assert_allclose(eigenvalue_conditions(eigenmodes(J)), expected, rtol=1e-6)
