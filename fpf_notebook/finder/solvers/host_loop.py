"""The loop of solvers that run on the host; for the others it is compiled (`loop.py`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook.finder.solvers.factored import Factored
from fpf_notebook.finder.solvers.factoring import HostProblem
from fpf_notebook.finder.solvers.lanes import Lanes, LaneStatus
from fpf_notebook.finder.solvers.linear_models import LinearModels
from fpf_notebook.finder.solvers.protocol import Limits, Memory

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import PyTree, StepMap

__all__ = ["build_host_loop"]


def build_host_loop(solver: Factored, step_map: StepMap) -> Callable[..., tuple[Lanes, Memory]]:
    """Make the loop that advances a batch of lanes on the host.

    Parameters
    ----------
    solver
        The method.
    step_map
        Its computation; none of its numbers stays here.

    Returns
    -------
    callable
        As `build_loop` returns it, with one more argument: ``stop()`` says whether the search was
        cancelled, and is asked before each factorization.
    """
    models = LinearModels(step_map)

    def advance(
        params: PyTree,
        rows: tuple[Any, Any, Any, Any],
        lanes: Lanes,
        memory: Memory,
        limits: Limits,
        n_steps: np.integer[Any],
        min_running: np.integer[Any],
        stop: Callable[[], bool],
    ) -> tuple[Lanes, Memory]:
        u, low, high, _ = (np.asarray(part) for part in rows)
        problem = HostProblem(models.with_params(params, len(u)), u, low, high, stop)
        for _ in range(int(n_steps)):
            if np.sum(lanes.status == LaneStatus.RUNNING) <= min_running or stop():
                break
            # Lanes may be on their way to infinity.
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                moved, memory = solver.step(problem, lanes, memory, limits)
                status = solver.terminate(lanes, moved, memory, problem, limits)
            lanes = moved._replace(status=status)
        return lanes, memory

    return advance
