"""Linear algebra of Jacobians: modes, stability, time constants. numpy only, no loops.

All functions take many points at once, and give NaN for those whose Jacobian is not finite. The
parameter ``time`` says what the Jacobian belongs to: a map h' = F(h) (``"discrete"``, stable inside
the unit circle) or a flow dh/dt = f(h) (``"continuous"``, stable left of the imaginary axis).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Shaped

from fpf_notebook.arguments import checks
from fpf_notebook.result.blas_threads import single_threaded
from fpf_notebook.result.fields import TIMES

Time: TypeAlias = Literal["discrete", "continuous"]

MARGINAL_TOL = 1e-6
"""Eigenvalues within this distance of the unit circle (imaginary axis) are marginal."""

MAX_CONDITION = 1e10
"""Left eigenvectors are NaN if the right ones have a larger condition number (Frobenius norm)."""


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


@checks("result.eigenmodes")
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
    J, finite = checked_jacobians(J, time)
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


@checks("result.classify")
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


@checks("result.time_constants")
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


@checks("result.frequencies")
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


def checked_jacobians(
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
