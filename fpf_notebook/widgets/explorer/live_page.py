"""What a saved page needs to compute by itself: the program, the solver, and where to start."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.plots.projection import Projection
from fpf_notebook.result.fixed_points import FixedPoints

SOLVER = Path(__file__).parents[1] / "static" / "solver.js"

MAX_STATES = 128
"""Units up to which a page computes: with more of them a search takes it too long."""

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


def live_state(
    step_map: StepMap, request: SearchRequest, points: FixedPoints, axes: Projection
) -> dict[str, object]:
    """Return the trait ``live`` of a page that computes.

    Parameters
    ----------
    step_map, request
        The network, and what was searched for.
    points
        What is shown.
    axes
        The axes of the picture.

    Returns
    -------
    dict
        Program and solver, points, states to start from, the sliders' ranges, the axes.

    Raises
    ------
    ValueError
        If the step cannot be written as a program.
    """
    u = np.zeros(step_map.n_inputs) if request.inputs is None else request.inputs[0]
    program = step_map.to_program(u=u)
    fixed = points.xstar[~points.is_slow]
    pool = np.zeros((0, step_map.n_states))
    if request.state_traj is not None:
        pool = np.asarray(request.state_traj, dtype=np.float64).reshape(-1, step_map.n_states)
        pool = pool[np.isfinite(pool).all(axis=1)]
        pool = pool[:: max(1, -(-len(pool) // _MAX_POOL))]
    options = request.options
    return {
        "program": program.document,
        "solver": SOLVER.read_text(encoding="utf-8"),
        "u": u.tolist(),
        "reach": [max(2.0, 1.5 * abs(float(value))) for value in u],
        "x": fixed,
        "states": pool,
        "noise": float(request.noise_scale),
        "count": int(request.n_inits),
        "options": {
            "tolQ": float(options.tol_q),
            "tolUnique": float(options.tol_unique),
            "maxIters": int(min(options.max_iters, 1000)),
            "marginalTol": float(options.marginal_tol),
        },
        "continuous": step_map.time == "continuous",
        "center": axes.mean,
        "basis": axes.components,
    }
