"""The compiled loop that advances a batch of lanes by any solver."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.protocol import Limits, Memory, Solver, problem_of, running_only

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import PyTree, StepFunction

__all__ = ["Advance", "build_loop"]

Rows = tuple[jax.Array, jax.Array, jax.Array, jax.Array]
Advance = Callable[
    ["PyTree", tuple[ArrayLike, ...], Lanes, Memory, Limits, ArrayLike, ArrayLike],
    tuple[Lanes, Memory],
]


def build_loop(
    solver: Solver, step: StepFunction, time: str, step_dtype: str = "float64"
) -> Advance:
    """Compile the loop that advances a batch of lanes.

    Parameters
    ----------
    solver
        The method.
    step, time, step_dtype
        As for `problem_of`.

    Returns
    -------
    callable
        ``advance(params, (u, low, high, valid), lanes, memory, limits, n_steps, min_running)``,
        jitted; stops after ``n_steps`` iterations, or as soon as at most ``min_running`` lanes are
        left.
    """

    def advance(
        params: PyTree,
        rows: Rows,
        lanes: Lanes,
        memory: Memory,
        limits: Limits,
        n_steps: jax.Array,
        min_running: jax.Array,
    ) -> tuple[Lanes, Memory]:
        problem = problem_of(step, time, step_dtype, params, rows)

        def proceed(carry: tuple[jax.Array, Lanes, Memory]) -> jax.Array:
            k, now, _ = carry
            return (k < n_steps) & (jnp.sum(now.status == LaneStatus.RUNNING) > min_running)

        def body(carry: tuple[jax.Array, Lanes, Memory]) -> tuple[jax.Array, Lanes, Memory]:
            k, now, remembered = carry
            moved, remembered = solver.step(problem, now, remembered, limits)
            status = solver.terminate(now, moved, remembered, problem, limits)
            moved = moved._replace(status=status.astype(now.status.dtype))
            return k + 1, running_only(now, moved, now.status == LaneStatus.RUNNING), remembered

        return jax.lax.while_loop(proceed, body, (jnp.int32(0), lanes, memory))[1:]

    return jax.jit(advance)
