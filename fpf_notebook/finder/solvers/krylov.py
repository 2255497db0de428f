"""Matrix-free steps for states too large for dense solves.

The damped normal equations (AᵀA + λI) d = -Aᵀr are solved by conjugate gradients that see A
only through forward and reverse products, so memory is a few vectors a lane (Newton–Krylov;
Knoll & Keyes 2004, and Steihaug 1983 for truncated inner iterations).
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from fpf_notebook.finder.solvers.newton import DampedStep
from fpf_notebook.finder.solvers.protocol import Problem

__all__ = ["krylov_steps"]

_MAX_INNER = 100


def krylov_steps(problem: Problem, x: jax.Array, damping: jax.Array) -> DampedStep:
    """Damped steps of all lanes; the same contract as the dense solver."""

    def one(
        x_lane: jax.Array, u_lane: jax.Array, damping_lane: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        r, push = jax.linearize(lambda state: problem.residual(state, u_lane), x_lane)
        pull = jax.linear_transpose(push, x_lane)
        gradient = pull(r)[0]
        norm_r = jnp.linalg.norm(r)
        ridge = damping_lane * norm_r + 8.0 * jnp.finfo(x.dtype).eps
        # Inner accuracy in step with the outer one: far away a rough direction is enough.
        forcing = jnp.clip(norm_r, 1e-10, 1e-2)
        delta, _ = jax.scipy.sparse.linalg.cg(
            lambda v: pull(push(v))[0] + ridge * v, -gradient, tol=forcing, maxiter=_MAX_INNER
        )
        return r, delta, gradient

    r, delta, gradient = jax.vmap(one)(x, problem.u, damping)

    def linear_model(move: jax.Array) -> jax.Array:
        def push_one(x_lane: jax.Array, u_lane: jax.Array, move_lane: jax.Array) -> jax.Array:
            return jax.jvp(lambda s: problem.residual(s, u_lane), (x_lane,), (move_lane,))[1]

        return r + jax.vmap(push_one)(x, problem.u, move)

    return DampedStep(r, delta, gradient, linear_model)
