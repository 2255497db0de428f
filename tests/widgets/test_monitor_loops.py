"""The monitor around `brainpy.BPTT` and around loops that people write themselves."""

from __future__ import annotations

import threading
import time

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.models import VanillaRNN
from fpf_notebook.widgets import TrainingMonitor
from fpf_notebook.widgets.monitor.weights_reader import weights_reader
from tests.widgets.waiting import until


@pytest.fixture
def monitor():
    made = TrainingMonitor(snapshot_every=2)
    yield made
    made.close()


def batches(n, seed=0, targets=0.0):
    rng = np.random.default_rng(seed)
    return [
        (bm.asarray(rng.random((4, 6, 2))), bm.asarray(np.full((4, 6, 4), targets)))
        for _ in range(n)
    ]


def trainer_of(model, rate=1e-2):
    return bp.BPTT(
        model,
        bp.losses.mean_squared_error,
        optimizer=bp.optim.Adam(lr=rate),
        progress_bar=False,
    )


def weights(model):
    return {k: np.asarray(v.value) for k, v in model.train_vars().unique().items()}


def test_bptt_is_trained_in_the_background_with_snapshots(monitor):
    model = bp.dyn.RNNCell(2, 4, mode=bm.TrainingMode())
    data = batches(5)
    phases = []
    monitor.observe(lambda change: phases.append(change["new"]), names="phase")
    monitor.watch(trainer_of(model), lambda: iter(data), num_epoch=6)
    assert monitor.learning_rate == pytest.approx(0.01)
    monitor.result(200)
    x, y = monitor.metrics.series()["loss"]
    assert len(x) == 30
    assert y[-1] < y[0]
    assert phases == ["starting", "compiling", "training", "stopped"]
    assert "epoch 6/6" in monitor.picture.status["text"]
    assert [page.epoch for page in monitor.snapshots.pages()] == [1, 2, 4, 6]
    assert monitor.picture.history["snapshots"][-1]["label"] == "epoch 6"
    # The last snapshot was taken of the weights that the model has now: its points are fixed.
    last = monitor.snapshots.pages()[-1].points
    assert len(last) >= 1
    step_map = as_step_map(model)
    moved = step_map(last.xstar, np.zeros((len(last), 2)))
    assert np.abs(moved - last.xstar).max() < 1e-5
    assert len(monitor.picture.trial["channels"]) == 4


def test_bptt_can_be_held_slowed_and_stopped(monitor):
    model = bp.dyn.RNNCell(2, 4, mode=bm.TrainingMode())
    data = batches(5)
    monitor.watch(trainer_of(model), lambda: iter(data), num_epoch=10**6)
    until(lambda: monitor.metrics.last_step > 10)
    monitor.pause()
    until(lambda: monitor.phase == "paused", 10)
    assert monitor.picture.status["text"].startswith("paused")
    step = monitor._control.step
    time.sleep(0.2)
    assert monitor._control.step == step
    monitor.learning_rate = 1e-4
    monitor.resume()
    until(lambda: monitor._control.step > step + 2)
    assert monitor._control.present_rate() == pytest.approx(1e-4)
    monitor.stop()
    monitor.result(60)
    assert monitor.phase == "stopped"


def test_bptt_keeps_the_weights_from_before_a_nan(monitor):
    model = bp.dyn.RNNCell(2, 4, mode=bm.TrainingMode())
    good, bad = batches(3), batches(1, targets=np.nan)
    seen = []

    def data():
        seen.append(weights(model))
        return iter(good if len(seen) < 3 else bad)

    monitor.watch(trainer_of(model), data, num_epoch=100)
    monitor.result(100)
    assert "'loss' was not finite at step 6" in monitor.picture.status["error"]
    for name, value in weights(model).items():
        assert np.isfinite(value).all()
        assert np.array_equal(value, seen[2][name])


def test_reading_weights_agrees_with_tracing_anew():
    for model in (bp.dyn.GRUCell(2, 3, mode=bm.TrainingMode()), VanillaRNN(2, 3, 2, seed=0)):
        step_map = as_step_map(model, n_inputs=2)
        read = weights_reader(model, step_map)
        for variable in model.train_vars().unique().values():
            variable.value = variable.value + 0.1
        state, u = np.full((1, step_map.n_states), 0.3), np.ones((1, 2))
        expected = as_step_map(model, n_inputs=2)(state, u)
        assert np.allclose(step_map.with_params(read())(state, u), expected, atol=1e-12)
        assert not np.allclose(step_map(state, u), expected, atol=1e-3)


def test_a_loop_of_ones_own_with_its_fixed_points(monitor):
    """tanh(g x) bifurcates at g = 1: the loop raises g, and two stable points are born."""
    model = VanillaRNN(1, 1, 1, seed=0)
    for name, value in model.parameters().items():
        getattr(model, name).value = jnp.zeros_like(value)

    def loop():
        for k in monitor(range(30)):
            model.W_hh.value = jnp.full((1, 1), 0.52 + 0.05 * k)
            monitor.log(loss=1 / (1 + k))
        return "the end"

    monitor.follow(model, np.zeros((3, 8, 1)), every=10).run(loop)
    assert monitor.result(120) == "the end"
    pages = {page.epoch: page.points for page in monitor.snapshots.pages()}
    assert sorted(pages) == [0, 1, 2, 3, 4, 5, 10, 20, 29]
    assert len(pages[5]) == 1
    assert pages[5].stability[0] == "stable"
    assert len(pages[29]) == 3
    assert sorted(pages[29].stability) == ["stable", "stable", "unstable"]
    assert monitor.picture.history["unit"] == "step"
    assert monitor.picture.history["events"] == [{"epoch": 10, "label": "+2"}]


def test_a_loop_of_pure_functions_gives_its_weights(monitor):
    def step(params, state, input):
        return jnp.tanh(params["g"] * state + input)

    step_map = as_step_map(step, params={"g": np.float64(0.5)}, n_states=1, n_inputs=1)
    # Searches begin where the trajectories go.
    inputs = np.random.default_rng(0).choice([-1.0, 1.0], (8, 5, 1))
    monitor.follow(step_map, inputs, every=4)
    for k in monitor(range(9)):
        monitor.log(loss=0.0, params={"g": np.float64(0.5 + 0.2 * k)})
    monitor.wait(100)
    assert [len(p.points) for p in monitor.snapshots.pages()] == [1, 1, 1, 3, 3, 3]
    with pytest.raises(ValueError, match=r"log\(params="):
        monitor.log(step=12, loss=0.0)
    with pytest.raises(ValueError, match="shape"):
        monitor.log(step=12, loss=0.0, params={"g": np.zeros(2)})


def test_a_loop_in_the_background_is_held_and_stopped(monitor):
    count = []

    def loop():
        for k in monitor(range(10**9)):
            monitor.log(step=k, loss=1.0)
            count.append(k)
            time.sleep(0.001)

    monitor.run(loop)
    until(lambda: len(count) > 5)
    monitor.pause()
    until(lambda: monitor.phase == "paused", 5)
    held = len(count)
    time.sleep(0.1)
    assert len(count) == held
    monitor.resume()
    until(lambda: monitor.phase == "training" and len(count) > held, 5)
    monitor.stop()
    monitor.result(20)
    assert monitor.phase == "stopped"
    # A second training begins anew.
    again = threading.Event()
    monitor.run(lambda: [monitor.log(loss=0.5) for _ in monitor(range(3))] and again.set())
    monitor.result(20)
    assert again.is_set()
    assert len(monitor.metrics.series()["loss"][0]) == 3


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"inputs": np.zeros((2, 3))}, r"inputs has shape \(2, 3\)"),
        ({"inputs": np.full((1, 2, 1), np.nan)}, "NaN"),
        ({"inputs": np.zeros((1, 2, 1)), "every": 0}, "every is 0"),
    ],
)
def test_following_refuses_what_does_not_fit(monitor, arguments, problem):
    model = jax.jit(lambda state, input: jnp.tanh(state + input))
    with pytest.raises(ValueError, match=problem):
        monitor.follow(model, **arguments)


def test_failed_is_told_from_stopped(monitor):
    def fail():
        raise ValueError("broken loop")

    monitor.run(fail)
    with pytest.raises(ValueError, match="broken loop"):
        monitor.result(20)
    assert monitor.phase == "failed"
