"""What a saved page needs to compute by itself: the program, the solver, and where to start."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.request import SearchRequest

if TYPE_CHECKING:
    from fpf_notebook.widgets.explorer.widget import FixedPointExplorer

SOLVER = Path(__file__).parents[1] / "static" / "solver.js"

MAX_STATES = 128
"""Units up to which a page computes: with more of them a search takes it too long."""

_LONGEST_SEARCH = 600.0  # seconds
_MAX_POOL = 256  # states from which the page starts


def why_not_live(step_map: StepMap, request: SearchRequest) -> str:
    """Say why a page of this network cannot compute; "" if it can.

    Parameters
    ----------
    step_map
        The network.
    request
        What is searched for.

    Returns
    -------
    str
        The reason. Whether the step can be written as a program is seen when it is written.
    """
    if step_map.n_states > MAX_STATES:
        return f"{step_map.n_states} units, a page computes up to {MAX_STATES}"
    if request.period > 1:
        return "cycles are searched for, a page finds fixed points"
    if request.options.method != "newton":
        return f"method is {request.options.method!r}, a page has Newton's"
    return ""


def live_state(step_map: StepMap, symbols: Sequence[str], request: SearchRequest) -> JsonObject:
    """Return the trait ``live``: what a page computes with.

    Parameters
    ----------
    step_map
        The network.
    symbols
        Names of the parameters that can be moved.
    request
        What is searched for.

    Returns
    -------
    dict
        Program and solver, states to start from, options that have no slider.

    Raises
    ------
    ValueError
        If a page cannot compute: the step is none that can be written as a program, or
        `why_not_live` says why.
    """
    reason = why_not_live(step_map, request)
    if reason:
        raise ValueError(f"{reason}.")
    u = np.zeros(step_map.n_inputs) if request.inputs is None else request.inputs[0]
    program = step_map.to_program(symbols, u=u)
    pool = np.zeros((0, step_map.n_states))
    if request.state_traj is not None:
        pool = np.asarray(request.state_traj, dtype=np.float64).reshape(-1, step_map.n_states)
        pool = pool[np.isfinite(pool).all(axis=1)]
        pool = pool[:: max(1, -(-len(pool) // _MAX_POOL))]
    options = request.options
    return {
        "program": program.document,
        "solver": SOLVER.read_text(encoding="utf-8"),
        "parameters": list(program.parameters),
        "states": pool,
        "options": {
            "maxIters": int(min(options.max_iters, 1000)),
            "marginalTol": float(options.marginal_tol),
        },
        "continuous": step_map.time == "continuous",
    }


def send_program(me: weakref.ref[FixedPointExplorer]) -> None:
    """Give an explorer's view what it needs to compute by itself; run on a thread of its own."""
    widget = me()
    if widget is None:
        return
    worker = widget._worker
    del widget
    worker.settle(_LONGEST_SEARCH)  # the first search comes first
    widget = me()
    if widget is None:
        return
    try:
        live = widget._live()
    except ValueError as problem:
        live = {"reason": str(problem)}
    widget.put(live=live)
