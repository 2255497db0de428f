"""Cycles and unstable points: what a run has to know about where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import evaluate, jacobians_at

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["growth", "polish_orbit"]

_MAX_ITERS = 20
_SQUARINGS = 10  # the growth over 2 ** 10 steps is looked at
_GROWS = 1e-6  # growth factor of a step, above 1, from which a point is left


def polish_orbit(
    step_map: StepMap, x: np.ndarray, u: np.ndarray, period: int, tol: float = 1e-10
) -> np.ndarray | None:
    """Find the cycle next to a state that a map has come back to, and its shortest period.

    Newton's method on ``F^period(x) - x``, its Jacobian multiplied up along the orbit.

    Parameters
    ----------
    step_map : StepMap
        The map.
    x, u : arrays, [n_states] and [n_inputs]
        The state, and the constant input.
    period : int
        After how many steps it was nearly there again.
    tol : float
        How exactly the orbit must close, relative to 1 + |x|. Default 1e-10.

    Returns
    -------
    array, [shortest period, n_states], or None
        The states in the order in which they are run through; None where Newton's method does not
        converge, or leads away.
    """
    start, size = x, 1.0 + float(np.linalg.norm(x))
    eye = np.eye(len(x))
    inputs = np.broadcast_to(u, (period, len(u)))
    best: tuple[float, np.ndarray | None] = (np.inf, None)
    for _ in range(_MAX_ITERS):
        orbit, after = _follow(step_map, x, u, period)
        gap = after - x
        error = float(np.linalg.norm(gap))
        if not np.isfinite(error) or np.linalg.norm(x - start) > 0.01 * size:
            break
        if error < best[0]:
            best = error, orbit
        elif error <= tol * size:
            break  # rounding has been reached
        if error == 0.0:
            break
        jacobians, _ = jacobians_at(step_map, orbit, inputs)
        product = eye
        for jacobian in jacobians:
            product = jacobian @ product
        x = x + np.linalg.lstsq(eye - product, gap, rcond=None)[0]
    error, found = best
    if found is None or error > tol * size:
        return None
    for shorter in range(1, period):
        back = np.linalg.norm(found[shorter] - found[0])
        if period % shorter == 0 and back <= 100 * tol * size:
            return found[:shorter]
    return found


def growth(jacobian: np.ndarray, flow: bool = False) -> tuple[bool, np.ndarray]:
    """Tell whether a state next to a fixed point leaves it, and in which direction.

    By squaring the Jacobian ten times: cheaper than eigenvalues, and right for matrices that are
    far from normal, where the growth of the first steps is not that of the later ones.

    Parameters
    ----------
    jacobian : array, [n_states, n_states]
        That of the step (map) or of the derivative (flow) at the point.
    flow : bool
        Which of them.

    Returns
    -------
    grows : bool
        Whether some direction grows in the long run.
    direction : array, [n_states]
        A unit vector in the space that grows fastest.
    """
    power = jacobian
    if flow:
        scale = np.linalg.norm(jacobian, 1)
        power = np.eye(len(jacobian)) + jacobian / (scale if scale > 0 else 1.0)
    if not np.isfinite(power).all():
        return False, np.zeros(len(jacobian))
    logs = [0.0]
    for _ in range(_SQUARINGS):
        power = power @ power
        norm = float(np.linalg.norm(power))
        if norm == 0.0:
            return False, np.zeros(len(jacobian))
        power = power / norm
        logs.append(2 * logs[-1] + np.log(norm))
    # From the last two, so that a factor in front of the growth does not count.
    rate = (logs[-1] - logs[-2]) / 2 ** (_SQUARINGS - 1)
    column = power[:, np.linalg.norm(power, axis=0).argmax()]
    return bool(rate > _GROWS), column / np.linalg.norm(column)


def _follow(
    step_map: StepMap, x: np.ndarray, u: np.ndarray, period: int
) -> tuple[np.ndarray, np.ndarray]:
    states = [x]
    for _ in range(period):
        states.append(evaluate(step_map, states[-1][None], u[None])[0])
    return np.array(states[:-1]), states[-1]
