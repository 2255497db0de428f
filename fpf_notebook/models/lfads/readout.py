"""From generator states to factors and rates, and how well rates explain the data."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.forward import Parameters
from fpf_notebook.models.lfads.cells import affine, affine_arrays
from fpf_notebook.models.lfads.structure import Structure

# exp of more would be no rate; a linear system that is not tamed yet can ask for it.
_MAX_LOG_RATE = 15.0


def readout_arrays(structure: Structure, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the weights of factors and rates."""
    arrays = affine_arrays(rng, structure.fac_dim, structure.gen_dim, "factors")
    del arrays["b_factors"]
    arrays |= affine_arrays(rng, structure.recon_data_dim, structure.fac_dim, "rates", 0.3)
    if structure.reconstruction == "gaussian":
        arrays["log_variance"] = np.zeros(structure.recon_data_dim)
    return arrays


def unit_rows(W: Float[Array, "fac_dim gen_dim"]) -> Float[Array, "fac_dim gen_dim"]:
    """Return a matrix with its rows scaled to the length 1."""
    return W / jnp.maximum(jnp.linalg.norm(W, axis=1, keepdims=True), 1e-12)


def factors_of(params: Parameters, states: Float[Array, "*batch gen_dim"]) -> Array:
    """Return the factors of generator states."""
    return states @ unit_rows(params["W_factors"]).T


def output_parameters(params: Parameters, factors: Float[Array, "*batch fac_dim"]) -> Array:
    """Return log-rates, or the means of a Gaussian readout."""
    return affine(params, "rates", factors)


def rates_of(structure: Structure, output: Array) -> Array:
    """Return what is expected of each bin: spikes, or values."""
    if structure.reconstruction == "gaussian":
        return output
    return jnp.exp(jnp.minimum(output, _MAX_LOG_RATE))


def negative_log_likelihood(
    structure: Structure, params: Parameters, data: Float[Array, "*batch neuron"], output: Array
) -> Float[Array, "*batch neuron"]:
    """Return the negative log-likelihood of each entry, without what no parameter changes."""
    if structure.reconstruction == "gaussian":
        log_variance = params["log_variance"]
        return 0.5 * ((data - output) ** 2 * jnp.exp(-log_variance) + log_variance)
    return rates_of(structure, output) - data * output


def initial_rate_bias(
    structure: Structure, data: Float[np.ndarray, "trial time neuron"]
) -> dict[str, np.ndarray]:
    """Return the readout's bias, and variance, that give each neuron its mean."""
    mean = data.mean(axis=(0, 1), dtype=np.float64)
    if structure.reconstruction == "gaussian":
        variance = np.maximum(data.var(axis=(0, 1), dtype=np.float64), 1e-6)
        return {"b_rates": mean, "log_variance": np.log(variance)}
    return {"b_rates": np.log(mean + 1e-4)}


def readout_matrix(params: Parameters) -> Float[Array, "neuron gen_dim"]:
    """Return how log-rates depend on the generator's state, through the factors."""
    return params["W_rates"] @ unit_rows(params["W_factors"])
