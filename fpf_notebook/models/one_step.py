"""What trainable networks are called with: one step, as BrainPy has it, or whole trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.models.forward import Readout, Step

__all__ = ["Stepped", "one_step", "run_arguments"]


@runtime_checkable
class Stepped(Protocol):
    """What has a pure step and a pure readout."""

    n_inputs: int

    @property
    def n_states(self) -> int:
        """Length of the state."""

    @property
    def step(self) -> Step:
        """``step(params, h, u)``, the next state."""

    @property
    def readout_function(self) -> Readout:
        """``readout(params, h)``, the output."""

    def parameters(self) -> Mapping[str, Array]:
        """Return the weights by name."""

    def initial_state(self, batch: int = 1) -> Float[Array, "batch n_states"]:
        """Return the state before the first step."""


def one_step(
    model: Stepped, inputs: ArrayLike, hidden: ArrayLike | None
) -> tuple[Float[Array, "batch 1 n_outputs"], Float[Array, "batch n_states"]]:
    """Step a batch of states, and read them out.

    Parameters
    ----------
    model
        The network.
    inputs : array, [batch, 1, n_inputs]
        The inputs of this step.
    hidden : array, [batch, n_states], or None
        The states before it; None for the initial state.

    Returns
    -------
    outputs : array, [batch, 1, n_outputs]
        The readout of the new states.
    h_next : array, [batch, n_states]
        The new states.

    Raises
    ------
    ValueError
        If an array has another shape than these.
    """
    driven = jnp.asarray(inputs)
    if driven.ndim != 3 or driven.shape[1:] != (1, model.n_inputs):
        raise ValueError(
            f"inputs must have the shape [batch, 1, {model.n_inputs}] (one time step), got "
            f"{list(driven.shape)}; use run(inputs) for whole trials"
        )
    batch = driven.shape[0]
    before = model.initial_state(batch) if hidden is None else jnp.asarray(hidden)
    if before.shape != (batch, model.n_states):
        raise ValueError(
            f"hidden must have the shape {[batch, model.n_states]} [batch, n_states], got "
            f"{list(before.shape)}"
        )
    params = model.parameters()
    h_next = jax.vmap(model.step, in_axes=(None, 0, 0))(params, before, driven[:, 0])
    return model.readout_function(params, h_next)[:, None], h_next


def run_arguments(
    model: Stepped, inputs: ArrayLike, initial_states: ArrayLike | None
) -> tuple[Float[Array, "trial time n_inputs"], Float[Array, "trial n_states"]]:
    """Return inputs and initial states of whole trials as arrays of JAX.

    Parameters
    ----------
    model
        The network.
    inputs : array, [trial, time, n_inputs]
        The inputs of every step.
    initial_states : array, [trial, n_states], or None
        The states before the first step; None for the initial state.

    Raises
    ------
    ValueError
        If an array has another shape than these.
    """
    driven = jnp.asarray(inputs)
    if driven.ndim != 3 or driven.shape[2] != model.n_inputs:
        raise ValueError(
            f"inputs must have the shape [trial, time, {model.n_inputs}], got {list(driven.shape)}"
        )
    n_trials = driven.shape[0]
    h0 = model.initial_state(n_trials) if initial_states is None else jnp.asarray(initial_states)
    if h0.shape != (n_trials, model.n_states):
        raise ValueError(
            f"initial_states must have the shape {[n_trials, model.n_states]} "
            f"[trial, n_states], got {list(h0.shape)}"
        )
    return driven, h0
