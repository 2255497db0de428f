"""Where the nonlinear dynamics leads: runs, pushes off a fixed point, pulses of input."""

from __future__ import annotations

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["destination", "launch", "pulse", "pushes"]


def launch(step_map: StepMap, states: np.ndarray, u: np.ndarray, n_steps: int) -> np.ndarray:
    """Run the network from some states under a constant input.

    Parameters
    ----------
    step_map
        The network.
    states
        [n, n_states] Where to start.
    u
        [n_inputs] The input.
    n_steps
        How long.

    Returns
    -------
    numpy.ndarray
        [n, n_steps + 1, n_states], the starts included.
    """
    states = np.asarray(states, dtype=np.float64)
    inputs = np.broadcast_to(np.asarray(u, np.float64), (len(states), n_steps, step_map.n_inputs))
    return np.concatenate([states[:, None], step_map.trajectory(states, inputs)], axis=1)


def pushes(points: FixedPoints, index: int, size: float, n_modes: int = 2) -> np.ndarray:
    """States on both sides of a point, along its leading modes.

    Parameters
    ----------
    points, index
        The point.
    size
        Distance from the point.
    n_modes
        How many modes; of a complex pair, the real part of the eigenvector is one direction.

    Returns
    -------
    numpy.ndarray
        [2 * n_modes, n_states].
    """
    assert points.eigvec_J_xstar is not None
    assert points.eigval_J_xstar is not None
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
    state: np.ndarray,
    base: np.ndarray,
    pulse_input: np.ndarray,
    n_pulse: int,
    n_after: int,
) -> np.ndarray:
    """Run the network through a pulse of input and on under the constant one.

    Returns
    -------
    numpy.ndarray
        [1 + n_pulse + n_after, n_states], the start included.
    """
    inputs = np.concatenate(
        [np.tile(pulse_input, (n_pulse, 1)), np.tile(base, (n_after, 1))]
    ).astype(np.float64)
    start = np.asarray(state, np.float64)[None]
    return np.concatenate([start, step_map.trajectory(start, inputs[None])[0]])


def destination(points: FixedPoints, state: np.ndarray, tol: float = 0.05) -> int | None:
    """Return which point a trajectory has reached, or None if it is near none."""
    if not len(points):
        return None
    index = points.nearest(state)
    scale = max(1.0, float(np.linalg.norm(points.xstar[index])))
    near = float(np.linalg.norm(points.xstar[index] - state)) <= tol * scale
    return index if near else None


def _grows(value: complex, time_kind: str) -> bool:
    return abs(value) > 1 if time_kind == "discrete" else value.real > 0
