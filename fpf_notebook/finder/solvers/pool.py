"""The loops that drive lanes through compiled chunks, whichever the method.

Lanes are worked through in a pool of bounded size. After each compiled chunk the lanes that have
ended leave the pool and waiting ones take their places, so that lanes which are done cost nothing
more. Between chunks the search can be cancelled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.finder.progress import CancelToken, Progress
from fpf_notebook.finder.rounding import rounding_floor
from fpf_notebook.finder.solvers.adam import Schedule, build_adam, new_adam_state
from fpf_notebook.finder.solvers.krylov import krylov_steps
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus, Tolerances
from fpf_notebook.finder.solvers.newton import build_newton

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["Watch", "pool_size", "run_adam", "run_newton"]

_SMALLEST_POOL = 64  # one compilation serves all small searches
# Lanes that are worked on at once, by the number of states, at most: their matrices then stay in
# the processor's caches, which makes the search of 64 units two to three times as fast as with
# 1,024. And each size is a compilation; so there is one, in which the last lanes run as well.
_LARGEST_POOLS = {8: 1024, 32: 256, math.inf: 64}
_TOL_UNIQUE = 1e-3  # the default
_CHUNK_FLOPS = 4e8  # about a tenth of a second: what a cancellation has to wait for
_MATRICES_PER_LANE = 6  # Jacobian, its tangents, the normal matrix, its factor and copies of them


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


def pool_size(n_states: int, max_memory: int, matrix_free: bool, n_lanes: int) -> int:
    """Lanes that are worked on at once: a power of two whose matrices fit into ``max_memory``.

    Parameters
    ----------
    n_states : int
        Length of the state.
    max_memory : int
        Bytes.
    matrix_free : bool
        Whether lanes hold vectors only.
    n_lanes : int
        How many lanes there are; the pool is not made larger than needed.

    Returns
    -------
    int
        At least 1, at most 1,024, 256 or 64: the fewer, the more states there are.
    """
    numbers = 40 * n_states if matrix_free else _MATRICES_PER_LANE * n_states**2 + 40 * n_states
    fitting = max(1, int(max_memory // (8 * numbers)))
    quickest = next(n for most, n in _LARGEST_POOLS.items() if n_states <= most)
    largest = min(quickest, 1 << (fitting.bit_length() - 1))
    needed = 1 << max(0, n_lanes - 1).bit_length()
    return min(largest, max(needed, _SMALLEST_POOL))


def run_newton(
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    watch: Watch,
    *,
    may_stall: bool = True,
) -> None:
    """Advance all running lanes to their end, in place."""
    n_states, dtype = lanes.x.shape[1], lanes.x.dtype
    matrix_free = n_states > options.dense_limit
    solve = krylov_steps if matrix_free else None
    advance = compiled(
        "newton",
        step_map,
        (matrix_free, step_map.time, step_map.dtype),
        lambda step: build_newton(step, step_map.time, solve, step_map.dtype),
    )
    # The coarser of the two: what holds the state, and what the step computes with.
    floor = max(rounding_floor(n_states, name) for name in (dtype.name, step_map.precision))
    tol = Tolerances(
        tol_q=dtype.type(max(options.newton_tol_q, floor)),
        tol_dq=dtype.type(options.tol_dq),
        # Well below tol_unique: two lanes of one point must not end up as two points. A larger
        # tol_unique merges more, and changes nothing in how far a lane is carried.
        tol_step=dtype.type(
            max(0.01 * min(options.tol_unique, _TOL_UNIQUE), float(np.finfo(dtype).eps) ** 0.75)
        ),
        max_iters=np.int32(options.max_iters),
        may_stall=np.bool_(may_stall),
    )
    running = np.flatnonzero(lanes.status == LaneStatus.RUNNING)
    size = pool_size(n_states, options.max_memory, matrix_free, len(running))
    active, waiting = running[:size], running[size:]
    while len(active) and not watch.stop():
        pool = _padded(lanes.take(active), size)
        lane_flops = 40 * n_states if matrix_free else 4 * n_states**3
        n_steps = int(np.clip(_CHUNK_FLOPS / (size * lane_flops), 1, 50))
        if watch.every is not None:
            n_steps = min(n_steps, watch.every)
        out = advance(
            step_map.params,
            _pad(u[active], size).astype(dtype),
            pool,
            _pad(low[active], size).astype(dtype),
            _pad(high[active], size).astype(dtype),
            tol,
            np.int32(n_steps),
            np.int32(size // 4 if len(waiting) else 0),
        )
        lanes.put(active, Lanes(*(np.asarray(field)[: len(active)] for field in out)))
        watch.report(lanes)
        still = active[lanes.status[active] == LaneStatus.RUNNING]
        free = size - len(still)
        active, waiting = np.concatenate([still, waiting[:free]]), waiting[free:]


def run_adam(
    step_map: StepMap, u: np.ndarray, lanes: Lanes, options: Options, watch: Watch
) -> None:
    """Advance all lanes to their end by Adam, in place."""
    joint = options.method == "joint"
    advance = compiled(
        "adam",
        step_map,
        (joint, step_map.time, step_map.dtype),
        lambda step: build_adam(step, step_map.time, joint, step_map.dtype),
    )
    n, dtype = len(lanes.q), lanes.x.dtype
    size = 1 << max(0, n - 1).bit_length()
    schedule = Schedule(
        lr_factor=dtype.type(options.lr_factor),
        lr_patience=np.int32(options.lr_patience),
        lr_cooldown=np.int32(options.lr_cooldown),
        tol_q=dtype.type(options.tol_q),
        tol_dq=dtype.type(options.tol_dq),
        max_iters=np.int32(options.max_iters),
    )
    valid = np.arange(size) < n
    pool = _padded(lanes, size)
    state = new_adam_state(pool.x, options.lr_init)
    padded_u = _pad(u, size).astype(dtype)
    chunk = np.int32(watch.every or 100)
    while np.any(lanes.status == LaneStatus.RUNNING) and not watch.stop():
        pool, state = advance(step_map.params, padded_u, pool, state, valid, schedule, chunk)
        lanes.put(slice(None), Lanes(*(np.asarray(field)[:n] for field in pool)))
        watch.report(lanes)


def _pad(rows: np.ndarray, size: int) -> np.ndarray:
    """Fill up to ``size`` rows by repeating the first one."""
    if len(rows) == size:
        return rows
    filler = np.broadcast_to(rows[:1], (size - len(rows), *rows.shape[1:]))
    return np.concatenate([rows, filler])


def _padded(lanes: Lanes, size: int) -> Lanes:
    n = len(lanes.q)
    padded = Lanes(*(_pad(field, size) for field in lanes))
    if n < size:
        padded.status[n:] = LaneStatus.CONVERGED
    return padded
