"""Compiled inference: the posterior mean, and averages over samples of the posterior."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from fpf_notebook._types import JsonObject
from fpf_notebook.models.forward import Parameters
from fpf_notebook.models.jslds_core import part_of
from fpf_notebook.models.lfads.passes import (
    READOUT,
    Noise,
    Pass,
    draw_noise,
    no_noise,
    run_pass,
)
from fpf_notebook.models.lfads.readout import (
    factors_of,
    output_parameters,
    rates_of,
    readout_matrix,
)
from fpf_notebook.models.lfads.structure import Structure


def posterior_mean(structure: Structure, params: Parameters, inputs: np.ndarray) -> JsonObject:
    """Return what is inferred at the mean of the posterior, by the names of `LFADSRun`."""
    return _numpy(_infer(structure, params, inputs, no_noise(structure, len(inputs))), params)


def averaged_samples(
    structure: Structure,
    params: Parameters,
    inputs: np.ndarray,
    *,
    n_samples: int,
    seed: int,
) -> JsonObject:
    """Return the mean over samples of everything that is inferred, by the names of `LFADSRun`."""
    mean = _average(structure, params, inputs, jax.random.key(seed), n_samples)
    return _numpy(mean, params)


def _outputs(structure: Structure, params: Parameters, made: Pass) -> dict[str, Array]:
    readout = part_of(params, READOUT)

    def of(states: Array, prefix: str) -> dict[str, Array]:
        factors = factors_of(readout, states)
        rates = rates_of(structure, output_parameters(readout, factors))
        return {f"{prefix}rates": rates, f"{prefix}factors": factors}

    values = {
        **of(made.states.rnn_state, ""),
        "generator_states": made.states.rnn_state,
        "initial_conditions": made.g0,
        "ic_mean": made.posterior.mean,
        "ic_std": jnp.sqrt(made.posterior.variance),
        "inferred_inputs": made.inferred,
        "generator_inputs": made.inputs,
    }
    if structure.core is not None and structure.input_point is not None:
        values |= {
            **of(made.states.jslds_state, "jslds_"),
            "jslds_states": made.states.jslds_state,
            "expansion_points": made.states.expansion_point,
            "F_expansion": made.states.F_expansion,
            "input_points": jax.vmap(jax.vmap(structure.input_point))(made.inputs),
        }
    return values


@partial(jax.jit, static_argnames="structure")
def _infer(
    structure: Structure, params: Parameters, inputs: Array, noise: Noise
) -> dict[str, Array]:
    return _outputs(structure, params, run_pass(structure, params, inputs, noise))


@partial(jax.jit, static_argnames="structure")
def _average(
    structure: Structure, params: Parameters, inputs: Array, key: Array, n_samples: object
) -> dict[str, Array]:
    def one(k: Any) -> dict[str, Array]:
        noise = draw_noise(structure, jax.random.fold_in(key, k), inputs.shape[0])
        return _outputs(structure, params, run_pass(structure, params, inputs, noise))

    def add(k: object, sums: dict[str, Array]) -> dict[str, Array]:
        return jax.tree.map(jnp.add, sums, one(k))

    # One sample after the other: all at once would take n_samples times the memory.
    sums = jax.lax.fori_loop(1, n_samples, add, one(0))
    return jax.tree.map(lambda x: x / n_samples, sums)


_OF_JSLDS = (
    "jslds_rates",
    "jslds_factors",
    "jslds_states",
    "expansion_points",
    "F_expansion",
    "input_points",
)


def _numpy(values: dict[str, Array], params: Parameters) -> JsonObject:
    arrays: dict[str, object] = {name: np.asarray(value) for name, value in values.items()}
    arrays |= {name: None for name in _OF_JSLDS if name not in arrays}
    return arrays | {"readout": np.asarray(readout_matrix(part_of(params, READOUT)))}
