"""From spikes to the posteriors: initial conditions, and what the controller is given."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.forward import Parameters
from fpf_notebook.models.lfads.cells import affine, affine_arrays, gru_arrays, gru_states
from fpf_notebook.models.lfads.structure import Structure


class InitialPosterior(NamedTuple):
    """The normal posterior of the initial condition, each ``[trial, ic_dim]``."""

    mean: Array
    variance: Array


def encoder_arrays(structure: Structure, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the weights of the encoder of initial conditions."""
    n_in, n = structure.encod_data_dim, structure.ic_enc_dim
    return (
        gru_arrays(rng, n_in, n, "forward_")
        | gru_arrays(rng, n_in, n, "backward_")
        | affine_arrays(rng, 2 * structure.ic_dim, 2 * n, "posterior")
    )


def input_encoder_arrays(structure: Structure, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the weights of the encoder that feeds the controller."""
    n_in, n = structure.encod_data_dim, structure.ci_enc_dim
    return gru_arrays(rng, n_in, n, "forward_") | gru_arrays(rng, n_in, n, "backward_")


def initial_posterior(
    structure: Structure,
    params: Parameters,
    spikes: Float[Array, "trial time neuron"],
    keep: Float[Array, "trial width"] | None,
) -> InitialPosterior:
    """Read a trial in both directions and return the posterior of its initial condition.

    `keep` multiplies what was read: a mask of dropout, or None.
    """
    forward = gru_states(params, "forward_", spikes, reverse=False)[:, -1]
    backward = gru_states(params, "backward_", spikes, reverse=True)[:, 0]
    read = jnp.concatenate([forward, backward], axis=-1)
    if keep is not None:
        read = read * keep
    mean, log_variance = jnp.split(affine(params, "posterior", read), 2, axis=-1)
    return InitialPosterior(mean, jnp.exp(log_variance) + structure.ic_post_var_min)


def controller_inputs(
    structure: Structure, params: Parameters, spikes: Float[Array, "trial time neuron"]
) -> Float[Array, "trial recon_time width"]:
    """Return what the controller is given of the spikes at each step.

    Both directions are `ci_lag` bins behind, so that the controller cannot copy the present bin;
    beyond the encoded bins there is nothing to give.
    """
    lag, n_time = structure.ci_lag, structure.encod_seq_len
    forward = gru_states(params, "forward_", spikes, reverse=False)
    backward = gru_states(params, "backward_", spikes, reverse=True)
    if lag:
        nothing = jnp.zeros_like(forward[:, : min(lag, n_time)])
        forward = jnp.concatenate([nothing, forward[:, :-lag]], axis=1)
        backward = jnp.concatenate([backward[:, lag:], nothing], axis=1)
    both = jnp.concatenate([forward, backward], axis=-1)
    beyond = structure.recon_seq_len - n_time
    return jnp.pad(both, ((0, 0), (0, beyond), (0, 0)))
