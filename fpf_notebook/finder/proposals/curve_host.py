"""The loop that follows curves, on the host: for networks whose matrices are what takes the time.

The same method as the compiled loop (`curve_loop.py`), and the same decisions, which are taken from
there. Two things differ. The Jacobian has the structure of the step's program where it has one: for
``tanh(W x + b)`` it costs n² operations, where unit vectors take n³. And LAPACK is called lane by
lane, with less around it than a batch of matrices takes; what has to be compiled is small.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import lapack

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.compile_cache import QUICK
from fpf_notebook.dynamics.jaxpr import structured_jacobian
from fpf_notebook.finder.proposals.curve_loop import (
    MAX_CORRECTIONS,
    TOL_CURVE,
    TOL_POINT,
    TRACE,
    Corrected,
    CurveEnd,
    CurveState,
    Job,
    Scales,
    ahead_of,
    boosted,
    decide,
    residual_of,
)

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["LEAST_STATES", "build_host_tracer"]

LEAST_STATES = 48
"""Below, whole batches in one compiled loop are faster."""

_N_THREADS = min(2, os.cpu_count() or 1)  # with more, handing out the work costs what it spares


@functools.cache
def _threads(process: int) -> ThreadPoolExecutor:
    """Return the threads that factorize beside the caller's, those of this process: made once."""
    return ThreadPoolExecutor(_N_THREADS, thread_name_prefix=f"curves-{process}")


def build_host_tracer(step_map: StepMap) -> Callable[..., CurveState]:
    """Make the loop.

    Parameters
    ----------
    step_map : StepMap
        Its computation; none of its numbers stays here.

    Returns
    -------
    callable
        ``advance(params, job, state, scales, n_steps)``, as `build_tracer` returns it.
    """
    step, time, dtype = step_map.step, step_map.time, step_map.dtype
    residual = residual_of(step, time, dtype)
    jacobian = structured_jacobian(step_map)
    axes = (None, 0, Job._make([0] * len(Job._fields)), None)

    def by_unit_vectors(params: PyTree, x: jax.Array, u: jax.Array) -> jax.Array:
        _, push = jax.linearize(lambda state: step(params, state, u), x)
        return jax.vmap(push, out_axes=1)(jnp.eye(len(x), dtype=x.dtype))

    def bordered(
        params: PyTree, z: jax.Array, row: jax.Array, job: Job, scales: Scales
    ) -> tuple[jax.Array, jax.Array]:
        """Return G and its derivatives by x and a, with the row below."""
        by_state = by_unit_vectors if jacobian is None else jacobian
        x, a = z[:-1] * scales.sigma, z[-1] * job.scale
        at = (x + a * job.shift).astype(dtype), (job.u + a * job.drive).astype(dtype)
        along = job.shift.astype(dtype), job.drive.astype(dtype)

        def moved(state: jax.Array, u: jax.Array) -> jax.Array:
            result: jax.Array = step(params, state, u)
            return result

        y, y_a = jax.jvp(moved, at, along)
        y, y_a = y.astype(z.dtype), y_a.astype(z.dtype)
        matrix = by_state(params, at[0], jnp.asarray(at[1])).astype(z.dtype)
        if time == "discrete":
            # Each component of the boost depends on one of y alone.
            (y, by_y), by_a = (
                jax.jvp(lambda v: boosted(v, a, job, scales), (y,), (jnp.ones_like(y),)),
                jax.jvp(lambda b: boosted(y, b, job, scales), (a,), (jnp.ones_like(a),))[1],
            )
            matrix = by_y[:, None] * matrix - jnp.eye(len(x), dtype=z.dtype)
            y, y_a = y - x, by_y * y_a + by_a
        column = (y_a - job.force) * (job.scale / scales.sigma)
        whole = jnp.concatenate([matrix, column[:, None]], axis=1)
        return (y - a * job.force) / scales.sigma, jnp.concatenate([whole, row[None]], axis=0)

    def predicted(
        params: PyTree, job: Job, now: CurveState, scales: Scales
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        tracing = (now.phase == TRACE)[:, None]
        last = jnp.zeros(now.z.shape[1], now.z.dtype).at[-1].set(1.0)
        point = jnp.where(tracing, ahead_of(now), now.y)
        row = jnp.where(tracing, now.tangent, last)
        in_axes = (None, 0, 0, Job._make([0] * len(Job._fields)), None)
        g, matrix = jax.vmap(bordered, in_axes=in_axes)(params, point, row, job, scales)
        return point, g, matrix

    predict = jax.jit(predicted)
    residuals = jax.jit(jax.vmap(residual, in_axes=axes))
    decided = jax.jit(decide, compiler_options=QUICK)

    def trace_on(
        params: PyTree, job: Job, state: CurveState, scales: Scales, n_steps: np.integer[Any]
    ) -> CurveState:
        # Handed over once: NumPy arrays would be copied with each call.
        params, job, state = jax.device_put((params, job, state))
        for _ in range(int(n_steps)):
            running = np.flatnonzero(np.asarray(state.end) == CurveEnd.RUNNING)
            if not len(running):
                break
            point, g, matrix = (np.asarray(part) for part in predict(params, job, state, scales))
            tracing = np.asarray(state.phase) == TRACE
            found = _corrected(
                lambda where: np.asarray(residuals(params, where, job, scales)),
                point, g, matrix, running, tracing, np.asarray(state.h),
            )  # fmt: skip
            state = decided(job, state, found)
        return state

    return trace_on


def _corrected(
    residuals: Callable[[np.ndarray], np.ndarray],
    point: np.ndarray,
    g: np.ndarray,
    matrix: np.ndarray,
    running: np.ndarray,
    tracing: np.ndarray,
    h: np.ndarray,
) -> Corrected:
    """Bring predicted points back to their curves, with one factorization each."""
    n_lanes, size = point.shape
    where, along, move = point.copy(), np.zeros_like(point), np.zeros_like(point)
    good, bad = np.zeros(n_lanes, bool), np.ones(n_lanes, bool)
    bad[running] = False
    used, side, each = np.zeros(n_lanes, np.int32), np.zeros(n_lanes), np.arange(size)
    factors: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def factor(lanes: list[int]) -> None:
        right = np.zeros((size, 2), order="F")
        for lane in lanes:
            # Rows of the matrix are what LAPACK takes for columns: hence trans=1.
            lu, pivots, _ = lapack.dgetrf(matrix[lane].T)
            factors[lane] = lu, pivots
            swaps = np.count_nonzero(pivots != each)
            side[lane] = (-1.0) ** swaps * np.prod(np.sign(lu.diagonal()))
            right[:-1, 0], right[-1, 0], right[:, 1], right[-1, 1] = g[lane], 0.0, 0.0, 1.0
            move[lane], along[lane] = lapack.dgetrs(lu, pivots, right, trans=1)[0].T

    # LAPACK lets other threads go on, and each lane is computed as it would be alone.
    lanes = running.tolist()
    shares = [lanes[k::_N_THREADS] for k in range(_N_THREADS)]
    others = [_threads(os.getpid()).submit(factor, share) for share in shares[1:] if share]
    factor(shares[0])
    for other in others:
        other.result()
    along[running] /= np.linalg.norm(along[running], axis=1, keepdims=True)
    before = np.full(n_lanes, np.inf)
    for k in range(MAX_CORRECTIONS):
        open_ = ~(good | bad)
        length = np.linalg.norm(move, axis=1)
        where[open_] -= move[open_]
        tolerance = np.where(tracing, TOL_CURVE, TOL_POINT * (1.0 + np.linalg.norm(where, axis=1)))
        fine = length <= tolerance
        hopeless = ~(length <= 0.5 * before) | (~(length <= 0.3 * h) & tracing)
        good |= open_ & fine
        bad |= open_ & ~fine & hopeless
        used[open_] = k + 1
        before = length
        open_ &= ~(good | bad)
        if k + 1 == MAX_CORRECTIONS or not open_.any():
            break
        rest = residuals(where)
        for lane in np.flatnonzero(open_).tolist():
            move[lane] = lapack.dgetrs(*factors[lane], np.append(rest[lane], 0.0), trans=1)[0]
    return Corrected(where, along, good, used, side)
