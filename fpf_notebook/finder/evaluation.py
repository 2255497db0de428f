"""The step and its derivatives at any number of states, in batches of few sizes.

Something is compiled for each size that a compiled function meets; the numbers of points and of
lanes are never the same twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.dynamics.batches import padded, power_of_two_above
from fpf_notebook.dynamics.jacobians import linearize

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["evaluate", "jacobians_at", "residual_of", "residuals"]

_SMALLEST_BATCH = 64
_SMALL_JACOBIANS = 4_000_000  # numbers: what may be computed in vain to fill up a batch


def evaluate(step_map: StepMap, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Apply the step.

    Parameters
    ----------
    step_map : StepMap
        The network.
    x, u : arrays, [n, n_states] and [n, n_inputs]
        States and inputs.

    Returns
    -------
    array, [n, n_states], float64
    """
    n = len(x)
    if n == 0:
        return np.empty((0, step_map.n_states))
    size = max(_SMALLEST_BATCH, power_of_two_above(n))
    return step_map(padded(x, size), padded(u, size))[:n].astype(np.float64)


def jacobians_at(step_map: StepMap, x: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the Jacobians of the step with respect to state and input.

    Parameters
    ----------
    step_map, x, u
        As for `evaluate`.

    Returns
    -------
    J_xstar, dFdu : arrays, [n, n_states, n_states] and [n, n_states, n_inputs], float64
    """
    n, n_states = len(x), step_map.n_states
    least = _SMALL_JACOBIANS // (n_states * (n_states + step_map.n_inputs))
    size = max(n, min(_SMALLEST_BATCH, least)) if n else 0
    jacobian, input_jacobian = linearize(step_map, padded(x, size), padded(u, size))
    return jacobian[:n], input_jacobian[:n]


def residual_of(moved: np.ndarray, x: np.ndarray, time: str) -> np.ndarray:
    """Return F(x) - x of a map, f(x) of a flow, from what the step returned."""
    with np.errstate(over="ignore", invalid="ignore"):  # lanes that diverged
        return moved if time == "continuous" else moved - x


def residuals(step_map: StepMap, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return F(x) - x of a map, f(x) of a flow."""
    return residual_of(evaluate(step_map, x, u), x, step_map.time)
