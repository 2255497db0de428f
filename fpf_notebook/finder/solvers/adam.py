"""Gradient descent on q with Adam, for those who must reproduce a search by another tool.

``"joint"`` minimizes the mean of q over all lanes with one learning rate, which falls when the
mean stops falling; ``"sequential"`` gives each lane its own learning rate and its own end, so
that the result is that of one search after the other (Sussillo & Barak 2013; Golub & Sussillo
2018). Here the sequential lanes still run side by side, since none looks at another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.newton import residual_of

__all__ = ["AdamState", "Schedule", "build_adam", "new_adam_state"]


class Schedule(NamedTuple):
    """Settings of the learning rate and of the stop; all are arguments of the compiled loop."""

    lr_factor: Any
    lr_patience: Any
    lr_cooldown: Any
    tol_q: Any
    tol_dq: Any
    max_iters: Any


class AdamState(NamedTuple):
    """What Adam remembers between two chunks.

    ``lr``, ``best``, ``waited`` and ``cooling`` have one entry a lane; in joint mode all are equal.
    ``x`` is the running iterate; the lanes keep the best one.
    """

    x: Any  # [L, N]
    moments: Any
    lr: Any  # [L]
    best: Any  # [L]
    waited: Any  # [L] int32
    cooling: Any  # [L] int32
    q_last: Any  # [L]


def new_adam_state(x_init: Any, lr_init: float) -> AdamState:
    """Return the state before the first iteration."""
    x = jnp.asarray(x_init)
    n = x.shape[0]
    return AdamState(
        x=x,
        moments=optax.scale_by_adam().init(x),
        lr=jnp.full(n, lr_init, x.dtype),
        best=jnp.full(n, jnp.inf, x.dtype),
        waited=jnp.zeros(n, jnp.int32),
        cooling=jnp.zeros(n, jnp.int32),
        q_last=jnp.full(n, jnp.nan, x.dtype),
    )


def build_adam(
    step: Callable[[Any, Any, Any], Any], time: str, joint: bool, step_dtype: str = "float64"
) -> Callable[..., tuple[Lanes, AdamState]]:
    """Compile the loop that advances a batch of lanes by Adam.

    Parameters
    ----------
    step, time, step_dtype
        As for `residual_of`.
    joint
        One learning rate and one end for all lanes, or one for each.

    Returns
    -------
    callable
        ``advance(params, u, lanes, state, valid, schedule, n_steps)``, jitted; ``valid`` masks the
        lanes that only fill up the batch.
    """
    residual = residual_of(step, time, step_dtype)
    adam = optax.scale_by_adam()

    def speeds(params: Any, x: Any, u: Any) -> Any:
        r = jax.vmap(residual, (None, 0, 0))(params, x, u)
        return 0.5 * jnp.sum(r * r, axis=-1)

    def objective(x: Any, params: Any, u: Any, weight: Any) -> tuple[Any, Any]:
        q = speeds(params, x, u)
        # A lane that has left the numbers must not poison the gradient of the others.
        return jnp.sum(jnp.where(jnp.isfinite(q), q, 0.0) * weight), q

    def iterate(
        params: Any, u: Any, lanes: Lanes, state: AdamState, valid: Any, schedule: Schedule
    ) -> tuple[Lanes, AdamState]:
        running = lanes.status == LaneStatus.RUNNING
        n_valid = jnp.sum(valid).astype(state.x.dtype)
        weight = jnp.where(valid, 1.0 / n_valid if joint else 1.0, 0.0).astype(state.x.dtype)
        gradient, q = jax.grad(objective, has_aux=True)(state.x, params, u, weight)
        gradient = jnp.where(jnp.isfinite(gradient), gradient, 0.0)
        finite = jnp.isfinite(q)
        dq = jnp.abs(q - state.q_last)

        better = running & finite & (q < lanes.q)
        x_best = jnp.where(better[:, None], state.x, lanes.x)
        q_best = jnp.where(better, q, lanes.q)
        slope = jnp.linalg.norm(gradient / weight.max(), axis=-1) / jnp.sqrt(
            jnp.maximum(2.0 * q, jnp.finfo(q.dtype).tiny)
        )

        arrived = (q < schedule.tol_q) | (dq < schedule.tol_dq * state.lr)
        n_iters = lanes.n_iters + 1
        if joint:
            arrived = jnp.broadcast_to(jnp.all(arrived | ~valid | ~finite), q.shape)
        ended = jnp.where(q_best < schedule.tol_q, LaneStatus.CONVERGED, LaneStatus.STALLED)
        status = jnp.select(
            [~finite, arrived, n_iters >= schedule.max_iters],
            [
                jnp.int8(LaneStatus.DIVERGED),
                ended.astype(jnp.int8),
                jnp.where(
                    q_best < schedule.tol_q, LaneStatus.CONVERGED, LaneStatus.MAX_ITERS
                ).astype(jnp.int8),
            ],
            jnp.int8(LaneStatus.RUNNING),
        )

        # The learning rate falls by lr_factor after lr_patience iterations without progress.
        monitored = jnp.where(finite, q, jnp.inf)
        if joint:
            mean = jnp.sum(jnp.where(valid & finite, q, 0.0)) / n_valid
            monitored = jnp.broadcast_to(mean, q.shape)
        progress = monitored < state.best
        idle = ~progress & (state.cooling == 0)
        waited = jnp.where(progress, 0, state.waited + idle)
        reduce = idle & (waited >= schedule.lr_patience)
        lr = jnp.where(reduce, state.lr * schedule.lr_factor, state.lr)
        cooling = jnp.where(
            reduce, schedule.lr_cooldown, jnp.maximum(state.cooling - (~progress), 0)
        )

        direction, moments = adam.update(gradient, state.moments)
        x_next = jnp.where((running & finite)[:, None], state.x - lr[:, None] * direction, state.x)
        new_lanes = Lanes(
            x=x_best,
            q=q_best,
            dq=jnp.where(running, dq, lanes.dq),
            step=lanes.step,
            slope=jnp.where(better, slope, lanes.slope),
            damping=lanes.damping,
            q_mark=lanes.q_mark,
            n_iters=jnp.where(running, n_iters, lanes.n_iters),
            status=jnp.where(running, status, lanes.status).astype(jnp.int8),
        )
        new_state = AdamState(
            x=x_next,
            moments=moments,
            lr=lr,
            best=jnp.minimum(state.best, monitored),
            waited=jnp.where(reduce, 0, waited).astype(jnp.int32),
            cooling=cooling.astype(jnp.int32),
            q_last=q,
        )
        return new_lanes, new_state

    def advance(
        params: Any,
        u: Any,
        lanes: Lanes,
        state: AdamState,
        valid: Any,
        schedule: Schedule,
        n_steps: Any,
    ) -> tuple[Lanes, AdamState]:
        def proceed(carry: Any) -> Any:
            k, now, _ = carry
            return (k < n_steps) & jnp.any(now.status == LaneStatus.RUNNING)

        def body(carry: Any) -> Any:
            k, now, memory = carry
            return (k + 1, *iterate(params, u, now, memory, valid, schedule))

        return jax.lax.while_loop(proceed, body, (jnp.int32(0), lanes, state))[1:]

    return jax.jit(advance)
