"""Linear algebra of Jacobians: modes, stability, index, time constants. numpy only, no loops.

All functions take many points at once, and give NaN for those whose Jacobian is not finite. The
parameter ``time`` says what the Jacobian belongs to: a map h' = F(h) (``"discrete"``, stable inside
the unit circle) or a flow dh/dt = f(h) (``"continuous"``, stable left of the imaginary axis).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Shaped

from fpf_notebook.result.blas_threads import single_threaded
from fpf_notebook.result.fields import TIMES

Time: TypeAlias = Literal["discrete", "continuous"]

MARGINAL_TOL = 1e-6
"""Eigenvalues within this distance of the unit circle (imaginary axis) are marginal."""

DEGENERATE_TOL = 1e-8
"""Singular values of I - J (or -J) below this fraction of the largest one count as zero."""

MAX_CONDITION = 1e10
"""Left eigenvectors are NaN if the right ones have a larger condition number (Frobenius norm)."""

RESIDUAL_NOISE = 1e-14
"""Residuals below this are rounding errors, for states of the order of 1 in double precision."""


_LARGE = 48
"""States from which on inverses are tried before singular values."""

_ROUNDING = 1e-13
"""An inverse is taken for good up to this reciprocal condition, whatever is asked for."""


class Modes(NamedTuple):
    """Eigenvalues and eigenvectors of many matrices."""

    eigvals: Complex[np.ndarray, "n n_modes"]
    right: Complex[np.ndarray, "n n_states n_modes"]
    left: Complex[np.ndarray, "n n_states n_modes"]


class Classification(NamedTuple):
    """Stability of many points."""

    stability: Shaped[np.ndarray, "n"]
    n_unstable: Int[np.ndarray, "n"]
    margin: Float[np.ndarray, "n"]
    is_stable: Bool[np.ndarray, "n"]


@single_threaded
def eigenmodes(J: Float[np.ndarray, "n n_states n_states"], time: Time = "discrete") -> Modes:
    """Eigenvalues with right and left eigenvectors, the least stable first.

    Parameters
    ----------
    J
        Jacobians.
    time
        What decides the order: the magnitude (``"discrete"``) or the real part (``"continuous"``)
        of the eigenvalues. Conjugate pairs stay together, the positive imaginary part first.

    Returns
    -------
    eigvals
        complex128, [n, N].
    right
        Eigenvectors of unit length as columns, [n, N, N].
    left
        Columns l_k with l_k^H r_j = 1 if j = k, else 0: the rows of the inverse of `right`. NaN
        where `right` is singular or nearly so (`MAX_CONDITION`; the matrix is then defective, and
        its modes have no meaningful left vectors).

    Raises
    ------
    ValueError
        If `J` is not a stack of square matrices, or `time` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> values, right, left = eigenmodes(np.array([[[0.5, 1.0], [0.0, 0.9]]]))
    >>> values.real
    array([[0.9, 0.5]])
    >>> np.allclose(left[0].conj().T @ right[0], np.eye(2))
    True
    """
    J, finite = _checked(J, time)
    eigvals, right = np.linalg.eig(J)
    eigvals, right = eigvals.astype(np.complex128), right.astype(np.complex128)
    leading = np.abs(eigvals) if time == "discrete" else eigvals.real
    order = np.lexsort((-eigvals.imag, -eigvals.real, -leading), axis=-1)
    eigvals = np.take_along_axis(eigvals, order, axis=1)
    right = np.take_along_axis(right, order[:, None, :], axis=2)
    left = _left_of(right)
    for array in (eigvals, right, left):
        array[~finite] = np.nan
    return Modes(eigvals, right, left)


def classify(
    eigvals: Complex[np.ndarray, "n n_modes"],
    time: Time = "discrete",
    marginal_tol: float = MARGINAL_TOL,
) -> Classification:
    """Stability class, number of unstable directions and margin of many points.

    Parameters
    ----------
    eigvals
        Eigenvalues of the Jacobians, in any order.
    time
        Whether the unit circle or the imaginary axis separates stable from unstable.
    marginal_tol
        Eigenvalues nearer to it are neither. An absolute distance, for a flow in 1/time.

    Returns
    -------
    stability
        ``"marginal"`` if the leading eigenvalue is; otherwise ``"stable"`` if no direction is
        unstable, ``"unstable"`` if all are, ``"saddle"`` if some are; ``"unknown"`` for NaN.
    n_unstable
        Number of unstable directions; -1 if unknown.
    margin
        1 - max |lambda| (map) or -max Re(lambda) (flow): positive if stable.
    is_stable
        Whether the class is ``"stable"``.

    Raises
    ------
    ValueError
        If the shape or `time` is wrong, or `marginal_tol` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> found = classify(np.array([[0.5, 0.2], [1.5, 0.2], [1.5, -2.0]], complex))
    >>> found.stability.tolist(), found.n_unstable.tolist()
    (['stable', 'saddle', 'unstable'], [0, 1, 2])
    """
    eigvals = np.asarray(eigvals)
    _check_time(time)
    if eigvals.ndim != 2:
        raise ValueError(f"eigvals has shape {eigvals.shape}, expected [n, n_modes].")
    if not marginal_tol >= 0:
        raise ValueError(f"marginal_tol is {marginal_tol}, expected a number of at least 0.")
    growth = np.abs(eigvals) - 1 if time == "discrete" else eigvals.real
    known = np.isfinite(eigvals).all(axis=1)
    margin = -np.max(growth, axis=1, initial=-np.inf)
    margin = np.where(known, margin, np.nan)
    n_unstable = np.count_nonzero(growth > marginal_tol, axis=1)
    stability = np.select(
        [
            ~known,
            np.abs(margin) <= marginal_tol,
            n_unstable == 0,
            n_unstable == eigvals.shape[1],
        ],
        ["unknown", "marginal", "stable", "unstable"],
        "saddle",
    )
    n_unstable = np.where(known, n_unstable, -1)
    return Classification(stability, n_unstable, margin, stability == "stable")


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


def time_constants(
    eigvals: Complex[np.ndarray, "*shape"], time: Time = "discrete", dt: float | None = None
) -> Float[np.ndarray, "*shape"]:
    """Time in which a mode shrinks by the factor e.

    Parameters
    ----------
    eigvals
        Eigenvalues.
    time
        Whether they belong to a map or a flow.
    dt
        Duration of one step of the map. Default None: the time is given in steps. The eigenvalues
        of a flow have a unit themselves, and `dt` does not matter.

    Returns
    -------
    numpy.ndarray
        -dt / ln|lambda| for a map, -1 / Re(lambda) for a flow. Negative if the mode grows (then by
        the factor e in that time), infinite if it does neither, 0 for an eigenvalue 0 of a map.

    Examples
    --------
    >>> import numpy as np
    >>> time_constants(np.array([0.5, 0.99], complex)).round(1)
    array([ 1.4, 99.5])
    >>> time_constants(np.array([-0.2], complex), time="continuous")
    array([5.])
    """
    _check_time(time)
    eigvals = np.asarray(eigvals)
    with np.errstate(divide="ignore"):
        rate = -np.log(np.abs(eigvals)) if time == "discrete" else -eigvals.real
        # The sign of a rate of zero means nothing.
        constants = np.where(rate == 0, np.inf, 1 / rate)
    return constants * _unit(time, dt)


def frequencies(
    eigvals: Complex[np.ndarray, "*shape"], time: Time = "discrete", dt: float | None = None
) -> Float[np.ndarray, "*shape"]:
    """Frequency of the oscillation of a mode.

    Parameters
    ----------
    eigvals
        Eigenvalues.
    time
        Whether they belong to a map or a flow.
    dt
        Duration of one step of the map. Default None: cycles per step.

    Returns
    -------
    numpy.ndarray
        |arg(lambda)| / (2 pi dt) for a map, |Im(lambda)| / (2 pi) for a flow. Never negative; 0 for
        a mode that does not oscillate, 1/2 a step for a negative eigenvalue of a map.

    Examples
    --------
    >>> import numpy as np
    >>> frequencies(np.array([1j, -1.0, 0.5])).round(2)
    array([0.25, 0.5 , 0.  ])
    """
    _check_time(time)
    eigvals = np.asarray(eigvals)
    # Adding 0 turns an imaginary part of -0 into 0.
    angle = np.arctan2(eigvals.imag + 0.0, eigvals.real) if time == "discrete" else eigvals.imag
    return np.abs(angle) / (2 * np.pi) / _unit(time, dt)


def _unit(time: Time, dt: float | None) -> float:
    return 1.0 if dt is None or time == "continuous" else dt


def _check_time(time: str) -> None:
    if time not in TIMES:
        raise ValueError(f"time is {time!r}, expected one of {', '.join(TIMES)}.")


def _checked(
    J: np.ndarray, time: str
) -> tuple[Float[np.ndarray, "n n_states n_states"], Bool[np.ndarray, "n"]]:
    """Return the matrices in double precision, zero where they are not finite, and which are."""
    _check_time(time)
    J = np.asarray(J, dtype=np.float64)
    if J.ndim != 3 or J.shape[1] != J.shape[2]:
        raise ValueError(f"J has shape {J.shape}, expected [n, n_states, n_states].")
    # Entries whose squares overflow are as useless as infinite ones, and LAPACK may fail on them.
    finite = (np.abs(J) < 1e150).all(axis=(1, 2))
    return (J if finite.all() else np.where(finite[:, None, None], J, 0.0)), finite


def _newton_matrix(
    J: np.ndarray, time: str
) -> tuple[Float[np.ndarray, "n n_states n_states"], Bool[np.ndarray, "n"]]:
    J, finite = _checked(J, time)
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


def _left_of(
    right: Complex[np.ndarray, "n n_states n_states"],
) -> Complex[np.ndarray, "n n_states n_states"]:
    """Return the biorthogonal left vectors, NaN where the right ones are nearly dependent."""
    try:
        inverse = np.linalg.inv(right)
    except np.linalg.LinAlgError:  # some are exactly singular, and numpy does not say which
        singular = np.linalg.matrix_rank(right) < right.shape[-1]
        inverse = np.linalg.inv(np.where(singular[:, None, None], np.eye(right.shape[-1]), right))
        inverse[singular] = np.nan
    with np.errstate(over="ignore", invalid="ignore"):
        condition = np.linalg.norm(right, axis=(1, 2)) * np.linalg.norm(inverse, axis=(1, 2))
        usable = condition <= MAX_CONDITION
    return np.where(usable[:, None, None], inverse.conj().swapaxes(1, 2), np.nan)
