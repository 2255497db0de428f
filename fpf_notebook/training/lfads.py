"""The loss of LFADS: reconstruction, divergence from priors, and what a JSLDS generator adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from fpf_notebook.analysis.spike_checks import check_count
from fpf_notebook.models.forward import Parameters
from fpf_notebook.models.jslds_core import part_of
from fpf_notebook.models.lfads import LFADS
from fpf_notebook.models.lfads.passes import (
    CO_PRIOR,
    IC_PRIOR,
    READOUT,
    Noise,
    Pass,
    draw_noise,
    no_noise,
    run_pass,
)
from fpf_notebook.models.lfads.priors import divergence_over_time
from fpf_notebook.models.lfads.readout import (
    factors_of,
    negative_log_likelihood,
    output_parameters,
    rates_of,
)
from fpf_notebook.models.lfads.structure import Structure
from fpf_notebook.training.lfads_metrics import bits_per_spike_by_part
from fpf_notebook.training.ramps import Ramp

__all__ = ["LFADSLoss", "lfads_loss"]

# The parameters of each part whose squares are kept small: its recurrent weights.
_L2_PARTS = {
    "l2_gen_scale": "generator.",
    "l2_con_scale": "controller.",
    "l2_ic_enc_scale": "encoder.",
    "l2_ci_enc_scale": "input_encoder.",
}


@dataclass(frozen=True)
class LFADSLoss:
    """What `lfads_loss` returns; made by it."""

    structure: Structure
    cd_rate: float
    kl_ic_scale: float
    kl_co_scale: float
    l2_scales: tuple[tuple[str, float], ...]
    lambda_rnn: float
    lambda_jslds: float
    lambda_e: float
    lambda_a: float
    kl_ramp: Ramp
    l2_ramp: Ramp
    jslds_ramp: Ramp
    seed: int

    def __call__(
        self, params: Parameters, inputs: Array, targets: Array, mask: Array
    ) -> dict[str, Array]:
        """Return the terms at the posterior mean, without dropout, at the end of all ramps."""
        return self.measure(params, inputs, targets, mask)[0]

    def at_step(
        self, params: Parameters, inputs: Array, targets: Array, mask: Array, step: Array
    ) -> dict[str, Array]:
        """Return the terms of a training step: one sample of the posterior, with dropout."""
        s, n_trials = self.structure, inputs.shape[0]
        keys = jax.random.split(jax.random.fold_in(jax.random.key(self.seed), step), 4)
        noise: Noise = draw_noise(s, keys[0], n_trials)
        inputs, weights = self._coordinated_dropout(keys[1], inputs, mask)
        keep_read = _keep(keys[2], s.dropout_rate, (n_trials, 2 * s.ic_enc_dim))
        keep_state = _keep(keys[3], s.dropout_rate, (n_trials, 1, s.gen_dim))
        made = run_pass(s, params, inputs, noise, keep_read)
        return self._terms(
            params, made, targets, weights, keep_state,
            self.kl_ramp(step), self.l2_ramp(step), self.jslds_ramp(step),
        )  # fmt: skip

    def measure(
        self, params: Parameters, inputs: Array, targets: Array, mask: Array
    ) -> tuple[dict[str, Array], dict[str, Array], Array]:
        """Return the terms, bits per spike of the parts of the data, and the rates."""
        s = self.structure
        self._check_length(targets)
        made = run_pass(s, params, inputs, no_noise(s, inputs.shape[0]))
        terms = self._terms(params, made, targets, mask, None, 1.0, 1.0, 1.0)
        output = self._output(params, made.states.rnn_state)
        values: dict[str, Array] = {}
        if s.reconstruction == "poisson":
            values = bits_per_spike_by_part(s, output, targets)
            if s.core is not None:
                linear = self._output(params, made.states.jslds_state)
                of_jslds = bits_per_spike_by_part(s, linear, targets)
                values |= {f"{name}_jslds": value for name, value in of_jslds.items()}
        return terms, values, rates_of(s, output)

    def _coordinated_dropout(self, key: Array, inputs: Array, mask: Array) -> tuple[Array, Array]:
        """Hide some spikes from the encoder, and count just those of them in the reconstruction.

        Otherwise the model could copy single spikes. Held-out neurons and forward steps, which the
        encoder never sees, always count.
        """
        if not self.cd_rate:
            return inputs, mask
        s = self.structure
        seen = inputs[:, : s.encod_seq_len, : s.encod_data_dim]
        shown = jax.random.bernoulli(key, 1 - self.cd_rate, seen.shape)
        hidden_counts = jnp.where(shown, 0.0, 1 / self.cd_rate).astype(mask.dtype)
        part = (slice(None), slice(s.encod_seq_len), slice(s.encod_data_dim))
        dimmed = jnp.where(shown, seen / (1 - self.cd_rate), 0.0)
        return inputs.at[part].set(dimmed), mask.at[part].multiply(hidden_counts)

    def _check_length(self, targets: Array) -> None:
        if targets.shape[1] != self.structure.recon_seq_len:
            raise ValueError(
                f"the trials have {targets.shape[1]} bins, but the model generates "
                f"{self.structure.recon_seq_len} (recon_seq_len): make it with "
                "LFADS.for_data(task.data), or cut the trials with SpikeTask(data, n_time=...)"
            )

    def _output(self, params: Parameters, states: Array) -> Array:
        readout = part_of(params, READOUT)
        return output_parameters(readout, factors_of(readout, states))

    def _terms(
        self,
        params: Parameters,
        made: Pass,
        targets: Array,
        weights: Array,
        keep_state: Array | None,
        kl: Any,
        l2: Any,
        reg: Any,
    ) -> dict[str, Array]:
        s, states = self.structure, made.states

        def reconstruction(x: Array) -> Array:
            output = self._output(params, x if keep_state is None else x * keep_state)
            readout = part_of(params, READOUT)
            return jnp.mean(weights * negative_log_likelihood(s, readout, targets, output))

        terms: dict[str, Array] = {}
        if self.lambda_rnn:
            terms["reconstruction"] = self.lambda_rnn * reconstruction(states.rnn_state)
        if s.core is not None and self.lambda_jslds:
            terms["reconstruction_jslds"] = self.lambda_jslds * reconstruction(states.jslds_state)
        divergence = s.ic_prior.divergence(
            part_of(params, IC_PRIOR), made.posterior.mean, made.posterior.variance
        )
        terms["kl_ic"] = kl * self.kl_ic_scale * jnp.mean(divergence)
        if s.has_controller:
            divergence = divergence_over_time(
                s.co_prior, part_of(params, CO_PRIOR), made.co_mean, made.co_variance
            )
            terms["kl_co"] = kl * self.kl_co_scale * jnp.mean(divergence)
        if self.l2_scales:
            terms["l2_weights"] = l2 * sum(
                (scale * _mean_row(params, part) for part, scale in self.l2_scales),
                start=jnp.zeros(()),
            )
        if s.core is not None and self.lambda_e:
            residual = states.F_expansion - states.expansion_point
            terms["fixed_point"] = reg * self.lambda_e * jnp.mean(residual**2)
        if s.core is not None and self.lambda_a:
            difference = states.rnn_state - states.jslds_state
            terms["approximation"] = reg * self.lambda_a * jnp.mean(difference**2)
        return terms


def lfads_loss(
    model: LFADS,
    *,
    cd_rate: float = 0.3,
    kl_ic_scale: float | None = None,
    kl_co_scale: float | None = None,
    l2_gen_scale: float = 1e-3,
    l2_con_scale: float = 0.0,
    l2_ic_enc_scale: float = 0.0,
    l2_ci_enc_scale: float = 0.0,
    lambda_rnn: float = 1.0,
    lambda_jslds: float = 1.0,
    lambda_e: float = 100.0,
    lambda_a: float = 10.0,
    kl_increase_steps: int = 300,
    l2_increase_steps: int = 0,
    jslds_start: float = 0.03,
    jslds_increase_steps: int = 500,
    seed: int = 0,
) -> LFADSLoss:
    """Return the loss of LFADS, as named terms, for ``train(model, task, loss=...)``.

    ========================  ==================================================================
    term                      value
    ========================  ==================================================================
    ``reconstruction``        ``lambda_rnn`` times the negative log-likelihood of the data under
                              the rates of the nonlinear generator, the mean over all entries
    ``reconstruction_jslds``  ``lambda_jslds`` times that under the switching linear system's
    ``kl_ic``, ``kl_co``      divergence of the posteriors from their priors, times the scales
    ``l2_weights``            squares of recurrent weights, the sum over a part divided by its units
    ``fixed_point``           ``lambda_e`` times R_e, the mean of ``(F(e, u*) - e)²``
    ``approximation``         ``lambda_a`` times R_a, the mean of ``(h - a)²``
    ========================  ==================================================================

    In validation, bits per spike are reported as well: ``bits_per_spike`` of the held-in neurons,
    ``co_smoothing`` of the held-out ones, ``forward_prediction`` of the steps beyond the encoded
    ones; those of the switching linear system with ``_jslds`` at the end.

    R_e and R_a are ramped: at first the rates are learned, then the generator is made to name its
    fixed points. With constant factors the fit is ruined: on rotations R² of 0.74 in place of 0.95.

    Parameters
    ----------
    model : LFADS
        Its structure counts, not its weights.
    cd_rate : float
        Coordinated dropout: share of spikes that are hidden from the encoder, and are those that
        count in the reconstruction. Default 0.3; 0 for none.
    kl_ic_scale, kl_co_scale : float, optional
        Scales of the divergences; by default 1 over the number of bins times that of neurons, which
        makes the loss the evidence bound, divided by that number.
    l2_gen_scale, l2_con_scale, l2_ic_enc_scale, l2_ci_enc_scale : float
        Scales of the squares. Default 1e-3 for the generator, else 0.
    lambda_rnn, lambda_jslds, lambda_e, lambda_a : float
        As in eq. 9 of the JSLDS paper, with means in place of its sums. Defaults 1, 1, 100, 10.
        Only the first counts for a plain generator.
    kl_increase_steps, l2_increase_steps : int
        Steps over which these terms rise linearly from 0. Default 300 and 0.
    jslds_start : float
        Share of `lambda_e` and `lambda_a` at the first step. Default 0.03.
    jslds_increase_steps : int
        Steps over which it rises geometrically to 1: two thirds of a training or so. Default 500.
    seed : int
        Of samples and dropout; each step has its own.

    Returns
    -------
    loss : LFADSLoss
        Equal for equal arguments, so that what was compiled is used again.

    Raises
    ------
    TypeError, ValueError
        If `model` is no LFADS, or a number is out of range.

    References
    ----------
    Pandarinath et al., Nature Methods 15, 2018. Smith, Linderman and Sussillo, NeurIPS 2021, eqs. 7
    to 9 and section 4.3. Keshtkaran and Pandarinath, "Enabling hyperparameter optimization in
    sequential autoencoders for spiking neural data", NeurIPS 2019, for coordinated dropout.
    """
    if not isinstance(model, LFADS):
        raise TypeError(f"model must be an LFADS, got {type(model).__name__}")
    s = model.structure
    evidence = 1 / (s.recon_seq_len * s.recon_data_dim)
    scales = {
        "l2_gen_scale": l2_gen_scale,
        "l2_con_scale": l2_con_scale,
        "l2_ic_enc_scale": l2_ic_enc_scale,
        "l2_ci_enc_scale": l2_ci_enc_scale,
    }
    l2_scales = tuple(
        (_L2_PARTS[name], _number(name, value)) for name, value in scales.items() if value != 0
    )
    lambdas = {
        "lambda_rnn": _number("lambda_rnn", lambda_rnn),
        "lambda_jslds": _number("lambda_jslds", lambda_jslds),
        "lambda_e": _number("lambda_e", lambda_e),
        "lambda_a": _number("lambda_a", lambda_a),
    }
    if not lambdas["lambda_rnn"] and not (s.core is not None and lambdas["lambda_jslds"]):
        raise ValueError("lambda_rnn and lambda_jslds are 0: nothing would be reconstructed")
    start = _number("jslds_start", jslds_start)
    if not 0 < start <= 1:
        raise ValueError(f"jslds_start must be above 0 and at most 1, got {jslds_start!r}")
    return LFADSLoss(
        structure=s,
        cd_rate=_number("cd_rate", cd_rate, below=1.0),
        kl_ic_scale=evidence if kl_ic_scale is None else _number("kl_ic_scale", kl_ic_scale),
        kl_co_scale=evidence if kl_co_scale is None else _number("kl_co_scale", kl_co_scale),
        l2_scales=l2_scales,
        **lambdas,
        kl_ramp=Ramp(0.0, check_count("kl_increase_steps", kl_increase_steps, least=0)),
        l2_ramp=Ramp(0.0, check_count("l2_increase_steps", l2_increase_steps, least=0)),
        jslds_ramp=Ramp(start, check_count("jslds_increase_steps", jslds_increase_steps, least=0)),
        seed=check_count("seed", seed, least=0),
    )


def _keep(key: Array, rate: float, shape: tuple[int, ...]) -> Array | None:
    """Return a mask of dropout, scaled so that its mean is 1; None where nothing is dropped."""
    if not rate:
        return None
    return jax.random.bernoulli(key, 1 - rate, shape) / (1 - rate)


def _mean_row(params: Parameters, part: str) -> Array:
    """Return the squares of a part's recurrent weights, summed, over the number of units."""
    total = jnp.zeros(())
    for name, W in params.items():
        if name.startswith(part) and name.endswith("W_hh"):
            total = total + jnp.sum(W**2) / W.shape[-1]
    return total


def _number(name: str, value: object, *, below: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not np.isfinite(value) or value < 0 or (below is not None and value >= below):
        limit = "" if below is None else f" and below {below:g}"
        raise ValueError(f"{name} must be a finite number of at least 0{limit}, got {value!r}")
    return float(value)
