"""Where the nonlinear dynamics leads: runs, pushes off a fixed point, pulses of input."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fpf_notebook.arguments import checked_argument, checks
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["destination", "launch", "pulse", "pushes"]


def launch(
    step_map: StepMap,
    states: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, " n_inputs"],
    n_steps: int,
) -> Float[np.ndarray, "n n_times n_states"]:
    """Run the network from some states under a constant input.

    Parameters
    ----------
    step_map : StepMap
        The network.
    states : array, [n, n_states]
        Where to start.
    u : array, [n_inputs]
        The input.
    n_steps : int
        How long.

    Returns
    -------
    array, [n, n_steps + 1, n_states]
        The starts included.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit the network, or `n_steps` is no whole number.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.analysis import launch
    >>> halving = as_step_map(lambda h, u: 0.5 * h, n_states=1, n_inputs=0)
    >>> launch(halving, np.array([[8.0]]), np.zeros(0), 3)[0, :, 0]
    array([8., 4., 2., 1.])
    """
    n_steps = checked_argument("analysis.launch", "n_steps", n_steps)
    states = np.asarray(states, dtype=np.float64)
    if states.ndim != 2 or states.shape[1] != step_map.n_states:
        raise ValueError(
            f"states has shape {states.shape}, expected [n, n_states={step_map.n_states}]."
        )
    u = _input(step_map, "u", u)
    inputs = np.broadcast_to(u, (len(states), n_steps, step_map.n_inputs))
    return np.concatenate([states[:, None], step_map.trajectory(states, inputs)], axis=1)


def pushes(
    points: FixedPoints, index: int, size: float, n_modes: int = 2
) -> Float[np.ndarray, "n n_states"]:
    """Return states on both sides of a point, along its leading modes.

    Parameters
    ----------
    points : FixedPoints
        With eigenmodes.
    index : int
        Which point.
    size : float
        Distance from the point, in units of the state.
    n_modes : int
        How many modes: the growing ones, or if there are none those that decay most slowly. Of a
        complex pair, the real part of the eigenvector is one direction. Default 2.

    Returns
    -------
    array, [2 * n_modes, n_states]
        First those on one side. Fewer where there are fewer modes.

    Raises
    ------
    TypeError, ValueError
        If there is no such point, or the points have no eigenmodes.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook import FixedPointFinder
    >>> from fpf_notebook.analysis import pushes
    >>> saddle = as_step_map(
    ...     lambda h, u: h * np.array([2.0, 0.5]), n_states=2, n_inputs=0)
    >>> found, _ = FixedPointFinder(saddle).find_fixed_points(initial_states=np.ones((4, 2)))
    >>> np.abs(pushes(found, 0, 0.1)).round(3)
    array([[0.1, 0. ],
           [0.1, 0. ]])
    """
    size = checked_argument("analysis.pushes", "size", size)
    n_modes = checked_argument("analysis.pushes", "n_modes", n_modes)
    if not -len(points) <= index < len(points):
        raise ValueError(f"index is {index!r}, expected that of one of {len(points)} points.")
    if points.eigvec_J_xstar is None or points.eigval_J_xstar is None:
        raise ValueError(
            "points have no eigenmodes, expected those of a finder with "
            "do_decompose_jacobians=True."
        )
    values = points.eigval_J_xstar[index]
    single = np.flatnonzero(values.imag >= -1e-12)  # one of each complex pair
    unstable = [k for k in single if _grows(values[k], points.time)]
    chosen = (unstable or list(single))[:n_modes]
    directions = np.real(points.eigvec_J_xstar[index][:, chosen]).T
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = np.concatenate([directions, -directions])
    return np.asarray(points.xstar[index] + size * steps)


def pulse(
    step_map: StepMap,
    state: Float[np.ndarray, " n_states"],
    base: Float[np.ndarray, " n_inputs"],
    pulse_input: Float[np.ndarray, " n_inputs"],
    n_pulse: int,
    n_after: int,
) -> Float[np.ndarray, "n_times n_states"]:
    """Run the network through a pulse of input and on under the constant one.

    Parameters
    ----------
    step_map : StepMap
        The network.
    state : array, [n_states]
        Where to start.
    base : array, [n_inputs]
        The constant input.
    pulse_input : array, [n_inputs]
        The input during the pulse.
    n_pulse, n_after : int
        Steps of the pulse, and steps after it.

    Returns
    -------
    array, [1 + n_pulse + n_after, n_states]
        The start included.

    Raises
    ------
    TypeError, ValueError
        If a shape does not fit the network, or a number of steps is no whole number.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.analysis import pulse
    >>> leaky = as_step_map(lambda h, u: 0.5 * h + u, n_states=1, n_inputs=1)
    >>> pulse(leaky, np.zeros(1), np.zeros(1), np.ones(1), 2, 2)[:, 0]
    array([0.   , 1.   , 1.5  , 0.75 , 0.375])
    """
    n_pulse = checked_argument("analysis.pulse", "n_pulse", n_pulse)
    n_after = checked_argument("analysis.pulse", "n_after", n_after)
    start = np.asarray(state, dtype=np.float64)
    if start.shape != (step_map.n_states,):
        raise ValueError(f"state has shape {start.shape}, expected [n_states={step_map.n_states}].")
    driven = np.tile(_input(step_map, "pulse_input", pulse_input), (n_pulse, 1))
    rest = np.tile(_input(step_map, "base", base), (n_after, 1))
    path = step_map.trajectory(start[None], np.concatenate([driven, rest])[None])[0]
    return np.concatenate([start[None], path])


@checks("analysis.destination")
def destination(
    points: FixedPoints, state: Float[np.ndarray, " n_states"], tol: float = 0.05
) -> int | None:
    """Return which point a trajectory has reached.

    Parameters
    ----------
    points : FixedPoints
        The candidates.
    state : array, [n_states]
        The last state of the trajectory.
    tol : float
        How near it has to be, in units of the point's norm (at least 1). Default 0.05.

    Returns
    -------
    int or None
        The number of the nearest point, or None where it is not near.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> from fpf_notebook.analysis import destination
    >>> points = FixedPoints(np.array([[1.0], [-1.0]]))
    >>> destination(points, np.array([-0.98]))
    1
    >>> destination(points, np.array([0.2])) is None
    True
    """
    if not len(points):
        return None
    index = points.nearest(state)
    scale = max(1.0, float(np.linalg.norm(points.xstar[index])))
    near = float(np.linalg.norm(points.xstar[index] - state)) <= tol * scale
    return index if near else None


def _input(step_map: StepMap, name: str, value: np.ndarray) -> np.ndarray:
    given = np.asarray(value, dtype=np.float64)
    if given.shape != (step_map.n_inputs,):
        raise ValueError(
            f"{name} has shape {given.shape}, expected [n_inputs={step_map.n_inputs}]."
        )
    return given


def _grows(value: complex, time_kind: str) -> bool:
    return abs(value) > 1 if time_kind == "discrete" else value.real > 0
