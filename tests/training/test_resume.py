"""Going on at the exact step: what follows is, bit for bit, what would have followed."""

import numpy as np
import optax
import pytest

from fpf_notebook.models import GRU, VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import TrainingState, train
from fpf_notebook.training.run import TrainingRun
from tests.training.helpers import SIZES, OnEpoch, same_weights

OPTIONS = {"learning_rate": optax.cosine_decay_schedule(0.1, 30), "seed": 3, **SIZES}


@pytest.fixture
def stopped_at(monkeypatch):
    """Make every training stop itself at a step, also in the middle of an epoch."""

    def at(step):
        def look(run, notify):
            if run.step == step:
                run.stop()
            return 0.0

        monkeypatch.setattr("fpf_notebook.training.loop._CHUNK_SECONDS", 0.0)
        monkeypatch.setattr(TrainingRun, "wait_while_paused", look)

    yield at
    monkeypatch.undo()


@pytest.fixture
def state(task):
    history = train(VanillaRNN(2, 3, 2), task, n_epochs=2, **OPTIONS)
    return history.state


@pytest.mark.parametrize("step", [10, 13])
def test_bitwise(task, tmp_path, stopped_at, monkeypatch, step):
    straight = VanillaRNN(2, 3, 2)
    expected = train(straight, task, n_epochs=6, **OPTIONS)
    stopped_at(step)
    first = train(VanillaRNN(2, 3, 2), task, n_epochs=6, **OPTIONS)
    monkeypatch.undo()
    assert (first.stopped_because, first.final_step) == ("stopped", step)
    first.state.save(tmp_path / "folder" / "state.npz")

    other = VanillaRNN(2, 3, 2, seed=8)  # its weights don't count
    resume = TrainingState.load(tmp_path / "folder" / "state.npz")
    second = train(other, task, n_epochs=6, resume=resume, **OPTIONS)
    np.testing.assert_array_equal(second.steps, np.arange(step, 31))
    for name, values in expected.series.items():
        np.testing.assert_array_equal(second.series[name][1:], values[step + 1 :], err_msg=name)
    np.testing.assert_array_equal(second.series["loss"], expected.series["loss"][step:])
    np.testing.assert_array_equal(first.series["loss"][:step], expected.series["loss"][:step])
    assert (second.best_step, second.best_loss) == (expected.best_step, expected.best_loss)
    assert same_weights(straight.parameters(), other.parameters())
    assert same_weights(second.state.optimizer, expected.state.optimizer)


def test_the_best_weights_from_before_are_remembered(task):
    # The rate is so high that nothing after the first epochs is better.
    options = {**OPTIONS, "learning_rate": 0.03}
    first = train(VanillaRNN(2, 3, 2), task, n_epochs=8, **options)
    model = VanillaRNN(2, 3, 2)
    options["learning_rate"] = 3.0
    second = train(model, task, n_epochs=10, resume=first.state, **options)
    assert second.best_step == first.best_step
    assert second.best_loss == first.best_loss
    assert same_weights(first.state.best_parameters, model.parameters())


def test_a_rate_set_by_hand_is_remembered(task):
    def set_rate(run, info):
        run.learning_rate = 0.25

    model = VanillaRNN(2, 3, 2)
    history = train(model, task, n_epochs=1, callbacks=[OnEpoch(set_rate)], **OPTIONS)
    assert history.state.learning_rate == 0.25
    history = train(model, task, n_epochs=2, resume=history.state, **OPTIONS)
    np.testing.assert_array_equal(history.series["learning_rate"][:5], 0.25)


def test_the_state_of_a_run_can_be_saved_now_and_then(task, tmp_path):
    expected = train(VanillaRNN(2, 3, 2), task, n_epochs=3, **OPTIONS)
    path = tmp_path / "state.npz"

    def save(run, info):
        run.state().save(path)
        if info.epoch == 2:
            raise KeyboardInterrupt

    train(VanillaRNN(2, 3, 2), task, n_epochs=3, callbacks=[OnEpoch(save)], **OPTIONS)
    resume = TrainingState.load(path)
    history = train(VanillaRNN(2, 3, 2), task, n_epochs=3, resume=resume, **OPTIONS)
    np.testing.assert_array_equal(history.series["loss"], expected.series["loss"][10:])


def test_nothing_left_to_do(task, state):
    model = VanillaRNN(2, 3, 2, seed=1)
    history = train(model, task, n_epochs=2, resume=state, **OPTIONS)
    assert (history.stopped_because, history.final_step, len(history.steps)) == ("finished", 10, 0)
    assert same_weights(state.best_parameters, model.parameters())


def test_saved_and_loaded_states_are_equal(state, tmp_path):
    state.save(tmp_path / "state")
    again = TrainingState.load(tmp_path / "state")
    for group in ("parameters", "last_good", "best_parameters", "optimizer"):
        first, second = getattr(state, group), getattr(again, group)
        assert first.keys() == second.keys()
        assert all(first[k].dtype == second[k].dtype for k in first)
        assert same_weights(first, second)
    for name in ("step", "best_step", "best_loss", "learning_rate", "settings"):
        assert getattr(state, name) == getattr(again, name)


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (VanillaRNN(2, 4, 2), {}, r"its \['W_hh'\] is float32\[3, 3\], expected float32\[4, 4\]"),
        (GRU(2, 3, 2), {}, "of another model or optimizer"),
        (
            VanillaRNN(2, 3, 2),
            {"optimizer": optax.sgd, "learning_rate": 0.1},
            "optimizer of the state to resume does not fit: it has an unknown",
        ),
        (VanillaRNN(2, 3, 2), {"seed": 4}, "trained with seed = 3, now it is 4"),
        (VanillaRNN(2, 3, 2), {"batch_size": 9}, "trained with batch_size = 8, now it is 9"),
        (VanillaRNN(2, 3, 2), {"validation": None}, "trained with validation = 32, now it is None"),
        (
            VanillaRNN(2, 3, 2),
            {"task": FlipFlop(2, n_time=12, p=0.1)},
            r"with task = FlipFlop\(.*p=0.5.* now it is FlipFlop\(.*p=0.1",
        ),
    ],
)
def test_states_of_other_trainings(state, task, model, options, text):
    before = model.parameters()
    task = options.get("task", task)
    options = {**OPTIONS, **{k: v for k, v in options.items() if k != "task"}}
    with pytest.raises(ValueError, match=text):
        train(model, task, n_epochs=4, resume=state, **options)
    assert same_weights(before, model.parameters())


def test_files_that_are_no_states(state, tmp_path):
    path = tmp_path / "state.npz"
    with pytest.raises(FileNotFoundError):
        TrainingState.load(path)
    state.save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match="cannot be loaded as a training state: it is cut off"):
        TrainingState.load(path)
    np.savez(path, W=np.ones(3))
    with pytest.raises(ValueError, match="as a training state: it has no header"):
        TrainingState.load(path)
