"""The co-training loss: its terms, what it refuses, and training with it."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fpf_notebook.models import GRU, JSLDS, KeepChannels, VanillaRNN
from fpf_notebook.tasks import ContextIntegration, FlipFlop
from fpf_notebook.training import TrainingState, train
from fpf_notebook.training.jslds import TERMS, co_training_loss


@pytest.fixture
def small():
    model = JSLDS(GRU(4, 6, 2, seed=1))
    rng = np.random.default_rng(0)
    for variable in model.train_vars(method="relative").values():
        variable.value = jnp.asarray(0.4 * rng.normal(size=variable.shape), jnp.float32)
    return model, FlipFlop(2, encoding="one_hot")


def terms_of(model, trials, **factors):
    loss = co_training_loss(model, **factors)
    arrays = (jnp.asarray(trials.inputs), jnp.asarray(trials.targets), jnp.asarray(trials.mask))
    return {name: float(value) for name, value in loss(model.parameters(), *arrays).items()}


def test_the_terms_are_those_of_the_paper_as_means(small):
    model, task = small
    trials = task.sample(5, 3)
    run = model.run(trials.inputs)
    found = terms_of(model, trials, lambda_rnn=3, lambda_jslds=2, lambda_e=50, lambda_a=7)
    assert tuple(found) == TERMS
    n_trials, n_time, n_states = run.rnn_states.shape

    def task_loss(outputs):
        scored = trials.mask > 0
        assert not scored[:, :5].any()  # the mask leaves out the first five steps
        assert scored[:, 5:].all()
        return np.mean((outputs - trials.targets)[scored] ** 2)

    assert found["rnn"] == pytest.approx(3 * task_loss(run.rnn_outputs), rel=1e-4)
    assert found["jslds"] == pytest.approx(2 * task_loss(run.jslds_outputs), rel=1e-4)
    # Eqs. 7 and 8 are sums over time of squared norms: n_time * n_states times the means.
    R_e = (
        sum(
            np.sum((run.expansion_points[i, t] - run.F_expansion[i, t]) ** 2)
            for i in range(n_trials)
            for t in range(n_time)
        )
        / n_trials
    )
    R_a = np.sum((run.rnn_states - run.jslds_states) ** 2) / n_trials
    assert found["fixed_point"] == pytest.approx(50 * R_e / (n_time * n_states), rel=1e-4)
    assert found["approximation"] == pytest.approx(7 * R_a / (n_time * n_states), rel=1e-4)


def test_a_factor_of_zero_leaves_its_term_out(small):
    model, task = small
    trials = task.sample(5, 3)
    names = ("lambda_rnn", "lambda_jslds", "lambda_e", "lambda_a")
    for name, term in zip(names, TERMS, strict=True):
        only = terms_of(model, trials, **{other: float(other == name) for other in names})
        assert list(only) == [term]


def test_one_zero_zero_zero_is_plain_training():
    task = FlipFlop(1, n_time=10, encoding="one_hot")
    settings = {"n_epochs": 2, "steps_per_epoch": 5, "batch_size": 8, "seed": 4}
    plain = GRU(2, 5, 1, seed=3)
    expected = train(plain, task, **settings)
    model = JSLDS(GRU(2, 5, 1, seed=3))
    before = model.expansion.parameters()
    loss = co_training_loss(model, lambda_rnn=1, lambda_jslds=0, lambda_e=0, lambda_a=0)
    history = train(model, task, loss=loss, **settings)
    assert {"rnn", "loss"} <= set(history.series)
    assert not {"jslds", "fixed_point", "approximation"} & set(history.series)
    np.testing.assert_allclose(history.series["rnn"], expected.series["task"], rtol=1e-4)
    for name, value in plain.parameters().items():
        np.testing.assert_allclose(model.rnn.parameters()[name], value, atol=1e-5)
    for name, value in before.items():
        np.testing.assert_array_equal(model.expansion.parameters()[name], value)


def test_every_term_is_a_series_of_the_history_and_adds_up(small):
    model, task = small
    history = train(
        model, task, loss=co_training_loss(model), l2=1e-3, n_epochs=2, steps_per_epoch=3,
        batch_size=8, validation=16,
    )  # fmt: skip
    series = history.series
    assert {*TERMS, "l2"} <= set(series)
    total = sum(series[name] for name in (*TERMS, "l2"))
    np.testing.assert_allclose(series["loss"], total, rtol=1e-5)
    assert {f"validation_{name}" for name in TERMS} <= set(series)


def test_co_training_may_start_from_a_trained_network():
    task = FlipFlop(1, n_time=12, encoding="one_hot")
    trained = GRU(2, 8, 1, seed=0)
    train(trained, task, n_epochs=5, steps_per_epoch=40, batch_size=32, learning_rate=0.02)
    model = JSLDS(trained)
    start = {name: np.asarray(value) for name, value in trained.parameters().items()}
    trials = task.sample(64, 5)
    outputs = model.run(trials.inputs).rnn_outputs
    np.testing.assert_allclose(outputs, trained.run(trials.inputs)[0], atol=1e-6)
    error = np.mean(
        np.abs(model.run(trials.inputs).jslds_states - model.run(trials.inputs).rnn_states)
    )
    loss = co_training_loss(model, lambda_rnn=3, lambda_jslds=1, lambda_e=100, lambda_a=10)
    history = train(
        model, task, loss=loss, n_epochs=4, steps_per_epoch=50, batch_size=32, learning_rate=5e-3
    )
    assert history.series["rnn"][0] < 3 * 0.05  # it began with what was learned
    run = model.run(trials.inputs)
    assert np.mean(np.abs(run.jslds_states - run.rnn_states)) < error / 3
    assert not np.array_equal(trained.parameters()["W_hh"], start["W_hh"])  # trained on, itself


def test_a_resumed_training_goes_on_bitwise(tmp_path):
    def fresh():
        return JSLDS(VanillaRNN(4, 7, 1, seed=2), input_point=KeepChannels((2, 3)))

    task = ContextIntegration(n_time=8)
    settings = {
        "steps_per_epoch": 4, "batch_size": 8, "seed": 1, "validation": 16, "clip_norm": 10.0,
        "learning_rate": optax.cosine_decay_schedule(2e-3, 24),
    }  # fmt: skip
    model = fresh()
    whole = train(model, task, loss=co_training_loss(model), n_epochs=6, **settings)

    class StopAt:
        def on_epoch(self, run, info):
            if info.epoch == 2:
                run.stop()

    part = fresh()
    first = train(
        part, task, loss=co_training_loss(part), n_epochs=6, callbacks=[StopAt()], **settings
    )
    assert first.final_step == 8
    first.state.save(tmp_path / "state.npz")
    other = fresh()
    second = train(
        other, task, loss=co_training_loss(other), n_epochs=6,
        resume=TrainingState.load(tmp_path / "state.npz"), **settings,
    )  # fmt: skip
    for name in ("loss", *TERMS):
        joined = {int(s): v for s, v in zip(first.steps, first.series[name], strict=True)}
        joined |= {int(s): v for s, v in zip(second.steps, second.series[name], strict=True)}
        for step, value in zip(whole.steps, whole.series[name], strict=True):
            np.testing.assert_array_equal(joined[int(step)], value)
    for name, value in model.parameters().items():
        np.testing.assert_array_equal(other.parameters()[name], value)


def test_a_state_of_another_model_is_refused():
    task = FlipFlop(1, n_time=8, encoding="one_hot")
    settings = {"n_epochs": 1, "steps_per_epoch": 2, "batch_size": 4}
    model = JSLDS(GRU(2, 5, 1))
    state = train(model, task, loss=co_training_loss(model), **settings).state
    for other in (JSLDS(GRU(2, 6, 1)), JSLDS(VanillaRNN(2, 5, 1))):
        with pytest.raises(ValueError, match="Is it of another model or optimizer"):
            train(other, task, loss=co_training_loss(other), resume=state, **settings)


def test_a_loss_that_is_not_finite_stops_with_the_step_and_the_term(small):
    model, task = small
    inner = co_training_loss(model)
    limit = 0.0

    def loss(params, inputs, targets, mask):
        terms = dict(inner(params, inputs, targets, mask))
        # As if the expansion network had run away, once it has begun to learn.
        moved = jnp.abs(params["expansion.b0"] - start).max() > limit
        terms["fixed_point"] = jnp.where(moved, jnp.nan, terms["fixed_point"])
        return terms

    start = model.parameters()["expansion.b0"]
    limit = 0.025
    before = {name: np.asarray(value) for name, value in model.parameters().items()}
    history = train(
        model, task, loss=loss, n_epochs=4, steps_per_epoch=5, batch_size=8, learning_rate=0.01
    )
    assert history.diverged
    assert history.diverged_term == "fixed_point"
    assert history.diverged_step == 3  # steps of Adam are as long as the learning rate
    assert "fixed_point" in history.message
    assert str(history.diverged_step) in history.message
    for name, value in model.parameters().items():
        assert np.isfinite(value).all()
        assert np.abs(value - before[name]).max() < 0.05
    arrays = [jnp.asarray(x) for x in (*_arrays(task.sample(4, 0)),)]
    assert all(np.isfinite(v) for v in loss(model.parameters(), *arrays).values())


def _arrays(trials):
    return trials.inputs, trials.targets, trials.mask


@pytest.mark.parametrize("name", ["lambda_rnn", "lambda_jslds", "lambda_e", "lambda_a"])
def test_negative_factors_are_refused(small, name):
    for value in (-1.0, np.nan, np.inf):
        with pytest.raises(
            ValueError, match=f"{name} is .*, expected a finite number of at least 0"
        ):
            co_training_loss(small[0], **{name: value})
    with pytest.raises(TypeError, match=f"{name} is .*, expected a finite number"):
        co_training_loss(small[0], **{name: "1"})


def test_all_factors_zero_are_refused(small):
    with pytest.raises(ValueError, match="all 0: nothing would be trained"):
        co_training_loss(small[0], lambda_rnn=0, lambda_jslds=0, lambda_e=0, lambda_a=0)


def test_only_a_jslds_has_this_loss():
    with pytest.raises(TypeError, match="model must be a JSLDS, got GRU"):
        co_training_loss(GRU(2, 3, 1))


def test_a_task_whose_channels_do_not_match_is_refused(small):
    model, _ = small
    with pytest.raises(
        ValueError, match="the model has n_inputs = 4, but the task has n_inputs = 6"
    ):
        train(model, FlipFlop(3, encoding="one_hot"), loss=co_training_loss(model))
    with pytest.raises(ValueError, match="the model has n_outputs = 2, but the task has n_outputs"):
        train(model, ContextIntegration(), loss=co_training_loss(model))


def test_the_same_structure_and_factors_give_the_same_loss_object():
    first, second = JSLDS(GRU(2, 5, 1, seed=1)), JSLDS(GRU(2, 5, 1, seed=2))
    assert co_training_loss(first) is co_training_loss(second)
    assert co_training_loss(first) is not co_training_loss(first, lambda_e=1)
