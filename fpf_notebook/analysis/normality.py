"""What eigenvalues do not tell: how far a Jacobian is from normal, and how much pushes can grow.

In a normal matrix the modes are orthogonal and every push along them only shrinks or only grows. In
a non-normal one, pushes may grow for a while although all modes decay. numpy and scipy only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from fpf_notebook.arguments import checks
from fpf_notebook.result.spectrum import Time

__all__ = [
    "NonNormality",
    "linear_response",
    "non_normality",
    "transient_growth",
]


class NonNormality(NamedTuple):
    """Measures of one Jacobian.

    Attributes
    ----------
    henrici : float
        Henrici's departure from normality, relative: |N| / |J| in the Frobenius norm, where N is
        what a Schur form of J has above its eigenvalues. 0 for a normal matrix, at most 1.
    numerical_abscissa : float
        Largest eigenvalue of (J + Jᵀ) / 2: of a flow, the largest initial growth rate.
    norm : float
        Largest singular value: of a map, the largest growth in one step.
    singular_values : array, [N]
        Descending.
    """

    henrici: float
    numerical_abscissa: float
    norm: float
    singular_values: np.ndarray


@checks("analysis.non_normality")
def non_normality(
    J: Float[np.ndarray, "n_states n_states"],
    eigvals: Complex[np.ndarray, "n_modes"] | None = None,
) -> NonNormality:
    """Measure how far a Jacobian is from normal.

    Parameters
    ----------
    J
        The Jacobian.
    eigvals
        Its eigenvalues. Not needed any more: the Schur form has them.

    Returns
    -------
    NonNormality

    Raises
    ------
    ValueError
        If `J` is not square, or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    >>> non_normality(turn).henrici < 1e-15
    True
    >>> round(non_normality(np.array([[0.5, 4.0], [0.0, 0.5]])).henrici, 3)
    0.985

    References
    ----------
    .. [1] P. Henrici, "Bounds for iterates, inverses, spectral variation and fields of values of
       non-normal matrices", Numerische Mathematik 4 (1962).
    .. [2] L. N. Trefethen & M. Embree, Spectra and Pseudospectra, Princeton (2005).
    """
    J = _square(J)
    if not np.isfinite(J).all():
        raise ValueError("J has entries that are NaN or infinite, expected finite numbers.")
    frobenius = float(np.linalg.norm(J))
    departure = _departure(J)
    singular = np.linalg.svd(J, compute_uv=False)
    return NonNormality(
        henrici=departure / frobenius if frobenius else 0.0,
        numerical_abscissa=float(np.linalg.eigvalsh((J + J.T) / 2)[-1]) if len(J) else 0.0,
        norm=float(singular[0]) if len(singular) else 0.0,
        singular_values=singular,
    )


@checks("analysis.transient_growth")
def transient_growth(
    J: Float[np.ndarray, "n_states n_states"],
    n_steps: int = 40,
    time: Time = "discrete",
    dt: float = 1.0,
) -> Float[np.ndarray, "n_steps_plus_1"]:
    """Largest factor by which a small push has grown after k steps.

    Parameters
    ----------
    J
        The Jacobian.
    n_steps
        How many steps.
    time
        ``"discrete"``: the spectral norm of Jᵏ. ``"continuous"``: that of exp(J k dt).
    dt
        Step of a flow.

    Returns
    -------
    numpy.ndarray
        [n_steps + 1], from k = 0. Powers beyond the range of floating point are infinite.

    Examples
    --------
    >>> import numpy as np
    >>> transient_growth(np.array([[0.5, 4.0], [0.0, 0.5]]), n_steps=3).round(2)
    array([1.  , 4.06, 4.02, 3.01])
    """
    J = _square(J)
    step = J if time == "discrete" else _expm(J * dt)
    power, growth = np.eye(len(J)), []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(n_steps + 1):
            finite = np.isfinite(power).all()
            growth.append(float(np.linalg.norm(power, 2)) if finite and power.size else np.inf)
            power = step @ power
    return np.array(growth)


@checks("analysis.linear_response")
def linear_response(
    J: Float[np.ndarray, "n_states n_states"],
    push: Float[np.ndarray, "n_states"],
    n_steps: int,
    time: Time = "discrete",
    dt: float = 1.0,
) -> Float[np.ndarray, "n_steps_plus_1 n_states"]:
    """Deviation from a fixed point after a push, as the Jacobian predicts it.

    Parameters
    ----------
    J
        The Jacobian at the point.
    push
        The deviation at the beginning.
    n_steps, time, dt
        As for `transient_growth`.

    Returns
    -------
    numpy.ndarray
        [n_steps + 1, n_states], the push included.

    Examples
    --------
    >>> import numpy as np
    >>> linear_response(np.array([[1.0, 0.8], [0.0, 0.3]]), np.array([0.0, 1.0]), n_steps=2)
    array([[0.  , 1.  ],
           [0.8 , 0.3 ],
           [1.04, 0.09]])
    """
    J = _square(J)
    step = J if time == "discrete" else _expm(J * dt)
    path = [np.asarray(push, dtype=np.float64)]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(n_steps):
            path.append(step @ path[-1])
    return np.array(path)


def _departure(J: np.ndarray) -> float:
    """Return the Frobenius norm of J without its eigenvalues.

    Not sqrt(|J|² - sum |lambda|²): of a normal matrix that difference is nothing but rounding, and
    its root is 1e-8 where it should be 1e-16.
    """
    if not len(J):
        return 0.0
    from scipy.linalg import schur

    T = schur(J, output="real")[0]
    above = np.triu(T, 1)
    # LAPACK leaves a conjugate pair as a block [[a, b], [c, a]] with eigenvalues a ± sqrt(b c).
    # Its squares without theirs are b² + c² + 2 b c; and where there is no block, c is 0.
    pairs = np.arange(len(T) - 1)
    above[pairs, pairs + 1] += T[pairs + 1, pairs]
    return float(np.linalg.norm(above))


def _square(J: np.ndarray) -> np.ndarray:
    J = np.asarray(J, dtype=np.float64)
    if J.ndim != 2 or J.shape[0] != J.shape[1]:
        raise ValueError(f"J has shape {J.shape}, expected [n_states, n_states].")
    return J


def _expm(A: np.ndarray) -> np.ndarray:
    from scipy.linalg import expm

    return np.asarray(expm(A))
