"""Run a single step over a whole sequence, compiled, with the parameters as an argument."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import ArrayLike, Float

Parameters = Mapping[str, Array]
"""The trainable arrays of a model, by name."""
Step = Callable[[Parameters, Array, Array], Array]
"""``step(params, h, u) -> h_next`` of one state ``[n_states]`` and one input ``[n_inputs]``."""
Readout = Callable[[Parameters, Array], Array]
"""``readout(params, h) -> y`` of one or of many states ``[..., n_states]``."""
Forward = Callable[[Parameters, Array], tuple[Array, Array]]
"""``forward(params, inputs) -> (outputs, states)``, each ``[trial, time, channel]``."""


def linear_readout(
    params: Parameters, h: Float[Array, "... n_hidden"]
) -> Float[Array, "... n_outputs"]:
    """Return ``W_out h + b_out``."""
    return h @ params["W_out"].T + params["b_out"]


def roll_out(
    step: Step,
    params: Parameters,
    h0: Float[Array, "trial n_states"],
    inputs: Float[Array, "trial time n_inputs"],
) -> Float[Array, "trial time n_states"]:
    """Return the states after each input, the one after the first input first."""
    # A float64 input to a float32 model must not change the type of the carry half-way.
    dtype = jnp.result_type(h0, inputs, *params.values())
    batched = jax.vmap(step, in_axes=(None, 0, 0))

    def advance(h: Array, u: Array) -> tuple[Array, Array]:
        h_next = batched(params, h, u)
        return h_next, h_next

    _, states = jax.lax.scan(advance, h0.astype(dtype), jnp.swapaxes(inputs.astype(dtype), 0, 1))
    return jnp.swapaxes(states, 0, 1)


@lru_cache(maxsize=256)
def forward_of(step: Step, readout: Readout) -> Forward:
    """Return the pure function from parameters and inputs to outputs and states.

    The same two functions always give the same object, so that what was compiled for one model
    serves every model of its kind. The initial state is the parameter ``h0``.
    """

    def forward(params: Parameters, inputs: Array) -> tuple[Array, Array]:
        h0 = jnp.broadcast_to(params["h0"], (inputs.shape[0], *params["h0"].shape))
        states = roll_out(step, params, h0, inputs)
        return readout(params, states), states

    return forward


@partial(jax.jit, static_argnames=("step", "readout"))
def run_compiled(
    step: Step, readout: Readout, params: Parameters, h0: ArrayLike, inputs: ArrayLike
) -> tuple[Array, Array]:
    """Return outputs and states from given initial states; compiled once for each shape."""
    states = roll_out(step, params, jnp.asarray(h0), jnp.asarray(inputs))
    return readout(params, states), states
