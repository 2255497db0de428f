"""Levenberg–Marquardt in double precision, lane by lane: for what single precision cannot finish.

Near a singular Jacobian (a line of fixed points, a bifurcation) Newton's step in single precision
is noise. The normal equations with a ridge have a solution there: the shortest step that helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import blas, lapack

from fpf_notebook.finder.solvers.lanes import Lanes

if TYPE_CHECKING:
    from fpf_notebook.finder.solvers.factoring import HostProblem
    from fpf_notebook.finder.solvers.protocol import Limits

__all__ = ["FIRST_DAMPING", "Refining", "refined_round"]

FIRST_DAMPING = 0.01
_EASIER, _HARDER, _LEAST_DAMPING = 0.1, 10.0, 1e-10
_CHECK_EVERY = 5  # a lane whose q has not halved over so many iterations is in a local minimum of q
_EPS = float(np.finfo(np.float64).eps)


class Refining(NamedTuple):
    """Lanes after one step."""

    lanes: Lanes
    r: np.ndarray
    arrived: np.ndarray
    stalled: np.ndarray


def refined_round(
    problem: HostProblem, lanes: Lanes, r: np.ndarray, limits: Limits
) -> Refining | None:
    """Make one damped step a lane, and take it where q falls.

    Parameters
    ----------
    problem, lanes, r, limits
        As for `factored_round`.

    Returns
    -------
    Refining or None
        None if it was stopped on the way; then nothing has changed.
    """
    n_lanes, n = r.shape
    norm = np.sqrt(2.0 * lanes.q)
    step, slope = np.zeros_like(r), np.zeros(n_lanes)
    done = 0
    for rows, matrices in problem.networks.jacobians(lanes.x, problem.u, problem.stop, double=True):
        for i, matrix in zip(range(rows.start, rows.stop), matrices, strict=True):
            if problem.stop():
                return None
            gradient = r[i] @ matrix
            slope[i] = np.linalg.norm(gradient) / max(norm[i], 1e-300)
            gram = blas.dsyrk(1.0, matrix.T, lower=1)
            diagonal = np.einsum("ii->i", gram)
            # The floor keeps an exactly singular matrix factorizable.
            floor = 8.0 * _EPS * float(diagonal.sum()) / n + 1e-300
            diagonal += lanes.damping[i] * norm[i] + floor
            _, solution, info = lapack.dposv(gram, -gradient, lower=1)
            if info == 0 and np.isfinite(solution).all():
                step[i] = solution
            done += 1
    if done < n_lanes:
        return None
    there, r_there, norm_there = problem.moved(lanes.x, step)
    length = np.linalg.norm(step, axis=1)
    better = norm_there < norm
    q = np.where(better, 0.5 * norm_there**2, lanes.q)
    n_iters = lanes.n_iters + 1
    arrived = (lanes.q <= limits.tol_q) & (length <= limits.tol_step) | (q == 0.0)
    arrived |= better & (lanes.q - q <= limits.tol_dq) & (lanes.q <= limits.tol_q)
    check = n_iters % _CHECK_EVERY == 0
    moved = lanes._replace(
        x=np.where(better[:, None], there, lanes.x),
        q=q,
        dq=lanes.q - q,
        step=length,
        slope=slope,
        damping=np.maximum(lanes.damping * np.where(better, _EASIER, _HARDER), _LEAST_DAMPING),
        q_mark=np.where(check, q, lanes.q_mark),
        n_iters=n_iters,
    )
    stalled = check & (q > 0.5 * lanes.q_mark)
    return Refining(moved, np.where(better[:, None], r_there, r), arrived, stalled)
