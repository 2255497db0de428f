"""One pass through LFADS: encode, generate, read out. Pure functions of parameters and data."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.forward import Parameters, roll_out
from fpf_notebook.models.jslds_core import JSLDSCarry, initial_carry, part_of, roll_out_core
from fpf_notebook.models.lfads.cells import affine, gru_update
from fpf_notebook.models.lfads.encoder import (
    InitialPosterior,
    controller_inputs,
    initial_posterior,
)
from fpf_notebook.models.lfads.readout import factors_of
from fpf_notebook.models.lfads.structure import Structure

ENCODER, INPUT_ENCODER, CONTROLLER = "encoder.", "input_encoder.", "controller."
INITIAL, GENERATOR, READOUT = "initial.", "generator.", "readout."
IC_PRIOR, CO_PRIOR = "ic_prior.", "co_prior."


class Noise(NamedTuple):
    """Standard normal numbers that make samples of posteriors; zeros give their means."""

    ic: Float[Array, "trial ic_dim"]
    co: Float[Array, "trial time co_dim"]


class Pass(NamedTuple):
    """Everything that one pass makes.

    Attributes
    ----------
    posterior : InitialPosterior
    g0 : array, [trial, gen_dim]
    states : JSLDSCarry
        ``[trial, time, gen_dim]``; of a plain generator all fields are its states.
    co_mean, co_variance, inferred : array, [trial, time, co_dim]
        Posterior of the inferred inputs, and the sample of it that was used.
    inputs : array, [trial, time, co_dim + ext_input_dim]
        All inputs of the generator.
    """

    posterior: InitialPosterior
    g0: Array
    states: JSLDSCarry
    co_mean: Array
    co_variance: Array
    inferred: Array
    inputs: Array


def no_noise(structure: Structure, n_trials: int) -> Noise:
    """Return the noise that gives posterior means."""
    shape = (n_trials, structure.recon_seq_len, structure.co_dim)
    return Noise(jnp.zeros((n_trials, structure.ic_dim)), jnp.zeros(shape))


def draw_noise(structure: Structure, key: Array, n_trials: int) -> Noise:
    """Return noise for one sample of the posterior of each trial."""
    first, second = jax.random.split(key)
    shape = (n_trials, structure.recon_seq_len, structure.co_dim)
    return Noise(
        jax.random.normal(first, (n_trials, structure.ic_dim)), jax.random.normal(second, shape)
    )


def run_pass(
    structure: Structure,
    params: Parameters,
    inputs: Float[Array, "trial time n_inputs"],
    noise: Noise,
    encoder_keep: Float[Array, "trial width"] | None = None,
) -> Pass:
    """Infer and generate.

    Parameters
    ----------
    structure : Structure
    params : dict of arrays
        Of the whole model.
    inputs : array, [trial, time, encod_data_dim + ext_input_dim]
        Spikes, then external inputs. Spikes after `encod_seq_len` are not read.
    noise : Noise
        Which sample of the posterior.
    encoder_keep : array, optional
        Mask of dropout on what the encoder has read.
    """
    n_data = structure.encod_data_dim
    spikes = inputs[:, : structure.encod_seq_len, :n_data]
    if structure.ext_input_dim:
        ext = inputs[:, : structure.recon_seq_len, n_data:]
    else:  # the inputs may be shorter than what is generated
        ext = jnp.zeros((inputs.shape[0], structure.recon_seq_len, 0), inputs.dtype)
    posterior = initial_posterior(structure, part_of(params, ENCODER), spikes, encoder_keep)
    z = posterior.mean + jnp.sqrt(posterior.variance) * noise.ic
    g0 = affine(part_of(params, INITIAL), "g0", z)
    if structure.has_controller:
        given = controller_inputs(structure, part_of(params, INPUT_ENCODER), spikes)
        states, mean, variance, inferred = _controlled(structure, params, g0, given, ext, noise.co)
        return Pass(
            posterior, g0, states, mean, variance, inferred,
            jnp.concatenate([inferred, ext], axis=-1),
        )  # fmt: skip
    nothing = noise.co  # of width 0
    generator = part_of(params, GENERATOR)
    if structure.core is not None:
        states = roll_out_core(structure.core, generator, g0, ext)
    else:
        h = roll_out(structure.step, generator, g0, ext)
        states = JSLDSCarry(h, h, h, h)
    return Pass(posterior, g0, states, nothing, nothing, nothing, ext)


def _controlled(
    structure: Structure,
    params: Parameters,
    g0: Float[Array, "trial gen_dim"],
    given: Float[Array, "trial time width"],
    ext: Float[Array, "trial time ext_input_dim"],
    noise: Float[Array, "trial time co_dim"],
) -> tuple[JSLDSCarry, Array, Array, Array]:
    """Generate step by step with a controller, which sees the factors of the step before.

    Of a JSLDS generator it sees those of the nonlinear network; both systems get the same inputs.
    """
    controller, generator = part_of(params, CONTROLLER), part_of(params, GENERATOR)
    readout = part_of(params, READOUT)
    if structure.core is not None:
        both = jax.vmap(structure.core, in_axes=(None, 0, 0))
    else:
        plain = jax.vmap(structure.step, in_axes=(None, 0, 0))

    def advance(carry: tuple[Array, JSLDSCarry], at: Any) -> tuple[Any, Any]:
        con, states = carry
        given_t, ext_t, noise_t = at
        factors = factors_of(readout, states.rnn_state)
        x = jnp.concatenate([given_t, factors], axis=-1)
        con = gru_update(controller, "", con, x @ controller["W_ih"].T + controller["b_ih"])
        mean, log_variance = jnp.split(affine(controller, "posterior", con), 2, axis=-1)
        variance = jnp.exp(log_variance) + structure.ic_post_var_min
        inferred = mean + jnp.sqrt(variance) * noise_t
        u = jnp.concatenate([inferred, ext_t], axis=-1)
        if structure.core is not None:
            states = both(generator, states, u)
        else:
            h = plain(generator, states.rnn_state, u)
            states = JSLDSCarry(h, h, h, h)
        return (con, states), (states, mean, variance, inferred)

    con = jnp.broadcast_to(controller["h0"], (g0.shape[0], structure.con_dim))
    over_time = tuple(jnp.swapaxes(x, 0, 1) for x in (given, ext, noise))
    made: object = jax.lax.scan(advance, (con, initial_carry(g0)), over_time)[1]
    states, mean, variance, inferred = jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), made)
    return states, mean, variance, inferred
