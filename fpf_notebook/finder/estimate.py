"""A forecast of memory and time before a long search."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.search import search
from fpf_notebook.finder.solvers import solver_for
from fpf_notebook.finder.solvers.pool import pool_size

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.request import SearchRequest

__all__ = ["Estimate", "estimate_search"]

_TYPICAL_ITERATIONS = 12  # measured: 5 on tanh nets, 7 on gated ones, 13 on chaotic ones
_TYPICAL_ROUNDS = 6


@dataclass(frozen=True)
class Estimate:
    """What a search will probably need.

    Attributes
    ----------
    memory : int
        Bytes, at the peak, beside what the process holds already.
    seconds : float
        Time of the search once compiled: within a factor of three, as a rule.
    compile_seconds : float
        Time of the first compilation, which the estimate has just spent.
    n_inits, pool : int
        Starts, and how many of them are worked on at once.
    """

    memory: int
    seconds: float
    compile_seconds: float
    n_inits: int
    pool: int

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.n_inits} starts, {self.pool} at a time: about {self.seconds:.2g} s and "
            f"{self.memory / 1e6:.0f} MB (compiled in {self.compile_seconds:.1f} s)"
        )


def estimate_search(
    request: SearchRequest, step_map: StepMap, single: StepMap | None = None
) -> Estimate:
    """Measure a few iterations and scale them up.

    Parameters
    ----------
    request : SearchRequest
        The search to be forecast; as many of its starts as fit into one pool are tried.
    step_map, single : StepMap
        As for the search.

    Returns
    -------
    Estimate
    """
    starts, options, n_inits = request.draw(step_map), request.options, request.n_inits
    solver = solver_for(options, step_map.n_states)
    per_lane = solver.lane_numbers(step_map.n_states)
    pool = pool_size(step_map.n_states, options.max_memory, per_lane, n_inits)
    some = np.resize(np.arange(len(starts.states)), pool)
    short = replace(options, max_iters=2)

    def run() -> float:
        began = time.perf_counter()
        search(step_map, starts.states[some], starts.inputs[some], short, single=single)
        return time.perf_counter() - began

    cold, warm = run(), run()
    iterations = _TYPICAL_ITERATIONS if solver.exact else options.max_iters
    seconds = (
        warm / 2 * iterations * n_inits / pool * (_TYPICAL_ROUNDS if request.exhaustive else 1)
    )
    memory = 8 * (pool * per_lane + n_inits * 6 * step_map.n_states)
    return Estimate(
        memory=int(memory),
        seconds=seconds,
        compile_seconds=max(0.0, cold - warm),
        n_inits=n_inits,
        pool=pool,
    )
