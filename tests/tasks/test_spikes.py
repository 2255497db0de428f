"""Synthetic spikes: that they follow what is said of them, and what is refused."""

import numpy as np
import pytest

from fpf_notebook.tasks import (
    ChaoticRNNSpikes,
    LorenzSpikes,
    RotationSpikes,
    SpikeData,
    SpikeTask,
    Task,
    TwoRegimeSpikes,
)

SMALL = {
    RotationSpikes: {"n_trials": 60, "n_neurons": 12, "n_conditions": 6},
    TwoRegimeSpikes: {"n_trials": 60, "n_neurons": 12, "n_conditions": 6},
    LorenzSpikes: {"n_conditions": 6, "trials_per_condition": 5},
    ChaoticRNNSpikes: {"n_conditions": 6, "trials_per_condition": 5, "n_time": 30},
}


@pytest.fixture(params=SMALL, ids=lambda cls: cls.__name__)
def cls(request):
    return request.param


def fitted_eigenvalues(latents):
    before, after = (x.reshape(-1, latents.shape[2]) for x in (latents[:, :-1], latents[:, 1:]))
    values = np.linalg.eigvals(np.linalg.lstsq(before, after, rcond=None)[0].T)
    return np.sort_complex(values[values.imag > 0])


def test_the_default_sizes_are_those_of_the_maze_set():
    task = RotationSpikes()
    assert task.data.spikes.shape == (2296, 45, 202)
    assert (task.n_inputs, task.n_outputs, task.n_time) == (152, 202, 45)
    assert len(np.unique(task.data.conditions)) == 108
    assert int(task.data.valid.sum()) == round(0.2 * 2296)
    assert task.data.dt == 0.02
    hertz = np.angle(task.eigenvalues[0]) / (2 * np.pi * 0.02)
    np.testing.assert_allclose(hertz, [0.7, 1.3, 1.9, 2.6])
    assert 4 < task.data.spikes.mean() / 0.02 < 20  # Hz


def test_the_latent_states_follow_the_eigenvalues_that_are_given():
    task = RotationSpikes(**SMALL[RotationSpikes])
    np.testing.assert_allclose(
        fitted_eigenvalues(task.data.latents), np.sort_complex(task.eigenvalues[0]), atol=1e-9
    )
    two = TwoRegimeSpikes(**SMALL[TwoRegimeSpikes])
    for regime in (0, 1):
        latents = two.data.latents[two.data.regimes == regime]
        np.testing.assert_allclose(
            fitted_eigenvalues(latents), np.sort_complex(two.eigenvalues[regime]), atol=1e-9
        )
    assert (two.data.regimes == two.data.conditions % 2).all()
    # One system for both fits neither.
    both = fitted_eigenvalues(two.data.latents)
    assert np.abs(both[:, None] - two.eigenvalues.ravel()).min() > 0.01


def test_the_lorenz_latents_follow_the_lorenz_system():
    # In its own units the mean of the attractor is (0, 0, 23.5); the set is made of z-scores.
    task = LorenzSpikes(n_conditions=200, trials_per_condition=1, n_neurons=4, speed=0.1)
    np.testing.assert_allclose(task.data.latents.mean(axis=(0, 1)), 0, atol=1e-9)
    np.testing.assert_allclose(task.data.latents.std(axis=(0, 1)), 1, atol=1e-9)
    z = task.data.latents
    rate = (z[:, 2:] - z[:, :-2]) / (2 * 0.02 * 0.1)
    x, y, w = np.moveaxis(z[:, 1:-1], 2, 0)
    terms = np.stack([np.ones_like(x), x, y, w, x * y, x * w, y * w], axis=-1).reshape(-1, 7)
    fit = np.linalg.lstsq(terms, rate.reshape(-1, 3), rcond=None)[0]
    rest = rate.reshape(-1, 3) - terms @ fit
    assert (rest.std(axis=0) / rate.reshape(-1, 3).std(axis=0)).max() < 0.02
    assert fit[1, 0] == pytest.approx(-10, rel=0.02)  # -sigma x
    assert fit[3, 2] == pytest.approx(-8 / 3, rel=0.05)  # -beta z


def test_a_chaotic_network_forgets_where_it_began_only_above_the_onset():
    small = SMALL[ChaoticRNNSpikes] | {"n_units": 60, "n_time": 60}
    chaotic, quiet = ChaoticRNNSpikes(**small, gain=2.5), ChaoticRNNSpikes(**small, gain=0.3)
    assert chaotic.data.latents[:, -1].std() > 0.3
    assert quiet.data.latents[:, -1].std() < 1e-3
    np.testing.assert_allclose(
        chaotic.data.rates, 30 * 0.01 / 2 * (1 + np.tanh(chaotic.data.latents))
    )


def test_spikes_are_poisson_counts_of_the_rates(cls):
    data = cls(**SMALL[cls]).data
    assert data.spikes.dtype == np.float32
    assert (data.spikes == np.floor(data.spikes)).all()
    assert data.spikes.min() == 0
    z = (data.spikes - data.rates) / np.sqrt(data.rates)
    assert abs(z.mean()) < 0.05
    assert z.std() == pytest.approx(1, abs=0.05)


def test_the_seed_decides_everything(cls):
    one, again = cls(**SMALL[cls], seed=1), cls(**SMALL[cls], seed=1)
    for name in ("spikes", "rates", "valid", "conditions", "latents"):
        np.testing.assert_array_equal(getattr(one.data, name), getattr(again.data, name))
    other = cls(**SMALL[cls], seed=2)
    assert (other.data.spikes != one.data.spikes).any()
    assert repr(one) == repr(again) != repr(other)


def test_trials_of_a_condition_share_their_rates_or_nearly(cls):
    data = cls(**SMALL[cls]).data
    first = data.rates[data.conditions == data.conditions[0]]
    assert len(first) > 1
    within = first.std(axis=0).mean()
    assert within < 0.5 * data.rates.std(axis=0).mean()


def test_samples_go_through_the_training_trials_and_never_touch_the_others(cls):
    task = cls(**SMALL[cls], n_heldin=8)
    assert isinstance(task, Task)
    data = task.data
    n_training = int((~data.valid).sum())
    trials = task.sample(n_training, seed=3)
    assert trials.inputs.shape == (n_training, task.n_time, 8)
    np.testing.assert_array_equal(trials.inputs, trials.targets[..., :8])

    def keys(spikes):
        return sorted(x.tobytes() for x in spikes)

    assert keys(trials.targets) == keys(data.spikes[~data.valid])
    assert keys(task.validation_trials().targets) == keys(data.spikes[data.valid])
    again = task.sample(n_training, seed=3)
    np.testing.assert_array_equal(trials.targets, again.targets)
    longer = task.sample(n_training + 5, seed=3)
    np.testing.assert_array_equal(longer.targets[:n_training], trials.targets)


def test_the_score_is_the_share_of_the_deviance():
    task = RotationSpikes(**SMALL[RotationSpikes])
    trials = task.validation_trials()
    rates = task.data.rates[task.data.valid]
    mean = np.broadcast_to(trials.targets.mean(axis=(0, 1)), trials.targets.shape)
    assert task.accuracy(mean, trials) == pytest.approx(0, abs=1e-9)
    assert 0.1 < task.accuracy(rates, trials) < 1
    assert task.accuracy(np.maximum(trials.targets, 1e-6), trials) > 0.99
    assert task.accuracy(np.full_like(rates, np.nan), trials) == 0
    with pytest.raises(ValueError, match="outputs must have the shape of the targets"):
        task.accuracy(rates[:, :3], trials)


def test_data_can_be_cut_to_a_window_but_not_stretched():
    data = RotationSpikes(**SMALL[RotationSpikes]).data
    task = SpikeTask(data, n_time=20)
    assert task.n_time == 20
    np.testing.assert_array_equal(task.data.spikes, data.spikes[:, :20])
    np.testing.assert_array_equal(task.data.rates, data.rates[:, :20])
    with pytest.raises(ValueError, match="n_time is 46, but the trials have only 45 bins"):
        SpikeTask(data, n_time=46)
    with pytest.raises(TypeError, match="data must be a SpikeData, got ndarray"):
        SpikeTask(data.spikes)


def test_external_inputs_come_after_the_spikes():
    ext = np.arange(5 * 4 * 2, dtype=float).reshape(5, 4, 2)
    task = SpikeTask(SpikeData(np.ones((5, 4, 3)), dt=0.1, n_heldin=2, ext_inputs=ext))
    assert (task.n_inputs, task.n_outputs) == (4, 3)
    np.testing.assert_array_equal(task.validation_trials().inputs[0, :, 2:], ext[4])


def damaged(value):
    spikes = np.ones((5, 4, 3))
    spikes[2, 1, 0] = value
    return spikes


@pytest.mark.parametrize(
    ("spikes", "message"),
    [
        (damaged(-1), r"the negative -1.0 at \[trial, time, neuron\] = \[2, 1, 0\]"),
        (damaged(0.5), r"the fractional 0.5 at \[trial, time, neuron\] = \[2, 1, 0\]"),
        (damaged(np.nan), r"spikes must be finite, got nan at .* = \[2, 1, 0\] \(1 such"),
        (damaged(np.inf), "spikes must be finite, got inf"),
        (np.ones((4, 3)), r"spikes must have the shape \[trial, time, neuron\], got \[4, 3\]"),
        (np.ones((0, 4, 3)), "spikes must hold trials, bins and neurons"),
    ],
)
def test_bad_spikes_are_refused(spikes, message):
    with pytest.raises(ValueError, match=message):
        SpikeData(spikes, dt=0.02)


def test_numbers_that_are_no_counts_are_taken_if_that_is_said():
    data = SpikeData(damaged(-0.5), dt=0.02, counts=False)
    assert data.spikes.min() == -0.5
    with pytest.raises(ValueError, match="must be finite"):
        SpikeData(damaged(np.nan), dt=0.02, counts=False)
    with pytest.raises(TypeError, match="spikes must be an array of numbers"):
        SpikeData(np.full((2, 2, 2), "a"), dt=0.02)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dt": 0}, "dt must be a finite number above 0"),
        ({"n_heldin": 4}, "n_heldin must be a whole number from 1 to the 3 neurons, got 4"),
        ({"n_heldin": True}, "n_heldin must be a whole number"),
        ({"valid": np.ones(5, bool)}, "valid must leave trials to train on"),
        ({"valid": np.zeros(4, bool)}, "valid must be one bool for each of the 5 trials"),
        ({"conditions": np.zeros(4, int)}, r"conditions must have the shape \[trial=5\]"),
        ({"rates": np.ones((5, 4, 2))}, r"rates must have the shape .*neuron=3\]"),
        ({"ext_inputs": np.ones((5, 3, 2))}, "ext_inputs must have the shape"),
        ({"latents": np.full((5, 4, 1), np.nan)}, "latents must be finite"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SpikeData(**{"spikes": np.ones((5, 4, 3)), "dt": 0.02, **options})


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (RotationSpikes, {"n_trials": 1}, "n_trials must be at least 2"),
        (RotationSpikes, {"n_heldin": 300}, "n_heldin must be at most n_neurons = 202"),
        (RotationSpikes, {"time_constants": (1.0,)}, "time_constants must hold 4 numbers, got 1"),
        (RotationSpikes, {"frequencies": (-1,)}, "frequencies must be a finite number above 0"),
        (RotationSpikes, {"valid_share": 1.0}, "valid_share must be below 1"),
        (TwoRegimeSpikes, {"frequencies": ((1, 2),)}, "frequencies must be of 2 regimes, got 1"),
        (TwoRegimeSpikes, {"n_conditions": 1}, "n_conditions must be at least 2"),
        (LorenzSpikes, {"depth": np.nan}, "depth must be a finite number above 0"),
        (ChaoticRNNSpikes, {"gain": 0}, "gain must be a finite number above 0"),
    ],
)
def test_wrong_settings_are_refused(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls(**options)


@pytest.mark.parametrize("cls", SMALL)
def test_sizes_must_be_integers(cls):
    with pytest.raises(TypeError, match=r"n_time must be an integer, got 4\.5"):
        cls(n_time=4.5)
