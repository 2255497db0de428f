"""Spikes that follow the Lorenz system."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.tasks.spikes.emission import check_common, random_split, spikes_of
from fpf_notebook.tasks.spikes.task import SpikeTask

_SIGMA, _RHO, _BETA = 10.0, 28.0, 8 / 3
_STEP = 0.004  # of the integration, in units of time of the system


class LorenzSpikes(SpikeTask):
    """The chaotic system by which LFADS was first judged.

    Conditions are initial states on the attractor; within one, trials differ only by their spikes.

    Parameters
    ----------
    n_conditions, trials_per_condition, n_neurons, n_time : int
        By default 65, 20, 30 and 50.
    dt : float
        Width of a bin, by default 0.02 s.
    speed : float
        Units of time of the Lorenz system in a second, by default 1.
    mean_rate : float
        Rate of a neuron at the mean state, by default 10 Hz.
    depth : float
        Weights of the readout lie between this and twice as much, of either sign. Default 0.45.
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
    systems", 2016, section 4.1; Pandarinath et al., Nature Methods 15, 2018.
    """

    def __init__(
        self,
        *,
        n_conditions: int = 65,
        trials_per_condition: int = 20,
        n_neurons: int = 30,
        n_time: int = 50,
        dt: float = 0.02,
        speed: float = 1.0,
        mean_rate: float = 10.0,
        depth: float = 0.45,
        n_heldin: int | None = None,
        valid_share: float = 0.2,
        seed: int = 0,
    ) -> None:
        s = check_common(
            {
                "n_conditions": n_conditions, "trials_per_condition": trials_per_condition,
                "n_neurons": n_neurons, "n_time": n_time, "dt": dt, "speed": speed,
                "mean_rate": mean_rate, "depth": depth, "valid_share": valid_share, "seed": seed,
                "n_heldin": n_heldin,
            }
        )  # fmt: skip
        rng = np.random.default_rng([3, s["seed"]])
        path = _trajectories(s["n_conditions"], s["n_time"], s["dt"] * s["speed"], rng)
        path = (path - path.mean(axis=(0, 1))) / path.std(axis=(0, 1))
        shape = (3, s["n_neurons"])
        C = s["depth"] * rng.uniform(1, 2, shape) * rng.choice([-1.0, 1.0], shape)
        n_trials = s["n_conditions"] * s["trials_per_condition"]
        if n_trials < 2:
            raise ValueError("n_conditions times trials_per_condition must be at least 2, got 1")
        conditions = rng.permutation(np.arange(n_trials) % s["n_conditions"])
        rates = np.exp(path @ C + np.log(s["mean_rate"] * s["dt"]))[conditions]
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


def _trajectories(
    n: int, n_time: int, per_bin: float, rng: np.random.Generator
) -> Float[np.ndarray, "n n_time 3"]:
    """Return paths on the attractor, by the fourth-order Runge–Kutta method."""
    x = 8 * rng.normal(size=(n, 3)) + [0, 0, 25]
    for _ in range(1500):  # onto the attractor
        x = _advance(x, _STEP)
    n_steps = max(1, round(per_bin / _STEP))
    path = np.empty((n, n_time, 3))
    for t in range(n_time):
        for _ in range(n_steps):
            x = _advance(x, per_bin / n_steps)
        path[:, t] = x
    return path


def _advance(x: np.ndarray, h: float) -> np.ndarray:
    k1 = _lorenz(x)
    k2 = _lorenz(x + h / 2 * k1)
    k3 = _lorenz(x + h / 2 * k2)
    k4 = _lorenz(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def _lorenz(x: np.ndarray) -> np.ndarray:
    a, b, c = x.T
    return np.stack([_SIGMA * (b - a), a * (_RHO - c) - b, a * b - _BETA * c], axis=1)
