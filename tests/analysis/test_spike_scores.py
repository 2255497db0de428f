"""Scores of rates, against sums that are done by hand here."""

import numpy as np
import pytest
from scipy.stats import poisson

from fpf_notebook.analysis import (
    bits_per_spike,
    co_smoothing,
    psth,
    psth_r2,
    r2_of_rates,
    smoothed_spikes,
)

RNG = np.random.default_rng(0)
RATES = RNG.uniform(0.05, 2.0, size=(30, 12, 5))
SPIKES = RNG.poisson(RATES).astype(float)


def test_bits_per_spike_is_the_gain_in_poisson_log_likelihood():
    mean = np.broadcast_to(SPIKES.mean(axis=(0, 1)), SPIKES.shape)
    gain = poisson.logpmf(SPIKES, RATES).sum() - poisson.logpmf(SPIKES, mean).sum()
    expected = gain / SPIKES.sum() / np.log(2)
    assert expected > 0.1
    assert bits_per_spike(RATES, SPIKES) == pytest.approx(expected, rel=1e-9)
    assert bits_per_spike(mean, SPIKES) == pytest.approx(0, abs=1e-12)
    assert bits_per_spike(RATES[::-1], SPIKES) < 0
    assert bits_per_spike(2 * RATES, SPIKES) < bits_per_spike(RATES, SPIKES)


def test_co_smoothing_looks_at_the_held_out_neurons_alone():
    rates = RATES.copy()
    rates[..., :3] = 1e-3
    assert co_smoothing(rates, SPIKES, 3) == bits_per_spike(RATES[..., 3:], SPIKES[..., 3:])
    for n_heldin in (0, 5):
        with pytest.raises(ValueError, match="n_heldin must be from 1 to below the 5 neurons"):
            co_smoothing(RATES, SPIKES, n_heldin)


def test_r2_is_the_mean_of_the_neurons_shares():
    guess = RATES + RNG.normal(size=RATES.shape) * [0.1, 0.2, 0.3, 0.0, 0.5]
    shares = [
        1
        - np.sum((RATES[..., k] - guess[..., k]) ** 2) / (RATES[..., k].size * RATES[..., k].var())
        for k in range(5)
    ]
    assert r2_of_rates(guess, RATES) == pytest.approx(np.mean(shares))
    constant = RATES.copy()
    constant[..., 0] = 1.0  # has no variance to explain
    assert r2_of_rates(constant + 0.5, constant) == pytest.approx(
        r2_of_rates((constant + 0.5)[..., 1:], constant[..., 1:])
    )
    with pytest.raises(ValueError, match="truth: no neuron's rate varies"):
        r2_of_rates(RATES, np.ones_like(RATES))


def test_averages_over_trials_are_in_the_order_of_the_conditions():
    conditions = np.arange(30) % 3
    averages = psth(RATES, conditions)
    assert averages.shape == (3, 12, 5)
    np.testing.assert_allclose(averages[1], RATES[1::3].mean(axis=0))
    assert psth_r2(RATES, RATES, conditions) == 1
    smooth = smoothed_spikes(SPIKES, 2.0)
    assert psth_r2(smooth, SPIKES, conditions, width=2.0) == 1
    with pytest.raises(ValueError, match="conditions must have the shape"):
        psth(RATES, conditions[:-1])


def test_smoothing_keeps_the_number_of_spikes_and_helps():
    slow = np.exp(np.sin(np.linspace(0, 6, 80)))[None, :, None] * np.ones((20, 1, 3))
    spikes = RNG.poisson(slow).astype(float)
    smooth = smoothed_spikes(spikes, 4.0)
    assert smooth.sum() == pytest.approx(spikes.sum(), rel=0.01)
    assert r2_of_rates(smooth, slow) > r2_of_rates(spikes, slow) + 0.5
    for width in (0, -1, np.nan):
        with pytest.raises(ValueError, match=r"width is .*, expected"):
            smoothed_spikes(spikes, width)


@pytest.mark.parametrize(
    ("rates", "spikes", "message"),
    [
        (RATES[0], SPIKES[0], "rates has shape"),
        (RATES[:, :3], SPIKES, "must have one shape"),
        (np.full_like(RATES, np.nan), SPIKES, "rates is NaN or infinite"),
        (-RATES, SPIKES, "rates and spikes must be at least 0"),
        (RATES, np.zeros_like(SPIKES), "there is not one"),
    ],
)
def test_what_cannot_be_scored_is_refused(rates, spikes, message):
    with pytest.raises(ValueError, match=message):
        bits_per_spike(rates, spikes)
