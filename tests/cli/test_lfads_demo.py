"""``demo --task lfads``: what it prints and leaves behind, on a small set."""

import pytest

import fpf_notebook.cli.lfads_demo as demo
from fpf_notebook.cli import main


@pytest.mark.slow
def test_the_demo_trains_reports_and_draws(tmp_path, capsys, monkeypatch):
    small = {"n_trials": 60, "n_neurons": 12, "n_conditions": 6, "n_time": 12}
    monkeypatch.setattr(demo, "_DATA", {**demo._DATA, **small})
    monkeypatch.setattr(demo, "_MODEL", {"gen_dim": 6, "ic_enc_dim": 5, "ic_dim": 3, "fac_dim": 3})
    assert demo.run_lfads_demo(seed=0, out=tmp_path / "out", n_epochs=10) == 0
    text = capsys.readouterr().out
    assert "epoch 10 of 10:" in text
    assert "On 12 trials that it was not trained on" in text
    assert "linear system" in text
    assert "jPCA: 3 planes" in text
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"lfads_rates.png", "lfads_jpc1.png", "lfads_modes.png", "lfads.html"} <= names
    for name in names:
        assert name in text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--task", "lfads", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "cannot make the folder" in capsys.readouterr().err
