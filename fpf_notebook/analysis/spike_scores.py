"""How well rates explain spikes, and how near they come to the truth."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checks

__all__ = ["bits_per_spike", "co_smoothing", "psth", "psth_r2", "r2_of_rates", "smoothed_spikes"]


@checks("analysis.bits_per_spike")
def bits_per_spike(
    rates: Float[np.ndarray, "trial time neuron"], spikes: Float[np.ndarray, "trial time neuron"]
) -> float:
    """Return what rates tell about spikes, beyond each neuron's mean rate, in bits a spike.

    The Poisson log-likelihood of the spikes under the rates, less that under the neurons' mean
    rates over these trials, divided by the number of spikes and by log 2.

    Parameters
    ----------
    rates : array, [trial, time, neuron]
        Spikes expected in each bin.
    spikes : array, [trial, time, neuron]
        Counts.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite or negative, or there are no spikes.

    References
    ----------
    Pei et al., "Neural Latents Benchmark '21", NeurIPS Datasets and Benchmarks, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> spikes = np.array([[[0.0], [2.0]]])
    >>> round(bits_per_spike(np.array([[[1.0], [1.0]]]), spikes), 3)  # no more than the mean
    0.0
    >>> round(bits_per_spike(np.array([[[1e-9], [2.0]]]), spikes), 3)  # all there is to know
    1.0
    """
    rates, spikes = _pair("rates", rates, "spikes", spikes)
    if (rates < 0).any() or (spikes < 0).any():
        raise ValueError("rates and spikes must be at least 0")
    total = spikes.sum()
    if total == 0:
        raise ValueError("spikes: there is not one, so that there are no bits a spike")
    mean = np.broadcast_to(spikes.mean(axis=(0, 1)), spikes.shape)
    return float((_log_likelihood(spikes, rates) - _log_likelihood(spikes, mean)) / total / _LN2)


@checks("analysis.co_smoothing")
def co_smoothing(
    rates: Float[np.ndarray, "trial time neuron"],
    spikes: Float[np.ndarray, "trial time neuron"],
    n_heldin: int,
) -> float:
    """Return bits per spike of the held-out neurons, those after the first `n_heldin`.

    Raises
    ------
    ValueError
        As for `bits_per_spike`, or if there are no neurons after these.

    Examples
    --------
    >>> import numpy as np
    >>> rates = np.tile([[0.1], [2.0]], (3, 4, 5))  # every other bin
    >>> bool(co_smoothing(rates, np.round(rates), n_heldin=4) > 0.5)
    True
    """
    n_neurons = np.shape(spikes)[-1]
    if isinstance(n_heldin, bool) or not 1 <= n_heldin < n_neurons:
        raise ValueError(
            f"n_heldin must be from 1 to below the {n_neurons} neurons, got {n_heldin!r}"
        )
    return bits_per_spike(np.asarray(rates)[..., n_heldin:], np.asarray(spikes)[..., n_heldin:])


@checks("analysis.r2_of_rates")
def r2_of_rates(
    rates: Float[np.ndarray, "trial time neuron"], truth: Float[np.ndarray, "trial time neuron"]
) -> float:
    """Return the mean over neurons of the share of the true rates' variance that is explained.

    Neurons whose true rate does not vary have no share, and are left out.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, or no true rate varies.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.random.default_rng(0).uniform(size=(4, 10, 2))
    >>> r2_of_rates(truth, truth)
    1.0
    """
    rates, truth = _pair("rates", rates, "truth", truth)
    total = ((truth - truth.mean(axis=(0, 1))) ** 2).sum(axis=(0, 1))
    rest = ((truth - rates) ** 2).sum(axis=(0, 1))
    varies = total > 0
    if not varies.any():
        raise ValueError("truth: no neuron's rate varies")
    return float(np.mean(1 - rest[varies] / total[varies]))


@checks("analysis.psth")
def psth(
    values: Float[np.ndarray, "trial time neuron"], conditions: Int[np.ndarray, "trial"]
) -> Float[np.ndarray, "condition time neuron"]:
    """Return averages over the trials of each condition, in the order of their numbers.

    Raises
    ------
    ValueError
        If there is not one condition for each trial.

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.array([[[1.0]], [[3.0]], [[5.0]]])
    >>> psth(counts, np.array([0, 0, 1])).ravel()
    array([2., 5.])
    """
    values, labels = np.asarray(values, np.float64), np.asarray(conditions)
    if values.ndim != 3 or labels.shape != values.shape[:1]:
        raise ValueError(
            f"conditions must have the shape [trial={len(values)}], got {list(labels.shape)}"
        )
    return np.stack([values[labels == label].mean(axis=0) for label in np.unique(labels)])


@checks("analysis.psth_r2")
def psth_r2(
    rates: Float[np.ndarray, "trial time neuron"],
    spikes: Float[np.ndarray, "trial time neuron"],
    conditions: Int[np.ndarray, "trial"],
    *,
    width: float = 0.0,
) -> float:
    """Return how well averages of rates over trials match those of the spikes, as a share.

    Parameters
    ----------
    rates, spikes : array, [trial, time, neuron]
        Rates, and what they are compared with: counts or true rates.
    conditions : array of int, [trial]
        Whose trials are averaged.
    width : float
        Standard deviation in bins of a Gaussian by which the spikes are smoothed; 0, the default,
        leaves them.

    Examples
    --------
    >>> import numpy as np
    >>> rates = np.random.default_rng(0).uniform(size=(4, 10, 2))
    >>> psth_r2(rates, rates, np.array([0, 0, 1, 1]))
    1.0
    """
    expected = smoothed_spikes(spikes, width) if width else spikes
    return r2_of_rates(psth(rates, conditions), psth(expected, conditions))


@checks("analysis.smoothed_spikes")
def smoothed_spikes(
    spikes: Float[np.ndarray, "trial time neuron"], width: float
) -> Float[np.ndarray, "trial time neuron"]:
    """Return spikes smoothed over time by a Gaussian, the plainest estimate of rates.

    Parameters
    ----------
    spikes : array, [trial, time, neuron]
        Counts.
    width : float
        Its standard deviation, in bins.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.zeros((1, 9, 1))
    >>> one[0, 4] = 1.0
    >>> smoothed_spikes(one, width=1.0).ravel()[2:7].round(3)
    array([0.054, 0.242, 0.399, 0.242, 0.054])
    """
    from scipy.ndimage import gaussian_filter1d

    if isinstance(width, bool) or not np.isfinite(width) or width <= 0:
        raise ValueError(f"width must be a finite number of bins above 0, got {width!r}")
    return gaussian_filter1d(np.asarray(spikes, np.float64), width, axis=1)


_LN2 = float(np.log(2))


def _log_likelihood(spikes: np.ndarray, rates: np.ndarray) -> float:
    return float(np.sum(spikes * np.log(np.maximum(rates, 1e-9)) - rates))


def _pair(
    name: str, first: ArrayLike, other: str, second: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError(
            f"{name} and {other} must have one shape [trial, time, neuron], got {list(a.shape)} "
            f"and {list(b.shape)}"
        )
    for label, array in ((name, a), (other, b)):
        if not np.isfinite(array).all():
            raise ValueError(f"{label} must be finite, got NaN or infinity in it")
    return a, b
