"""Context-dependent integration: add up one of two noisy streams, the one that a context names."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checked_argument
from fpf_notebook.tasks.task import Seed
from fpf_notebook.tasks.trials import Trials

_CALL = "tasks.ContextIntegration"
_N_STREAMS = 2


class ContextIntegration:
    """The output is the running sum of the stream that the context names.

    Four input lines: two streams of white noise, each with a bias that is constant in a trial,
    and the context, static and one-hot ([1, 0]: add up the first stream, [0, 1]: the second).

    Parameters
    ----------
    n_time : int
        Steps of a trial, by default 25.
    bias : float
        A stream's bias in a trial is ``bias * 2 * (z - 0.5)`` with z standard normal: of standard
        deviation ``2 bias``, and of mean ``-bias``. By default 0.01.
    noise : float
        Standard deviation of the noise in a unit of time; that of a step is
        ``noise / sqrt(duration / n_time)``. By default 0.025, which makes 0.125 a step.
    duration : float
        Time that a trial lasts, by default 1.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range.

    References
    ----------
    Mante, Sussillo, Shenoy and Newsome, "Context-dependent computation by recurrent dynamics in
    prefrontal cortex", Nature 503, 2013. The numbers are those of Smith, Linderman and Sussillo,
    NeurIPS 2021, and of their published code.
    """

    n_inputs = 2 * _N_STREAMS
    """Number of input lines."""
    n_outputs = 1
    """Number of outputs."""
    context_channels = (2, 3)
    """The input lines of the context."""

    def __init__(
        self,
        n_time: int = 25,
        bias: float = 0.01,
        noise: float = 0.025,
        duration: float = 1.0,
    ) -> None:
        self.n_time = checked_argument(_CALL, "n_time", n_time)
        self.bias = checked_argument(_CALL, "bias", bias)
        self.noise = checked_argument(_CALL, "noise", noise)
        self.duration = checked_argument(_CALL, "duration", duration)

    @property
    def step_noise(self) -> float:
        """Standard deviation of the noise of one step."""
        return float(self.noise / np.sqrt(self.duration / self.n_time))

    @property
    def scale(self) -> float:
        """Root mean square of the target at the end of a trial, for judging errors."""
        return float(np.sqrt(self.n_time * self.step_noise**2 + 5 * (self.n_time * self.bias) ** 2))

    def sample(self, n_trials: int, seed: Seed) -> Trials:
        """Return random trials, in float32.

        Parameters
        ----------
        n_trials : int
            How many.
        seed : int, sequence of int or SeedSequence
            The same seed gives the same trials. Global random numbers are neither used nor
            changed.

        Returns
        -------
        trials : Trials
            Inputs ``[trial, time, 4]``, targets and mask ``[trial, time, 1]``; all steps count.
        """
        n_trials = checked_argument(_CALL, "n_trials", n_trials)
        rng = np.random.default_rng(seed)
        biases = self.bias * 2 * (rng.standard_normal((n_trials, _N_STREAMS)) - 0.5)
        contexts = rng.integers(0, _N_STREAMS, n_trials)
        return self._trials(biases, contexts, rng)

    def sample_fixed_bias(
        self, biases: ArrayLike, context: int, n_trials: int, seed: Seed
    ) -> Trials:
        """Return trials with given biases in one context, as a psychophysicist would.

        Parameters
        ----------
        biases : array, [condition, 2]
            Biases of the two streams; see `bias_grid`.
        context : {0, 1}
            The stream to add up.
        n_trials : int
            Trials for each condition.
        seed : int, sequence of int or SeedSequence
            As for `sample`.

        Returns
        -------
        trials : Trials
            The trials of the first condition first: ``[condition * n_trials, time, channel]``.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        """
        pairs = np.asarray(biases, np.float64)
        if pairs.ndim != 2 or pairs.shape[1] != _N_STREAMS or not len(pairs):
            raise ValueError(f"biases must have the shape [condition, 2], got {list(pairs.shape)}")
        if not np.isfinite(pairs).all():
            raise ValueError("biases must be finite, got NaN or infinity in it")
        if isinstance(context, bool) or context not in range(_N_STREAMS):
            raise ValueError(f"context must be 0 or 1, got {context!r}")
        n_trials = checked_argument(_CALL, "n_trials", n_trials)
        rng = np.random.default_rng(seed)
        pairs = np.repeat(pairs, n_trials, axis=0)
        return self._trials(pairs, np.full(len(pairs), context), rng)

    @staticmethod
    def bias_grid(levels: ArrayLike = (-0.04, -0.02, -0.009, 0.009, 0.02, 0.04)) -> np.ndarray:
        """Return all pairs of bias levels, ``[condition, 2]``: 36 for the six default levels.

        The first stream's bias changes slowest.
        """
        values = np.asarray(levels, np.float64)
        first, second = np.meshgrid(values, values, indexing="ij")
        return np.stack([first.ravel(), second.ravel()], axis=1)

    def accuracy(self, outputs: Float[np.ndarray, "trial time n_outputs"], trials: Trials) -> float:
        """Return the fraction of trials whose choice, the sign of the sum at the end, is right.

        Parameters
        ----------
        outputs : array, [trial, time, 1]
            The network's outputs for the trials. Zero and NaN are wrong.
        trials : Trials
            Trials of this task.

        Returns
        -------
        accuracy : float
            From 0 to 1.

        Raises
        ------
        ValueError
            If the outputs have another shape than the targets.
        """
        outputs = trials.checked_outputs(outputs)
        return float(np.mean(outputs[:, -1] * trials.targets[:, -1] > 0))

    def _trials(self, biases: np.ndarray, contexts: np.ndarray, rng: np.random.Generator) -> Trials:
        n_trials = len(biases)
        noise = rng.standard_normal((n_trials, self.n_time, _N_STREAMS), dtype=np.float32)
        streams = biases[:, None].astype(np.float32) + np.float32(self.step_noise) * noise
        one_hot = np.eye(_N_STREAMS, dtype=np.float32)[contexts]
        context = np.broadcast_to(one_hot[:, None], streams.shape)
        chosen = streams[np.arange(n_trials), :, contexts]
        targets = np.cumsum(chosen, axis=1, dtype=np.float64)[..., None].astype(np.float32)
        inputs = np.concatenate([streams, context], axis=2)
        return Trials(inputs, targets, np.ones_like(targets))

    def __repr__(self) -> str:
        return (
            f"ContextIntegration(n_time={self.n_time}, bias={self.bias!r}, noise={self.noise!r}, "
            f"duration={self.duration!r})"
        )
