"""LFADS: what it computes, written out in NumPy; what it takes, and what it refuses."""

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.models import (
    GRU,
    JSLDS,
    LFADS,
    LSTM,
    AutoregressiveMultivariateNormal,
    MultivariateNormal,
    VanillaRNN,
)
from fpf_notebook.tasks import SpikeData

RNG = np.random.default_rng(0)
SIZES = {
    "encod_data_dim": 4,
    "encod_seq_len": 6,
    "ic_enc_dim": 5,
    "ci_enc_dim": 3,
    "ic_dim": 3,
    "gen_dim": 7,
    "fac_dim": 2,
}
CONTROLLED = {**SIZES, "con_dim": 5, "co_dim": 2}
SPIKES = RNG.poisson(0.7, (3, 6, 4)).astype(float)


def shaken(model, seed=1, scale=0.3):
    """Give a model weights of which none is zero."""
    rng = np.random.default_rng(seed)
    for variable in model.train_vars(method="relative").values():
        noise = scale * rng.normal(size=variable.shape)
        variable.value = variable.value + jnp.asarray(noise, jnp.float32)
    return model


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(p, prefix, h, x):
    n = len(h)
    i = p[f"{prefix}W_ih"] @ x + p[f"{prefix}b_ih"]
    s = p[f"{prefix}W_hh"] @ h + p[f"{prefix}b_hh"]
    r, z = sigmoid(i[:n] + s[:n]), sigmoid(i[n : 2 * n] + s[n : 2 * n])
    return (1 - z) * np.tanh(i[2 * n :] + r * s[2 * n :]) + z * h


def both_directions(p, part, x, n):
    forward, backward = [np.zeros(n)], [np.zeros(n)]
    for t in range(len(x)):
        forward.append(gru(p, f"{part}.forward_", forward[-1], x[t]))
        backward.append(gru(p, f"{part}.backward_", backward[-1], x[len(x) - 1 - t]))
    return np.array(forward[1:]), np.array(backward[1:])[::-1]


def in_numpy(model, x):
    """Run one trial at the posterior mean, as the equations say."""
    p = {k: np.asarray(v, np.float64) for k, v in model.parameters().items()}
    s = model.structure
    f, b = both_directions(p, "encoder", x, s.ic_enc_dim)
    posterior = p["encoder.W_posterior"] @ np.r_[f[-1], b[0]] + p["encoder.b_posterior"]
    mean, variance = posterior[: s.ic_dim], np.exp(posterior[s.ic_dim :]) + s.ic_post_var_min
    g0 = h = p["initial.W_g0"] @ mean + p["initial.b_g0"]
    W = p["readout.W_factors"]
    W = W / np.linalg.norm(W, axis=1, keepdims=True)
    inferred = []
    if s.has_controller:
        f, b = both_directions(p, "input_encoder", x, s.ci_enc_dim)
        con = p["controller.h0"]
    prefix = "generator.rnn." if model.has_jslds else "generator."
    states = []
    for t in range(s.recon_seq_len):
        u = np.zeros(0)
        if s.has_controller:
            before, after = t - s.ci_lag, t + s.ci_lag
            given_f = f[before] if before >= 0 and t < len(x) else np.zeros(s.ci_enc_dim)
            given_b = b[after] if after < len(x) else np.zeros(s.ci_enc_dim)
            con = gru(p, "controller.", con, np.r_[given_f, given_b, W @ h])
            u = (p["controller.W_posterior"] @ con + p["controller.b_posterior"])[: s.co_dim]
            inferred.append(u)
        h = gru(p, prefix, h, u)
        states.append(h)
    factors = np.array(states) @ W.T
    rates = np.exp(factors @ p["readout.W_rates"].T + p["readout.b_rates"])
    return {
        "ic_mean": mean, "ic_std": np.sqrt(variance), "initial_conditions": g0,
        "generator_states": np.array(states), "factors": factors, "rates": rates,
        "inferred_inputs": np.array(inferred).reshape(s.recon_seq_len, s.co_dim),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "beyond"), [(SIZES, 0), (CONTROLLED, 2), ({**CONTROLLED, "ci_lag": 0}, 0)]
)
def test_the_posterior_mean_is_what_the_equations_say(options, beyond):
    model = shaken(LFADS(**options, recon_seq_len=6 + beyond, recon_data_dim=5))
    run = model.run(SPIKES)
    for trial in range(3):
        expected = in_numpy(model, SPIKES[trial])
        for name, value in expected.items():
            np.testing.assert_allclose(
                getattr(run, name)[trial], value, rtol=2e-4, atol=2e-5, err_msg=name
            )
    assert run.rates.shape == (3, 6 + beyond, 5)
    assert not run.has_jslds
    assert run.jslds_states is None
    assert run.expansion_points is None
    np.testing.assert_allclose(
        np.log(run.rates), run.generator_states @ run.readout.T + model.readout.b_rates.value,
        atol=1e-4,
    )  # fmt: skip


@pytest.mark.parametrize("options", [SIZES, CONTROLLED])
def test_a_jslds_generator_is_our_jslds_from_the_same_initial_state(options):
    model = shaken(LFADS(**options, generator=JSLDS), scale=0.1)
    run = model.run(SPIKES)
    alone = model.generator.run(run.generator_inputs, run.initial_conditions)
    np.testing.assert_allclose(run.generator_states, alone.rnn_states, atol=1e-5)
    np.testing.assert_allclose(run.jslds_states, alone.jslds_states, atol=1e-4)
    np.testing.assert_allclose(run.expansion_points, alone.expansion_points, atol=1e-4)
    np.testing.assert_allclose(run.F_expansion, alone.F_expansion, atol=1e-4)
    assert np.abs(run.jslds_states - run.generator_states).max() > 1e-3
    plain = in_numpy(model, SPIKES[0])
    np.testing.assert_allclose(run.generator_states[0], plain["generator_states"], atol=1e-4)
    np.testing.assert_array_equal(run.input_points, np.zeros_like(run.generator_inputs))


def test_any_network_can_generate_and_takes_external_inputs():
    ext = RNG.normal(size=(3, 6, 2))
    inputs = np.concatenate([SPIKES, ext], axis=2)
    for cls in (VanillaRNN, LSTM):
        model = LFADS(**SIZES, generator=cls, ext_input_dim=2)
        run = model.run(inputs)
        states = model.generator.run(ext, run.initial_conditions)[1]
        np.testing.assert_allclose(run.generator_states, states, atol=1e-5)
        np.testing.assert_allclose(run.generator_inputs, ext, rtol=1e-6)
    given = VanillaRNN(2, 9, 0, seed=3)
    model = LFADS(**{**SIZES, "gen_dim": None}, generator=given, ext_input_dim=2)
    assert model.rnn is given
    assert model.structure.gen_dim == 9
    assert any(name == "generator.W_hh" for name in model.parameters())


def test_held_out_neurons_and_forward_steps_do_not_reach_the_encoder():
    model = LFADS(**SIZES, recon_seq_len=9, recon_data_dim=6)
    longer = np.concatenate([SPIKES, RNG.poisson(1.0, (3, 3, 4))], axis=1)
    np.testing.assert_array_equal(model.run(longer).rates, model.run(SPIKES).rates)
    assert model.run(SPIKES).rates.shape == (3, 9, 6)


def test_a_gaussian_readout_gives_values():
    model = shaken(LFADS(**SIZES, reconstruction="gaussian"))
    run = model.run(RNG.normal(size=(3, 6, 4)))
    assert run.rates.min() < 0
    p = model.parameters()
    expected = run.factors @ np.asarray(p["readout.W_rates"]).T + np.asarray(p["readout.b_rates"])
    np.testing.assert_allclose(run.rates, expected, atol=1e-5)


def test_rows_of_the_factors_have_the_length_one():
    model = shaken(LFADS(**SIZES))
    run = model.run(SPIKES)
    W = np.linalg.lstsq(
        run.generator_states.reshape(-1, 7), run.factors.reshape(-1, 2), rcond=None
    )[0].T
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 1, atol=1e-3)


def test_samples_of_the_posterior_average_to_what_they_should():
    model = shaken(LFADS(**SIZES, generator=JSLDS), scale=0.1)
    mean = model.run(SPIKES)
    few, again = (model.posterior_sample_and_average(SPIKES, 3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(few.rates, again.rates)
    assert few.n_samples == 3
    other = model.posterior_sample_and_average(SPIKES, 3, seed=5)
    assert np.abs(other.rates - few.rates).max() > 1e-4
    many = model.posterior_sample_and_average(SPIKES, 400, seed=0)
    # g0 is affine in what is sampled: its mean over samples is that of the posterior mean.
    error = np.abs(many.initial_conditions - mean.initial_conditions).max()
    assert error < 0.3 * np.abs(few.initial_conditions - mean.initial_conditions).max()
    np.testing.assert_allclose(few.ic_mean, mean.ic_mean, atol=1e-6)


def test_it_is_a_brainpy_model_whose_generator_the_finder_takes():
    model = LFADS(**SIZES, generator=JSLDS, dt=0.02)
    assert isinstance(model, bp.DynamicalSystem)
    np.testing.assert_array_equal(model(SPIKES), model.run(SPIKES).rates)
    step_map = model.generator_step_map()
    assert (step_map.n_states, step_map.n_inputs, step_map.dt) == (7, 0, 0.02)
    states = model.run(SPIKES).generator_states
    finder = FixedPointFinder(step_map)
    points, _ = finder.find_fixed_points(states, np.zeros((1, 0)), n_inits=16)
    assert points.n >= 1
    x = points.xstar[0].astype(np.float32)
    after = model.rnn(np.zeros((1, 1, 0), np.float32), x[None])[1]
    np.testing.assert_allclose(after[0], x, atol=1e-5)


def test_the_record_keeps_the_generator_that_it_had():
    model = LFADS(**SIZES)
    run = model.run(SPIKES)
    h = run.generator_states[:, -1].astype(np.float64)
    before = run.generator(h, np.zeros((3, 0)))
    shaken(model)
    np.testing.assert_array_equal(run.generator(h, np.zeros((3, 0))), before)
    assert np.abs(model.run(SPIKES).generator(h, np.zeros((3, 0))) - before).max() > 1e-3


def test_the_same_seed_makes_the_same_model():
    one, two, three = (LFADS(**SIZES, seed=seed).parameters() for seed in (1, 1, 2))
    for name, value in one.items():
        np.testing.assert_array_equal(value, two[name])
    assert jnp.abs(one["generator.W_hh"] - three["generator.W_hh"]).max() > 0.01
    assert jnp.abs(one["encoder.forward_W_hh"] - three["encoder.forward_W_hh"]).max() > 0.01


def test_equal_structures_share_what_was_compiled():
    one, two = LFADS(**SIZES, generator=JSLDS, seed=1), LFADS(**SIZES, generator=JSLDS, seed=2)
    assert one.structure == two.structure
    assert one.forward is two.forward
    assert LFADS(**SIZES).forward is not one.forward


def test_a_model_for_data_begins_with_their_mean_rates():
    spikes = RNG.poisson([0.1, 0.5, 1.0, 2.0], (200, 6, 4))
    data = SpikeData(spikes, dt=0.01, n_heldin=3)
    model = LFADS.for_data(data, gen_dim=8, encod_seq_len=5)
    s = model.structure
    assert (s.encod_data_dim, s.recon_data_dim) == (3, 4)
    assert (s.encod_seq_len, s.recon_seq_len) == (5, 6)
    assert model.dt == 0.01
    bias = np.exp(model.readout.b_rates.value)
    np.testing.assert_allclose(bias, [0.1, 0.5, 1, 2], rtol=0.15)
    gauss = LFADS.for_data(SpikeData(spikes - 0.5, dt=0.01, counts=False))
    assert gauss.structure.reconstruction == "gaussian"
    np.testing.assert_allclose(gauss.readout.b_rates.value, [-0.4, 0, 0.5, 1.5], atol=0.1)
    with pytest.raises(ValueError, match="encod_seq_len is 7, but the trials have only 6 bins"):
        LFADS.for_data(data, encod_seq_len=7)


# -- priors ----------------------------------------------------------------------------------------


def test_the_divergence_of_a_normal_prior_is_the_textbook_one():
    prior = MultivariateNormal(mean=0.5, variance=0.2)
    m, v = RNG.normal(size=(4, 3)), RNG.uniform(0.1, 1, (4, 3))
    expected = 0.5 * np.sum(v / 0.2 + (m - 0.5) ** 2 / 0.2 - 1 - np.log(v / 0.2), axis=1)
    params = {k: jnp.asarray(x) for k, x in prior.initial_arrays(3).items()}
    np.testing.assert_allclose(prior.divergence(params, m, v), expected, rtol=1e-5)
    trained = MultivariateNormal(mean=0.5, variance=0.2, trains_variance=True)
    params = {k: jnp.asarray(x) for k, x in trained.initial_arrays(3).items()}
    assert set(params) == {"mean", "log_variance"}
    np.testing.assert_allclose(trained.divergence(params, m, v), expected, rtol=1e-5)


def test_the_divergence_of_an_autoregressive_prior_is_that_of_the_joint_normal():
    prior = AutoregressiveMultivariateNormal(tau=3.0, nvar=0.4)
    n = 7
    m, v = RNG.normal(size=(n, 1)), RNG.uniform(0.1, 1, (n, 1))
    times = np.arange(n)
    C = 0.4 * np.exp(-np.abs(times[:, None] - times) / 3.0)
    inverse = np.linalg.inv(C)
    expected = 0.5 * (
        np.trace(inverse @ np.diag(v[:, 0])) + m[:, 0] @ inverse @ m[:, 0] - n
        + np.linalg.slogdet(C)[1] - np.log(v).sum()
    )  # fmt: skip
    params = {k: jnp.asarray(x) for k, x in prior.initial_arrays(1).items()}
    value = prior.divergence(params, m[None], v[None])
    np.testing.assert_allclose(value, [expected], rtol=1e-4)


# -- what is refused -------------------------------------------------------------------------------


def damaged(value):
    spikes = SPIKES.copy()
    spikes[1, 2, 3] = value
    return spikes


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (damaged(-1.0), "inputs must be spike counts, whole and of at least 0, got the negative"),
        (damaged(0.5), r"the fractional 0\.5 at \[trial, time, neuron\] = \[1, 2, 3\]"),
        (damaged(np.nan), "inputs must be finite, got nan"),
        (SPIKES[..., :3], r"shape \[trial, time, 4\], the spikes of 4 neurons, got \[3, 6, 3\]"),
        (SPIKES[0], r"inputs must have the shape \[trial, time, 4\]"),
        (SPIKES[:, :5], "inputs have 5 bins, but the model's window is 6: the trials are shorter"),
        (np.tile(SPIKES, (1, 2, 1)), "inputs must have 6 bins, got 12: cut the trials"),
        (SPIKES[:0], "inputs must hold trials, bins and neurons"),
    ],
)
def test_bad_trials_are_refused_before_any_work(inputs, message):
    model = LFADS(**SIZES)
    for infer in (model.run, model.posterior_sample_and_average, model):
        with pytest.raises(ValueError, match=message):
            infer(inputs)


def test_external_inputs_must_be_there_for_all_that_is_generated():
    model = LFADS(**SIZES, ext_input_dim=1, recon_seq_len=8)
    inputs = np.concatenate([SPIKES, np.zeros((3, 6, 1))], axis=2)
    with pytest.raises(ValueError, match="inputs have 6 bins, but the model's window is 8"):
        model.run(inputs)
    longer = np.concatenate([inputs, np.zeros((3, 2, 5))], axis=1)
    assert model.run(longer).rates.shape == (3, 8, 4)
    longer[0, 0, 4] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity in the external inputs"):
        model.run(longer)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"gen_dim": 0}, ValueError, "gen_dim must be at least 1, got 0"),
        ({"fac_dim": 2.5}, TypeError, r"fac_dim must be an integer, got 2\.5"),
        ({"encod_data_dim": 0}, ValueError, "encod_data_dim must be at least 1"),
        ({"recon_data_dim": 3}, ValueError, "recon_data_dim must be at least encod_data_dim = 4"),
        ({"recon_seq_len": 5}, ValueError, "recon_seq_len must be at least encod_seq_len = 6"),
        ({"con_dim": 3}, ValueError, "con_dim and co_dim must both be 0"),
        ({"co_dim": 3}, ValueError, "con_dim and co_dim must both be 0"),
        ({"con_dim": 3, "co_dim": 1, "ci_lag": 6}, ValueError, "ci_lag must be below encod_seq"),
        ({"dropout_rate": 1.0}, ValueError, "dropout_rate must be below 1"),
        ({"dropout_rate": -0.1}, ValueError, "dropout_rate must be a finite number of at least 0"),
        ({"ic_prior": "normal"}, TypeError, "ic_prior must be a MultivariateNormal"),
        ({"co_prior": 3}, TypeError, "co_prior must be a MultivariateNormal or"),
        ({"reconstruction": "binomial"}, ValueError, "reconstruction must be one of"),
        ({"generator": "gru"}, TypeError, "generator must be one of fpf_notebook.models"),
        ({"generator": GRU(2, 7, 0)}, ValueError, r"co_dim \+ ext_input_dim = 0 inputs, got 2"),
        ({"generator": GRU(0, 5, 0)}, ValueError, "gen_dim is 7, but the generator .* has 5"),
        ({"dt": 0}, ValueError, "dt must be a finite number above 0"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
    ],
)
def test_wrong_settings_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        LFADS(**{**SIZES, **options})


def test_priors_must_have_positive_variances():
    with pytest.raises(ValueError, match="variance must be above 0"):
        MultivariateNormal(variance=0)
    with pytest.raises(ValueError, match="tau must be above 0"):
        AutoregressiveMultivariateNormal(tau=-1)


def test_parameters_are_plain_arrays():
    assert all(isinstance(x, jax.Array) for x in LFADS(**CONTROLLED).parameters().values())
