"""The loops that drive lanes through compiled chunks, whichever the method.

Lanes are worked through in a pool of bounded size. After each compiled chunk the lanes that have
ended leave the pool and waiting ones take their places, so that lanes which are done cost nothing
more. Between chunks the search can be cancelled.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.batches import padded
from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.finder.progress import CancelToken, Progress
from fpf_notebook.finder.rounding import rounding_floor
from fpf_notebook.finder.solvers.factored import Factored
from fpf_notebook.finder.solvers.host_loop import build_host_loop
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.loop import build_loop
from fpf_notebook.finder.solvers.protocol import Limits, Memory, Solver

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["Watch", "pool_size", "run_lanes"]

_SMALLEST_POOL = 64  # one compilation serves all small searches of few units
_FEW_UNITS = 32
# Lanes that are worked on at once, by the number of states, at most: their matrices then stay in
# the processor's caches, which makes the search of 64 units two to three times as fast as with
# 1,024. And each size is a compilation; so there is one, in which the last lanes run as well.
_LARGEST_POOLS = {8: 1024, _FEW_UNITS: 256, 128: 64, math.inf: 16}
_TOL_UNIQUE = 1e-3  # the default
_CHUNK_FLOPS = 4e8  # about a tenth of a second: what a cancellation has to wait for
_LONGEST_CHUNK, _LONGEST_CHUNK_TOGETHER = 50, 100  # iterations


class Watch:
    """Progress, cancellation and the lines of `super_verbose`, in one place."""

    def __init__(
        self,
        progress: Progress,
        cancel: CancelToken | None,
        on_chunk: Callable[[Lanes], None] | None,
        options: Options,
    ) -> None:
        self.progress = progress
        self.cancel = cancel
        self.on_chunk = on_chunk
        self.every = options.n_iters_per_print_update if options.super_verbose else None
        self.interrupted = False

    def stop(self) -> bool:
        """Say whether to stop, and remember it."""
        if self.cancel is not None and self.cancel.cancelled:
            self.interrupted = True
        return self.interrupted

    def report(self, lanes: Lanes) -> None:
        """Tell everyone who listens how far the lanes are."""
        ended = int(np.sum(lanes.status != LaneStatus.RUNNING))
        q = lanes.q[(lanes.n_iters > 0) & np.isfinite(lanes.q)]
        self.progress.update(ended, f"q ≤ {np.max(q, initial=0.0):.1e}")
        if self.every is not None:
            with np.errstate(over="ignore"):  # a lane may be on its way to infinity
                spread = f"{q.mean():.2e} ± {q.std():.2e}" if len(q) else "not finite"
            self.progress.log(
                f"iteration {int(lanes.n_iters.max(initial=0))}: q = {spread}, "
                f"{ended} of {len(lanes.q)} ended",
                detail=True,
            )
        if self.on_chunk is not None:
            self.on_chunk(lanes)


def pool_size(n_states: int, max_memory: int, lane_numbers: int, n_lanes: int) -> int:
    """Lanes that are worked on at once: a power of two that fits into ``max_memory``.

    Parameters
    ----------
    n_states : int
        Length of the state.
    max_memory : int
        Bytes.
    lane_numbers : int
        How many numbers a lane takes: `Solver.lane_numbers`.
    n_lanes : int
        How many lanes there are; the pool is not made larger than needed.

    Returns
    -------
    int
        At least 1, at most 1,024, 256, 64 or 16: the fewer, the more states there are.
    """
    fitting = max(1, int(max_memory // (8 * lane_numbers)))
    quickest = next(n for most, n in _LARGEST_POOLS.items() if n_states <= most)
    largest = min(quickest, 1 << (fitting.bit_length() - 1))
    needed = 1 << max(0, n_lanes - 1).bit_length()
    smallest = _SMALLEST_POOL if n_states <= _FEW_UNITS else 1
    return min(largest, max(needed, smallest))


def run_lanes(
    solver: Solver | Factored,
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    watch: Watch,
    *,
    may_stall: bool = True,
    pool_of: int | None = None,
) -> None:
    """Advance all running lanes to their end by any solver, in place.

    Parameters
    ----------
    solver : Solver or Factored
        The method.
    step_map : StepMap
        The network.
    u, lanes, low, high
        Constant input, state and box of each lane.
    options : Options
        Tolerances.
    watch : Watch
        Progress and cancellation.
    may_stall : bool
        Whether lanes may end in local minima of q.
    pool_of : int, optional
        Work in the pool of so many lanes, if that is larger.
    """
    n_states, dtype = lanes.x.shape[1], lanes.x.dtype
    advance = _loop_of(solver, step_map, watch)
    limits = _limits(solver, step_map, n_states, dtype, options, may_stall)
    running = np.flatnonzero(lanes.status == LaneStatus.RUNNING)
    if solver.together:
        size = 1 << max(0, len(running) - 1).bit_length()
    else:
        n_lanes = max(len(running), pool_of or 0)
        size = pool_size(n_states, options.max_memory, solver.lane_numbers(n_states), n_lanes)
    longest = _LONGEST_CHUNK_TOGETHER if solver.together else _LONGEST_CHUNK
    n_steps = int(np.clip(_CHUNK_FLOPS / (size * solver.lane_flops(n_states)), 1, longest))
    if watch.every is not None:
        n_steps = min(n_steps, watch.every)
    active, waiting = running[:size], running[size:]
    memory: Memory = None
    kept = running[:0]
    while len(active) and not watch.stop():
        pool = _padded(lanes.take(active), size)
        rows = (
            padded(u[active], size).astype(dtype),
            padded(low[active], size).astype(dtype),
            padded(high[active], size).astype(dtype),
            np.arange(size) < len(active),
        )
        fresh = solver.init(jnp.asarray(pool.x), limits)
        memory = fresh if memory is None else _merged(memory, fresh, kept, size)
        out, memory = advance(
            step_map.params,
            rows,
            pool,
            memory,
            limits,
            np.int32(n_steps),
            np.int32(size // 4 if len(waiting) else 0),
        )
        lanes.put(active, Lanes(*(np.asarray(field)[: len(active)] for field in out)))
        watch.report(lanes)
        kept = np.flatnonzero(lanes.status[active] == LaneStatus.RUNNING)
        still = active[kept]
        free = size - len(still)
        active, waiting = np.concatenate([still, waiting[:free]]), waiting[free:]


def _loop_of(solver: Solver | Factored, step_map: StepMap, watch: Watch) -> Callable[..., Any]:
    options = (solver.key(), step_map.time, step_map.dtype)
    if isinstance(solver, Factored):
        host = compiled("lanes", step_map, options, lambda _: build_host_loop(solver, step_map))
        return functools.partial(host, stop=watch.stop)
    return compiled(
        "lanes",
        step_map,
        options,
        lambda step: build_loop(solver, step, step_map.time, step_map.dtype),
    )


def _limits(
    solver: Solver | Factored,
    step_map: StepMap,
    n_states: int,
    dtype: np.dtype[np.float64] | np.dtype[np.float32],
    options: Options,
    may_stall: bool,
) -> Limits:
    # The coarser of the two: what holds the state, and what the step computes with.
    floor = max(rounding_floor(n_states, name) for name in (dtype.name, step_map.precision))
    # Well below tol_unique: two lanes of one point must not end up as two points. A larger
    # tol_unique merges more, and changes nothing in how far a lane is carried.
    tol_step = max(0.01 * min(options.tol_unique, _TOL_UNIQUE), float(np.finfo(dtype).eps) ** 0.75)
    return Limits(
        tol_q=dtype.type(max(options.newton_tol_q, floor) if solver.exact else options.tol_q),
        tol_dq=dtype.type(options.tol_dq),
        tol_step=dtype.type(tol_step),
        max_iters=np.int32(options.max_iters),
        may_stall=np.bool_(may_stall),
        lr_init=dtype.type(options.lr_init),
        lr_factor=dtype.type(options.lr_factor),
        lr_patience=np.int32(options.lr_patience),
        lr_cooldown=np.int32(options.lr_cooldown),
    )


def _merged(memory: Memory, fresh: Memory, kept: np.ndarray, size: int) -> Memory:
    """Return the memory of a refilled pool: that of the lanes that stay, and fresh rows.

    What has no row a lane (a counter of iterations) stays as it is.
    """

    def merge(old: jax.Array, new: jax.Array) -> jax.Array | np.ndarray:
        if np.ndim(old) == 0 or np.shape(old)[0] != size:
            return old
        rows = np.array(new)
        rows[: len(kept)] = np.asarray(old)[kept]
        return rows

    return jax.tree.map(merge, memory, fresh)


def _padded(lanes: Lanes, size: int) -> Lanes:
    n = len(lanes.q)
    filled = Lanes(*(padded(field, size) for field in lanes))
    if n < size:
        filled.status[n:] = LaneStatus.CONVERGED
    return filled
