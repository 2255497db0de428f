"""The search: lanes go in, lanes that have ended come out.

Lanes are worked through in a pool of bounded size. After each compiled chunk the lanes that have
ended leave the pool, waiting ones take their places, and when few are left the pool shrinks, so
that lanes which are done cost nothing more. Between chunks the search can be cancelled.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jax
import numpy as np

from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.finder.adam import Schedule, build_adam, new_adam_state
from fpf_notebook.finder.krylov import krylov_steps
from fpf_notebook.finder.lanes import Lanes, LaneStatus, Tolerances, new_lanes
from fpf_notebook.finder.newton import INITIAL_DAMPING, build_newton
from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["Candidates", "concatenate_candidates", "pool_size", "search"]

_SMALLEST_POOL = 64
_CHUNK_FLOPS = 4e8  # about a tenth of a second: what a cancellation has to wait for
_NEVER_COMPACT_BELOW = 8  # states; an iteration is then cheaper than a second compilation
_MATRICES_PER_LANE = 6  # Jacobian, its tangents, the normal matrix, its factor and copies of them


@dataclass(frozen=True)
class Candidates:
    """Where every start ended.

    Attributes
    ----------
    x_init, inputs : arrays, [n, n_states] and [n, n_inputs]
        Start and constant input of each lane.
    lanes : Lanes
        The final state of each lane (numpy arrays).
    F_x : array, [n, n_states]
        The step at the point returned, in double precision.
    low, high : arrays, [n, n_states]
        The invariant box of each lane; infinite where none is known.
    interrupted : bool
        Whether the search ended before all lanes had.
    seconds : float
        Time spent.
    """

    x_init: np.ndarray
    inputs: np.ndarray
    lanes: Lanes
    F_x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    interrupted: bool
    seconds: float

    def __len__(self) -> int:
        """Return the number of lanes."""
        return len(self.x_init)


def concatenate_candidates(parts: list[Candidates]) -> Candidates:
    """Join the lanes of several searches, in order."""

    def join(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Candidates(
        x_init=join("x_init"),
        inputs=join("inputs"),
        lanes=Lanes(*map(np.concatenate, zip(*(part.lanes for part in parts), strict=True))),
        F_x=join("F_x"),
        low=join("low"),
        high=join("high"),
        interrupted=any(part.interrupted for part in parts),
        seconds=sum(part.seconds for part in parts),
    )


def search(
    step_map: StepMap,
    x_init: np.ndarray,
    inputs: np.ndarray,
    options: Options,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    on_chunk: Callable[[Lanes], None] | None = None,
    single: StepMap | None = None,
    may_stall: bool = True,
) -> Candidates:
    """Run one lane from each initial state.

    Parameters
    ----------
    step_map : StepMap
        The network.
    x_init : array, [n, n_states]
        Initial states.
    inputs : array, [n, n_inputs]
        Constant input of each lane.
    options : Options
        Method and tolerances.
    progress, cancel
        See `fpf_notebook.finder.progress`.
    on_chunk : callable, optional
        Called with all lanes (numpy arrays, not to be changed) after each compiled chunk.
    single : StepMap, optional
        The same network traced in single precision, for ``dtype="float32"``. Without it, the
        double-precision step is used within a single-precision search.
    may_stall : bool
        Whether Newton lanes end early in local minima of q. Default True.

    Returns
    -------
    Candidates
        In the order of the initial states. After a cancellation or Ctrl-C, `interrupted` is set
        and the lanes that had not ended carry that status.
    """
    began = time.perf_counter()
    watch = _Watch(progress or SilentProgress(), cancel, on_chunk, options)
    low, high = _boxes(step_map, inputs)
    u = np.asarray(inputs, dtype=np.float64)
    coarse = options.dtype == "float32"
    searched = single if coarse and single is not None else step_map
    lanes = new_lanes(x_init, np.float32 if coarse else np.float64, INITIAL_DAMPING)
    with jax.enable_x64(True):
        try:
            if options.method == "newton":
                _run_newton(searched, u, lanes, low, high, options, watch, may_stall=may_stall)
                if coarse:
                    ready = lanes.status == LaneStatus.CONVERGED
                    lanes = _polish(step_map, u, lanes, low, high, options, watch, ready)
            else:
                _run_adam(searched, u, lanes, options, watch)
                lanes = _widen(lanes)
                _measure_steps(step_map, u, lanes, low, high, options, watch)
                # Gradient descent ends somewhere within tol_q of a point, one point in many
                # places. Outside the box a small q means nothing, and there is nothing to finish.
                inside = ((lanes.x >= low) & (lanes.x <= high)).all(axis=1)
                ready = (lanes.q <= options.tol_q) & inside
                lanes = _polish(step_map, u, lanes, low, high, options, watch, ready)
        except KeyboardInterrupt:
            watch.interrupted = True
        lanes = _widen(lanes)
        lanes.status[lanes.status == LaneStatus.RUNNING] = LaneStatus.INTERRUPTED
        f_x = step_map(lanes.x, u)
    _recompute_q(lanes, f_x, step_map.time)
    return Candidates(
        x_init=np.asarray(x_init, dtype=np.float64),
        inputs=u,
        lanes=lanes,
        F_x=f_x,
        low=low,
        high=high,
        interrupted=watch.interrupted,
        seconds=time.perf_counter() - began,
    )


class _Watch:
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
        if self.cancel is not None and self.cancel.cancelled:
            self.interrupted = True
        return self.interrupted

    def report(self, lanes: Lanes) -> None:
        ended = int(np.sum(lanes.status != LaneStatus.RUNNING))
        begun = lanes.n_iters > 0
        worst = float(np.max(lanes.q[begun], initial=0.0))
        self.progress.update(ended, f"q ≤ {worst:.1e}")
        if self.every is not None:
            q = lanes.q[begun & np.isfinite(lanes.q)]
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
        At least 1.
    """
    numbers = 40 * n_states if matrix_free else _MATRICES_PER_LANE * n_states**2 + 40 * n_states
    fitting = max(1, int(max_memory // (8 * numbers)))
    largest = 1 << (fitting.bit_length() - 1)
    needed = 1 << max(0, n_lanes - 1).bit_length()
    return min(largest, max(needed, min(_SMALLEST_POOL, largest)))


def _run_newton(
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    watch: _Watch,
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
    floor = n_states * float(np.finfo(dtype).eps) ** 2
    tol = Tolerances(
        tol_q=dtype.type(max(options.tol_q, floor)),
        tol_dq=dtype.type(options.tol_dq),
        # Well below tol_unique: two lanes of one point must not end up as two points.
        tol_step=dtype.type(max(0.01 * options.tol_unique, float(np.finfo(dtype).eps) ** 0.75)),
        max_iters=np.int32(options.max_iters),
        may_stall=np.bool_(may_stall),
    )
    running = np.flatnonzero(lanes.status == LaneStatus.RUNNING)
    size = pool_size(n_states, options.max_memory, matrix_free, len(running))
    smallest = size if n_states <= _NEVER_COMPACT_BELOW else min(size, _SMALLEST_POOL)
    active, waiting = running[:size], running[size:]
    while len(active) and not watch.stop():
        while size > smallest and len(active) <= size // 4 and not len(waiting):
            size = max(smallest, size // 4)
        pool = _padded(lanes.take(active), size)
        lane_flops = 40 * n_states if matrix_free else 4 * n_states**3
        n_steps = int(np.clip(_CHUNK_FLOPS / (size * lane_flops), 1, 50))
        if watch.every is not None:
            n_steps = min(n_steps, watch.every)
        refill = len(waiting) > 0 or size > smallest
        out = advance(
            step_map.params,
            _pad(u[active], size).astype(dtype),
            pool,
            _pad(low[active], size).astype(dtype),
            _pad(high[active], size).astype(dtype),
            tol,
            np.int32(n_steps),
            np.int32(size // 4 if refill else 0),
        )
        lanes.put(active, Lanes(*(np.asarray(field)[: len(active)] for field in out)))
        watch.report(lanes)
        still = active[lanes.status[active] == LaneStatus.RUNNING]
        free = size - len(still)
        active, waiting = np.concatenate([still, waiting[:free]]), waiting[free:]


def _run_adam(
    step_map: StepMap, u: np.ndarray, lanes: Lanes, options: Options, watch: _Watch
) -> None:
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


def _polish(
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    watch: _Watch,
    ready: np.ndarray,
) -> Lanes:
    """Finish by Newton steps in double precision what single precision or Adam brought near."""
    done = _widen(lanes)
    index = np.flatnonzero(ready)
    again = done.take(index)
    again.status[:] = LaneStatus.RUNNING
    again.q_mark[:] = np.inf
    used = again.n_iters.copy()
    again.n_iters[:] = 0
    _run_newton(step_map, u[index], again, low[index], high[index], options, watch)
    again.n_iters[:] += used
    done.put(index, again)
    return done


def _measure_steps(
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    watch: _Watch,
) -> None:
    """Fill in the length of the Newton step where Adam left a small q; move nothing."""
    index = np.flatnonzero(lanes.q <= options.tol_q)
    if not len(index):
        return
    probe = lanes.take(index)
    probe.status[:] = LaneStatus.RUNNING
    probe.damping[:] = 0.0
    probe.n_iters[:] = 0
    once = replace(options, max_iters=1, method="newton")
    quiet = _Watch(SilentProgress(), watch.cancel, None, once)
    _run_newton(step_map, u[index], probe, low[index], high[index], once, quiet)
    lanes.step[index] = probe.step
    lanes.slope[index] = probe.slope


def _boxes(step_map: StepMap, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the invariant box of each lane, infinite where none is known."""
    shape = (len(inputs), step_map.n_states)
    if step_map.box is None:
        return np.full(shape, -np.inf), np.full(shape, np.inf)
    low, high = np.empty(shape), np.empty(shape)
    distinct, which = np.unique(inputs, axis=0, return_inverse=True)
    for k, u in enumerate(distinct):
        edges = step_map.invariant_box(u)
        assert edges is not None
        low[which.ravel() == k], high[which.ravel() == k] = edges
    return low, high


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


def _widen(lanes: Lanes) -> Lanes:
    return Lanes(
        *(field.astype(np.float64) if field.dtype.kind == "f" else field for field in lanes)
    )


def _recompute_q(lanes: Lanes, f_x: np.ndarray, time: str) -> None:
    """Make q that of the point which is returned, in double precision."""
    residual = f_x if time == "continuous" else f_x - lanes.x
    lanes.q[:] = 0.5 * np.sum(residual**2, axis=1)
