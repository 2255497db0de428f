"""Stability with its condition: what rounding could flip is undetermined, not a saddle.

Computed eigenvalues are those of a matrix that differs from the Jacobian by rounding. Where the
Jacobian is far from normal, that moves them far: a chain of twelve units, stable on paper, may show
eigenvalues well outside the unit circle. So each eigenvalue has a condition number, and where a
verdict hangs on it, Stein's or Lyapunov's equation decides: its solution counts the unstable
directions of all matrices within rounding at once, or shows that they differ.

References
----------
Wilkinson (1965) on condition numbers of eigenvalues; Ostrowski & Schneider (1962) and Wimmer (1973)
on the inertia of solutions; Trefethen & Embree, "Spectra and Pseudospectra" (2005).
"""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float

from fpf_notebook.result.blas_threads import single_threaded
from fpf_notebook.result.spectrum import MARGINAL_TOL, Classification, Modes, Time, classify

__all__ = ["classify_modes", "eigenvalue_conditions"]

_UNITS = {name: float(np.finfo(name).eps) for name in ("float32", "float64")}
_SAFETY = 4.0  # times the usual size of the backward error of eigenvalues
_NO_FIRST_ORDER = 1e7  # condition above which rounding is not a small change any more


def eigenvalue_conditions(modes: Modes) -> Float[np.ndarray, "n n_modes"]:
    """Return how many times a change of the matrix may appear in each eigenvalue.

    Parameters
    ----------
    modes
        What `fpf_notebook.result.spectrum.eigenmodes` returned.

    Returns
    -------
    numpy.ndarray
        |l| |r| / |l^H r| of left and right eigenvectors: 1 for normal matrices, infinite where the
        matrix is (nearly) defective, NaN where it was not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook.result.spectrum import eigenmodes
    >>> from fpf_notebook.result.verdicts import eigenvalue_conditions
    >>> J = np.array([[[0.5, 100.0], [0.0, 0.4]]])
    >>> eigenvalue_conditions(eigenmodes(J)).round().tolist()
    [[1000.0, 1000.0]]
    """
    with np.errstate(over="ignore", invalid="ignore"):
        size = np.linalg.norm(modes.left, axis=1) * np.linalg.norm(modes.right, axis=1)
    known = np.isfinite(modes.eigvals)
    return np.where(np.isnan(size) & known, np.inf, np.where(known, size, np.nan))


@single_threaded
def classify_modes(
    J: Float[np.ndarray, "n n_states n_states"],
    modes: Modes,
    time: Time = "discrete",
    marginal_tol: float = MARGINAL_TOL,
    precision: str = "float64",
) -> Classification:
    """Classify points like `classify`, but say where rounding could change the verdict.

    Parameters
    ----------
    J
        Jacobians.
    modes
        Their eigenvalues and eigenvectors.
    time
        Whether the unit circle or the imaginary axis separates stable from unstable.
    marginal_tol
        As for `classify`.
    precision
        In which the Jacobians were computed, "float64" or "float32".

    Returns
    -------
    Classification
        ``"undetermined"``, with -1 unstable directions, where a change of the Jacobian of the size
        of rounding could move an eigenvalue across.

    Examples
    --------
    Twelve units in a chain, each driven ten times as strongly as it forgets:

    >>> import numpy as np
    >>> from fpf_notebook.result.spectrum import classify, eigenmodes
    >>> from fpf_notebook.result.verdicts import classify_modes
    >>> Q = np.linalg.qr(np.random.default_rng(0).normal(size=(12, 12)))[0]
    >>> J = (Q @ (0.9 * np.eye(12) + 10 * np.eye(12, k=1)) @ Q.T)[None]
    >>> modes = eigenmodes(J)
    >>> classify(modes.eigvals).stability[0] == "saddle"
    True
    >>> classify_modes(J, modes).stability.tolist()
    ['undetermined']
    """
    base = classify(modes.eigvals, time, marginal_tol)
    if not len(J):
        return base
    J = np.asarray(J, dtype=np.float64)
    conditions = eigenvalue_conditions(modes)
    growth = np.abs(modes.eigvals) - 1 if time == "discrete" else modes.eigvals.real
    with np.errstate(invalid="ignore", over="ignore"):
        noise = _noise(J, precision)
        shift = conditions * noise[:, None]
        shift = np.where(conditions > _NO_FIRST_ORDER, np.inf, shift)
        # What is within marginal_tol anyway is called marginal, not doubtful.
        doubtful = (shift > marginal_tol) & (np.abs(growth) <= shift + marginal_tol)
    rows = np.flatnonzero(doubtful.any(axis=1) & (base.n_unstable >= 0))
    stability, n_unstable = base.stability.astype("<U12"), base.n_unstable.copy()
    for i in rows:
        if not _is_decided(J[i], time, float(noise[i])):
            stability[i], n_unstable[i] = "undetermined", -1
    return Classification(stability, n_unstable, base.margin, stability == "stable")


def _noise(J: np.ndarray, precision: str) -> Float[np.ndarray, "n"]:
    """Return the size of what rounding may have changed in each Jacobian, eigenvalues included."""
    size = np.linalg.norm(J, axis=(1, 2))
    # Weights that came in single precision are known no better than that.
    with np.errstate(over="ignore"):
        single = (J.astype(np.float32) == J).all(axis=(1, 2))
    unit = np.where(single | (precision == "float32"), _UNITS["float32"], _UNITS["float64"])
    return np.asarray(_SAFETY * np.sqrt(J.shape[1]) * unit * size)


def _is_decided(J: np.ndarray, time: Time, noise: float) -> bool:
    """Tell whether all matrices within `noise` of J have as many unstable eigenvalues.

    If H is symmetric and J^T H J - H negative definite (for a flow J^T H + H J), then no eigenvalue
    is on the circle (the axis), and as many are unstable as H has negative eigenvalues. Stein's (or
    Lyapunov's) equation gives such an H; how negative the difference stays when rounding is
    allowed for says whether the number is safe. A computed spectrum is that of a matrix within
    `noise`: so it has the right number of unstable eigenvalues then.
    """
    from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

    n, unit = len(J), float(np.finfo(np.float64).eps)
    size = float(np.linalg.norm(J))
    if size == 0.0:
        return time == "discrete"
    scaled, change = (J, noise) if time == "discrete" else (J / size, noise / size)
    size = float(np.linalg.norm(scaled))
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # nearly singular: the test below sees that
            if time == "discrete":
                h = solve_discrete_lyapunov(scaled.T, np.eye(n))
            else:
                h = solve_continuous_lyapunov(scaled.T, -np.eye(n))
            h = (h + h.T) / 2
            product = scaled.T @ h
            left = product @ scaled - h if time == "discrete" else product + product.T
            extent = float(np.linalg.norm(h))
    except np.linalg.LinAlgError:
        return False
    if not (np.isfinite(extent) and np.isfinite(left).all()):
        return False
    reach = size + change
    if time == "discrete":
        slack = 2 * change * reach * extent + n * unit * extent * (3 * size**2 + 1)
    else:
        slack = 2 * change * extent + 3 * n * unit * extent * size
    return bool(np.linalg.eigvalsh(left)[-1] + slack < 0)
