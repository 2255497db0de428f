"""What the Newton matrix of a point tells: I - J of a map, -J of a flow. numpy only, no loops.

The sign of its determinant is the index of the point; what it makes of the residual is the Newton
step, which says how far the true point is. Both take many points at once.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.arguments import checks
from fpf_notebook.result.blas_threads import single_threaded
from fpf_notebook.result.spectrum import Time, checked_jacobians

DEGENERATE_TOL = 1e-8
"""Singular values of I - J (or -J) below this fraction of the largest one count as zero."""

RESIDUAL_NOISE = 1e-14
"""Residuals below this are rounding errors, for states of the order of 1 in double precision."""

_LARGE = 48
"""States from which on inverses are tried before singular values."""

_ROUNDING = 1e-13
"""An inverse is taken for good up to this reciprocal condition, whatever is asked for."""


@checks("result.fixed_point_index")
@single_threaded
def fixed_point_index(
    J: Float[np.ndarray, "n n_states n_states"],
    time: Time = "discrete",
    degenerate_tol: float = DEGENERATE_TOL,
) -> Int[np.ndarray, "n"]:
    """Index of fixed points: the sign of det(I - J) of a map, of det(-J) of a flow.

    Parameters
    ----------
    J
        Jacobians.
    time
        Whether they belong to a map or a flow.
    degenerate_tol
        The index is 0 (degenerate, not defined by the Jacobian) if the smallest singular value of
        the matrix is at most this fraction of the largest one.

    Returns
    -------
    numpy.ndarray
        -1, 0 or 1; 0 also where the Jacobian is not finite.

    Raises
    ------
    ValueError
        If `J` is not a stack of square matrices, or `time` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> fixed_point_index(np.array([np.diag([0.5, 0.2]), np.diag([2.0, 0.2])]))
    array([ 1, -1])
    """
    A, finite = _newton_matrix(J, time)
    regular, _ = _inverses(A, degenerate_tol)
    degenerate = np.zeros(len(A), dtype=bool)
    singular_values = np.linalg.svd(A[~regular], compute_uv=False)
    largest = np.max(singular_values, axis=1, initial=0)
    degenerate[~regular] = (singular_values <= degenerate_tol * largest[:, None]).any(axis=1)
    sign = np.linalg.slogdet(A).sign
    return np.where(finite & ~degenerate, sign, 0).astype(np.int64)


@checks("result.forward_error")
@single_threaded
def forward_error(
    J: Float[np.ndarray, "n n_states n_states"],
    residual: Float[np.ndarray, "n n_states"],
    time: Time = "discrete",
    degenerate_tol: float = DEGENERATE_TOL,
    noise: float = RESIDUAL_NOISE,
) -> Float[np.ndarray, "n"]:
    """Length of the Newton step: about how far a point is from the true fixed point.

    The step is (I - J)^-1 (F(x) - x) for a map and (-J)^-1 f(x) for a flow. It tells a fixed point
    from a place where the residual is merely small.

    Along a true line attractor the matrix is singular, and what remains of the residual in that
    direction is rounding error; dividing one by the other would give noise of any size. There the
    component of the step is left out. But at a slow point (say the ghost of a bifurcation) the
    matrix is singular as well, and the residual is not: the step is then really large, or infinite.
    Therefore a component is left out only if *both* its singular value and its residual are
    negligible.

    Parameters
    ----------
    J
        Jacobians.
    residual
        F(x) - x of a map, f(x) of a flow.
    time
        Whether they belong to a map or a flow.
    degenerate_tol
        Singular values of at most this fraction of the largest one are negligible.
    noise
        Components of the residual of at most this size are negligible; about the rounding error of
        F(x). Give more for a model that computes in single precision.

    Returns
    -------
    numpy.ndarray
        Lengths of the steps; NaN where the Jacobian or the residual is not finite.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `time` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> forward_error(np.array([[[0.9]]]), np.array([[1e-6]])).round(9)
    array([1.e-05])
    """
    A, finite = _newton_matrix(J, time)
    residual = np.asarray(residual, dtype=np.float64)
    if residual.shape != A.shape[:2]:
        raise ValueError(
            f"residual has shape {residual.shape}, expected [n={A.shape[0]}, n_states={A.shape[1]}]"
        )
    finite &= np.isfinite(residual).all(axis=1)
    residual = np.where(finite[:, None], residual, 0.0)
    regular, inverse = _inverses(A, degenerate_tol)
    length = np.empty(len(A))
    length[regular] = np.linalg.norm(inverse @ residual[regular][:, :, None], axis=(1, 2))
    length[~regular] = _shortest(A[~regular], residual[~regular], degenerate_tol, noise)
    return np.where(finite, length, np.nan)


def _shortest(
    A: np.ndarray, residual: np.ndarray, degenerate_tol: float, noise: float
) -> Float[np.ndarray, "n"]:
    """Return lengths of Newton steps without their negligible components."""
    U, singular_values, _ = np.linalg.svd(A)
    components = np.abs(np.einsum("nij,ni->nj", U, residual))
    largest = np.max(singular_values, axis=1, initial=0, keepdims=True)
    left_out = (singular_values <= degenerate_tol * largest) & (components <= noise)
    step = np.zeros_like(components)
    with np.errstate(divide="ignore", over="ignore"):
        np.divide(components, singular_values, out=step, where=~left_out)
        length: np.ndarray = np.linalg.norm(step, axis=1)
    return length


def _newton_matrix(
    J: np.ndarray, time: str
) -> tuple[Float[np.ndarray, "n n_states n_states"], Bool[np.ndarray, "n"]]:
    J, finite = checked_jacobians(J, time)
    return (np.eye(J.shape[1]) - J if time == "discrete" else -J), finite


def _inverses(
    A: Float[np.ndarray, "n n_states n_states"], degenerate_tol: float
) -> tuple[Bool[np.ndarray, "n"], Float[np.ndarray, "m n_states n_states"]]:
    """Tell which large matrices surely have no negligible singular value, and invert those.

    Inverting takes a small part of the time of a singular value decomposition. The ratio of the
    largest singular value to the smallest is at most n times the condition number in the 1-norm.
    """
    n_matrices, n, _ = A.shape
    none = np.zeros(n_matrices, dtype=bool), np.empty((0, n, n))
    if n < _LARGE:
        return none
    try:
        inverse = np.linalg.inv(A)
    except np.linalg.LinAlgError:  # one is exactly singular, and numpy does not say which
        return none
    with np.errstate(over="ignore", invalid="ignore"):
        norms = [np.abs(matrices).sum(axis=1).max(axis=1) for matrices in (A, inverse)]
        regular = norms[0] * norms[1] * n * max(degenerate_tol, _ROUNDING) < 1.0
    return regular, inverse[regular]
