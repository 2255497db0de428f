"""One factorization of each lane, and all the steps that are made with it.

1. Newton's step is taken if it halves |r|.
2. If not, the damped steps that minimize |r + A d|² + λ|d|² over a small subspace are tried, for
   three λ at once: Newton's step, its damped image, the gradient and the image of the gradient. In
   the subspace any λ costs a few products of a matrix with vectors, where Levenberg and Marquardt
   have to factorize once more.
3. As long as |r| halves, further steps are made with the same factor (chords).

Sources: Levenberg (1944), Marquardt (1963); subspaces: Byrd, Schnabel and Shultz, Mathematical
Programming 40 (1988); chords: Kelley, "Solving Nonlinear Equations with Newton's Method" (2003);
mixed precision: Kelley, SIAM Review 64 (2022).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.linalg import lapack

from fpf_notebook.finder.solvers.lanes import Lanes
from fpf_notebook.finder.solvers.linear_models import Networks

if TYPE_CHECKING:
    from fpf_notebook.finder.solvers.protocol import Limits

__all__ = ["Factoring", "HostProblem", "factored_round"]

_HALF = 0.5
_SPREAD = np.array([0.1, 1.0, 10.0])  # dampings tried at once, relative to the lane's own
_TRIES, _HARDER = 3, 100.0  # how often to try, each time with so many times the damping
_EASIER, _LEAST_DAMPING = 0.1, 1e-6
_UNSOLVED = 0.1  # |A d + r| / |r| of Newton's step, from which on the factor is too coarse
_DEAR_FACTORS = 400  # units: with fewer, a chord must gain more to be worth it
# To which part |r| must fall for one more chord, and how many there may be.
_CHORDS = {False: (0.1, 3), True: (0.5, 30)}
_LAST_CHORDS = 2
_DIRECTIONS = 4
_TINY = float(np.finfo(np.float32).tiny)


class HostProblem(NamedTuple):
    """The equation of a batch of lanes; what `Problem` is for solvers on the host.

    Attributes
    ----------
    networks : Networks
        Residuals and Jacobians.
    u : array, [L, I]
        Constant input of each lane.
    low, high : arrays, [L, N]
        Box outside of which no fixed point lies; infinite where none is known.
    stop : callable
        Says whether the search was cancelled.
    """

    networks: Networks
    u: np.ndarray
    low: np.ndarray
    high: np.ndarray
    stop: Callable[[], bool]

    def of(self, rows: np.ndarray) -> HostProblem:
        """Return the part of some lanes."""
        return self._replace(u=self.u[rows], low=self.low[rows], high=self.high[rows])

    def moved(self, x: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return states after a step, within the box, with residuals and their norms.

        Parameters
        ----------
        x : array, [L, N]
            States.
        step : array, [L, N] or [L, k, N]
            One step a lane, or several.
        """
        if step.ndim == 2:
            there = np.clip(x + step, self.low, self.high)
            return there, *self.networks.residuals(there, self.u)
        n_lanes, k, n = step.shape
        there = np.clip(x[:, None] + step, self.low[:, None], self.high[:, None])
        u = np.repeat(self.u, k, axis=0)
        r, norms = self.networks.residuals(there.reshape(n_lanes * k, n), u)
        return there, r.reshape(step.shape), norms.reshape(n_lanes, k)

    def residuals(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals and their norms."""
        return self.networks.residuals(x, self.u)


class Factoring(NamedTuple):
    """Lanes after one factorization.

    Attributes
    ----------
    lanes : Lanes
        All but the status is new.
    r : array, [L, N]
        Residuals at the new states.
    arrived : array of bool, [L]
        Whether q is small and the last step was short.
    unsolved : array of bool, [L]
        Whether single precision could not solve the linear system.
    """

    lanes: Lanes
    r: np.ndarray
    arrived: np.ndarray
    unsolved: np.ndarray


def factored_round(
    problem: HostProblem, lanes: Lanes, r: np.ndarray, limits: Limits
) -> Factoring | None:
    """Factorize the Jacobian of each lane once, and make steps.

    Parameters
    ----------
    problem : HostProblem
        The equation.
    lanes : Lanes
        Where the lanes are.
    r : array, [L, N]
        Residuals there.
    limits : Limits
        When a lane has arrived.

    Returns
    -------
    Factoring or None
        None if it was stopped on the way; then nothing has changed.
    """
    work = _Round(problem, lanes, r, limits)
    for rows, matrices in problem.networks.jacobians(lanes.x, problem.u, problem.stop):
        for i, matrix in zip(range(rows.start, rows.stop), matrices, strict=True):
            if problem.stop():
                return None
            work.factorize(i, matrix)
    if work.n_factors < len(r):
        return None
    work.newton()
    work.damped()
    work.chords()
    return work.result()


class _Round:
    def __init__(self, problem: HostProblem, lanes: Lanes, r: np.ndarray, limits: Limits) -> None:
        self.problem, self.lanes, self.limits = problem, lanes, limits
        self.x, self.r = lanes.x.copy(), r.copy()
        self.norm = np.sqrt(2.0 * lanes.q)
        self.before = self.norm.copy()
        self.damping = lanes.damping.copy()
        n_lanes, n = r.shape
        # Scaled to length 1: single precision holds no residual of 1e-30, nor its square.
        self.unit = (r / np.maximum(self.norm, 1e-300)[:, None]).astype(np.float32)
        self.full = np.zeros((n_lanes, n), np.float32)  # Newton's step, in units of |r|
        self.gradient = np.zeros((n_lanes, n), np.float32)  # of q, in units of |r|
        self.slope = np.zeros(n_lanes)
        self.length = np.full(n_lanes, np.inf)
        self.arrived = self.norm == 0.0
        self.unsolved = np.zeros(n_lanes, dtype=bool)
        self.taken = np.zeros(n_lanes, dtype=bool)
        self.tol_r = float(np.sqrt(2.0 * limits.tol_q))
        self._factors: list[Any] = []
        self._matrices: list[np.ndarray] = []

    @property
    def n_factors(self) -> int:
        return len(self._factors)

    def factorize(self, i: int, matrix: np.ndarray) -> None:
        """Factorize one matrix; Newton's step, and the gradient."""
        lu, pivots, info = lapack.sgetrf(matrix.T)  # of the transpose: there is no copy to make
        if info > 0:  # exactly singular
            diagonal = np.einsum("ii->i", lu)
            largest = np.abs(diagonal).max(initial=_TINY)
            diagonal[diagonal == 0] = np.float32(np.finfo(np.float32).eps) * largest
        self._factors.append((lu, pivots))
        self._matrices.append(matrix)
        self.full[i] = self._solve(i, -self.unit[i])
        self.gradient[i] = self.unit[i] @ matrix

    def newton(self) -> None:
        """Take Newton's step where it halves |r|."""
        self.slope = _lengths(self.gradient)
        step = self.full * self.before[:, None]
        self.length = _lengths(step)
        self.length[~np.isfinite(self.length)] = np.inf
        self.length[self.before == 0.0] = 0.0
        step = np.where(np.isfinite(step), step, 0.0)
        self.newton_trial = self.problem.moved(self.x, step)
        norm = self.newton_trial[2]
        good = norm <= _HALF * self.before
        # At a q this small, the length of an undamped step is the forward error itself.
        here = (self.before <= self.tol_r) & (self.length <= self.limits.tol_step)
        self.arrived |= here
        better = good | (here & (norm < self.before))
        self._put(np.flatnonzero(better), *(part[better] for part in self.newton_trial))
        self.damping[good] = np.maximum(_EASIER * self.damping[good], _LEAST_DAMPING)

    def damped(self) -> None:
        """Try damped steps where Newton's was poor."""
        left = np.flatnonzero(~self.taken & ~self.arrived)
        if not len(left):
            return
        subspace = self._subspace(left)
        for _ in range(_TRIES):
            left, subspace = self._try(left, subspace)
            if not len(left):
                break

    def chords(self) -> None:
        """Make further steps with the factor as long as |r| halves."""
        going = np.flatnonzero(self.norm <= _HALF * self.before)
        least, most = _CHORDS[self.x.shape[1] >= _DEAR_FACTORS]
        for k in range(most + _LAST_CHORDS):
            going = going[self.norm[going] > 0.0]
            if k >= most:  # what has arrived is brought to where rounding ends it
                going = going[self.arrived[going]]
            if not len(going) or self.problem.stop():
                break
            norm = self.norm[going]
            unit = (self.r[going] / norm[:, None]).astype(np.float32)
            step = np.stack([self._solve(i, -unit[k]) for k, i in enumerate(going.tolist())])
            step = step * norm[:, None]
            step[~np.isfinite(step).all(axis=1)] = 0.0
            trial = self.problem.of(going).moved(self.x[going], step)
            length = _lengths(step)
            here = (norm <= self.tol_r) & (length <= self.limits.tol_step)
            halved = trial[2] <= least * norm
            self.arrived[going[here]] = True
            better = halved | (here & (trial[2] < norm))
            self._put(going[better], *(part[better] for part in trial))
            shorter = here | halved
            self.length[going[shorter]] = length[shorter]
            going = going[halved]

    def result(self) -> Factoring:
        """Return what became of the lanes."""
        q = 0.5 * self.norm**2
        fallen = self.lanes.q - q
        lanes = self.lanes._replace(
            x=self.x,
            q=q,
            dq=fallen,
            step=self.length,
            slope=self.slope,
            damping=self.damping,
            n_iters=self.lanes.n_iters + 1,
        )
        return Factoring(lanes, self.r, self.arrived, self.unsolved)

    # -- parts -------------------------------------------------------------------------------------

    def _solve(self, i: int, right: np.ndarray) -> np.ndarray:
        lu, pivots = self._factors[i]
        solution: np.ndarray = lapack.sgetrs(lu, pivots, right, trans=1)[0]
        return solution

    def _put(self, rows: np.ndarray, x: np.ndarray, r: np.ndarray, norm: np.ndarray) -> None:
        self.x[rows], self.r[rows], self.norm[rows] = x, r, norm
        self.taken[rows] = True

    def _subspace(self, rows: np.ndarray) -> _Subspace:
        directions = np.empty((len(rows), _DIRECTIONS, self.x.shape[1]), np.float32)
        images = np.empty_like(directions)
        directions[:, 0], directions[:, 2] = self.full[rows], self.gradient[rows]
        for k, i in enumerate(rows.tolist()):
            lu, pivots = self._factors[i]
            matrix = self._matrices[i]
            other = lapack.sgetrs(lu, pivots, self.full[i], trans=0)[0]  # by the transpose
            directions[k, 1] = self._solve(i, other)
            directions[k, 3] = (matrix @ self.gradient[i]) @ matrix
        lengths = _lengths(directions)
        directions /= np.maximum(lengths, _TINY)[:, :, None]
        directions[~np.isfinite(directions).all(axis=2)] = 0.0
        for k, i in enumerate(rows.tolist()):
            np.matmul(directions[k], self._matrices[i].T, out=images[k])
        left = images[:, 0] * lengths[:, :1] + self.unit[rows]
        self.unsolved[rows] = ~(_lengths(left) < _UNSOLVED)
        # A Jacobian that is not finite: the lane stays where it is.
        images[~np.isfinite(images).all(axis=2)] = 0.0
        return _Subspace.of(directions.astype(float), images.astype(float), self.unit[rows])

    def _try(self, rows: np.ndarray, subspace: _Subspace) -> tuple[np.ndarray, _Subspace]:
        """Try three damped steps a lane; return the lanes of which none was good."""
        ridge = (self.damping[rows] * self.before[rows])[:, None] * _SPREAD
        step = subspace.steps(ridge) * self.before[rows][:, None, None]
        there, r, norms = self.problem.of(rows).moved(self.x[rows], step)
        best = norms.argmin(axis=1)
        each = np.arange(len(rows))
        norm = norms[each, best]
        newton = self.newton_trial[2][rows]
        better, full = norm < self.before[rows], newton < np.minimum(norm, self.before[rows])
        there, r = there[each, best], r[each, best]
        self._put(rows[better], there[better], r[better], norm[better])
        x_newton, r_newton, norm_newton = (part[rows[full]] for part in self.newton_trial)
        self._put(rows[full], x_newton, r_newton, norm_newton)
        factor = np.where(full, _EASIER, np.where(better, _SPREAD[best], _HARDER))
        self.damping[rows] = np.maximum(self.damping[rows] * factor, _LEAST_DAMPING)
        left = ~better & ~full
        return rows[left], subspace.of_rows(left)


def _lengths(rows: np.ndarray) -> np.ndarray:
    """Return the lengths of vectors, [..., N] to [...]."""
    return np.sqrt(np.einsum("...n,...n->...", rows, rows))


class _Subspace(NamedTuple):
    """min |r + A d|² + λ|d|² over a subspace, in coordinates in which it is diagonal.

    Attributes
    ----------
    basis : array, [L, k, N]
        Orthonormal directions, for which the images under A are orthogonal.
    squares : array, [L, k]
        Squared lengths of the images.
    slopes : array, [L, k]
        Products of the images with -r.
    """

    basis: np.ndarray
    squares: np.ndarray
    slopes: np.ndarray

    @classmethod
    def of(cls, directions: np.ndarray, images: np.ndarray, r: np.ndarray) -> _Subspace:
        """Make it of directions and their images, [L, k, N]; some may be zero or dependent."""
        weight, mix = np.linalg.eigh(directions @ directions.transpose(0, 2, 1))
        # Coordinates of an orthonormal basis; of directions that depend on others, none.
        kept = weight > 1e-6
        mix = np.where(kept[:, None], mix / np.sqrt(np.where(kept, weight, 1.0))[:, None], 0.0)
        gram = mix.transpose(0, 2, 1) @ (images @ images.transpose(0, 2, 1)) @ mix
        squares, turn = np.linalg.eigh(gram)
        mix = mix @ turn
        slopes = -(mix.transpose(0, 2, 1) @ (images @ r[:, :, None]))[:, :, 0]
        largest = squares[:, -1:]
        return cls(
            mix.transpose(0, 2, 1) @ directions, np.maximum(squares, 1e-12 * largest), slopes
        )

    def of_rows(self, rows: np.ndarray) -> _Subspace:
        """Return the part of some lanes."""
        return _Subspace(*(part[rows] for part in self))

    def steps(self, ridge: np.ndarray) -> np.ndarray:
        """Return the steps [L, j, N] for dampings ``ridge[L, j]``."""
        bottom = self.squares[:, None] + ridge[:, :, None] + 1e-300
        steps: np.ndarray = (self.slopes[:, None] / bottom) @ self.basis
        return steps
