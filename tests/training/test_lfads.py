"""The loss of LFADS, term by term; and that a small model learns what is there to be learned."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import lfads as benchmark
from fpf_notebook.analysis import bits_per_spike, co_smoothing, r2_of_rates, smoothed_spikes
from fpf_notebook.models import GRU, JSLDS, LFADS
from fpf_notebook.tasks import RotationSpikes, SpikeData, SpikeTask, TwoRegimeSpikes
from fpf_notebook.training import (
    LFADSRecipe,
    Ramp,
    StochasticLoss,
    lfads_loss,
    lfads_recipe,
    lfads_settings,
    train,
    train_lfads,
)
from fpf_notebook.training.history import TrainingHistory
from fpf_notebook.training.state import TrainingState

SIZES = {"gen_dim": 6, "ic_enc_dim": 5, "ic_dim": 3, "fac_dim": 3}
TASK = RotationSpikes(n_trials=60, n_neurons=8, n_conditions=6, n_time=12)


def parts(task=TASK, **options):
    model = LFADS.for_data(task.data, **{**SIZES, **options})
    trials = task.sample(16, 0)
    batch = tuple(jnp.asarray(x) for x in (trials.inputs, trials.targets, trials.mask))
    return model, batch


def test_terms_are_what_the_table_says():
    model, batch = parts(generator=JSLDS)
    loss = lfads_loss(
        model, kl_ic_scale=0.5, l2_gen_scale=0.1, lambda_rnn=2, lambda_jslds=3, lambda_e=5,
        lambda_a=7,
    )  # fmt: skip
    terms = loss(model.parameters(), *batch)
    run = model.run(batch[0])
    spikes = np.asarray(batch[1])
    for name, rates, factor in (
        ("reconstruction", run.rates, 2), ("reconstruction_jslds", run.jslds_rates, 3),
    ):  # fmt: skip
        expected = factor * np.mean(rates - spikes * np.log(rates))
        assert float(terms[name]) == pytest.approx(expected, rel=1e-4)
    variance = run.ic_std.astype(float) ** 2
    divergence = 0.5 * (variance / 0.1 + run.ic_mean**2 / 0.1 - 1 - np.log(variance / 0.1))
    assert float(terms["kl_ic"]) == pytest.approx(0.5 * divergence.sum(axis=1).mean(), rel=1e-4)
    W = np.asarray(model.parameters()["generator.rnn.W_hh"])
    assert float(terms["l2_weights"]) == pytest.approx(0.1 * np.sum(W**2) / 6, rel=1e-5)
    R_e = np.mean((run.F_expansion - run.expansion_points) ** 2)
    R_a = np.mean((run.generator_states - run.jslds_states) ** 2)
    assert float(terms["fixed_point"]) == pytest.approx(5 * R_e, rel=1e-3)
    assert float(terms["approximation"]) == pytest.approx(7 * R_a, rel=1e-3)
    assert set(terms) == {
        "reconstruction", "reconstruction_jslds", "kl_ic", "l2_weights", "fixed_point",
        "approximation",
    }  # fmt: skip


def test_the_default_scale_makes_it_the_evidence_bound():
    model, batch = parts()
    loss = lfads_loss(model, l2_gen_scale=0)
    terms = loss(model.parameters(), *batch)
    assert set(terms) == {"reconstruction", "kl_ic"}
    one = lfads_loss(model, l2_gen_scale=0, kl_ic_scale=1.0)(model.parameters(), *batch)
    assert float(one["kl_ic"]) == pytest.approx(12 * 8 * float(terms["kl_ic"]), rel=1e-5)


def test_metrics_are_those_of_the_analysis():
    data = TASK.data
    model, batch = parts(generator=JSLDS, encod_seq_len=9)
    loss = lfads_loss(model)
    terms, metrics, outputs = loss.measure(model.parameters(), *batch)
    run, spikes, n = model.run(batch[0]), np.asarray(batch[1]), data.n_heldin
    np.testing.assert_allclose(outputs, run.rates, rtol=1e-5)
    expected = {
        "bits_per_spike": bits_per_spike(run.rates[:, :9, :n], spikes[:, :9, :n]),
        "co_smoothing": co_smoothing(run.rates[:, :9], spikes[:, :9], n),
        "forward_prediction": bits_per_spike(run.rates[:, 9:], spikes[:, 9:]),
        "co_smoothing_jslds": co_smoothing(run.jslds_rates[:, :9], spikes[:, :9], n),
    }
    for name, value in expected.items():
        assert float(metrics[name]) == pytest.approx(value, abs=2e-4), name
    assert len(metrics) == 6
    assert set(terms) == set(loss(model.parameters(), *batch))


def test_a_training_step_is_random_and_its_number_decides_how():
    model, batch = parts(generator=JSLDS)
    loss, params = lfads_loss(model, seed=3), model.parameters()
    assert isinstance(loss, StochasticLoss)
    one, again, other = (loss.at_step(params, *batch, k) for k in (5, 5, 6))
    assert float(one["reconstruction"]) == float(again["reconstruction"])
    assert float(one["reconstruction"]) != float(other["reconstruction"])
    elsewhere = lfads_loss(model, seed=4).at_step(params, *batch, 5)
    assert float(one["reconstruction"]) != float(elsewhere["reconstruction"])
    assert loss == lfads_loss(model, seed=3)
    assert hash(loss) == hash(lfads_loss(model, seed=3))


def test_without_anything_random_a_step_at_the_end_of_the_ramps_is_the_loss():
    # The least variance of a posterior cannot be 0; of the noise that is left, little is seen.
    model, batch = parts(generator=JSLDS, dropout_rate=0.0, ic_post_var_min=1e-12)
    model.encoder.b_posterior.value = model.encoder.b_posterior.value.at[3:].set(-30.0)
    loss = lfads_loss(
        model, cd_rate=0, kl_increase_steps=10, l2_increase_steps=10, jslds_increase_steps=10
    )
    params = model.parameters()
    late, judged = loss.at_step(params, *batch, 10), loss(params, *batch)
    for name, value in judged.items():
        assert float(late[name]) == pytest.approx(float(value), rel=1e-4), name
    early = loss.at_step(params, *batch, 0)
    assert float(early["kl_ic"]) == float(early["l2_weights"]) == 0
    for name in ("fixed_point", "approximation"):
        assert float(early[name]) == pytest.approx(0.03 * float(judged[name]), rel=1e-3)
    half = loss.at_step(params, *batch, 5)
    assert float(half["kl_ic"]) == pytest.approx(0.5 * float(judged["kl_ic"]), rel=1e-4)
    ratio = float(half["approximation"]) / float(judged["approximation"])
    assert ratio == pytest.approx(0.03**0.5, rel=1e-3)


def test_coordinated_dropout_counts_just_what_the_encoder_does_not_see():
    model, (inputs, _, mask) = parts(encod_seq_len=9)
    loss = lfads_loss(model, cd_rate=0.25)
    n = TASK.data.n_heldin
    shown, weights = loss._coordinated_dropout(jax.random.key(0), inputs, mask)
    shown, weights = np.asarray(shown), np.asarray(weights)
    seen = weights[:, :9, :n] == 0
    assert 0.7 < seen.mean() < 0.8
    np.testing.assert_allclose(weights[:, :9, :n][~seen], 4)
    # Seen spikes are scaled up, so that their mean stays; the others are not shown.
    np.testing.assert_allclose(
        shown[:, :9][seen], np.asarray(inputs)[:, :9][seen] / 0.75, rtol=1e-6
    )
    assert (shown[:, :9][~seen] == 0).all()
    np.testing.assert_array_equal(weights[:, 9:], 1)
    np.testing.assert_array_equal(weights[..., n:], 1)


def test_a_hidden_spike_does_not_change_the_rate_that_it_is_counted_with():
    # The gradient of the loss with respect to a spike, through the encoder, is 0 where it counts.
    model, (inputs, targets, mask) = parts(dropout_rate=0.0)
    loss, params = lfads_loss(model, cd_rate=0.5), model.parameters()
    key = jax.random.split(jax.random.fold_in(jax.random.key(0), 3), 4)[1]
    _, weights = loss._coordinated_dropout(key, inputs, mask)

    def total(x):
        return loss.at_step(params, x, targets, mask, 3)["reconstruction"]

    slope = np.asarray(jax.grad(total)(inputs))
    hidden = np.asarray(weights)[..., : inputs.shape[2]] > 0
    assert (slope[hidden] == 0).all()
    assert np.abs(slope[~hidden]).max() > 0


def test_a_controller_has_a_divergence_of_its_own():
    model, batch = parts(con_dim=4, co_dim=2, ci_enc_dim=3)
    loss = lfads_loss(model, l2_con_scale=0.1)
    terms = loss(model.parameters(), *batch)
    assert float(terms["kl_co"]) > 0
    slopes = jax.grad(lambda p: sum(loss.at_step(p, *batch, 400).values()))(model.parameters())
    for part in ("encoder", "input_encoder", "controller", "co_prior", "generator", "readout"):
        size = max(
            float(jnp.abs(v).max(initial=0)) for k, v in slopes.items() if k.startswith(part)
        )
        assert size > 0, part
        assert np.isfinite(size)


def test_a_gaussian_readout_has_its_own_likelihood_and_no_bits():
    rng = np.random.default_rng(0)
    task = SpikeTask(SpikeData(rng.normal(size=(30, 12, 4)), dt=0.1, counts=False))
    model, batch = parts(task)
    terms, metrics, _ = lfads_loss(model).measure(model.parameters(), *batch)
    variance = np.exp(np.asarray(model.readout.log_variance.value))
    error = (np.asarray(batch[1]) - model.run(batch[0]).rates) ** 2
    expected = np.mean(0.5 * (error / variance + np.log(variance)))
    assert float(terms["reconstruction"]) == pytest.approx(expected, rel=1e-4)
    assert metrics == {}


def test_training_reports_every_term_and_resumes_at_the_exact_step(tmp_path):
    def fresh():
        return LFADS.for_data(TASK.data, generator=JSLDS, **SIZES)

    def options(model):
        return {
            "loss": lfads_loss(model), "steps_per_epoch": 4, "batch_size": 8, "learning_rate": 0.01
        }  # fmt: skip

    whole = fresh()
    history = train(whole, TASK, n_epochs=4, **options(whole))
    assert isinstance(history, TrainingHistory)
    for name in (
        "reconstruction", "reconstruction_jslds", "kl_ic", "l2_weights", "fixed_point",
        "approximation", "validation_bits_per_spike", "validation_co_smoothing",
        "validation_co_smoothing_jslds",
    ):  # fmt: skip
        assert np.isfinite(history.series[name]).any(), name
    assert "bits_per_spike" not in history.series
    total = history.series["loss"]
    terms = sum(
        history.series[k] for k in history.series
        if k in ("reconstruction", "reconstruction_jslds", "kl_ic", "l2_weights", "fixed_point",
                 "approximation")
    )  # fmt: skip
    np.testing.assert_allclose(total[:16], terms[:16], rtol=1e-5)

    part = fresh()
    first = train(part, TASK, n_epochs=2, **options(part))
    first.state.save(tmp_path / "state")
    part = fresh()
    second = train(
        part, TASK, n_epochs=4, resume=TrainingState.load(tmp_path / "state"), **options(part)
    )
    np.testing.assert_array_equal(second.series["loss"][:8], total[8:16])
    for name, value in whole.parameters().items():
        np.testing.assert_array_equal(part.parameters()[name], value)


def test_it_is_validated_on_the_trials_that_are_held_out():
    model = LFADS.for_data(TASK.data, **SIZES)
    loss = lfads_loss(model)
    history = train(model, TASK, loss=loss, n_epochs=1, steps_per_epoch=1, batch_size=8)
    trials = TASK.validation_trials()
    model = LFADS.for_data(TASK.data, **SIZES)
    expected = sum(
        float(v)
        for v in loss(model.parameters(), trials.inputs, trials.targets, trials.mask).values()
    )
    assert history.series["validation_loss"][0] == pytest.approx(expected, rel=1e-4)


def captured(monkeypatch, task, **options):
    """Return what `train_lfads` would hand to `train`."""
    given = {}
    monkeypatch.setattr(lfads_settings, "train", lambda *a, **options: given.update(options))
    train_lfads(LFADS.for_data(task.data, generator=JSLDS, **SIZES), task, **options)
    return given


def test_defaults_are_the_recipe_of_the_set(monkeypatch):
    small = {"n_trials": 40, "n_neurons": 8, "n_conditions": 4}
    for cls, n_epochs in ((RotationSpikes, 50), (TwoRegimeSpikes, 90)):
        recipe = lfads_recipe(cls)
        assert recipe.n_epochs == n_epochs
        task = cls(**small)
        given, n_steps = captured(monkeypatch, task), n_epochs  # 32 trials: one step an epoch
        assert (given["n_epochs"], given["steps_per_epoch"], given["batch_size"]) == (
            n_steps,
            1,
            32,
        )
        assert float(given["learning_rate"](0)) == pytest.approx(recipe.learning_rate)
        assert float(given["learning_rate"](n_steps)) == pytest.approx(recipe.learning_rate / 100)
        loss = given["loss"]
        assert loss.lambda_a == recipe.lambda_a
        assert loss.jslds_ramp == Ramp(recipe.jslds_start, round(0.7 * n_steps))
        assert loss.kl_ramp == Ramp(0.0, round(0.4 * n_steps))
        given = captured(monkeypatch, task, n_epochs=3, lambda_a=1.0, learning_rate=0.5)
        assert (given["n_epochs"], given["loss"].lambda_a) == (3, 1.0)
        assert float(given["learning_rate"](0)) == 0.5


def test_the_benchmark_measures_the_recipe_of_each_set():
    for name in benchmark.SETS:
        assert LFADSRecipe(**benchmark.recipe_of(name)) == lfads_recipe(benchmark.task_class(name))
    assert lfads_recipe(TASK) == LFADSRecipe()
    with pytest.raises(TypeError, match="task must be a SpikeTask, got int"):
        lfads_recipe(3)


def test_a_ramp_ends_at_one():
    assert float(Ramp(0.0, 0)(0)) == 1
    assert [float(Ramp(0.0, 4)(k)) for k in (0, 1, 4, 9)] == [0, 0.25, 1, 1]
    assert float(Ramp(1.0, 5)(2)) == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"cd_rate": 1.0}, ValueError, "cd_rate must be a finite number of at least 0 and below 1"),
        ({"kl_ic_scale": -1}, ValueError, "kl_ic_scale must be a finite number of at least 0"),
        ({"lambda_e": np.nan}, ValueError, "lambda_e must be a finite number"),
        ({"lambda_a": "much"}, TypeError, "lambda_a must be a number"),
        ({"jslds_start": 0}, ValueError, "jslds_start must be above 0 and at most 1"),
        ({"kl_increase_steps": 1.5}, TypeError, "kl_increase_steps must be an integer"),
        ({"lambda_rnn": 0}, ValueError, "lambda_rnn and lambda_jslds are 0"),
    ],
)
def test_wrong_factors_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        lfads_loss(LFADS.for_data(TASK.data, **SIZES), **options)


def test_what_is_no_lfads_is_refused_and_trials_that_do_not_fit():
    with pytest.raises(TypeError, match="model must be an LFADS, got GRU"):
        lfads_loss(GRU(1, 2, 1))
    model = LFADS(encod_data_dim=TASK.n_inputs, recon_data_dim=8, encod_seq_len=20, **SIZES)
    with pytest.raises(ValueError, match="the trials have 12 bins, but the model generates 20"):
        train(model, TASK, loss=lfads_loss(model), n_epochs=1)
    other = LFADS(encod_data_dim=5, encod_seq_len=12, **SIZES)
    with pytest.raises(ValueError, match=r"the model has n_inputs = 5, but the task has"):
        train(other, TASK, loss=lfads_loss(other), n_epochs=1)


@pytest.mark.slow
def test_it_learns_rates_that_smoothing_does_not_find():
    task = RotationSpikes(
        n_trials=400, n_neurons=40, n_conditions=20, n_time=30, frequencies=(1.5,),
        time_constants=(1.0,),
    )  # fmt: skip
    model = LFADS.for_data(
        task.data, generator=JSLDS, gen_dim=16, ic_enc_dim=16, ic_dim=8, fac_dim=8
    )
    history = train_lfads(model, task, n_epochs=60, batch_size=64)
    assert history.stopped_because == "finished"
    data = task.data.trials(task.data.valid)
    run = model.run(data.model_inputs())
    assert r2_of_rates(run.rates, data.rates) > 0.85
    assert r2_of_rates(run.jslds_rates, data.rates) > 0.85
    widths = (1.5, 2.5, 4.0, 6.0)
    smooth = max(r2_of_rates(smoothed_spikes(data.spikes, w), data.rates) for w in widths)
    assert smooth < 0.6
