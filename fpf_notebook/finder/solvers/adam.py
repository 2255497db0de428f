"""Gradient descent on q with Adam, for those who must reproduce a search by another tool.

``"joint"`` minimizes the mean of q over all lanes with one learning rate, which falls when the
mean stops falling; ``"sequential"`` gives each lane its own learning rate and its own end, so
that the result is that of one search after the other (Sussillo & Barak 2013; Golub & Sussillo
2018). Here the sequential lanes still run side by side, since none looks at another.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.protocol import Limits, Problem

__all__ = ["Adam", "AdamMemory"]


class AdamMemory(NamedTuple):
    """What Adam remembers between two iterations.

    ``lr``, ``best``, ``waited`` and ``cooling`` have one entry a lane; in joint mode all are equal.
    ``x`` is the running iterate; the lanes keep the best one. ``q_last`` is q there, ``dq`` its
    last change, ``lr_used`` the rate of the last iteration.
    """

    x: jax.Array  # [L, N]
    moments: optax.ScaleByAdamState
    lr: jax.Array  # [L]
    lr_used: jax.Array  # [L]
    best: jax.Array  # [L]
    waited: jax.Array  # [L] int32
    cooling: jax.Array  # [L] int32
    q_last: jax.Array  # [L]


class Adam:
    """Adam on q.

    Parameters
    ----------
    joint : bool
        One learning rate and one end for all lanes, or one for each.
    """

    together = True
    exact = False

    def __init__(self, joint: bool) -> None:
        self.joint = joint
        self.name = "joint" if joint else "sequential"
        self._adam = optax.scale_by_adam()

    def key(self) -> Hashable:
        """Return what the compiled loop depends on."""
        return self.name

    def lane_numbers(self, n_states: int) -> int:
        """Return what some vectors take."""
        return 40 * n_states

    def lane_flops(self, n_states: int) -> int:
        """Return what a few products with the weights take."""
        return 6 * n_states**2

    def init(self, x: jax.Array, limits: Limits) -> AdamMemory:
        """Return what is remembered before the first iteration."""
        n = x.shape[0]
        lr = jnp.full(n, limits.lr_init, x.dtype)
        return AdamMemory(
            x=x,
            moments=self._adam.init(x),
            lr=lr,
            lr_used=lr,
            best=jnp.full(n, jnp.inf, x.dtype),
            waited=jnp.zeros(n, jnp.int32),
            cooling=jnp.zeros(n, jnp.int32),
            q_last=jnp.full(n, jnp.nan, x.dtype),
        )

    def step(
        self, problem: Problem, lanes: Lanes, memory: AdamMemory, limits: Limits
    ) -> tuple[Lanes, AdamMemory]:
        """Make one step downhill a lane."""
        running, valid = lanes.status == LaneStatus.RUNNING, problem.valid

        def objective(x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array, jax.Array]]:
            q = 0.5 * jnp.sum(problem.residuals(x) ** 2, axis=-1)
            # A lane that has left the numbers must not poison the gradient of the others, nor
            # count in their mean.
            counted = valid & jnp.isfinite(q)
            n_valid = jnp.sum(counted).astype(x.dtype)
            share = 1.0 / n_valid if self.joint else 1.0
            weight = jnp.where(valid, share, 0.0).astype(x.dtype)
            return jnp.sum(jnp.where(counted, q, 0.0) * weight), (q, weight, n_valid)

        gradient, (q, weight, n_valid) = jax.grad(objective, has_aux=True)(memory.x)
        gradient = jnp.where(jnp.isfinite(gradient), gradient, 0.0)
        finite = jnp.isfinite(q)
        dq = jnp.abs(q - memory.q_last)
        better = running & finite & (q < lanes.q)
        slope = jnp.linalg.norm(gradient / weight.max(), axis=-1) / jnp.sqrt(
            jnp.maximum(2.0 * q, jnp.finfo(q.dtype).tiny)
        )
        moved = lanes._replace(
            x=jnp.where(better[:, None], memory.x, lanes.x),
            q=jnp.where(better, q, lanes.q),
            dq=dq,
            slope=jnp.where(better, slope, lanes.slope),
            n_iters=lanes.n_iters + 1,
        )
        direction, moments = self._adam.update(gradient, memory.moments)
        schedule = self._schedule(q, finite, n_valid, problem, memory, limits)
        lr = schedule["lr"]
        x_next = memory.x - lr[:, None] * direction
        return moved, memory._replace(
            x=jnp.where((running & finite)[:, None], x_next, memory.x),
            moments=moments,
            lr_used=memory.lr,
            q_last=q,
            **schedule,
        )

    def _schedule(
        self,
        q: jax.Array,
        finite: jax.Array,
        n_valid: jax.Array,
        problem: Problem,
        memory: AdamMemory,
        limits: Limits,
    ) -> dict[str, jax.Array]:
        """Let the learning rate fall by lr_factor after lr_patience iterations without progress."""
        monitored = jnp.where(finite, q, jnp.inf)
        if self.joint:
            mean = jnp.sum(jnp.where(problem.valid & finite, q, 0.0)) / n_valid
            monitored = jnp.broadcast_to(mean, q.shape)
        progress = monitored < memory.best
        idle = ~progress & (memory.cooling == 0)
        waited = jnp.where(progress, 0, memory.waited + idle)
        reduce = idle & (waited >= limits.lr_patience)
        cooling = jnp.where(
            reduce, limits.lr_cooldown, jnp.maximum(memory.cooling - (~progress), 0)
        )
        return {
            "lr": jnp.where(reduce, memory.lr * limits.lr_factor, memory.lr),
            "best": jnp.minimum(memory.best, monitored),
            "waited": jnp.where(reduce, 0, waited).astype(jnp.int32),
            "cooling": cooling.astype(jnp.int32),
        }

    def terminate(
        self, before: Lanes, after: Lanes, memory: AdamMemory, problem: Problem, limits: Limits
    ) -> jax.Array:
        """Tell which lanes are below tol_q, hardly move any more, or made all their iterations."""
        q, finite = memory.q_last, jnp.isfinite(memory.q_last)
        arrived = (q < limits.tol_q) | (after.dq < limits.tol_dq * memory.lr_used)
        if self.joint:
            arrived = jnp.broadcast_to(jnp.all(arrived | ~problem.valid | ~finite), q.shape)
        low = after.q < limits.tol_q
        ended = jnp.where(low, LaneStatus.CONVERGED, LaneStatus.STALLED)
        late = jnp.where(low, LaneStatus.CONVERGED, LaneStatus.MAX_ITERS)
        return jnp.select(
            [~finite, arrived, after.n_iters >= limits.max_iters],
            [jnp.int8(LaneStatus.DIVERGED), ended.astype(jnp.int8), late.astype(jnp.int8)],
            jnp.int8(LaneStatus.RUNNING),
        )
