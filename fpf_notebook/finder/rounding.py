"""What rounding leaves of a residual: that depends on how the step computes.

A model that rounds its own numbers to single precision never gets below about 1e-7 in each unit,
and 512 of them add up to a q above the usual tolerance. Needs numpy alone.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["is_small", "residual_noise", "rounding_floor"]

_NOISE = 50.0  # times the rounding of one number: what sums and saturated units may leave


def rounding_floor(
    n_states: int, precision: str = "float64", size: Float[np.ndarray, "n"] | float = 1.0
) -> Float[np.ndarray, "n"] | float:
    """Return the q that rounding leaves: none smaller is asked for.

    Parameters
    ----------
    n_states : int
        Number of units: each adds its own rounding to q.
    precision : str
        In which the step computes, ``"float64"`` or ``"float32"``, whatever holds the state.
    size : float or array
        Largest magnitude in the state. Default 1; below that, the step's own numbers count.
    """
    with np.errstate(over="ignore"):  # lanes that diverged
        return n_states * (float(np.finfo(precision).eps) * np.maximum(size, 1.0)) ** 2


def residual_noise(precision: str, x: Float[np.ndarray, "n n_states"]) -> float:
    """Return the size of residuals, at these states, that may be nothing but rounding.

    Parameters
    ----------
    precision : str
        In which the step computes.
    x : array, [n, n_states]
        States.
    """
    largest = float(np.max(np.abs(x), initial=0.0, where=np.isfinite(x)))
    return _NOISE * float(np.finfo(precision).eps) * (1.0 + largest)


def is_small(
    q: Float[np.ndarray, "n"], x: Float[np.ndarray, "n n_states"], tol_q: float, precision: str
) -> Bool[np.ndarray, "n"]:
    """Tell which q are at most ``tol_q``, or no more than rounding leaves at that state."""
    size = np.max(np.abs(x), axis=1, initial=0.0)
    return np.asarray(q <= np.maximum(tol_q, rounding_floor(x.shape[1], precision, size)))
