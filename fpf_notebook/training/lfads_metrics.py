"""Bits per spike of the parts of the data, inside compiled code."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.lfads.readout import rates_of
from fpf_notebook.models.lfads.structure import Structure


def bits_per_spike_by_part(
    structure: Structure,
    log_rates: Float[Array, "trial time neuron"],
    spikes: Float[Array, "trial time neuron"],
) -> dict[str, Array]:
    """Return bits per spike of held-in neurons, held-out ones, and forward steps, where there are.

    As `fpf_notebook.analysis.bits_per_spike`: against each neuron's mean rate over these trials.
    """
    n_time, n_seen = structure.encod_seq_len, structure.encod_data_dim
    parts = {"bits_per_spike": (slice(n_time), slice(n_seen))}
    if structure.recon_data_dim > n_seen:
        parts["co_smoothing"] = (slice(n_time), slice(n_seen, None))
    if structure.recon_seq_len > n_time:
        parts["forward_prediction"] = (slice(n_time, None), slice(None))
    rates = rates_of(structure, log_rates)
    values = {}
    for name, part in parts.items():
        x, log_rate, rate = (array[(slice(None), *part)] for array in (spikes, log_rates, rates))
        mean = jnp.mean(x, axis=(0, 1))
        # x log(mean) where the mean is 0 is 0: there are no spikes.
        null = jnp.sum(mean - x * jnp.log(jnp.maximum(mean, 1e-12)))
        model = jnp.sum(rate - x * log_rate)
        values[name] = (null - model) / (jnp.maximum(jnp.sum(x), 1) * jnp.log(2.0))
    return values
