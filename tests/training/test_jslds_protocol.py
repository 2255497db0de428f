"""The command for the paper's protocol: it trains, measures, and does nothing twice."""

import math

import numpy as np
import pytest

from benchmarks import jslds_protocol as protocol
from fpf_notebook.models.pretrained import load_pretrained
from tools.pretraining import RECIPES


def test_the_table_has_mean_and_deviation_beside_the_published_figure():
    rows = [{"JSLDS": 0.01, "loss": 1.0}, {"JSLDS": 0.03, "loss": 2.0}]
    text = protocol.table("context", rows)
    assert "| mean | 0.02 | 1.5 |" in text
    assert "| sd | 0.0141 | 0.707 |" in text
    assert "| published | 0.0097 |" in text
    assert "| sd |" not in protocol.table("3bit", rows[:1])


def test_trials_are_told_apart_by_their_constant_input():
    recipe = RECIPES["jslds-context-vanilla128"]
    trials = recipe.make_task().sample(20, 0)
    kinds = protocol._by_input(trials.inputs, recipe)
    assert sorted(np.concatenate([rows for _, rows in kinds]).tolist()) == list(range(20))
    for u_star, rows in kinds:
        assert sorted(u_star) == [0, 0, 0, 1]
        np.testing.assert_array_equal(
            trials.inputs[rows][:, 0, 2:], np.tile(u_star[2:], (len(rows), 1))
        )
    (only,) = protocol._by_input(np.ones((5, 3, 6)), RECIPES["gru100-3bit"])
    assert not only[0].any()
    assert len(only[1]) == 5


@pytest.mark.slow
def test_the_shipped_networks_compare_as_their_records_say():
    models = [load_pretrained(name) for name in protocol.NETWORKS["context"]]
    figures = protocol.compare(*models, RECIPES["jslds-context-vanilla128"])
    assert figures["JSLDS"] < 0.007
    assert figures["standard, one_step"] > 5 * figures["JSLDS"]
    assert figures["standard, free"] > figures["standard, one_step"]


@pytest.mark.slow
def test_what_is_done_is_not_done_again(tmp_path, capsys, monkeypatch):
    call = ["context", "--seeds", "1", "--share", "0.0005", "--out", str(tmp_path)]
    assert protocol.main(call) == 0
    first = capsys.readouterr().out.split("| seed |")[-1]
    assert len(list(tmp_path.rglob("*.npz"))) == 2
    monkeypatch.setattr(protocol, "make", None)
    assert protocol.main(call) == 0
    assert capsys.readouterr().out.split("| seed |")[-1] == first
    (tmp_path / "context-0-0.0005" / "figures.json").unlink()
    again = protocol.measured("context", 0, tmp_path, 0.0005)  # of the networks that are there
    assert not math.isnan(again["JSLDS"])


def test_a_share_out_of_range_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit):
        protocol.main(["context", "--share", "0", "--out", str(tmp_path)])
    assert "--share must be above 0 and at most 1, got 0" in capsys.readouterr().err
