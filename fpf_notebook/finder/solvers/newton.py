"""Levenberg–Marquardt on the residual of the fixed-point equation, batched over lanes.

Sources: Levenberg (1944) and Marquardt (1963); the damping proportional to the norm of the
residual, which keeps quadratic convergence, is that of Yamashita & Fukushima (2001) and
Fan & Yuan (2005). Minimizing q = |F(x) - x|^2 / 2 for recurrent networks goes back to
Sussillo & Barak (2013).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from fpf_notebook.finder.solvers import small_systems
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.protocol import Limits, Problem

__all__ = ["INITIAL_DAMPING", "STALL_CHECK_EVERY", "DampedStep", "Newton", "dense_steps"]

INITIAL_DAMPING = 0.3
"""Measured on tanh, GRU and LSTM flip-flop nets and on chaotic random nets: 0.1 to 1 do as well."""

STALL_CHECK_EVERY = 5
"""A lane whose q has not halved over this many iterations is in a local minimum of q."""

# A step is good when q fell by more than 3/4 of what the linear model promised, poor below 1/4.
_GOOD, _POOR = 0.75, 0.25
_SHRINK, _KEEP, _GROW, _REJECT = 0.2, 0.5, 2.0, 4.0
_DAMPING_FLOOR = 1e-6
_MATRICES_PER_LANE = 6  # Jacobian, its tangents, the normal matrix, its factor and copies of them


class DampedStep(NamedTuple):
    """Damped steps of all lanes.

    Attributes
    ----------
    r, delta, gradient : arrays, [L, N]
        Residual, proposed move, gradient of q.
    linear_model : callable
        ``linear_model(move[L, N])`` is the residual that the linearization expects after a move.
    """

    r: jax.Array
    delta: jax.Array
    gradient: jax.Array
    linear_model: Callable[[jax.Array], jax.Array]


StepRule = Callable[[Problem, jax.Array, jax.Array], DampedStep]


class NewtonMemory(NamedTuple):
    """What tells whether a lane has ended.

    ``q`` is that of the place from which the last step was proposed, ``better`` whether the step
    was taken.
    """

    q: jax.Array  # [L]
    better: jax.Array  # [L] bool


class Newton:
    """Levenberg–Marquardt; the default.

    Parameters
    ----------
    steps : callable
        ``steps(problem, x, damping) -> DampedStep``: `dense_steps` (default), or those of
        `krylov.py`, which need no matrix.
    """

    together = False
    exact = True

    def __init__(self, steps: StepRule | None = None) -> None:
        self._steps: StepRule = dense_steps if steps is None else steps
        self.dense = steps is None
        self.name = "newton" if self.dense else "newton, matrix-free"

    def key(self) -> Hashable:
        """Return what the compiled loop depends on."""
        return (self.name, self._steps)

    def lane_numbers(self, n_states: int) -> int:
        """Return what matrices and vectors take."""
        return (_MATRICES_PER_LANE * n_states**2 if self.dense else 0) + 40 * n_states

    def lane_flops(self, n_states: int) -> int:
        """Return what a Jacobian and a factorization take, or products with vectors."""
        return 4 * n_states**3 if self.dense else 40 * n_states

    def init(self, x: jax.Array, limits: Limits) -> NewtonMemory:
        """Return what is remembered before the first iteration."""
        n = x.shape[0]
        return NewtonMemory(jnp.full(n, jnp.inf, x.dtype), jnp.zeros(n, bool))

    def step(
        self, problem: Problem, lanes: Lanes, memory: NewtonMemory, limits: Limits
    ) -> tuple[Lanes, NewtonMemory]:
        """Make one damped step a lane, and take it where q falls. Iterates stay in the box."""
        x = lanes.x
        r, delta, gradient, linear_model = self._steps(problem, x, lanes.damping)
        q = 0.5 * jnp.sum(r * r, axis=-1)
        norm_r = jnp.sqrt(2.0 * q)
        slope = jnp.linalg.norm(gradient, axis=-1) / jnp.maximum(norm_r, jnp.finfo(q.dtype).tiny)

        x_new = jnp.clip(x + delta, problem.low, problem.high)
        r_new = problem.residuals(x_new)
        q_new = 0.5 * jnp.sum(r_new * r_new, axis=-1)
        promised = q - 0.5 * jnp.sum(linear_model(x_new - x) ** 2, axis=-1)
        gain = (q - q_new) / jnp.maximum(promised, jnp.finfo(q.dtype).tiny)
        better = q_new < q  # also False where q_new is NaN: such a step is rejected
        factor = jnp.where(
            better,
            jnp.where(gain > _GOOD, _SHRINK, jnp.where(gain < _POOR, _GROW, _KEEP)),
            _REJECT,
        )
        q_next = jnp.where(better, q_new, q)
        n_iters = lanes.n_iters + 1
        moved = Lanes(
            x=jnp.where(better[:, None], x_new, x),
            q=q_next,
            dq=jnp.where(better, q - q_new, 0.0),
            step=jnp.linalg.norm(delta, axis=-1),
            slope=slope,
            damping=jnp.maximum(lanes.damping * factor, _DAMPING_FLOOR),
            q_mark=jnp.where(n_iters % STALL_CHECK_EVERY == 0, q_next, lanes.q_mark),
            n_iters=n_iters,
            status=lanes.status,
        )
        return moved, NewtonMemory(q, better)

    def terminate(
        self,
        before: Lanes,
        after: Lanes,
        memory: NewtonMemory,
        problem: Problem,
        limits: Limits,
    ) -> jax.Array:
        """Tell which lanes have arrived, have stalled, diverged, or made all their iterations."""
        q, better = memory
        # A full Newton step this short, at a q this small, is the forward error itself.
        small = (q <= limits.tol_q) & (after.step <= limits.tol_step)
        unchanged = better & (q - after.q <= limits.tol_dq) & (q <= limits.tol_q)
        check = after.n_iters % STALL_CHECK_EVERY == 0
        stalled = check & limits.may_stall & (after.q > 0.5 * before.q_mark) & (after.n_iters > 1)
        return jnp.select(
            [
                ~jnp.isfinite(q),
                small | (q == 0.0) | unchanged,
                stalled,
                after.n_iters >= limits.max_iters,
            ],
            [
                jnp.int8(LaneStatus.DIVERGED),
                jnp.int8(LaneStatus.CONVERGED),
                jnp.int8(LaneStatus.STALLED),
                jnp.int8(LaneStatus.MAX_ITERS),
            ],
            jnp.int8(LaneStatus.RUNNING),
        )


def dense_steps(problem: Problem, x: jax.Array, damping: jax.Array) -> DampedStep:
    """Damped steps of all lanes by Cholesky of AᵀA + λI, with λ = damping * |r|."""
    n = x.shape[-1]
    eye = jnp.eye(n, dtype=x.dtype)

    def linearize(x_lane: jax.Array, u_lane: jax.Array) -> tuple[jax.Array, jax.Array]:
        r, push = jax.linearize(lambda state: problem.residual(state, u_lane), x_lane)
        return r, jax.vmap(push, out_axes=1)(eye)

    r, a = jax.vmap(linearize)(x, problem.u)
    gradient = jnp.einsum("lij,li->lj", a, r)
    # The tiny floor, relative to the size of A, keeps an exactly singular A factorizable: a
    # line attractor then gets the minimum-norm step instead of NaN.
    scale = jnp.sum(a * a, axis=(-2, -1)) / n
    floor = 8.0 * (jnp.finfo(x.dtype).eps * scale + jnp.finfo(x.dtype).tiny)
    ridge = damping * jnp.linalg.norm(r, axis=-1) + floor
    if n <= small_systems.LARGEST:
        delta = -small_systems.solve_normal_equations(a, gradient, ridge)
    else:
        gram = jnp.einsum("lij,lik->ljk", a, a)
        lower = jnp.linalg.cholesky(gram + ridge[:, None, None] * eye)
        delta = -jax.scipy.linalg.cho_solve((lower, True), gradient[..., None])[..., 0]

    def linear_model(move: jax.Array) -> jax.Array:
        return r + jnp.einsum("lij,lj->li", a, move)

    return DampedStep(r, delta, gradient, linear_model)
