"""Co-training end to end: fast enough to teach with, and the making of shipped weights."""

import json

import optax
import pytest

from fpf_notebook.models import GRU, JSLDS
from fpf_notebook.models.pretrained import read_network
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import train
from fpf_notebook.training.jslds import co_training_loss
from tools.make_weights import make
from tools.pretraining import Phase, Recipe, held_out_figures


@pytest.mark.slow
def test_a_small_jslds_is_close_to_its_network_after_3000_steps():
    task = FlipFlop(3, encoding="one_hot")
    model = JSLDS(GRU(6, 32, 3, seed=0))
    train(
        model, task, loss=co_training_loss(model, lambda_rnn=3), n_epochs=12, steps_per_epoch=250,
        learning_rate=optax.cosine_decay_schedule(1e-2, 3000), clip_norm=10.0, validation=None,
    )  # fmt: skip
    figures = held_out_figures(model, task)
    assert figures["relative_error"] < 0.02
    assert figures["rnn_loss"] < 2e-3


@pytest.mark.slow
def test_weights_are_made_phase_by_phase_and_recorded(tmp_path, capsys):
    phases = (
        Phase(4, 5e-3, (3.0, 1.0, 100.0, 10.0), l2=1e-5),
        Phase(2, 1e-3, (1.0, 1.0, 1.0, 1.0)),
    )
    recipe = Recipe("3bit", True, phases, batch_size=4)
    record = make("jslds-3bit-gru100", tmp_path, recipe)
    assert len(record["phases"]) == 2
    assert (
        json.loads((tmp_path / "jslds-3bit-gru100.json").read_text())["sha256"] == record["sha256"]
    )
    model = read_network(tmp_path / "jslds-3bit-gru100.npz")
    for name, value in held_out_figures(model, recipe.make_task()).items():
        assert value == pytest.approx(record["held_out"][name], rel=1e-5)
    assert {path.name for path in tmp_path.iterdir()} == {
        "jslds-3bit-gru100.json",
        "jslds-3bit-gru100.npz",
    }
    again = make("jslds-3bit-gru100", tmp_path, recipe)
    assert again["sha256"] == record["sha256"]
    assert "jslds-3bit-gru100: Recipe(" in capsys.readouterr().out
