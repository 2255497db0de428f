"""Points where Newton's method converges slowly, as at a bifurcation: led on, and recognized.

At a double root the matrix I - J is singular, and the distance only halves with each step: searches
end at several places around the point, with a determinant of either sign. Here such points are
taken as far as rounding allows, and those whose index depends on the last digits are told apart
(Decker, Keller & Kelley 1983, on Newton's method at singular points).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import jacobians_at, residuals
from fpf_notebook.finder.rounding import residual_noise

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["not_settled", "settle"]

_MAX_STEPS = 60  # 20 halvings to the limit of rounding at a double root, more at higher ones
_CUT = 1e-10  # of the largest singular value: directions in which nothing is known
_LINEAR = 0.1  # ratio of two successive steps: 1/2 at a double root, 2/3 at a triple one
_LONG = 1.0  # steps of this length come from a matrix that is nearly singular
_ACCURATE = {"float64": 1e-10, "float32": 1e-5}  # steps as short as this, relative, are none


def not_settled(step_map: StepMap, x: np.ndarray, forward_error: np.ndarray) -> np.ndarray:
    """Tell which points a further Newton step would move by more than rounding.

    Parameters
    ----------
    step_map : StepMap
        The network.
    x : array, [n, n_states]
        Points.
    forward_error : array, [n]
        Length of the Newton step from each.
    """
    scale = 1.0 + np.linalg.norm(x, axis=1)
    return np.asarray(forward_error > _ACCURATE[step_map.precision] * scale)


def settle(
    step_map: StepMap, x: np.ndarray, u: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make full Newton steps as long as they are of use.

    Parameters
    ----------
    step_map : StepMap
        The network.
    x, u : arrays, [n, n_states] and [n, n_inputs]
        Points near to fixed points.

    Returns
    -------
    x : array, [n, n_states]
        The points, moved.
    undecided : array of bool, [n]
        Whether the sign of the determinant, that is the index, is not the same all over the
        neighbourhood in which the true point may lie.
    lost : array of bool, [n]
        Whether there is no sign of a fixed point after all: Newton's method gets no further, though
        the residual is more than rounding. So it is at the ghost of a fold.
    """
    x = np.array(x, dtype=np.float64)
    residual = residuals(step_map, x, u)
    last, before = np.full(len(x), np.inf), np.full(len(x), np.inf)
    left = np.zeros(len(x))  # the Newton step from where a point came to rest
    moving = np.arange(len(x))
    for _ in range(_MAX_STEPS):
        step = _newton_steps(_newton_matrix(step_map, x[moving], u[moving]), residual[moving])
        length = np.linalg.norm(step, axis=1)
        left[moving] = length
        trial = x[moving] + step
        r = residuals(step_map, trial, u[moving])
        with np.errstate(over="ignore", invalid="ignore"):
            shorter = np.linalg.norm(r, axis=1) < np.linalg.norm(residual[moving], axis=1)
        good = shorter & not_settled(step_map, trial, length)
        moving = moving[good]
        x[moving], residual[moving] = trial[good], r[good]
        before[moving], last[moving] = last[moving], length[good]
        if not len(moving):
            break
    # What is left to go: next to nothing after quadratic convergence, about as much as the last
    # step after linear convergence. The first needs no further look.
    with np.errstate(invalid="ignore"):
        ratio = np.where(np.isfinite(before), last / before, 0.0)
    undecided = not_settled(step_map, x, left) | (ratio > _LINEAR)
    left = np.maximum(left, np.where(ratio > 0.0, last, 0.0) * ratio)
    rows = np.flatnonzero(undecided)
    undecided[rows] = _changes_within(step_map, x[rows], u[rows], left[rows])
    lost = undecided & (np.linalg.norm(residual, axis=1) > residual_noise(step_map.precision, x))
    return x, undecided, lost


def _newton_matrix(step_map: StepMap, x: np.ndarray, u: np.ndarray) -> np.ndarray:
    jacobian, _ = jacobians_at(step_map, x, u)
    return -jacobian if step_map.time == "continuous" else np.eye(x.shape[1]) - jacobian


def _newton_steps(matrix: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Solve for the steps; nothing is done in directions in which the matrix is singular."""
    try:
        steps = np.linalg.solve(matrix, residual[..., None])[..., 0]
        doubtful = ~(np.linalg.norm(steps, axis=1) < _LONG)
    except np.linalg.LinAlgError:  # one of them is singular, and numpy does not say which
        steps, doubtful = np.zeros_like(residual), np.ones(len(residual), dtype=bool)
    for row in np.flatnonzero(doubtful):
        steps[row] = np.linalg.lstsq(matrix[row], residual[row], rcond=_CUT)[0]
    return steps


def _changes_within(
    step_map: StepMap, x: np.ndarray, u: np.ndarray, radius: np.ndarray
) -> np.ndarray:
    """Tell where the determinant changes its sign, or half its size, within twice the radius."""
    matrix = _newton_matrix(step_map, x, u)
    weakest = np.linalg.svd(matrix)[2][:, -1]
    shift = 2.0 * radius[:, None] * weakest
    with np.errstate(invalid="ignore"):  # the model may have no value there
        sign, size = np.linalg.slogdet(matrix)
        steady = sign != 0
        for side in (shift, -shift):
            other_sign, other_size = np.linalg.slogdet(_newton_matrix(step_map, x + side, u))
            steady &= (other_sign == sign) & (np.abs(other_size - size) < np.log(2.0))
    return ~steady
