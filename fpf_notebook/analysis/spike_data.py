"""The record of a set of spikes, and of what is known about where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import ArrayLike

from fpf_notebook.analysis.spike_checks import check_positive, checked_spikes


@dataclass(frozen=True, eq=False)
class SpikeData:
    """Spike counts of many trials, split for training and validation.

    Attributes
    ----------
    spikes : array, [trial, time, neuron]
        Counts a bin. The first `n_heldin` neurons are those that a model may see; the others are
        held out, for co-smoothing.
    dt : float
        Width of a bin, in seconds.
    n_heldin : int, optional
        By default all neurons.
    valid : array of bool, [trial], optional
        Which trials are for validation, by default every fifth.
    conditions : array of int, [trial], optional
        The condition of each trial, for averages over trials.
    ext_inputs : array, [trial, time, channel], optional
        What the animal was shown, say: inputs to the generator.
    rates : array, [trial, time, neuron], optional
        The true rates, in spikes a bin, of synthetic spikes.
    latents : array, [trial, time, dim], optional
        The true latent states.
    eigenvalues : array of complex, [regime, mode], optional
        True eigenvalues a bin, those above the real axis.
    regimes : array of int, [trial], optional
        Which row of `eigenvalues` a trial follows.
    counts : bool
        Whether the values must be whole and not negative. False for other data.

    Raises
    ------
    TypeError, ValueError
        If spikes are negative, fractional, NaN or infinite, or a shape does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> data = SpikeData(np.ones((10, 4, 3), int), dt=0.02, n_heldin=2)
    >>> data.n_trials, data.n_time, data.n_neurons, int(data.valid.sum())
    (10, 4, 3, 2)
    """

    spikes: Float[np.ndarray, "trial time neuron"]
    dt: float
    n_heldin: int | None = None
    valid: Bool[np.ndarray, "trial"] | None = None
    conditions: Int[np.ndarray, "trial"] | None = None
    ext_inputs: Float[np.ndarray, "trial time channel"] | None = None
    rates: Float[np.ndarray, "trial time neuron"] | None = None
    latents: Float[np.ndarray, "trial time dim"] | None = None
    eigenvalues: Complex[np.ndarray, "regime mode"] | None = None
    regimes: Int[np.ndarray, "trial"] | None = None
    counts: bool = True

    def __post_init__(self) -> None:
        spikes = checked_spikes("spikes", self.spikes, counts=self.counts)
        n_trials, n_time, n_neurons = spikes.shape
        self._set("spikes", spikes)
        self._set("dt", check_positive("dt", self.dt))
        n_heldin = n_neurons if self.n_heldin is None else self.n_heldin
        if (
            isinstance(n_heldin, bool)
            or not isinstance(n_heldin, int | np.integer)
            or not 1 <= n_heldin <= n_neurons
        ):
            raise ValueError(
                f"n_heldin must be a whole number from 1 to the {n_neurons} neurons, got "
                f"{n_heldin!r}"
            )
        self._set("n_heldin", int(n_heldin))
        valid = np.arange(n_trials) % 5 == 4 if self.valid is None else np.asarray(self.valid)
        if valid.dtype != bool or valid.shape != (n_trials,):
            raise ValueError(
                f"valid must be one bool for each of the {n_trials} trials, got {valid.dtype} "
                f"{list(valid.shape)}"
            )
        if valid.all():
            raise ValueError("valid must leave trials to train on, got all of them")
        self._set("valid", valid)
        for name in ("conditions", "regimes"):
            value = getattr(self, name)
            if value is not None and np.shape(value) != (n_trials,):
                raise ValueError(
                    f"{name} must have the shape [trial={n_trials}], got {list(np.shape(value))}"
                )
        for name in ("rates", "latents", "ext_inputs"):
            value = getattr(self, name)
            if value is None:
                continue
            width = n_neurons if name == "rates" else None
            shape = np.shape(value)
            if len(shape) != 3 or shape[:2] != (n_trials, n_time) or width not in (None, shape[2]):
                raise ValueError(
                    f"{name} must have the shape [trial={n_trials}, time={n_time}, "
                    f"{'neuron=' + str(n_neurons) if width else 'channel'}], got {list(shape)}"
                )
            if not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite, got NaN or infinity in it")

    def _set(self, name: str, value: ArrayLike) -> None:
        object.__setattr__(self, name, value)

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.spikes.shape[0]

    @property
    def n_time(self) -> int:
        """Bins of a trial."""
        return self.spikes.shape[1]

    @property
    def n_neurons(self) -> int:
        """Number of neurons, held-out ones included."""
        return self.spikes.shape[2]

    @property
    def n_ext_inputs(self) -> int:
        """Number of channels of the external inputs."""
        return 0 if self.ext_inputs is None else self.ext_inputs.shape[2]

    @property
    def training_rows(self) -> Int[np.ndarray, "n_training"]:
        """Numbers of the trials to train on."""
        return np.flatnonzero(~np.asarray(self.valid, bool))

    @property
    def valid_rows(self) -> Int[np.ndarray, "n_valid"]:
        """Numbers of the trials for validation."""
        return np.flatnonzero(np.asarray(self.valid, bool))

    def trials(self, which: Any) -> SpikeData:
        """Return the record of some trials, for example ``data.trials(data.valid)``.

        In it none is for validation.

        Raises
        ------
        IndexError, ValueError
            If there are no such trials, or none is chosen.
        """
        rows = np.arange(self.n_trials)[which]
        if not np.size(rows):
            raise ValueError("which must choose some trials, got none")
        rows = np.atleast_1d(rows)
        names = ("conditions", "ext_inputs", "rates", "latents", "regimes")
        parts = {k: None if getattr(self, k) is None else getattr(self, k)[rows] for k in names}
        return SpikeData(
            spikes=self.spikes[rows],
            dt=self.dt,
            n_heldin=self.n_heldin,
            valid=np.zeros(len(rows), bool),
            eigenvalues=self.eigenvalues,
            counts=self.counts,
            **parts,
        )

    def model_inputs(self) -> Float[np.ndarray, "trial time n_inputs"]:
        """Return what a model is given: spikes of held-in neurons, then external inputs."""
        spikes = self.spikes[..., : self.n_heldin]
        if self.ext_inputs is None:
            return spikes
        return np.concatenate([spikes, self.ext_inputs.astype(np.float32)], axis=2)

    def __repr__(self) -> str:
        return (
            f"SpikeData({self.n_trials} trials, {len(self.valid_rows)} of them for validation, "
            f"{self.n_time} bins of {1e3 * self.dt:g} ms, {self.n_neurons} neurons, "
            f"{self.n_heldin} held in)"
        )
