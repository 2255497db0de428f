"""The residual of a step, and the directions in which it hardly changes.

On a line of slow points the residual g (F(x) - x of a map, f(x) of a flow) points along the line,
and the Jacobian of g has one eigenvalue near zero, whose right eigenvector points along the line
too. Where the part of g in all other directions vanishes there is the line: that is a system of
equations that Newton's method solves (Maas & Pope 1992, on slow manifolds of chemical kinetics).
Where g itself vanishes everywhere along it, it is a line of fixed points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from fpf_notebook.dynamics.batches import padded
from fpf_notebook.dynamics.jacobians import linearize
from fpf_notebook.finder.evaluation import jacobians_at, residuals
from fpf_notebook.finder.rounding import residual_noise

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Corrected", "Frames", "SlowField", "frames_at", "refined"]

_MAX_STEPS = 10
_SHIFT = {"float64": 1e-11, "float32": 1e-7}  # of the matrix: keeps it from being singular
_ACCURATE = {"float64": 1e-10, "float32": 3e-6}  # relative: corrections as short are none
_FEW, _LARGE = 2, 48
_CLOSE_TO_ZERO = {"float64": 1e-7, "float32": 1e-4}  # of the matrix: eigenvalues that are zero


@dataclass(frozen=True)
class Frames:
    """The slow directions at some states.

    Attributes
    ----------
    right, left : arrays, [n, n_states, d]
        Bases of the slow subspaces of the Jacobian of g and of its transpose: right ones
        orthonormal, left^T right = 1.
    slow : array, [n, d, d]
        The Jacobian of g in these bases.
    """

    right: Float[np.ndarray, "n n_states d"]
    left: Float[np.ndarray, "n n_states d"]
    slow: Float[np.ndarray, "n d d"]

    def __getitem__(self, rows: np.ndarray | slice) -> Frames:
        return Frames(self.right[rows], self.left[rows], self.slow[rows])

    @property
    def rates(self) -> Float[np.ndarray, "n"]:
        """The largest magnitude of the slow eigenvalues."""
        return np.asarray(np.abs(np.linalg.eigvals(self.slow)).max(axis=1))


@dataclass(frozen=True)
class Corrected:
    """States that were moved onto the manifold.

    Attributes
    ----------
    x : array, [n, n_states]
        Where they are.
    ok : array of bool, [n]
        Whether Newton's method converged.
    moved : array, [n]
        How far they were moved.
    frames : Frames
        The slow directions there.
    """

    x: Float[np.ndarray, "n n_states"]
    ok: Bool[np.ndarray, "n"]
    moved: Float[np.ndarray, "n"]
    frames: Frames


def frames_at(A: Float[np.ndarray, "n n_states n_states"], d: int, precision: str) -> Frames:
    """Return the ``d`` slowest directions of matrices, from nothing.

    Parameters
    ----------
    A : array, [n, n_states, n_states]
        Jacobians of g.
    d : int
        How many directions.
    precision : str
        In which they were computed.
    """
    U, _, Vt = np.linalg.svd(A)
    right, left = np.swapaxes(Vt[:, -d:], 1, 2), U[:, :, -d:]
    return refined(A, right, left, precision, 8)


def refined(
    A: np.ndarray, right: np.ndarray, left: np.ndarray, precision: str, n_times: int
) -> Frames:
    """Improve frames by inverse iteration."""
    n = A.shape[1]
    size = np.linalg.norm(A, axis=(1, 2)) + np.finfo(float).tiny
    shifted = A - (_SHIFT[precision] * size)[:, None, None] * np.eye(n)
    with np.errstate(all="ignore"):
        for _ in range(n_times):
            right = np.linalg.qr(np.linalg.solve(shifted, right))[0]
            left = np.linalg.qr(np.linalg.solve(np.swapaxes(shifted, 1, 2), left))[0]
        left = left @ np.linalg.pinv(np.swapaxes(right, 1, 2) @ left)
    slow = np.swapaxes(left, 1, 2) @ A @ right
    return Frames(right, left, slow)


class SlowField:
    """A step under one constant input.

    Parameters
    ----------
    step_map : StepMap
        The network.
    u : array, [n_inputs]
        The constant input.
    """

    def __init__(self, step_map: StepMap, u: Float[np.ndarray, "n_inputs"]) -> None:
        self.step_map, self.u = step_map, u
        self.precision = step_map.precision
        self.is_map = step_map.time == "discrete"

    def g(self, x: Float[np.ndarray, "n n_states"]) -> Float[np.ndarray, "n n_states"]:
        """Return F(x) - x of a map, f(x) of a flow."""
        return residuals(self.step_map, x, self._inputs(x))

    def A(self, x: Float[np.ndarray, "n n_states"]) -> Float[np.ndarray, "n n_states n_states"]:
        """Return the Jacobian of g."""
        if len(x) < _FEW and x.shape[1] >= _LARGE:  # not in batches of 64, as few are asked for
            few = linearize(self.step_map, padded(x, _FEW), padded(self._inputs(x), _FEW))
            jacobian = few[0][: len(x)]
        else:
            jacobian = jacobians_at(self.step_map, x, self._inputs(x))[0]
        return jacobian - np.eye(x.shape[1]) if self.is_map else jacobian

    def noise(self, x: Float[np.ndarray, "n n_states"]) -> float:
        """Return the size of g that may be nothing but rounding."""
        return residual_noise(self.precision, x)

    def is_zero(
        self, rates: Float[np.ndarray, "n"], size: Float[np.ndarray, "n"] | float
    ) -> Bool[np.ndarray, "n"]:
        """Tell which slow eigenvalues are zero, to within rounding, for Jacobians of a size."""
        return np.asarray(rates <= _CLOSE_TO_ZERO[self.precision] * (1.0 + np.asarray(size)))

    def corrected(
        self,
        x: Float[np.ndarray, "n n_states"],
        frames: Frames,
        reach: float,
    ) -> Corrected:
        """Move states along the fast directions to where the residual has no part in these.

        Parameters
        ----------
        x : array, [n, n_states]
            States near to the manifold.
        frames : Frames
            The slow directions at states nearby.
        reach : float
            The furthest that a state may be moved.
        """
        start, x = x, x.copy()
        ok, lost = np.zeros(len(x), dtype=bool), np.zeros(len(x), dtype=bool)
        right, left, slow = frames.right.copy(), frames.left.copy(), frames.slow.copy()
        limit = _ACCURATE[self.precision] * (1.0 + np.linalg.norm(x, axis=1))
        open_rows = np.arange(len(x))
        for k in range(_MAX_STEPS):
            if not len(open_rows):
                break
            here = x[open_rows]
            g, A = self.g(here), self.A(here)
            finite = np.isfinite(g).all(axis=1) & np.isfinite(A).all(axis=(1, 2))
            lost[open_rows[~finite]] = True
            open_rows, g, A = open_rows[finite], g[finite], A[finite]
            if not len(open_rows):
                break
            try:
                part = refined(A, right[open_rows], left[open_rows], self.precision, 2)
                step = _fast_step(A, g, part)
            except np.linalg.LinAlgError:
                lost[open_rows] = True
                break
            right[open_rows], left[open_rows], slow[open_rows] = part.right, part.left, part.slow
            x[open_rows] += step
            length = np.linalg.norm(step, axis=1)
            done = length <= limit[open_rows]
            # Near the limit of rounding steps do not get shorter any more.
            done |= (k >= 3) & (length <= 100 * limit[open_rows])
            gone = ~(np.linalg.norm(x[open_rows] - start[open_rows], axis=1) <= reach)
            ok[open_rows[done & ~gone]] = True
            lost[open_rows[gone]] = True
            open_rows = open_rows[~done & ~gone]
        return Corrected(
            x, ok & ~lost, np.linalg.norm(x - start, axis=1), Frames(right, left, slow)
        )

    def _inputs(self, x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(self.u, (len(x), len(self.u)))


def _fast_step(A: np.ndarray, g: np.ndarray, frames: Frames) -> np.ndarray:
    """Return the Newton step of the fast part of g, which has no part along slow directions."""
    right, left = frames.right, frames.left
    left_t = np.swapaxes(left, 1, 2)
    rest = g[:, :, None] - right @ (left_t @ g[:, :, None])
    # In the slow directions the matrix is replaced by one: there nothing is to be done.
    d = frames.slow.shape[1]
    matrix = A - right @ (frames.slow - np.eye(d)) @ left_t
    step = -np.linalg.solve(matrix, rest)
    step -= right @ (left_t @ step)
    return np.asarray(step[:, :, 0])
