"""Spikes that follow one linear system: four damped rotations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float, Int

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis.spike_checks import check_row
from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.tasks.spikes.emission import (
    check_common,
    log_linear_rates,
    random_split,
    spikes_of,
)
from fpf_notebook.tasks.spikes.task import SpikeTask

HELDIN_SHARE = 0.7525
"""Share of the neurons that a model may see by default: 152 of 202."""


class RotationSpikes(SpikeTask):
    """One linear system for all conditions, as in motor cortex during reaches.

    Each condition begins in a state of its own, from which the latent states turn and decay in as
    many planes as there are frequencies. Neurons read them out log-linearly, and spike as Poisson
    processes. The default sizes are those of the maze set of the JSLDS paper.

    Parameters
    ----------
    n_conditions, n_trials, n_neurons, n_time : int
        By default 108, 2,296, 202 and 45.
    dt : float
        Width of a bin, by default 0.02 s.
    frequencies : sequence of float
        Of the rotations, in Hz; by default 0.7, 1.3, 1.9, 2.6.
    time_constants : sequence of float
        Of their decay, in seconds; by default 1, 0.8, 0.6, 0.5.
    mean_rate, max_rate : float
        In Hz, by default 8 and 250. Few bins reach the latter; where many do, what neurons show of
        the rotations is flattened, and decays look slower than they are.
    depth : float
        Standard deviation of the logarithm of a neuron's rate, by default 0.7.
    trial_noise : float
        Standard deviation of a trial's initial state around its condition's, which has 1. Default
        0.15.
    n_heldin : int, optional
        Neurons that a model may see; by default three quarters, 152.
    valid_share : float
        Share of trials for validation, by default 0.2.
    seed : int
        Of everything.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range.

    References
    ----------
    Smith, Linderman and Sussillo, NeurIPS 2021, section 4.3, for sizes and for what is asked.
    Churchland et al., "Neural population dynamics during reaching", Nature 487, 2012.

    Examples
    --------
    >>> task = RotationSpikes(n_trials=20, n_neurons=8, n_conditions=4)
    >>> task.data.spikes.shape, task.n_inputs, task.n_outputs
    ((20, 45, 8), 6, 8)
    >>> task.frequencies
    (0.7, 1.3, 1.9, 2.6)
    """

    def __init__(
        self,
        *,
        n_conditions: int = 108,
        n_trials: int = 2296,
        n_neurons: int = 202,
        n_time: int = 45,
        dt: float = 0.02,
        frequencies: Sequence[float] = (0.7, 1.3, 1.9, 2.6),
        time_constants: Sequence[float] = (1.0, 0.8, 0.6, 0.5),
        mean_rate: float = 8.0,
        max_rate: float = 250.0,
        depth: float = 0.7,
        trial_noise: float = 0.15,
        n_heldin: int | None = None,
        valid_share: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.frequencies = check_row("frequencies", frequencies)
        self.time_constants = check_row("time_constants", time_constants, len(self.frequencies))
        s = check_common(
            {
                "n_conditions": n_conditions, "n_trials": n_trials, "n_neurons": n_neurons,
                "n_time": n_time, "dt": dt, "mean_rate": mean_rate, "max_rate": max_rate,
                "depth": depth, "trial_noise": trial_noise, "valid_share": valid_share,
                "n_heldin": n_heldin, "seed": seed,
            },
            heldin_share=HELDIN_SHARE,
        )  # fmt: skip
        rng = np.random.default_rng([1, s["seed"]])
        eigenvalues = mode_eigenvalues(self.frequencies, self.time_constants, s["dt"])
        conditions = rng.permutation(np.arange(s["n_trials"]) % s["n_conditions"])
        start = initial_states(conditions, len(self.frequencies), s["trial_noise"], rng)
        latents = rotate(start, np.tile(eigenvalues, (s["n_trials"], 1)), s["n_time"])
        super().__init__(
            spikes_of_latents(
                latents,
                s,
                rng,
                conditions=conditions,
                eigenvalues=eigenvalues[None],
                regimes=np.zeros(s["n_trials"], int),
            )
        )


def mode_eigenvalues(
    frequencies: Sequence[float], time_constants: Sequence[float], dt: float
) -> Complex[np.ndarray, "mode"]:
    """Return eigenvalues a bin of damped rotations, those above the real axis."""
    f, tau = np.asarray(frequencies, float), np.asarray(time_constants, float)
    return np.exp((2j * np.pi * f - 1 / tau) * dt)


def initial_states(
    conditions: np.ndarray, n_modes: int, trial_noise: float, rng: np.random.Generator
) -> Complex[np.ndarray, "trial mode"]:
    """Return each condition's random state and each trial's noise; a plane is a complex number."""
    n_conditions = int(conditions.max()) + 1
    z = rng.normal(size=(n_conditions, n_modes, 2))[conditions]
    z = z + trial_noise * rng.normal(size=z.shape)
    return z[..., 0] + 1j * z[..., 1]


def rotate(
    start: Complex[np.ndarray, "trial mode"],
    eigenvalues: Complex[np.ndarray, "trial mode"],
    n_time: int,
) -> Float[np.ndarray, "trial time dim"]:
    """Return the states after 1, 2, … steps, real and imaginary part of each plane in turn."""
    powers = eigenvalues[:, None] ** np.arange(1, n_time + 1)[:, None]
    z = start[:, None] * powers
    return np.stack([z.real, z.imag], axis=-1).reshape(*z.shape[:2], -1)


def spikes_of_latents(
    latents: Float[np.ndarray, "trial time latent"],
    settings: JsonObject,
    rng: np.random.Generator,
    *,
    conditions: Int[np.ndarray, "trial"],
    eigenvalues: Complex[np.ndarray, "regime mode"],
    regimes: Int[np.ndarray, "trial"],
) -> SpikeData:
    """Draw the spikes of neurons that read latents out, log-linearly, and split the trials.

    Parameters
    ----------
    latents
        [trial, time, latent].
    settings
        Those of the task, checked.
    rng
        What readout, spikes and split are drawn from, in this order.
    conditions, eigenvalues, regimes
        What is known of the trials.
    """
    s = settings
    rates = log_linear_rates(
        latents, s["n_neurons"], mean_rate=s["mean_rate"], depth=s["depth"],
        max_rate=s["max_rate"], dt=s["dt"], rng=rng,
    )  # fmt: skip
    return SpikeData(
        spikes=spikes_of(rates, rng),
        dt=s["dt"],
        n_heldin=s["n_heldin"],
        valid=random_split(s["n_trials"], s["valid_share"], rng),
        conditions=conditions,
        rates=rates,
        latents=latents,
        eigenvalues=eigenvalues,
        regimes=regimes,
    )
