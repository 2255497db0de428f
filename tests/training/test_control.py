"""Watching, pausing, stopping and interrupting a training, from its own thread and from others."""

import _thread
import threading
import time

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import Callback, TrainingProgressBar, task_loss, train
from fpf_notebook.training.compiled import advance, evaluate
from fpf_notebook.training.run import TrainingRun
from tests.training.helpers import SIZES, OnEpoch, Recorder, same_weights


def in_a_thread(*args, **options):
    """Start a training in the background; return the thread and where its history will be."""
    result = []
    thread = threading.Thread(target=lambda: result.append(train(*args, **options)), daemon=True)
    thread.start()
    return thread, result


def wait_until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.002)


def raise_(error):
    raise error


def test_what_a_callback_hears(model, task):
    recorder = Recorder()
    history = train(model, task, n_epochs=2, callbacks=[recorder], **SIZES)
    assert recorder.heard == [
        *("start", "compiling", "training", "epoch", "epoch", "stopped", "stop")
    ]
    run, info = recorder.run, recorder.infos[1]
    assert (run.model, run.task, run.history) == (model, task, history)
    assert (run.n_epochs, run.steps_per_epoch, run.n_steps) == (2, 5, 10)
    assert (run.step, run.epoch, run.phase) == (10, 2, "stopped")
    assert (info.epoch, info.step) == (2, 10)
    assert info.loss == pytest.approx(history.series["loss"][5:10].mean())
    assert info.validation_loss == history.series["validation_loss"][10]
    assert info.gradient_norm == pytest.approx(history.series["gradient_norm"][5:10].mean())
    assert info.is_best == (history.best_step == 10)
    assert info.learning_rate == pytest.approx(0.01)
    assert 0 < recorder.infos[0].seconds <= info.seconds == run.seconds


def test_during_training_the_model_is_left_alone_and_the_run_has_the_weights(model, task):
    before, seen = model.parameters(), []

    def look(run, info):
        assert same_weights(before, model.parameters())
        inputs = task.sample(3, 1).inputs
        seen.append((run.parameters(), run.predict(inputs), run.state(), inputs))

    train(model, task, n_epochs=3, callbacks=[OnEpoch(look)], **SIZES)
    assert not same_weights(seen[0][0], seen[1][0])
    for params, outputs, state, inputs in seen:
        assert same_weights(params, state.parameters)
        again = VanillaRNN.from_arrays(**params)
        np.testing.assert_allclose(outputs, again.run(inputs)[0], atol=1e-6)


def test_objects_with_some_of_the_methods_will_do(model, task):
    class Counter:
        epochs = 0

        def on_epoch(self, run, info):
            self.epochs += 1

    counter = Counter()
    train(model, task, n_epochs=3, callbacks=[counter], **SIZES)
    assert counter.epochs == 3


def test_pausing_from_another_thread_changes_nothing_but_time(task):
    plain = VanillaRNN(2, 3, 2)
    expected = train(plain, task, n_epochs=400, **SIZES)
    paused, recorder = VanillaRNN(2, 3, 2), Recorder()
    thread, result = in_a_thread(paused, task, n_epochs=400, callbacks=[recorder], **SIZES)
    wait_until(lambda: recorder.run is not None and recorder.run.step > 0)
    run = recorder.run
    run.pause()
    asked = time.perf_counter()
    wait_until(lambda: run.phase == "paused")
    answered = time.perf_counter() - asked
    step = run.step
    time.sleep(0.3)
    assert run.step == step < run.n_steps
    assert run.pausing
    assert "paused" in recorder.heard
    run.resume()
    thread.join(60)
    assert answered < 2  # seconds; on a quiet machine it is a twentieth of one
    assert result[0].stopped_because == "finished"
    np.testing.assert_array_equal(result[0].series["loss"], expected.series["loss"])
    assert same_weights(plain.parameters(), paused.parameters())
    assert recorder.heard[recorder.heard.index("paused") + 1] == "training"
    between = np.diff(result[0].seconds[np.isfinite(result[0].seconds)])
    assert between.max() < 0.3 or answered > 0.1  # the pause is not counted


def test_stopping_from_another_thread(model, task):
    recorder = Recorder()
    thread, result = in_a_thread(model, task, n_epochs=10**6, callbacks=[recorder], **SIZES)
    wait_until(lambda: recorder.infos)
    recorder.run.stop()
    asked = time.perf_counter()
    thread.join(60)
    assert time.perf_counter() - asked < 5
    history = result[0]
    assert history.stopped_because == "stopped"
    assert history.message == f"stopped on request after {history.final_step} steps"
    assert same_weights(history.state.best_parameters, model.parameters())
    assert recorder.heard[-2:] == ["stopped", "stop"]


def test_stopping_during_a_pause(model, task):
    recorder = Recorder()
    thread, result = in_a_thread(model, task, n_epochs=10**6, callbacks=[recorder], **SIZES)
    wait_until(lambda: recorder.run is not None)
    recorder.run.pause()
    wait_until(lambda: recorder.run.phase == "paused")
    recorder.run.stop()
    thread.join(60)
    assert result[0].stopped_because == "stopped"


def test_a_long_epoch_is_left_in_the_middle(model, task):
    # Chunks are a matter of time, not of epochs.
    recorder = Recorder()
    sizes = {**SIZES, "steps_per_epoch": 20_000, "validation": None}
    thread, result = in_a_thread(model, task, n_epochs=1, callbacks=[recorder], **sizes)
    wait_until(lambda: recorder.run is not None and recorder.run.step > 0)
    recorder.run.stop()
    thread.join(60)
    assert 0 < result[0].final_step < 20_000
    assert not recorder.infos


def test_the_learning_rate_is_set_live_and_nothing_is_compiled(model, task):
    train(VanillaRNN(2, 3, 2), task, n_epochs=1, **SIZES)
    compiled = advance._cache_size(), evaluate._cache_size()
    rates = []

    def change(run, info):
        rates.append(run.learning_rate)
        run.learning_rate = {1: 0.0, 2: 0.5, 3: None, 4: None}[info.epoch]

    history = train(
        model,
        task,
        n_epochs=4,
        learning_rate=optax.linear_schedule(0.02, 0.01, 20),
        callbacks=[OnEpoch(change)],
        **SIZES,
    )
    assert (advance._cache_size(), evaluate._cache_size()) == compiled
    series = history.series["learning_rate"]
    scheduled = np.linspace(0.02, 0.01, 21)
    np.testing.assert_allclose(series[:5], scheduled[:5], rtol=1e-5)
    np.testing.assert_array_equal(series[5:10], 0.0)
    np.testing.assert_array_equal(series[10:15], 0.5)
    np.testing.assert_allclose(series[15:20], scheduled[15:20], rtol=1e-5)
    np.testing.assert_allclose(rates, [scheduled[5], 0.0, 0.5, scheduled[20]], rtol=1e-5)
    losses = history.series["validation_loss"]
    assert losses[5] == losses[10] != losses[15]


def test_a_learning_rate_that_cannot_be_set(model, task):
    def refused(run, info):
        for value, error, text in (
            (-1.0, ValueError, "at least 0, got -1.0"),
            (np.nan, ValueError, "finite"),
            ("0.1", TypeError, "must be a number"),
        ):
            with pytest.raises(error, match=text):
                run.learning_rate = value

    def built_in(run, info):
        assert np.isnan(run.learning_rate)
        with pytest.raises(ValueError, match=r"cannot be set. Train with a function"):
            run.learning_rate = 0.1

    train(model, task, n_epochs=1, callbacks=[OnEpoch(refused)], **SIZES)
    options = {"optimizer": optax.adam(0.02), "callbacks": [OnEpoch(built_in)]}
    train(model, task, n_epochs=1, **options, **SIZES)


def test_ctrl_c_keeps_the_best_weights(model, task):
    recorder = Recorder()

    def interrupt(run, info):
        if info.epoch == 3:
            raise KeyboardInterrupt

    history = train(model, task, n_epochs=9, callbacks=[recorder, OnEpoch(interrupt)], **SIZES)
    assert history.interrupted
    assert history.stopped_because == "interrupted"
    assert history.final_step == 15
    assert "interrupted after 15 steps" in history.message
    assert same_weights(history.state.best_parameters, model.parameters())
    assert history.best_loss == np.nanmin(history.series["validation_loss"])
    assert recorder.heard[-2:] == ["stopped", "stop"]
    assert recorder.run.history is history


def test_ctrl_c_from_outside(model, task):
    def press(run, info):
        if info.epoch == 2:
            threading.Timer(0.05, _thread.interrupt_main).start()

    history = train(model, task, n_epochs=10**6, callbacks=[OnEpoch(press)], **SIZES)
    assert history.interrupted
    assert history.final_step >= 10


def test_ctrl_c_during_a_pause_and_before_the_first_step(model, task):
    def pause(run, info):
        run.pause()
        threading.Timer(0.2, _thread.interrupt_main).start()

    assert train(model, task, n_epochs=9, callbacks=[OnEpoch(pause)], **SIZES).interrupted

    class AtOnce(Callback):
        def on_phase(self, run, phase):
            if phase == "compiling":
                raise KeyboardInterrupt

    before = model.parameters()
    history = train(model, task, n_epochs=9, callbacks=[AtOnce()], **SIZES)
    assert history.interrupted
    assert (history.final_step, history.best_step, len(history.steps)) == (0, 0, 0)
    assert same_weights(before, model.parameters())


def test_an_error_in_a_callback_is_raised_after_the_best_weights_are_kept(model, task):
    recorder, before = Recorder(), model.parameters()
    fail = OnEpoch(lambda run, info: info.epoch == 2 and raise_(RuntimeError("no disk")))
    with pytest.raises(RuntimeError, match="no disk"):
        train(model, task, n_epochs=9, callbacks=[recorder, fail], **SIZES)
    assert recorder.heard[-2:] == ["stopped", "stop"]
    assert recorder.run.history is None
    assert not same_weights(before, model.parameters())
    assert same_weights(recorder.run.state().best_parameters, model.parameters())


def test_divergence_without_validation_gives_back_the_last_good_weights(model, task):
    start = model.parameters()
    history = train(model, task, n_epochs=3, learning_rate=1e30, **{**SIZES, "validation": None})
    assert history.diverged
    assert (history.stopped_because, history.diverged_step, history.diverged_term) == (
        *("diverged", 1, "task"),
    )
    assert "'task' was not finite at step 1" in history.message
    assert "last good weights" in history.message
    assert same_weights(start, model.parameters())  # those of step 0, whose loss was finite
    assert (history.final_step, history.best_step) == (1, 0)
    assert not np.isfinite(history.series["loss"][1])


def breaking(model, at):
    """A loss of which one term is NaN once the weights have moved far enough."""
    start = model.parameters()["W_ih"]

    def loss(params, inputs, targets, mask):
        error = task_loss(model.forward)(params, inputs, targets, mask)["task"]
        moved = jnp.abs(params["W_ih"] - start).max()
        return {"error": error, "other": jnp.where(moved > at, jnp.nan, 0.0)}

    return loss


def test_divergence_names_step_and_term_and_the_best_weights_are_kept(model, task):
    recorder, start = Recorder(), model.parameters()["W_ih"]
    options = {"n_epochs": 9, "learning_rate": 0.01, "callbacks": [recorder], **SIZES}
    history = train(model, task, loss=breaking(model, 0.065), **options)
    step = history.diverged_step
    assert (history.stopped_because, history.diverged_term) == ("diverged", "other")
    assert 5 <= step < 10  # each step moves a weight by about the rate
    assert np.isfinite(history.series["error"][: step + 1]).all()
    assert np.isnan(history.series["other"][step])
    assert history.best_step == 5
    assert 0 < np.abs(model.W_ih.value - start).max() <= 0.065
    assert same_weights(history.state.best_parameters, model.parameters())
    assert "The model has the best weights" in history.message
    assert recorder.heard[-2:] == ["stopped", "stop"]


def test_a_gradient_that_is_not_finite(model, task):
    def loss(params, inputs, targets, mask):
        return jnp.sqrt(jnp.sum((0 * params["b"]) ** 2))  # 0, with a slope of 0/0

    before = model.parameters()
    history = train(model, task, loss=loss, n_epochs=2, **SIZES)
    assert (history.diverged_step, history.diverged_term) == (0, "gradient")
    assert same_weights(before, model.parameters())


def test_a_request_is_answered_between_chunks_of_any_length(task, monkeypatch):
    # The same training in single steps, and in chunks as long as epochs: the same numbers.
    losses = []
    for seconds in (0.0, 100.0):
        monkeypatch.setattr("fpf_notebook.training.loop._CHUNK_SECONDS", seconds)
        chunks = []
        wait = TrainingRun.wait_while_paused
        monkeypatch.setattr(
            TrainingRun,
            "wait_while_paused",
            lambda run, notify, wait=wait, chunks=chunks: (
                chunks.append(run.step) or wait(run, notify)
            ),
        )
        losses.append(train(VanillaRNN(2, 3, 2), task, n_epochs=3, **SIZES).series["loss"])
        assert chunks == (list(range(15)) if seconds == 0 else [0, 1, 5, 10])
    np.testing.assert_array_equal(*losses)


def test_progress_bar(model, task, capsys):
    train(model, task, n_epochs=2, callbacks=[TrainingProgressBar("flip-flop")], **SIZES)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "flip-flop" in captured.err
    assert "compiling" in captured.err
    assert "2/2" in captured.err


def test_training_alone_prints_nothing(model, capfd):
    train(model, FlipFlop(2, n_time=12), n_epochs=1, **SIZES)
    assert capfd.readouterr() == ("", "")
