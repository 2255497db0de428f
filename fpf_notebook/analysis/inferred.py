"""What LFADS infers from spikes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap


@dataclass(frozen=True, eq=False)
class LFADSRun:
    """Rates and latent states inferred from trials.

    Attributes
    ----------
    rates : array, [trial, time, neuron]
        Spikes expected in each bin (for a Gaussian readout: values), by the nonlinear generator.
    factors : array, [trial, time, fac_dim]
        Low-dimensional readouts of the generator's states.
    generator_states : array, [trial, time, gen_dim]
        h, after each step.
    jslds_rates, jslds_factors, jslds_states : array or None
        The same of the switching linear system; None for a plain generator.
    expansion_points, F_expansion : array, [trial, time, gen_dim], or None
        e, around which each of its steps was linear, and F(e, u*).
    initial_conditions : array, [trial, gen_dim]
        The state before the first step, of both systems.
    ic_mean, ic_std : array, [trial, ic_dim]
        The posterior of what it is made of.
    inferred_inputs : array, [trial, time, co_dim]
        What the controller has added; of width 0 without one.
    generator_inputs : array, [trial, time, co_dim + ext_input_dim]
        All inputs of the generator, external ones after the inferred ones.
    input_points : array, [trial, time, co_dim + ext_input_dim], or None
        u*, the inputs at which those steps were linear.
    generator : StepMap
        The nonlinear generator, with the parameters that it had.
    readout : array, [neuron, gen_dim]
        How log-rates (or values) depend on the generator's state.
    dt : float or None
        Width of a bin in seconds, if the model was told.
    n_samples : int
        Samples of the posterior that were averaged; 0 for its mean.
    """

    rates: Float[np.ndarray, "trial time neuron"]
    factors: Float[np.ndarray, "trial time fac_dim"]
    generator_states: Float[np.ndarray, "trial time gen_dim"]
    jslds_rates: Float[np.ndarray, "trial time neuron"] | None
    jslds_factors: Float[np.ndarray, "trial time fac_dim"] | None
    jslds_states: Float[np.ndarray, "trial time gen_dim"] | None
    expansion_points: Float[np.ndarray, "trial time gen_dim"] | None
    F_expansion: Float[np.ndarray, "trial time gen_dim"] | None
    initial_conditions: Float[np.ndarray, "trial gen_dim"]
    ic_mean: Float[np.ndarray, "trial ic_dim"]
    ic_std: Float[np.ndarray, "trial ic_dim"]
    inferred_inputs: Float[np.ndarray, "trial time co_dim"]
    generator_inputs: Float[np.ndarray, "trial time n_inputs"]
    input_points: Float[np.ndarray, "trial time n_inputs"] | None
    generator: StepMap = field(repr=False)
    readout: Float[np.ndarray, "neuron gen_dim"]
    dt: float | None = None
    n_samples: int = 0

    @property
    def has_jslds(self) -> bool:
        """Whether the generator names its fixed points."""
        return self.jslds_states is not None

    def __repr__(self) -> str:
        n_trials, n_time, n_neurons = self.rates.shape
        how = f"{self.n_samples} samples averaged" if self.n_samples else "posterior mean"
        return f"LFADSRun({n_trials} trials, {n_time} bins, {n_neurons} neurons, {how})"
