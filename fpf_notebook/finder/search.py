"""The search: lanes go in, lanes that have ended come out, in double precision."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import jax
import numpy as np

from fpf_notebook.finder.candidates import Candidates
from fpf_notebook.finder.conditions import distinct_inputs
from fpf_notebook.finder.evaluation import evaluate, residual_of
from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress
from fpf_notebook.finder.rounding import is_small
from fpf_notebook.finder.solvers import newton_for, solver_for
from fpf_notebook.finder.solvers.factored import Factored
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus, new_lanes
from fpf_notebook.finder.solvers.newton import INITIAL_DAMPING
from fpf_notebook.finder.solvers.pool import Watch, run_lanes
from fpf_notebook.result.blas_threads import single_threaded

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["search"]

_ROUNDED = 1000.0  # times the spacing of numbers in single precision


@single_threaded
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
    pool_of: int | None = None,
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
    pool_of : int, optional
        Work in the pool of a search of so many lanes, whose compiled loop is then used again.

    Returns
    -------
    Candidates
        In the order of the initial states. After a cancellation or Ctrl-C, `interrupted` is set
        and the lanes that had not ended carry that status.
    """
    began = time.perf_counter()
    watch = Watch(progress or SilentProgress(), cancel, on_chunk, options)
    low, high = _boxes(step_map, inputs)
    u = np.asarray(inputs, dtype=np.float64)
    solver, coarse = solver_for(options, step_map.n_states), options.dtype == "float32"
    if not may_stall and isinstance(solver, Factored):  # which roots are sought by, not minima of q
        solver = newton_for(options, step_map.n_states)
    damping = getattr(solver, "initial_damping", INITIAL_DAMPING)
    searched = single if coarse and single is not None else step_map
    lanes = new_lanes(x_init, np.float32 if coarse else np.float64, damping)
    with jax.enable_x64(True):
        try:
            if solver.exact:
                # Outside of its box a lane could get stuck: where gates saturate, q is small.
                lanes.x[:] = np.clip(lanes.x, low, high)
            run_lanes(
                solver,
                searched,
                u,
                lanes,
                low,
                high,
                options,
                watch,
                may_stall=may_stall,
                pool_of=pool_of,
            )
        except KeyboardInterrupt:
            watch.interrupted = True
        lanes = _widen(lanes)
        try:
            # Not those whose last step was already that of the point reached.
            # Where q is stationary the damped step is short, whatever the undamped one is.
            flat = lanes.slope <= options.tol_slope
            unmeasured = (lanes.status != LaneStatus.CONVERGED) | (not solver.exact) | flat
            # Where the search has a tolerance of its own, tol_q may be moved afterwards.
            probed = is_small(lanes.q, lanes.x, options.tol_q, step_map.precision)
            if options.search_tol_q is not None:
                probed |= np.isfinite(lanes.q)
            if coarse:
                probed |= np.isfinite(lanes.q)
            wanted = probed & unmeasured
            # In the pool of the search, whose loop is compiled, however many they are.
            pool_of = max(pool_of or 0, len(lanes.q))
            _measure_steps(step_map, u, lanes, low, high, options, wanted, pool_of)
            if (coarse or not solver.exact) and not watch.stop():
                near = lanes.q <= options.tol_q
                if solver.exact:
                    near = lanes.status == LaneStatus.CONVERGED
                if coarse:
                    near |= _limited_by_rounding(lanes)
                # Gradient descent ends somewhere within tol_q of a point, one point in many
                # places. Outside the box a small q means nothing, and there is nothing to finish.
                near &= ((lanes.x >= low) & (lanes.x <= high)).all(axis=1)
                _polish(step_map, u, lanes, low, high, options, watch, near)
        except KeyboardInterrupt:
            watch.interrupted = True
        lanes.status[lanes.status == LaneStatus.RUNNING] = LaneStatus.INTERRUPTED
        try:
            f_x = evaluate(step_map, lanes.x, u)
        except KeyboardInterrupt:  # nothing of what was found could be returned without it
            watch.interrupted = True
            f_x = evaluate(step_map, lanes.x, u)
    _recompute_q(lanes, f_x, step_map.time)
    return Candidates(
        x_init=np.asarray(x_init, dtype=np.float64),
        inputs=u,
        lanes=lanes,
        F_x=f_x,
        low=low,
        high=high,
        precision=step_map.precision,
        interrupted=watch.interrupted,
        seconds=time.perf_counter() - began,
    )


def _polish(
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    watch: Watch,
    near: np.ndarray,
) -> None:
    """Finish by Newton steps in double precision what single precision or Adam brought near."""
    index = np.flatnonzero(near)
    again = lanes.take(index)
    again.status[:] = LaneStatus.RUNNING
    again.q_mark[:] = np.inf
    used = again.n_iters.copy()
    again.n_iters[:] = 0
    # Quiet: these lanes have been reported as ended already.
    quiet = Watch(SilentProgress(), watch.cancel, None, replace(options, super_verbose=False))
    try:
        newton = newton_for(options, step_map.n_states)
        run_lanes(newton, step_map, u[index], again, low[index], high[index], options, quiet)
    finally:  # after Ctrl-C too: what has moved is nearer than it was
        watch.interrupted |= quiet.interrupted
        again.n_iters[:] += used
        lanes.put(index, again)


def _limited_by_rounding(lanes: Lanes) -> np.ndarray:
    """Tell which lanes single precision cannot take further, be their q below ``tol_q`` or not.

    Where states or the terms of a derivative are large, rounding alone leaves a q above ``tol_q``,
    and the lane ends as if it were in a local minimum. But the Newton step from there is short.
    """
    scale = 1.0 + np.linalg.norm(lanes.x, axis=1)
    return np.asarray(lanes.step <= _ROUNDED * np.finfo(np.float32).eps * scale)


def _measure_steps(
    step_map: StepMap,
    u: np.ndarray,
    lanes: Lanes,
    low: np.ndarray,
    high: np.ndarray,
    options: Options,
    wanted: np.ndarray,
    pool_of: int,
) -> None:
    """Fill in the length of the Newton step, undamped and in double precision; move nothing.

    Done after an interruption too: it decides which of the points found so far are fixed.
    """
    index = np.flatnonzero(wanted)
    if not len(index):
        return
    probe = lanes.take(index)
    probe.status[:] = LaneStatus.RUNNING
    probe.damping[:] = 0.0
    probe.n_iters[:] = 0
    once = replace(options, max_iters=1, super_verbose=False)
    quiet = Watch(SilentProgress(), None, None, once)
    newton = newton_for(once, step_map.n_states)
    bounds = low[index], high[index]
    run_lanes(newton, step_map, u[index], probe, *bounds, once, quiet, pool_of=pool_of)
    lanes.step[index] = probe.step
    lanes.slope[index] = probe.slope


def _boxes(step_map: StepMap, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the invariant box of each lane, infinite where none is known."""
    shape = (len(inputs), step_map.n_states)
    if step_map.box is None:
        return np.full(shape, -np.inf), np.full(shape, np.inf)
    low, high = np.empty(shape), np.empty(shape)
    distinct, which = distinct_inputs(inputs)
    for k, u in enumerate(distinct):
        edges = step_map.invariant_box(u)
        # A box that was proven may be had under some inputs, and not under others.
        low[which == k], high[which == k] = (-np.inf, np.inf) if edges is None else edges
    return low, high


def _widen(lanes: Lanes) -> Lanes:
    return Lanes(
        *(field.astype(np.float64) if field.dtype.kind == "f" else field for field in lanes)
    )


def _recompute_q(lanes: Lanes, f_x: np.ndarray, time: str) -> None:
    """Make q that of the point which is returned, in double precision."""
    with np.errstate(over="ignore", invalid="ignore"):  # lanes that diverged
        lanes.q[:] = 0.5 * np.sum(residual_of(f_x, lanes.x, time) ** 2, axis=1)
