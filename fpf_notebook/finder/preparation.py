"""From the arguments of a call to what a search takes, all of it checked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import arguments
from fpf_notebook.finder.proposals.sampling import sample_states
from fpf_notebook.finder.source import Source

__all__ = ["Prepared", "prepare"]


class Prepared(NamedTuple):
    """What a search takes.

    Attributes
    ----------
    step_map : StepMap
        The network.
    starts : array, [n_inits, n_states]
        Initial states.
    inputs : array, [n_inits, n_inputs]
        The constant input of each.
    cond_ids : array of int, [n_inits], or None
        Numbers of conditions.
    pool : array, [n, n_states]
        The states that an exhaustive search draws from.
    """

    step_map: StepMap
    starts: np.ndarray
    inputs: np.ndarray
    cond_ids: np.ndarray | None
    pool: np.ndarray


def prepare(
    source: Source,
    state_traj: Any,
    inputs: Any,
    n_inits: Any,
    noise_scale: Any,
    valid_bxt: Any,
    cond_ids: Any,
    initial_states: Any,
    rng: np.random.Generator,
) -> Prepared:
    """Check the arguments of `find_fixed_points`, then make of them what a search takes.

    Parameters
    ----------
    source : Source
        The network.
    state_traj, inputs, n_inits, noise_scale, valid_bxt, cond_ids, initial_states
        As `FixedPointFinder.find_fixed_points` got them.
    rng : numpy.random.Generator
        Draws the initial states.

    Returns
    -------
    Prepared

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described there.
    """
    if state_traj is None and initial_states is None:
        raise ValueError(
            "Neither state_traj nor initial_states is given; expected trajectories "
            "[n_batch, n_time, n_states] or states [n_inits, n_states] to start from."
        )
    n_inits = arguments.check_count("n_inits", n_inits)
    noise = arguments.check_noise(noise_scale)
    traj = starts = mask = None
    if initial_states is not None:
        starts = arguments.check_states("initial_states", initial_states, 2, None)
        n_inits = len(starts)
    if state_traj is not None:
        width = None if starts is None else starts.shape[1]
        traj = arguments.check_states("state_traj", state_traj, 3, width, finite=False)
        mask = arguments.check_mask(valid_bxt, traj.shape[:2])
        arguments.check_finite("state_traj", traj, mask)
    elif valid_bxt is not None:
        raise ValueError("valid_bxt is given without state_traj, expected both or neither.")
    n_states = (traj if starts is None else starts).shape[-1]  # type: ignore[union-attr]
    expected = source.model.n_inputs if isinstance(source.model, StepMap) else None
    u = arguments.check_inputs(inputs, n_inits, expected)
    ids = arguments.check_cond_ids(cond_ids, n_inits)
    name, given = ("initial_states", starts) if traj is None else ("state_traj", traj)

    assert given is not None
    ndim = given.ndim

    def fits(step_map: StepMap) -> np.ndarray:
        arguments.check_states(name, given, ndim, step_map.n_states, finite=False)
        return arguments.check_inputs(inputs, n_inits, step_map.n_inputs)

    try:
        step_map = source.step_map(n_states, None if inputs is None else u.shape[1])
    except ValueError:
        by_itself = source.as_it_says()
        if by_itself is not None:
            fits(by_itself)  # if the data are at fault, rather name them than the model
        raise
    u = fits(step_map)
    if starts is None:
        assert traj is not None
        starts = sample_states(traj, n_inits, rng, noise, mask)
    elif noise > 0:
        starts = starts + noise * rng.standard_normal(starts.shape)
    pool = starts if traj is None else (traj[mask] if mask is not None else traj)
    return Prepared(step_map, starts, u, ids, pool.reshape(-1, n_states))
