"""Levenberg–Marquardt on the residual of the fixed-point equation, batched over lanes.

Sources: Levenberg (1944) and Marquardt (1963); the damping proportional to the norm of the
residual, which keeps quadratic convergence, is that of Yamashita & Fukushima (2001) and
Fan & Yuan (2005). Minimizing q = |F(x) - x|^2 / 2 for recurrent networks goes back to
Sussillo & Barak (2013).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from fpf_notebook.finder.solvers import small_systems
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus, Tolerances

__all__ = ["INITIAL_DAMPING", "STALL_CHECK_EVERY", "build_newton", "dense_steps", "residual_of"]

INITIAL_DAMPING = 0.3
"""Measured on tanh, GRU and LSTM flip-flop nets and on chaotic random nets: 0.1 to 1 do as well."""

STALL_CHECK_EVERY = 5
"""A lane whose q has not halved over this many iterations is in a local minimum of q."""

# A step is good when q fell by more than 3/4 of what the linear model promised, poor below 1/4.
_GOOD, _POOR = 0.75, 0.25
_SHRINK, _KEEP, _GROW, _REJECT = 0.2, 0.5, 2.0, 4.0
_DAMPING_FLOOR = 1e-6


def residual_of(
    step: Callable[[Any, Any, Any], Any], time: str, step_dtype: str = "float64"
) -> Callable[[Any, Any, Any], jax.Array]:
    """Return the function whose roots are sought: F(x) - x for a map, dx/dt for a flow.

    ``step_dtype`` is the type that ``step`` takes; the residual has that of the state.
    """

    def residual(params: Any, x: Any, u: Any) -> jax.Array:
        moved = step(params, x.astype(step_dtype), u.astype(step_dtype)).astype(x.dtype)
        return moved if time == "continuous" else moved - x

    return residual


def build_newton(
    step: Callable[[Any, Any, Any], Any],
    time: str,
    solve: Any = None,
    step_dtype: str = "float64",
) -> Any:
    """Compile the loop that advances a batch of lanes.

    Parameters
    ----------
    step, time, step_dtype
        As for `residual_of`.
    solve : callable, optional
        ``solve(residual, params, x, u, damping) -> (r, delta, gradient, linear_model)`` for all
        lanes, where ``linear_model(move)`` is the residual that the linearization expects after
        ``move``. Default: `dense_steps`.

    Returns
    -------
    callable
        ``advance(params, u[L, I], lanes, low[L, N], high[L, N], tol, n_steps, min_running)``,
        jitted; stops after ``n_steps`` iterations, or as soon as at most ``min_running`` lanes
        are left. Iterates are projected onto [low, high], outside of which no fixed point lies.
    """
    residual = residual_of(step, time, step_dtype)
    batched_residual = jax.vmap(residual, in_axes=(None, 0, 0))
    solve_batch = dense_steps if solve is None else solve

    def iterate(params: Any, u: Any, lanes: Lanes, low: Any, high: Any, tol: Tolerances) -> Lanes:
        x, running = lanes.x, lanes.status == LaneStatus.RUNNING
        r, delta, gradient, linear_model = solve_batch(residual, params, x, u, lanes.damping)
        q = 0.5 * jnp.sum(r * r, axis=-1)
        norm_r = jnp.sqrt(2.0 * q)
        slope = jnp.linalg.norm(gradient, axis=-1) / jnp.maximum(norm_r, jnp.finfo(q.dtype).tiny)

        x_new = jnp.clip(x + delta, low, high)
        r_new = batched_residual(params, x_new, u)
        q_new = 0.5 * jnp.sum(r_new * r_new, axis=-1)
        promised = q - 0.5 * jnp.sum(linear_model(x_new - x) ** 2, axis=-1)
        gain = (q - q_new) / jnp.maximum(promised, jnp.finfo(q.dtype).tiny)
        better = q_new < q  # also False where q_new is NaN: such a step is rejected
        factor = jnp.where(
            better,
            jnp.where(gain > _GOOD, _SHRINK, jnp.where(gain < _POOR, _GROW, _KEEP)),
            _REJECT,
        )
        # A full Newton step this short, at a q this small, is the forward error itself.
        length = jnp.linalg.norm(delta, axis=-1)
        q_next = jnp.where(better, q_new, q)
        n_iters = lanes.n_iters + 1
        small = (q <= tol.tol_q) & (length <= tol.tol_step)
        exact = q == 0.0
        unchanged = better & (q - q_new <= tol.tol_dq) & (q <= tol.tol_q)
        check = n_iters % STALL_CHECK_EVERY == 0
        stalled = check & tol.may_stall & (q_next > 0.5 * lanes.q_mark) & (n_iters > 1)
        status = jnp.select(
            [
                ~jnp.isfinite(q),
                small | exact | unchanged,
                stalled,
                n_iters >= tol.max_iters,
            ],
            [
                jnp.int8(LaneStatus.DIVERGED),
                jnp.int8(LaneStatus.CONVERGED),
                jnp.int8(LaneStatus.STALLED),
                jnp.int8(LaneStatus.MAX_ITERS),
            ],
            jnp.int8(LaneStatus.RUNNING),
        )
        moved = Lanes(
            x=jnp.where(better[:, None], x_new, x),
            q=q_next,
            dq=jnp.where(better, q - q_new, 0.0),
            step=length,
            slope=slope,
            damping=jnp.maximum(lanes.damping * factor, _DAMPING_FLOOR),
            q_mark=jnp.where(check, q_next, lanes.q_mark),
            n_iters=n_iters,
            status=status,
        )
        return Lanes(
            *(
                jnp.where(running[:, None] if new.ndim == 2 else running, new, old)
                for new, old in zip(moved, lanes, strict=True)
            )
        )

    def advance(
        params: Any,
        u: Any,
        lanes: Lanes,
        low: Any,
        high: Any,
        tol: Tolerances,
        n_steps: Any,
        min_running: Any,
    ) -> Lanes:
        def proceed(carry: tuple[Any, Lanes]) -> Any:
            k, now = carry
            return (k < n_steps) & (jnp.sum(now.status == LaneStatus.RUNNING) > min_running)

        def body(carry: tuple[Any, Lanes]) -> tuple[Any, Lanes]:
            k, now = carry
            return k + 1, iterate(params, u, now, low, high, tol)

        return jax.lax.while_loop(proceed, body, (jnp.int32(0), lanes))[1]

    return jax.jit(advance)


def dense_steps(residual: Any, params: Any, x: Any, u: Any, damping: Any) -> Any:
    """Damped steps of all lanes by Cholesky of AᵀA + λI, with λ = damping * |r|."""
    n = x.shape[-1]
    eye = jnp.eye(n, dtype=x.dtype)

    def linearize(x_lane: Any, u_lane: Any) -> Any:
        r, push = jax.linearize(lambda state: residual(params, state, u_lane), x_lane)
        return r, jax.vmap(push, out_axes=1)(eye)

    r, a = jax.vmap(linearize)(x, u)
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

    def linear_model(move: Any) -> Any:
        return r + jnp.einsum("lij,lj->li", a, move)

    return r, delta, gradient, linear_model
