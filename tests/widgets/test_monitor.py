"""The monitor without a browser."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fpf_notebook.analysis import Snapshot
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import train
from fpf_notebook.widgets import TrainingMonitor
from fpf_notebook.widgets.monitor.log import MetricLog, curves_of, thinned
from fpf_notebook.widgets.monitor.snapshots import SnapshotBook, changes
from tests.widgets.waiting import until


@pytest.fixture
def monitor():
    made = TrainingMonitor(snapshot_every=5)
    yield made
    made.close()


def test_watches_a_training_in_the_background(monitor):
    model = VanillaRNN(2, 3, 2, seed=1)
    monitor.watch(model, FlipFlop(2), n_epochs=20, learning_rate=0.02)
    history = monitor.result(200)
    assert history.stopped_because == "finished"
    # Every step was logged, and the weights are those of the training without a monitor.
    assert len(monitor.metrics.series()["loss"][0]) == history.final_step
    plain = VanillaRNN(2, 3, 2, seed=1)
    train(plain, FlipFlop(2), n_epochs=20, learning_rate=0.02)
    for name, value in plain.parameters().items():
        assert np.array_equal(value, model.parameters()[name])
    epochs = [page.epoch for page in monitor.snapshots.pages()]
    assert epochs == [1, 2, 3, 4, 5, 10, 15, 20]
    last = monitor.snapshots.pages()[-1].points
    assert (last.stability == "stable").sum() == 4
    assert len(monitor.picture.history["snapshots"]) == 8
    assert monitor.picture.trial["channels"][0]["output"] is not None
    data, _ = monitor._repr_mimebundle_()
    assert "image/png" in data


def test_pause_resume_rate_and_stop(monitor):
    model = VanillaRNN(2, 3, 2, seed=1)
    monitor.watch(model, FlipFlop(2), n_epochs=100_000, learning_rate=0.01)
    until(lambda: monitor.phase == "training")
    monitor.pause()
    until(lambda: monitor.phase == "paused", 5)
    step = monitor._run.step
    time.sleep(0.2)
    assert monitor._run.step == step
    monitor.learning_rate = 0.003
    monitor.resume()
    until(lambda: monitor._run.step > step)
    assert monitor._run.learning_rate == 0.003
    with pytest.raises(RuntimeError, match="running already"):
        monitor.watch(model, FlipFlop(2))
    monitor.stop()
    assert monitor.result(60).stopped_because == "stopped"
    assert monitor.phase == "stopped"


def test_divergence_names_step_and_term(monitor):
    model = VanillaRNN(2, 3, 2, nonlinearity="relu", seed=1)

    def loss(params, inputs, targets, mask):
        import jax.numpy as jnp

        return {
            "task": jnp.sum(params["W_out"] ** 2),
            "drift": 0.0 * jnp.log(-1.0 + 0 * mask).sum(),
        }

    monitor.watch(model, FlipFlop(2), n_epochs=3, loss=loss, validation=None)
    history = monitor.result(100)
    assert history.diverged
    assert "drift" in monitor.picture.status["error"]
    assert monitor.picture.status["state"] == "error"


def test_error_in_training_is_raised_and_shown(monitor):
    def fail():
        raise ValueError("broken loop")

    monitor.run(fail)
    with pytest.raises(ValueError, match="broken loop"):
        monitor.result(20)
    assert "broken loop" in monitor.picture.status["error"]


def test_any_loop_can_be_watched(monitor):
    seen = []
    for batch in monitor(range(1000)):
        seen.append(batch)
        monitor.log(loss=1 / (1 + batch), drift=2.0)
        if batch == 300:
            monitor.stop()
    assert seen == list(range(301))
    monitor.wait(20)
    assert monitor.phase == "stopped"
    names = [s["name"] for s in monitor.picture.curves["series"]]
    assert names == ["loss", "drift"]


def test_nan_stops_a_loop(monitor):
    for batch in monitor(range(100)):
        monitor.log(loss=np.nan if batch == 7 else 1.0)
    assert batch == 7
    assert "'loss' was not finite at step 7" in monitor.picture.status["error"]


def test_a_hundred_thousand_steps_stay_small():
    log = MetricLog(limit=2000)
    rng = np.random.default_rng(0)
    for start in range(0, 100_000, 500):
        values = rng.random(500)
        if start == 50_000:
            values[77] = 9.0
        log.add(np.arange(start, start + 500), {"loss": values})
    x, y = log.series()["loss"]
    assert len(x) <= 4000
    assert y.max() == 9.0
    assert x[0] == 0
    assert x[-1] == 99_999
    scene = curves_of(log.series(), limit=1500)
    assert len(scene["x"]) <= 1500
    assert np.nanmax(scene["series"][0]["y"]) == 9.0


def test_thinning_keeps_gaps_and_order():
    x = np.arange(100.0)
    y = np.full(100, np.nan)
    y[[3, 50]] = 1, 2
    short_x, short_y = thinned(x, y, 20)
    assert len(short_x) <= 20
    assert np.nanmax(short_y) == 2
    assert (np.diff(short_x) > 0).all()


def _page(epoch, n):
    from fpf_notebook import FixedPoints

    points = FixedPoints(np.zeros((n, 2)), stability=np.full(n, "stable")) if n else FixedPoints()
    return Snapshot(epoch, points, np.zeros((2, 3, 2), np.float32), 0.0)


def test_snapshots_are_bounded_and_changes_survive():
    book = SnapshotBook(limit=20)
    for epoch in range(200):
        book.add(_page(epoch, 1 if epoch < 57 else 3))
    pages = book.pages()
    assert len(pages) <= 20
    assert pages[0].epoch == 0
    assert pages[-1].epoch == 199
    assert changes(pages) == [{"epoch": changes(pages)[0]["epoch"], "label": "+2"}]
    assert 57 <= changes(pages)[0]["epoch"] < 80


def test_saved_and_loaded(monitor, tmp_path):
    for batch in monitor(range(50)):
        monitor.log(loss=float(batch))
    monitor.snapshots.add(_page(3, 2))
    monitor.snapshots.add(_page(9, 0))
    monitor.show_trial(np.ones((4, 2)), None, np.zeros((4, 1)))
    monitor.save(tmp_path / "run.npz")
    loaded = TrainingMonitor.load(tmp_path / "run.npz")
    assert np.array_equal(loaded.metrics.series()["loss"], monitor.metrics.series()["loss"])
    assert len(loaded.picture.trial["channels"]) == 2
    assert [p.epoch for p in loaded.snapshots.pages()] == [3, 9]
    assert [len(p.points) for p in loaded.snapshots.pages()] == [2, 0]
    loaded.close()


def test_ctrl_c_while_waiting_keeps_the_best_weights(monitor, monkeypatch):
    monitor.watch(VanillaRNN(2, 3, 2, seed=1), FlipFlop(2), n_epochs=100_000, learning_rate=0.02)
    until(lambda: monitor.metrics.last("validation_loss") is not None)
    wait = monitor._trainer.wait
    calls = []

    def pressed(timeout=None):
        calls.append(timeout)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return wait(timeout)

    monkeypatch.setattr(monitor._trainer, "wait", pressed)
    history = monitor.result()
    assert history.stopped_because == "stopped"
    assert history.best_step <= history.final_step
    assert np.isfinite(history.best_loss)
