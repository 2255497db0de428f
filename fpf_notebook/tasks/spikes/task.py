"""A set of spikes as a task: see some neurons, give the rates of all."""

from __future__ import annotations

import hashlib

import numpy as np
from jaxtyping import Float

from fpf_notebook.analysis.spike_checks import check_count
from fpf_notebook.analysis.spike_data import SpikeData
from fpf_notebook.tasks.task import Seed
from fpf_notebook.tasks.trials import Trials


class SpikeTask:
    """Trials of a fixed set of spikes, for `fpf_notebook.train`.

    Inputs are the spikes of the held-in neurons and then the external inputs, targets the spikes
    of all neurons. A sample goes through the training trials in random order, as often as it needs
    to; validation trials are never among them.

    Parameters
    ----------
    data : SpikeData
        The set.
    n_time : int, optional
        Bins of a trial to use, the first ones; by default all.

    Attributes
    ----------
    data : SpikeData
        The set, cut to `n_time`.

    Raises
    ------
    TypeError, ValueError
        If it is no such record, or its trials are shorter than `n_time`.
    """

    def __init__(self, data: SpikeData, n_time: int | None = None) -> None:
        if not isinstance(data, SpikeData):
            raise TypeError(f"data must be a SpikeData, got {type(data).__name__}")
        if n_time is not None and check_count("n_time", n_time) > data.n_time:
            raise ValueError(
                f"n_time is {n_time}, but the trials have only {data.n_time} bins: the window is "
                "longer than a trial"
            )
        self.data = data if n_time in (None, data.n_time) else _cut(data, int(n_time or 0))
        self._training = self.data.training_rows
        self._inputs = self.data.model_inputs()

    @property
    def n_inputs(self) -> int:
        """Held-in neurons and external inputs together."""
        return self._inputs.shape[2]

    @property
    def n_outputs(self) -> int:
        """Number of neurons, held-out ones included."""
        return self.data.n_neurons

    @property
    def n_time(self) -> int:
        """Bins of a trial."""
        return self.data.n_time

    @property
    def eigenvalues(self) -> np.ndarray | None:
        """The true eigenvalues a bin, ``[regime, mode]``, if they are known."""
        return self.data.eigenvalues

    def sample(self, n_trials: int, seed: Seed) -> Trials:
        """Return training trials in random order, each once before any of them comes again."""
        n_trials = check_count("n_trials", n_trials)
        rng = np.random.default_rng(seed)
        n_rounds = -(-n_trials // len(self._training))
        rows = np.concatenate([rng.permutation(self._training) for _ in range(n_rounds)])
        return self._trials(rows[:n_trials])

    def validation_trials(self) -> Trials:
        """Return all trials that are for validation.

        Raises
        ------
        ValueError
            If there are none.
        """
        rows = self.data.valid_rows
        if not len(rows):
            raise ValueError("the data have no trials for validation")
        return self._trials(rows)

    def _trials(self, rows: np.ndarray) -> Trials:
        targets = self.data.spikes[rows]
        return Trials(self._inputs[rows], targets, np.ones_like(targets))

    def accuracy(self, outputs: Float[np.ndarray, "trial time n_outputs"], trials: Trials) -> float:
        """Return the share of the spikes' deviance that rates explain, from 0 to 1.

        0 is what each neuron's mean rate over the trials explains, 1 a rate that knows each spike;
        Poisson noise keeps the truth itself far below 1. For data that are no counts it is the
        share of the variance.

        Parameters
        ----------
        outputs : array, [trial, time, neuron]
            Rates in spikes a bin.
        trials : Trials
            Trials of this task.

        Raises
        ------
        ValueError
            If the outputs have another shape than the targets.
        """
        rates, spikes = np.asarray(outputs, np.float64), np.asarray(trials.targets, np.float64)
        if rates.shape != spikes.shape:
            raise ValueError(
                f"outputs must have the shape of the targets, {list(spikes.shape)}, got "
                f"{list(rates.shape)}"
            )
        mean = np.broadcast_to(spikes.mean(axis=(0, 1)), spikes.shape)
        deviance = _poisson_deviance if self.data.counts else _squares
        null = deviance(spikes, mean)
        share = 1 - deviance(spikes, rates) / null if null > 0 else 0.0
        return float(np.clip(share, 0, 1)) if np.isfinite(share) else 0.0

    def __repr__(self) -> str:
        # Resumed training compares this: another set of the same size is another task.
        digest = hashlib.sha256(self.data.spikes.tobytes()).hexdigest()[:12]
        return f"{type(self).__name__}({self.data!r}, sha256={digest})"


def _cut(data: SpikeData, n_time: int) -> SpikeData:
    names = ("ext_inputs", "rates", "latents")
    parts = {k: None if getattr(data, k) is None else getattr(data, k)[:, :n_time] for k in names}
    return SpikeData(
        spikes=data.spikes[:, :n_time],
        dt=data.dt,
        n_heldin=data.n_heldin,
        valid=data.valid,
        conditions=data.conditions,
        eigenvalues=data.eigenvalues,
        regimes=data.regimes,
        counts=data.counts,
        **parts,
    )


def _poisson_deviance(spikes: np.ndarray, rates: np.ndarray) -> float:
    safe = np.maximum(rates, 1e-9)
    own = np.where(spikes > 0, spikes * np.log(np.maximum(spikes, 1) / safe), 0.0)
    return float(2 * np.sum(own - (spikes - safe)))


def _squares(values: np.ndarray, means: np.ndarray) -> float:
    return float(np.sum((values - means) ** 2))
