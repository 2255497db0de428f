"""Networks approximated by linear dynamics around their fixed points, the standard way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook.arguments import checks
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap


__all__ = ["LinearizedRun", "linearized_run", "nearest_point", "relative_error"]

_MAX_MEMORY = 256_000_000


@checks("analysis.relative_error")
def relative_error(
    states: Float[np.ndarray, "trial time n_states"],
    approximation: Float[np.ndarray, "trial time n_states"],
) -> float:
    """Return the mean over trials and steps of ``|h - ĥ| / |h|``, Euclidean norms.

    Parameters
    ----------
    states : array, [trial, time, n_states]
        h, those of the network.
    approximation : array, [trial, time, n_states]
        ĥ.

    Returns
    -------
    error : float
        Steps at which h is exactly zero have no relative error, and are left out; NaN where
        nothing is left.

    Raises
    ------
    ValueError
        If the shapes differ, or are not of three axes.

    References
    ----------
    Smith, Linderman and Sussillo, NeurIPS 2021, section 4.

    Examples
    --------
    >>> import numpy as np
    >>> h = np.ones((2, 5, 3))
    >>> round(relative_error(h, 0.9 * h), 6)
    0.1
    """
    h = np.asarray(states, np.float64)
    approximate = np.asarray(approximation, np.float64)
    if h.ndim != 3:
        raise ValueError(f"states must have the shape [trial, time, n_states], got {list(h.shape)}")
    if approximate.shape != h.shape:
        raise ValueError(
            f"approximation must have the shape of states, {list(h.shape)}, got "
            f"{list(approximate.shape)}"
        )
    length = np.linalg.norm(h, axis=-1)
    counts = length > 0
    if not counts.any():
        return float("nan")
    return float(np.mean(np.linalg.norm(h - approximate, axis=-1)[counts] / length[counts]))


@dataclass(frozen=True, eq=False)
class LinearizedRun:
    """Trials as linear dynamics around the nearest of given points predict them.

    Attributes
    ----------
    states : array, [trial, time, n_states]
        The approximation of the states after each step.
    nearest : array of int, [trial, time]
        The point around which each step was linear.
    mode : {"one_step", "free"}
        Whether each step began in the network's own state, or in the approximation.
    """

    states: Float[np.ndarray, "trial time n_states"]
    nearest: Int[np.ndarray, "trial time"]
    mode: str


@checks("analysis.linearized_run")
def linearized_run(
    step_map: StepMap,
    fixed_points: FixedPoints,
    inputs: Float[np.ndarray, "trial time n_inputs"],
    states: Float[np.ndarray, "trial time n_states"],
    mode: Literal["one_step", "free"] = "one_step",
    *,
    initial_states: Float[np.ndarray, "trial n_states"] | None = None,
) -> LinearizedRun:
    """Predict trials by the linear dynamics around the nearest fixed or slow point.

    With x the point nearest to the state before a step, by Euclidean distance, and u* the input
    under which it was found: ``h' = F(x, u*) + J (h - x) + dF/du (u - u*)``.

    Parameters
    ----------
    step_map : StepMap
        The network.
    fixed_points : FixedPoints
        At least one point. Jacobians are computed where the record has none.
    inputs : array, [trial, time, n_inputs]
        The inputs of every step.
    states : array, [trial, time, n_states]
        The states of the network itself, after each step.
    mode : {"one_step", "free"}
        ``"one_step"``: each step begins in the network's own state. ``"free"``: in the state that
        the linear dynamics have reached, so that errors add up.
    initial_states : array, [trial, n_states], optional
        The states before the first step. Without them the first states are taken as they are:
        the approximation begins with the second step.

    Returns
    -------
    run : LinearizedRun
        Compare with `relative_error`.

    Raises
    ------
    ValueError
        If a shape does not fit, there is no point, the mode is unknown, or the points are those
        of a flow or of cycles.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPointFinder, as_step_map
    >>> F = as_step_map(lambda h, u: 0.5 * h + u, n_states=1, n_inputs=1)
    >>> points, _ = FixedPointFinder(F).find_fixed_points(
    ...     initial_states=np.ones((4, 1)), inputs=np.zeros((1, 1))
    ... )
    >>> inputs = np.ones((1, 3, 1))
    >>> states = F.trajectory(np.zeros((1, 1)), inputs)
    >>> run = linearized_run(F, points, inputs, states, initial_states=np.zeros((1, 1)))
    >>> run.states.ravel()
    array([1.  , 1.5 , 1.75])
    """
    x, u_star, J, B, F = _linear_parts(step_map, fixed_points)
    inputs, states = np.asarray(inputs, np.float64), np.asarray(states, np.float64)
    if mode not in ("one_step", "free"):
        raise ValueError(f"mode must be 'one_step' or 'free', got {mode!r}")
    if states.ndim != 3 or states.shape[2] != step_map.n_states:
        raise ValueError(
            f"states must have the shape [trial, time, n_states={step_map.n_states}], got "
            f"{list(states.shape)}"
        )
    if inputs.shape != (*states.shape[:2], step_map.n_inputs):
        raise ValueError(
            f"inputs must have the shape {[*states.shape[:2], step_map.n_inputs]} "
            f"[trial, time, n_inputs], got {list(inputs.shape)}"
        )
    n_trials, n_time, _ = states.shape
    out, nearest = np.empty_like(states), np.empty((n_trials, n_time), np.int64)
    if initial_states is None:
        first = 1
        out[:, 0], nearest[:, 0] = states[:, 0], nearest_point(states[:, 0], x)
        previous = states[:, 0]
    else:
        first = 0
        previous = np.asarray(initial_states, np.float64)
        if previous.shape != (n_trials, step_map.n_states):
            raise ValueError(
                f"initial_states must have the shape {[n_trials, step_map.n_states]}, got "
                f"{list(previous.shape)}"
            )
    for t in range(first, n_time):
        k = nearest_point(previous, x)
        # Grouped by point: a matrix for each trial would not fit into memory for large networks.
        for point in np.unique(k):
            rows = np.flatnonzero(k == point)
            out[rows, t] = (
                F[point]
                + (previous[rows] - x[point]) @ J[point].T
                + (inputs[rows, t] - u_star[point]) @ B[point].T
            )
        nearest[:, t] = k
        previous = states[:, t] if mode == "one_step" else out[:, t]
    return LinearizedRun(out, nearest, mode)


@checks("analysis.nearest_point")
def nearest_point(
    states: Float[np.ndarray, "n n_states"], points: Float[np.ndarray, "k n_states"]
) -> Int[np.ndarray, "n"]:
    """Return the index of the point nearest to each state, by Euclidean distance.

    The first one where several are equally near.

    Examples
    --------
    >>> import numpy as np
    >>> nearest_point(np.array([[0.1, 0.0], [0.9, 0.2]]), np.array([[0.0, 0.0], [1.0, 0.0]]))
    array([0, 1])
    """
    from scipy.spatial.distance import cdist

    states, points = np.asarray(states, np.float64), np.asarray(points, np.float64)
    block = max(1, _MAX_MEMORY // (8 * max(1, len(points))))
    # Not |p|² - 2 x·p: far from the origin the difference is rounding, and between two points that
    # are equally near, as in symmetric networks, the kernel of the BLAS would choose.
    found = [
        np.argmin(cdist(states[start : start + block], points, "sqeuclidean"), axis=1)
        for start in range(0, len(states), block)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _linear_parts(step_map: StepMap, fixed_points: FixedPoints) -> tuple[np.ndarray, ...]:
    if step_map.time != "discrete" or fixed_points.time != "discrete":
        raise ValueError("linearized_run is for maps; these are points of a flow")
    if fixed_points.n == 0:
        raise ValueError("fixed_points is empty: there is nothing to linearize around")
    if fixed_points.period is not None and (fixed_points.period != 1).any():
        raise ValueError("fixed_points has points of cycles; linearize around fixed points only")
    x = np.asarray(fixed_points.xstar, np.float64)
    if x.shape[1] != step_map.n_states:
        raise ValueError(
            f"fixed_points has n_states={x.shape[1]}, the step map n_states={step_map.n_states}"
        )
    given = fixed_points.inputs
    u = np.zeros((len(x), step_map.n_inputs)) if given is None else np.asarray(given, np.float64)
    if fixed_points.J_xstar is None or fixed_points.dFdu is None:
        from fpf_notebook.dynamics.jacobians import linearize

        J, B = linearize(step_map, x, u)
    else:
        J, B = fixed_points.J_xstar, fixed_points.dFdu
    return x, u, np.asarray(J, np.float64), np.asarray(B, np.float64), step_map(x, u)
