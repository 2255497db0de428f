"""The recipes: they solve the task, and the networks have the memories that it needs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.training import Callback, recipes
from fpf_notebook.training.recipes import FlipFlopRecipe, accuracy_of, train_flip_flop
from tests.training.helpers import OnEpoch, Recorder


def memories(model, task):
    """Where the states of trials end up without input, as signs of the outputs; in float64."""
    _, states = model.run(task.sample(64, seed=10**6).inputs)
    h = np.asarray(states, np.float64).reshape(-1, model.n_states)[::11]
    step = jax.vmap(model.step, in_axes=(None, 0, None))
    with jax.enable_x64(True):
        params = {name: jnp.asarray(v, jnp.float64) for name, v in model.parameters().items()}
        u = jnp.zeros(model.n_inputs)
        rest = jax.jit(lambda h: jax.lax.fori_loop(0, 4000, lambda _, h: step(params, h, u), h))(
            jnp.asarray(h)
        )
        moved = float(jnp.abs(step(params, rest, u) - rest).max())
        outputs = np.asarray(model.readout_function(params, rest))
    return np.unique(np.round(rest, 4), axis=0), np.unique(np.sign(outputs), axis=0), moved


def check(model, task, history):
    assert history.stopped_because == "finished"
    assert history.notes == ()
    assert accuracy_of(history) > 0.999
    trials = task.sample(500, seed=10**6 + 1)
    assert task.accuracy(model.run(trials.inputs)[0], trials) > 0.999
    points, signs, moved = memories(model, task)
    assert len(points) == len(signs) == 2**task.n_bits
    assert moved < 1e-8


@pytest.mark.parametrize(("n_bits", "n_hidden"), [(2, 3), (3, 4)])
def test_tanh_networks_of_the_tutorial(n_bits, n_hidden):
    model, task, history = train_flip_flop(n_bits)
    assert (model.kind, model.n_hidden, task.n_bits) == ("tanh", n_hidden, n_bits)
    check(model, task, history)


@pytest.mark.slow
@pytest.mark.parametrize(("n_bits", "cell"), [(4, "tanh"), (3, "gru"), (3, "lstm")])
def test_other_networks(n_bits, cell):
    model, task, history = train_flip_flop(n_bits, cell)
    assert (model.kind, model.n_hidden) == (cell, 6 if cell == "tanh" else 16)
    check(model, task, history)


@pytest.fixture
def too_short(monkeypatch):
    def recipe(n_bits, cell):
        return FlipFlopRecipe(2, 0.03, n_epochs=1, steps_per_epoch=2, batch_size=4)

    monkeypatch.setattr(recipes, "flip_flop_recipe", recipe)


def test_stalled_training_starts_again_and_says_so(too_short):
    recorder = Recorder()
    model, _, history = train_flip_flop(1, seed=5, callbacks=[recorder], n_attempts=3)
    assert recorder.heard.count("start") == 3
    assert [note[:12] for note in history.notes] == ["attempt 1 of", "attempt 2 of", "attempt 3 of"]
    assert "with seed 5 ended at an accuracy of" in history.notes[0]
    noted = [float(note.split("accuracy of ")[1].split(",")[0]) for note in history.notes]
    assert accuracy_of(history) == pytest.approx(max(noted), abs=1e-4)  # the best is kept
    again, _, _ = train_flip_flop(1, seed=5, n_attempts=3)
    np.testing.assert_array_equal(model.W_hh.value, again.W_hh.value)


def test_no_other_attempt_after_a_stop(too_short):
    def stop(run, info):
        run.stop()

    recorder = Recorder()
    callbacks = iter([recorder, OnEpoch(stop), Callback()])  # also when they can be read only once
    _, _, history = train_flip_flop(1, callbacks=callbacks)
    assert recorder.heard.count("start") == 1
    assert history.notes == ()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"n_bits": 0}, ValueError, "n_bits is 0, expected a whole number from 1"),
        ({"cell": "elman"}, ValueError, r"cell must be one of \['tanh', 'gru', 'lstm'\], got 'el"),
        ({"n_hidden": 0}, ValueError, "n_hidden is 0, expected a whole number from 1"),
        ({"seed": 1.5}, TypeError, "seed is 1.5, expected a whole number from"),
        ({"n_attempts": 0}, ValueError, "n_attempts is 0, expected a whole number from 1"),
    ],
)
def test_wrong_arguments(options, error, text):
    with pytest.raises(error, match=text):
        train_flip_flop(**options)
