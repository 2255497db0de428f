"""Networks for the test of `to_code`, importable by a process of its own."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.models import GRU, VanillaRNN

N_INPUTS = {"latches": 2, "flow": 2, "alone": 0, "vanilla": 3, "gru": 2, "torch": 2}
N_STATES = {"latches": 2, "flow": 2, "alone": 3, "vanilla": 5, "gru": 4, "torch": 4}
OPTIONS: dict[str, dict[str, Any]] = {
    "latches": {"convention": "state_input", "n_inputs": 2},
    "flow": {"convention": "state_input", "n_inputs": 2, "time": "continuous", "dt": 0.1},
}


def latches(state: jax.Array, input: jax.Array) -> jax.Array:
    """Two latches of different strength."""
    return jnp.tanh(jnp.asarray([1.7, 2.4]) * state + input)


def flow(state: jax.Array, input: jax.Array) -> jax.Array:
    """The same as a flow."""
    return -state + jnp.tanh(jnp.asarray([1.7, 2.4]) * state + input)


def alone(state: jax.Array) -> jax.Array:
    """Three latches without input."""
    return jnp.tanh(1.8 * state)


def model_of(name: str) -> Any:
    """Return the network of a name; the same in every process."""
    if name == "vanilla":
        return VanillaRNN(3, 5, 2, seed=3)
    if name == "gru":
        return GRU(2, 4, 2, seed=5)
    if name == "torch":
        import torch

        torch.manual_seed(0)
        return torch.nn.RNN(2, 4, batch_first=True)
    return {"latches": latches, "flow": flow, "alone": alone}[name]


def data_of(name: str, seed: int, masked: bool) -> dict[str, np.ndarray]:
    """Return trajectories (any states will do) and, perhaps, a mask with NaN where it is False."""
    rng = np.random.default_rng(seed)
    states = rng.uniform(-0.95, 0.95, (6, 20, N_STATES[name]))
    if not masked:
        return {"state_traj": states}
    valid = rng.random(states.shape[:2]) < 0.6
    valid[0, 0] = True
    states[~valid] = np.nan
    return {"state_traj": states, "valid_bxt": valid}
