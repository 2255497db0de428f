"""Index and Newton step of large matrices: the same by inverses as by singular values."""

import numpy as np
import pytest

from fpf_notebook.result import newton_step

N = 60


def jacobians() -> np.ndarray:
    rng = np.random.default_rng(0)
    J = 1.2 * rng.normal(size=(6, N, N)) / np.sqrt(N)
    left, right = rng.normal(size=(2, N))
    left /= left @ right
    J[1] += np.outer(left, right) @ (np.eye(N) - J[1])  # I - J has the left null vector `right`
    U, size, V = np.linalg.svd(np.eye(N) - J[2])
    size[-1] = 1e-9 * size[0]  # singular for all purposes, and not exactly
    J[2] = np.eye(N) - (U * size) @ V
    size[-1] = 1e-7 * size[0]  # nearly
    J[3] = np.eye(N) - (U * size) @ V
    J[4, 0, 0] = np.nan
    return J


def both(monkeypatch: pytest.MonkeyPatch, J: np.ndarray, r: np.ndarray, **options: float) -> None:
    found = newton_step.fixed_point_index(J), newton_step.forward_error(J, r, **options)
    monkeypatch.setattr(newton_step, "_LARGE", N + 1)
    np.testing.assert_array_equal(found[0], newton_step.fixed_point_index(J))
    np.testing.assert_allclose(found[1], newton_step.forward_error(J, r, **options), rtol=1e-8)


@pytest.mark.parametrize("noise", [1e-14, 1e-3])
def test_they_agree(monkeypatch: pytest.MonkeyPatch, noise: float) -> None:
    J = jacobians()
    r = 1e-7 * np.random.default_rng(1).normal(size=J.shape[:2])
    assert newton_step.fixed_point_index(J).tolist()[1:3] == [0, 0]
    both(monkeypatch, J, r, noise=noise)


def test_also_where_one_is_exactly_singular(monkeypatch: pytest.MonkeyPatch) -> None:
    J = jacobians()[[0, 5, 0]]
    J[2] = np.eye(N)
    both(monkeypatch, J, np.full((3, N), 1e-9))


def test_singular_values_are_for_those_that_need_them(monkeypatch: pytest.MonkeyPatch) -> None:
    J, sizes = jacobians(), []
    plain = np.linalg.svd

    def counting(A: np.ndarray, **options: bool) -> object:
        sizes.append(len(A))
        return plain(A, **options)

    monkeypatch.setattr(np.linalg, "svd", counting)
    newton_step.fixed_point_index(J[[0, 2, 5]])
    newton_step.forward_error(J[[0, 2, 5]], np.full((3, N), 1e-9))
    assert sizes == [1, 1]
