"""The compiled loops that run a network under a constant input, batched over lanes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.step_map import StepFunction
from fpf_notebook.finder.endings import Ending

__all__ = ["FlowState", "RunEnd", "RunLimits", "RunState", "build_flow", "build_map"]


class RunEnd(Ending):
    """What became of a run; `message` is the text that people read."""

    MOVING = 0, "still moving"
    REST = 1, "came to rest in a fixed point"
    CYCLE = 2, "reached a cycle"
    DIVERGED = 3, "diverged"
    INTERRUPTED = 4, "interrupted before it ended"


class RunState(NamedTuple):
    """Lanes of a map (`L` of them, `N` states).

    ``mark`` is the state that later ones are compared with (Brent's algorithm), ``since`` the
    steps taken since then, ``span`` after how many steps the next mark is set.
    """

    x: AnyArray  # [L, N]
    speed: AnyArray  # [L], length of the last step
    mark: AnyArray  # [L, N]
    since: AnyArray  # [L] int32
    span: AnyArray  # [L] int32
    period: AnyArray  # [L] int32, 0 where nothing came back
    n_steps: AnyArray  # [L] int32
    end: AnyArray  # [L] int8


class FlowState(NamedTuple):
    """Lanes of a flow: ``slope`` is dx/dt at x, ``dt`` the next step, ``speed`` is |dx/dt| dt."""

    x: AnyArray  # [L, N]
    speed: AnyArray  # [L]
    slope: AnyArray  # [L, N]
    dt: AnyArray  # [L], 0 before the first step
    n_steps: AnyArray  # [L] int32
    end: AnyArray  # [L] int8


Runs = TypeVar("Runs", RunState, FlowState)


class RunLimits(NamedTuple):
    """Numbers that end a run; all are arguments of the compiled loop."""

    # [L], relative to 1 + |x|: a step as short as this is rest, and so near to the mark the run
    # has come back to it.
    tol_rest: Any
    reach: Any  # [L], 1 + |x| beyond which a run has diverged
    max_period: Any
    max_steps: Any
    tol_local: Any  # error of one step of a flow, relative to 1 + |x|


def build_map(step: StepFunction, dtype: str) -> AnyFunction:
    """Compile the loop for a map.

    Returns
    -------
    callable
        ``advance(params, u[L, I], runs, limits, n_steps, min_running)``, jitted; stops after
        ``n_steps`` steps, or as soon as at most ``min_running`` lanes are left.
    """
    apply = _in_double(step, dtype)

    def iterate(params: PyTree, u: AnyArray, runs: RunState, limits: RunLimits) -> RunState:
        new = apply(params, runs.x, u)
        size = 1.0 + jnp.linalg.norm(new, axis=-1)
        renew = runs.since >= runs.span
        mark = jnp.where(renew[:, None], runs.x, runs.mark)
        since = jnp.where(renew, 0, runs.since) + 1
        span = jnp.where(renew, jnp.minimum(2 * runs.span, limits.max_period), runs.span)
        speed = jnp.linalg.norm(new - runs.x, axis=-1)
        returned = jnp.linalg.norm(new - mark, axis=-1) <= limits.tol_rest * size
        lost = ~(size <= limits.reach)  # also where it is NaN
        n_steps = runs.n_steps + 1
        end = jnp.select(
            [lost, speed <= limits.tol_rest * size, returned & (since > 1)],
            [jnp.int8(RunEnd.DIVERGED), jnp.int8(RunEnd.REST), jnp.int8(RunEnd.CYCLE)],
            jnp.int8(RunEnd.MOVING),
        )
        moved = RunState(
            x=new,
            speed=speed,
            mark=mark,
            since=since,
            span=span,
            period=jnp.where(end == RunEnd.CYCLE, since, 0),
            n_steps=n_steps,
            end=end,
        )
        return _where(_running(runs, limits), moved, runs)

    return _loop(iterate)


def build_flow(step: StepFunction, dtype: str) -> AnyFunction:
    """Compile the loop for a flow: the method of Bogacki & Shampine (1989), a step size a lane.

    Its error estimate also keeps the step within the region of stability, so that next to a
    stable point ``dt`` settles at about the fastest time constant there; |dx/dt| dt is then a
    measure of rest that does not depend on the unit of time.

    Returns
    -------
    callable
        As `build_map`.
    """
    apply = _in_double(step, dtype)

    def iterate(params: jax.Array, u: object, runs: FlowState, limits: RunLimits) -> FlowState:
        fresh = runs.dt == 0.0
        k1 = jnp.where(fresh[:, None], apply(params, runs.x, u), runs.slope)
        size = 1.0 + jnp.linalg.norm(runs.x, axis=-1)
        pace = jnp.linalg.norm(k1, axis=-1)
        dt = jnp.where(fresh, 0.01 * size / jnp.maximum(pace, 1e-300), runs.dt)
        by = dt[:, None]
        k2 = apply(params, runs.x + by / 2 * k1, u)
        k3 = apply(params, runs.x + 3 / 4 * by * k2, u)
        new = runs.x + by * (2 / 9 * k1 + 1 / 3 * k2 + 4 / 9 * k3)
        k4 = apply(params, new, u)
        error = jnp.linalg.norm(by * (-5 / 72 * k1 + k2 / 12 + k3 / 9 - k4 / 8), axis=-1)
        ratio = error / (limits.tol_local * size)
        fine = ratio <= 1.0
        factor = jnp.clip(0.9 * jnp.maximum(ratio, 1e-12) ** (-1 / 3), 0.2, 5.0)
        factor = jnp.where(jnp.isfinite(ratio), factor, 0.2)
        new_size = 1.0 + jnp.linalg.norm(new, axis=-1)
        speed = jnp.linalg.norm(k4, axis=-1) * dt
        # A field that is not finite even next to x, or a step that shrinks to nothing: it is lost.
        shrunk = ~jnp.isfinite(ratio) & (dt * pace < 1e-13 * size)
        lost = (fine & ~(new_size <= limits.reach)) | ~jnp.isfinite(pace) | shrunk
        n_steps = runs.n_steps + 1
        end = jnp.select(
            [pace == 0.0, lost, fine & (speed <= limits.tol_rest * new_size)],
            [jnp.int8(RunEnd.REST), jnp.int8(RunEnd.DIVERGED), jnp.int8(RunEnd.REST)],
            jnp.int8(RunEnd.MOVING),
        )
        take = fine & (pace > 0.0)
        moved = FlowState(
            x=jnp.where(take[:, None], new, runs.x),
            speed=jnp.where(take, speed, jnp.where(pace == 0.0, 0.0, runs.speed)),
            slope=jnp.where(take[:, None], k4, k1),
            dt=dt * factor,
            n_steps=n_steps,
            end=end,
        )
        return _where(_running(runs, limits), moved, runs)

    return _loop(iterate)


def _running(runs: Runs, limits: RunLimits) -> AnyArray:
    return (runs.end == RunEnd.MOVING) & (runs.n_steps < limits.max_steps)


def _where(running: AnyArray, moved: Runs, runs: Runs) -> Runs:
    return type(runs)(
        *(
            jnp.where(running[:, None] if new.ndim == 2 else running, new, old)
            for new, old in zip(moved, runs, strict=True)
        )
    )


def _in_double(step: StepFunction, dtype: str) -> Callable[..., AnyArray]:
    def apply(params: PyTree, x: jax.Array, u: jax.Array) -> AnyArray:
        return step(params, x.astype(dtype), u.astype(dtype)).astype(jnp.float64)

    return jax.vmap(apply, in_axes=(None, 0, 0))


def _loop(iterate: Callable[[PyTree, jax.Array, Runs, RunLimits], Runs]) -> Callable[..., Runs]:
    def run_on(
        params: PyTree,
        u: jax.Array,
        runs: Runs,
        limits: RunLimits,
        n_steps: jax.Array,
        min_running: jax.Array,
    ) -> Runs:
        def proceed(carry: tuple[jax.Array, Runs]) -> jax.Array:
            k, now = carry
            return (k < n_steps) & (jnp.sum(_running(now, limits)) > min_running)

        def body(carry: tuple[jax.Array, Runs]) -> tuple[jax.Array, Runs]:
            k, now = carry
            return k + 1, iterate(params, u, now, limits)

        return jax.lax.while_loop(proceed, body, (jnp.int32(0), runs))[1]

    return jax.jit(run_on)
