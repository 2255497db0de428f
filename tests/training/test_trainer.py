"""What training computes: losses, terms, optimizers, validation, the history."""

import functools

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import masked_mean_squared_error, task_loss, train
from fpf_notebook.training.compiled import advance, evaluate
from fpf_notebook.training.loop import _EPOCHS, derived_seed, validation_trials
from tests.training.helpers import SIZES, OnEpoch, same_weights


def loss_on(model, trials):
    params = model.parameters()
    return float(
        task_loss(model.forward)(params, trials.inputs, trials.targets, trials.mask)["task"]
    )


@pytest.mark.parametrize("cell", [VanillaRNN, GRU, LSTM])
def test_it_learns_and_every_parameter_takes_part(cell):
    model, task = cell(1, 3, 1), FlipFlop(1, n_time=8)
    before = model.parameters()
    history = train(model, task, n_epochs=20, learning_rate=0.03, **SIZES)
    losses = history.series["validation_loss"]
    assert history.best_loss < 0.3 * losses[0]
    assert history.best_loss == np.nanmin(losses)
    after = model.parameters()
    assert all(not np.array_equal(before[name], after[name]) for name in before)


def test_the_model_gets_the_weights_of_the_best_validation(model, task):
    # A rate so high that the loss goes up and down.
    history = train(model, task, n_epochs=12, learning_rate=0.3, **SIZES)
    losses = history.series["validation_loss"]
    assert history.best_step < history.final_step
    assert losses[history.best_step] == history.best_loss == np.nanmin(losses)
    measured = loss_on(model, validation_trials(task, SIZES["validation"], seed=0))
    assert measured == pytest.approx(history.best_loss, rel=1e-5)
    assert same_weights(history.state.best_parameters, model.parameters())
    assert not same_weights(history.state.parameters, model.parameters())


def test_without_validation_the_model_gets_the_last_weights(model, task):
    history = train(model, task, n_epochs=2, **{**SIZES, "validation": None})
    assert same_weights(history.state.parameters, model.parameters())
    assert history.best_step == history.final_step == 10
    assert np.isnan(history.best_loss)
    assert "validation_loss" not in history.series


def test_validation_on_given_trials(model, task):
    trials = task.sample(32, seed=99)
    history = train(model, task, n_epochs=2, **{**SIZES, "validation": trials})
    assert loss_on(model, trials) == pytest.approx(history.best_loss, rel=1e-5)


def test_the_seed_alone_decides_what_is_learned(task):
    models = [VanillaRNN(2, 3, 2) for _ in range(3)]
    histories = [
        train(model, task, n_epochs=3, seed=seed, **SIZES)
        for model, seed in zip(models, (5, 5, 6), strict=True)
    ]
    np.testing.assert_array_equal(histories[0].series["loss"], histories[1].series["loss"])
    assert same_weights(models[0].parameters(), models[1].parameters())
    assert not same_weights(models[0].parameters(), models[2].parameters())


def test_rows_of_the_history(model, task):
    start = VanillaRNN(2, 3, 2)
    history = train(model, task, n_epochs=3, learning_rate=0.02, **SIZES)
    np.testing.assert_array_equal(history.steps, np.arange(16))
    assert set(history.series) == {
        "loss",
        "task",
        "gradient_norm",
        "learning_rate",
        "validation_loss",
        "validation_task",
        "validation_accuracy",
    }
    validated = np.isfinite(history.series["validation_loss"])
    np.testing.assert_array_equal(history.steps[validated], [0, 5, 10, 15])
    for name in ("loss", "gradient_norm", "learning_rate"):
        assert np.isfinite(history.series[name][:15]).all()
        assert np.isnan(history.series[name][15])
    np.testing.assert_allclose(history.series["learning_rate"][:15], 0.02)
    # Row 0 is about the first weights: on the first batch, and on the validation trials.
    first = task.sample(5 * 8, derived_seed(0, _EPOCHS, 0))
    batch = type(first)(first.inputs[:8], first.targets[:8], first.mask[:8])
    assert history.series["loss"][0] == pytest.approx(loss_on(start, batch), rel=1e-5)
    trials = validation_trials(task, 32, 0)
    assert history.series["validation_loss"][0] == pytest.approx(loss_on(start, trials), rel=1e-5)
    accuracy = task.accuracy(start.run(trials.inputs)[0], trials)
    assert history.series["validation_accuracy"][0] == accuracy
    known = history.seconds[np.isfinite(history.seconds)]
    assert (np.diff(known) >= 0).all()
    assert (history.total_seconds, history.notes) == (history.compile_seconds + known[-1], ())
    assert (history.stopped_because, history.message) == ("finished", "all 15 steps were made")
    assert "finished after 15 steps" in repr(history)


def test_data_frame(model, task):
    pytest.importorskip("pandas")
    history = train(model, task, n_epochs=2, **SIZES)
    frame = history.to_dataframe()
    assert frame.index.name == "step"
    np.testing.assert_array_equal(frame["loss"], history.series["loss"])
    np.testing.assert_array_equal(frame["seconds"], history.seconds)


def test_validation_trials_are_none_of_the_training_trials(task):
    seen = {trial.tobytes() for trial in task.sample(40, derived_seed(0, _EPOCHS, 0)).inputs}
    again = {trial.tobytes() for trial in task.sample(40, derived_seed(0, _EPOCHS, 1)).inputs}
    held_out = {trial.tobytes() for trial in validation_trials(task, 40, 0).inputs}
    assert not seen & again
    assert not seen & held_out


def test_the_mask_weighs_the_squared_errors():
    outputs, targets = jnp.array([[[1.0], [5.0], [2.0]]]), jnp.zeros((1, 3, 1))
    mask = jnp.array([[[1.0], [0.0], [0.5]]])
    assert float(masked_mean_squared_error(outputs, targets, mask)) == pytest.approx(3.0 / 1.5)
    assert float(masked_mean_squared_error(outputs, targets, 0 * mask)) == 0.0


def test_the_terms_of_a_loss_are_series_and_add_up(model, task):
    def loss(params, inputs, targets, mask):
        error = task_loss(model.forward)(params, inputs, targets, mask)["task"]
        return {"error": error, "small": 0.1 * jnp.sum(params["W_hh"] ** 2)}

    heard = []
    history = train(
        model,
        task,
        loss=loss,
        l2=0.01,
        n_epochs=2,
        callbacks=[OnEpoch(lambda run, info: heard.append(info))],
        **SIZES,
    )
    series = {name: history.series[name][:10] for name in ("loss", "error", "small", "l2")}
    total = series["error"] + series["small"] + series["l2"]
    np.testing.assert_allclose(series["loss"], total, rtol=1e-6)
    start = VanillaRNN(2, 3, 2).parameters()
    squares = sum(float(jnp.sum(value**2)) for value in start.values())
    assert series["l2"][0] == pytest.approx(0.01 * squares, rel=1e-5)
    validated = {k: v[[0, 5, 10]] for k, v in history.series.items() if k.startswith("validation")}
    total = validated["validation_error"] + validated["validation_small"]  # without l2
    np.testing.assert_allclose(validated["validation_loss"], total, rtol=1e-6)
    assert heard[0].terms.keys() == {"error", "small", "l2"}
    assert heard[0].terms["small"] == pytest.approx(series["small"][:5].mean())
    assert heard[1].validation_terms["small"] == validated["validation_small"][2]
    assert heard[1].validation_accuracy == history.series["validation_accuracy"][10]
    np.testing.assert_array_equal(heard[1].steps, np.arange(5, 10))
    np.testing.assert_array_equal(heard[1].series["loss"], series["loss"][5:])


def test_gradients_are_clipped(task):
    moved = {}
    for clip in (1e-3, None):
        model = VanillaRNN(2, 3, 2)
        start = model.parameters()
        history = train(
            model,
            task,
            n_epochs=1,
            optimizer=optax.sgd,
            learning_rate=1.0,
            clip_norm=clip,
            **{**SIZES, "validation": None},
        )
        change = jax.tree.map(jnp.subtract, model.parameters(), start)
        moved[clip] = np.linalg.norm(np.concatenate([np.ravel(x) for x in change.values()]))
        assert (history.series["gradient_norm"][:5] > 0.01).all()  # before clipping
    assert moved[1e-3] < 5 * 1e-3 * 1.001
    assert moved[None] > 0.1


def test_finished_optimizers_and_functions_that_make_them(task):
    def learned(**options):
        model = VanillaRNN(2, 3, 2)
        history = train(model, task, n_epochs=2, **SIZES, **options)
        return history.series

    adam = learned(learning_rate=0.02)
    finished = learned(optimizer=optax.adam(0.02))
    np.testing.assert_allclose(finished["loss"], adam["loss"], rtol=1e-4)
    assert np.isnan(finished["learning_rate"]).all()
    settable = optax.inject_hyperparams(optax.adam)(0.02)
    series = learned(optimizer=settable)
    np.testing.assert_allclose(series["loss"], adam["loss"], rtol=1e-4)
    np.testing.assert_allclose(series["learning_rate"][:10], 0.02)
    series = learned(optimizer=settable, learning_rate=0.5)
    np.testing.assert_allclose(series["learning_rate"][:10], 0.5)
    series = learned(optimizer=functools.partial(optax.sgd, momentum=0.9), learning_rate=0.02)
    assert not np.allclose(series["loss"], adam["loss"], rtol=1e-2, equal_nan=True)
    np.testing.assert_allclose(series["learning_rate"][:10], 0.02)


@pytest.mark.parametrize(
    "schedule",
    [
        optax.cosine_decay_schedule(0.05, 15),
        lambda step: 0.05 if step < 7 else 0.001,  # cannot be traced
    ],
    ids=["optax", "plain Python"],
)
def test_schedules(model, task, schedule):
    history = train(model, task, n_epochs=3, learning_rate=schedule, **SIZES)
    expected = [float(schedule(step)) for step in range(15)]
    np.testing.assert_allclose(history.series["learning_rate"][:15], expected, rtol=1e-5)


def test_early_stop(model, task):
    history = train(model, task, n_epochs=50, learning_rate=0.05, min_loss=0.3, **SIZES)
    losses = history.series["validation_loss"]
    assert history.stopped_because == "min_loss"
    assert history.final_step < 250
    assert losses[history.final_step] <= 0.3
    assert np.nanmin(losses[: history.final_step]) > 0.3
    assert "min_loss = 0.3" in history.message


def test_nothing_is_compiled_anew_for_the_same_kind_of_training(task):
    train(VanillaRNN(2, 3, 2), task, n_epochs=1, **SIZES)
    sizes = advance._cache_size(), evaluate._cache_size()
    train(
        VanillaRNN(2, 3, 2, seed=4),
        FlipFlop(2, n_time=12, p=0.2),
        n_epochs=2,
        learning_rate=optax.linear_schedule(0.1, 0.01, 10),
        clip_norm=0.3,
        seed=7,
        **SIZES,
    )
    assert (advance._cache_size(), evaluate._cache_size()) == sizes
    train(VanillaRNN(2, 3, 2), task, n_epochs=1, **{**SIZES, "batch_size": 9})
    assert advance._cache_size() == sizes[0] + 1


def test_double_precision(task):
    arrays = {k: np.asarray(v, np.float64) for k, v in VanillaRNN(2, 3, 2).parameters().items()}
    single = VanillaRNN(2, 3, 2)
    with jax.enable_x64(True):
        double = VanillaRNN.from_arrays(**arrays)
        in_double = train(double, task, n_epochs=1, **SIZES)
    in_single = train(single, task, n_epochs=1, **SIZES)
    assert double.W_hh.value.dtype == np.float64
    assert single.W_hh.value.dtype == np.float32
    np.testing.assert_allclose(in_double.series["loss"], in_single.series["loss"], rtol=1e-4)


def test_a_model_of_brainpy_with_a_loss_of_ones_own():
    layer = bp.dnn.Dense(1, 1, mode=bm.TrainingMode())
    task = FlipFlop(1, n_time=12, p=0.0)  # the first input, times one of its steps

    def loss(params, inputs, targets, mask):
        outputs = inputs[:, :1] @ params["W"] + params["b"]
        return jnp.mean((outputs - 3 * targets[:, :1]) ** 2)

    history = train(layer, task, loss=loss, n_epochs=60, learning_rate=0.1, **SIZES)
    assert float(layer.W.value[0, 0]) == pytest.approx(3, abs=0.02)
    assert "validation_accuracy" not in history.series


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n_epochs": 0}, ValueError, "n_epochs is 0, expected a whole number from 1"),
        (
            {"steps_per_epoch": 2.5},
            TypeError,
            "steps_per_epoch is 2.5, expected a whole number from",
        ),
        ({"batch_size": -1}, ValueError, "batch_size is -1, expected a whole number from 1"),
        ({"seed": -1}, ValueError, "seed is -1, expected a whole number from 0"),
        ({"validation": 0}, ValueError, "validation is 0, expected a whole number from 1"),
        ({"learning_rate": -0.1}, ValueError, "learning_rate must be a finite number of at least"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number or a schedule"),
        ({"clip_norm": 0}, ValueError, "clip_norm is 0, expected a finite number above 0"),
        ({"l2": -1.0}, ValueError, "l2 is -1.0, expected a finite number of at least 0"),
        ({"min_loss": float("nan")}, ValueError, "min_loss is nan, expected a finite number"),
        ({"optimizer": "adam"}, TypeError, "optimizer must be an optax.GradientTransformation"),
        (
            {"optimizer": optax.adam(0.1), "learning_rate": 0.1},
            ValueError,
            "this optimizer has one of its own",
        ),
        ({"optimizer": lambda rate: optax.adam(rate)}, ValueError, "no argument learning_rate"),
        ({"callbacks": [print]}, TypeError, "objects with some of the methods on_start"),
        ({"loss": "mse"}, TypeError, "loss must be a function, got 'mse'"),
        ({"loss": lambda p, x, y, m: {}}, ValueError, "loss returned no terms"),
        ({"loss": lambda p, x, y, m: y}, ValueError, r"'task' has the shape \[8, 12, 2\]"),
        ({"loss": lambda p, x, y, m: {"loss": 0.0}}, ValueError, "a term named 'loss'"),
        ({"resume": "state.npz"}, TypeError, "resume must be a TrainingState, got str"),
    ],
)
def test_wrong_arguments(model, task, options, error, text):
    before = model.parameters()
    with pytest.raises(error, match=text):
        train(model, task, **{**SIZES, **options})
    assert same_weights(before, model.parameters())


def test_models_and_tasks_that_do_not_fit(model):
    with pytest.raises(
        ValueError, match="the model has n_inputs = 2, but the task has n_inputs = 3"
    ):
        train(model, FlipFlop(3))
    with pytest.raises(TypeError, match=r"task must have n_inputs.*got str"):
        train(model, "flip-flop")
    with pytest.raises(TypeError, match=r"model must be a bp.DynamicalSystem, got dict"):
        train({}, FlipFlop(2))
    with pytest.raises(ValueError, match=r"no trainable variables.*training_mode"):
        train(bp.dnn.Dense(2, 2, mode=bm.BatchingMode()), FlipFlop(2))
    with pytest.raises(TypeError, match=r"Dense has no pure forward.*give loss="):
        train(bp.dnn.Dense(2, 2, mode=bm.TrainingMode()), FlipFlop(2))
    with pytest.raises(ValueError, match="validation inputs must have 2 channels, got 3"):
        train(model, FlipFlop(2), validation=FlipFlop(3).sample(4, 0))
