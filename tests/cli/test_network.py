import numpy as np
import pytest

from fpf_notebook.cli import network
from fpf_notebook.cli.cache import checkpoint_path
from fpf_notebook.cli.network import trained_network
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop


class History:
    message = "all steps were made"

    def __init__(self, interrupted=False, notes=()):
        self.interrupted = interrupted
        self.notes = notes


@pytest.fixture
def trainings(monkeypatch):
    """Replace the training, which takes seconds, by one that remembers how it was called."""
    calls = []

    def train(n_bits, cell, n_hidden, seed, callbacks):
        calls.append((n_bits, cell, n_hidden, seed))
        model = VanillaRNN(n_bits, n_hidden, n_bits, seed=1000 + len(calls))
        return model, FlipFlop(n_bits), calls.history

    class Calls(list):
        history = History()

    calls = Calls()
    monkeypatch.setattr(network, "train_flip_flop", train)
    return calls


def weights(model):
    return {name: np.asarray(v.value) for name, v in model.vars(method="relative").items()}


def get(folder, use_cache=True, n_bits=2, n_hidden=None, seed=5):
    return trained_network(
        n_bits, "tanh", n_hidden, seed, use_cache=use_cache, folder=folder / "cache"
    )


def test_a_network_is_trained_once_and_then_taken_from_the_cache(trainings, tmp_path, capsys):
    first = get(tmp_path)
    printed = capsys.readouterr().out
    assert "Training a 2-bit flip-flop network, 3 tanh units, seed 5" in printed
    assert "all steps were made" in printed

    second = get(tmp_path)
    printed = capsys.readouterr().out
    assert trainings == [(2, "tanh", 3, 5)]
    assert "Not trained now" in printed
    assert "Training a" not in printed
    (file,) = (tmp_path / "cache").iterdir()
    assert str(file) in printed
    assert second.name == first.name == "3 tanh units, seed 5"
    expected = weights(first.model)
    assert weights(second.model).keys() == expected.keys()
    for name, value in weights(second.model).items():
        np.testing.assert_array_equal(value, expected[name])


def test_no_cache_trains_anew_and_keeps_the_result(trainings, tmp_path):
    get(tmp_path)
    second = get(tmp_path, use_cache=False)
    assert len(trainings) == 2
    third = get(tmp_path)
    assert len(trainings) == 2
    for name, value in weights(third.model).items():
        np.testing.assert_array_equal(value, weights(second.model)[name])


def test_other_settings_are_other_networks(trainings, tmp_path):
    get(tmp_path)
    get(tmp_path, seed=6)
    get(tmp_path, n_hidden=4)
    get(tmp_path, n_bits=3)
    assert trainings == [(2, "tanh", 3, 5), (2, "tanh", 3, 6), (2, "tanh", 4, 5), (3, "tanh", 4, 5)]


def test_an_interrupted_training_is_not_kept(trainings, tmp_path):
    trainings.history = History(interrupted=True)
    assert get(tmp_path).interrupted
    trainings.history = History()
    assert not get(tmp_path).interrupted
    assert len(trainings) == 2


def test_a_damaged_file_in_the_cache_is_named_and_replaced(trainings, tmp_path, capsys):
    get(tmp_path)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(file.read_bytes()[:100])
    get(tmp_path)
    assert len(trainings) == 2
    printed = capsys.readouterr()
    assert "cannot be used" in printed.err
    assert str(file) in printed.err
    get(tmp_path)
    assert len(trainings) == 2


def test_a_cache_that_cannot_be_written_does_not_stop_the_demo(trainings, tmp_path, capsys):
    (tmp_path / "cache").write_text("a file in the place of the folder")
    assert get(tmp_path).model is not None
    assert "could not be kept" in capsys.readouterr().err


def test_notes_of_the_training_are_shown(trainings, tmp_path, capsys):
    trainings.history = History(notes=("attempt 1 of 3 ended at an accuracy of 0.9",))
    get(tmp_path)
    assert "Note: attempt 1 of 3 ended at an accuracy of 0.9." in capsys.readouterr().out


def test_the_file_is_that_of_the_settings(trainings, tmp_path):
    get(tmp_path)
    settings = {"bits": 2, "cell": "tanh", "hidden": 3, "seed": 5}
    assert checkpoint_path(settings, tmp_path / "cache").exists()
