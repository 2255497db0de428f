"""Spikes of two linear systems: which of them, the condition decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpf_notebook.analysis.spike_checks import check_row
from fpf_notebook.tasks.spikes.emission import (
    check_common,
)
from fpf_notebook.tasks.spikes.rotation import (
    HELDIN_SHARE,
    initial_states,
    mode_eigenvalues,
    rotate,
    spikes_of_latents,
)
from fpf_notebook.tasks.spikes.task import SpikeTask


class TwoRegimeSpikes(SpikeTask):
    """The same planes and neurons, but frequencies that depend on the condition.

    Even conditions turn at the first set of frequencies, odd ones at the second. No single linear
    system describes both: linear dynamics around one fixed point give frequencies in between, wrong
    for either.

    Parameters
    ----------
    n_conditions, n_trials, n_neurons, n_time : int
        By default 108, 1,148, 202 and 45.
    dt : float
        Width of a bin, by default 0.02 s.
    frequencies : sequence of two sequences of float
        Of the two regimes, in Hz; by default (0.8, 1.6) and (1.4, 2.6).
    time_constants : sequence of float
        Of the decay of the planes, in seconds, in both regimes; by default 1, 0.8.
    mean_rate, max_rate, depth, trial_noise, n_heldin, valid_share, seed
        As for `RotationSpikes`.

    Raises
    ------
    TypeError, ValueError
        If a setting is out of range.

    Examples
    --------
    >>> task = TwoRegimeSpikes(n_trials=20, n_neurons=8, n_conditions=4)
    >>> task.eigenvalues.shape, sorted(set(task.data.regimes.tolist()))
    ((2, 2), [0, 1])
    """

    def __init__(
        self,
        *,
        n_conditions: int = 108,
        n_trials: int = 1148,
        n_neurons: int = 202,
        n_time: int = 45,
        dt: float = 0.02,
        frequencies: Sequence[Sequence[float]] = ((0.8, 1.6), (1.4, 2.6)),
        time_constants: Sequence[float] = (1.0, 0.8),
        mean_rate: float = 8.0,
        max_rate: float = 250.0,
        depth: float = 0.7,
        trial_noise: float = 0.15,
        n_heldin: int | None = None,
        valid_share: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.time_constants = check_row("time_constants", time_constants)
        n_modes = len(self.time_constants)
        self.frequencies = tuple(check_row("frequencies", row, n_modes) for row in frequencies)
        if len(self.frequencies) != 2:
            raise ValueError(f"frequencies must be of 2 regimes, got {len(self.frequencies)}")
        s = check_common(
            {
                "n_conditions": n_conditions, "n_trials": n_trials, "n_neurons": n_neurons,
                "n_time": n_time, "dt": dt, "mean_rate": mean_rate, "max_rate": max_rate,
                "depth": depth, "trial_noise": trial_noise, "valid_share": valid_share,
                "n_heldin": n_heldin, "seed": seed,
            },
            heldin_share=HELDIN_SHARE,
        )  # fmt: skip
        if s["n_conditions"] < 2:
            raise ValueError("n_conditions must be at least 2, one for each regime, got 1")
        rng = np.random.default_rng([2, s["seed"]])
        rows = [mode_eigenvalues(row, self.time_constants, s["dt"]) for row in self.frequencies]
        conditions = rng.permutation(np.arange(s["n_trials"]) % s["n_conditions"])
        regimes = conditions % 2
        start = initial_states(conditions, n_modes, s["trial_noise"], rng)
        latents = rotate(start, np.stack(rows)[regimes], s["n_time"])
        super().__init__(
            spikes_of_latents(
                latents, s, rng, conditions=conditions, eigenvalues=np.stack(rows), regimes=regimes
            )
        )
