"""Spikes of a chaotic recurrent network."""

from __future__ import annotations

import numpy as np

from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.tasks.spikes.emission import check_common, random_split, spikes_of
from fpf_notebook.tasks.spikes.task import SpikeTask


class ChaoticRNNSpikes(SpikeTask):
    """A random network above the onset of chaos: ``tau x' = -x + gain W tanh(x)``.

    The rate of a unit is ``max_rate (1 + tanh x) / 2``. Conditions are initial states; within one,
    trials differ only by their spikes.

    Parameters
    ----------
    n_conditions, trials_per_condition : int
        By default 400 and 10.
    n_units : int
        Units, each of them a neuron. Default 50.
    n_time : int
        Bins of a trial, by default 100.
    dt : float
        Width of a bin, by default 0.01 s.
    gain : float
        Above 1 the network is chaotic; by default 1.5.
    time_constant : float
        Of a unit, by default 0.025 s.
    max_rate : float
        By default 30 Hz.
    n_heldin : int, optional
        Neurons that a model may see, by default all.
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
    Sussillo, Jozefowicz, Abbott and Pandarinath, "LFADS – latent factor analysis via dynamical
    systems", 2016, section 4.2.
    """

    def __init__(
        self,
        *,
        n_conditions: int = 400,
        trials_per_condition: int = 10,
        n_units: int = 50,
        n_time: int = 100,
        dt: float = 0.01,
        gain: float = 1.5,
        time_constant: float = 0.025,
        max_rate: float = 30.0,
        n_heldin: int | None = None,
        valid_share: float = 0.2,
        seed: int = 0,
    ) -> None:
        s = check_common(
            {
                "n_conditions": n_conditions, "trials_per_condition": trials_per_condition,
                "n_units": n_units, "n_neurons": n_units, "n_time": n_time, "dt": dt, "gain": gain,
                "time_constant": time_constant, "max_rate": max_rate, "valid_share": valid_share,
                "seed": seed, "n_heldin": n_heldin,
            }
        )  # fmt: skip
        rng = np.random.default_rng([4, s["seed"]])
        n = s["n_units"]
        W = s["gain"] * rng.normal(size=(n, n)) / np.sqrt(n)
        x = rng.normal(size=(s["n_conditions"], n))
        # A tenth of the time constant at most: Euler's method is then as good as it needs to be.
        n_steps = max(1, int(np.ceil(10 * s["dt"] / s["time_constant"])))
        share = s["dt"] / n_steps / s["time_constant"]
        path = np.empty((s["n_conditions"], s["n_time"], n))
        for t in range(s["n_time"]):
            for _ in range(n_steps):
                x = x + share * (-x + np.tanh(x) @ W.T)
            path[:, t] = x
        n_trials = s["n_conditions"] * s["trials_per_condition"]
        if n_trials < 2:
            raise ValueError("n_conditions times trials_per_condition must be at least 2, got 1")
        conditions = rng.permutation(np.arange(n_trials) % s["n_conditions"])
        rates = (s["max_rate"] * s["dt"] / 2 * (1 + np.tanh(path)))[conditions]
        super().__init__(
            SpikeData(
                spikes=spikes_of(rates, rng),
                dt=s["dt"],
                n_heldin=s["n_heldin"],
                valid=random_split(n_trials, s["valid_share"], rng),
                conditions=conditions,
                rates=rates,
                latents=path[conditions],
            )
        )
