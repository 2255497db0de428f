"""``demo --task jslds``: what it prints and leaves behind, from the shipped networks alone."""

import pytest

from fpf_notebook.cli import main


@pytest.mark.slow
def test_the_demo_shows_both_experiments(tmp_path, capsys):
    assert main(["demo", "--task", "jslds", "--out", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    assert "JSLDS: mean relative error 0.004" in text
    assert "27 points; " in text
    assert "index sum 1 of expected 1" in text
    assert "8, 12, 6, 1" in text
    assert "8 clusters of expansion points" in text
    assert text.count("context: line attractor of") == 2
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "jslds.html" in names
    assert len([name for name in names if name.endswith(".png")]) == 11
    for name in names:
        assert name in text


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["demo", "--task", "jslds", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "cannot make the folder" in capsys.readouterr().err


def test_an_unknown_task_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["demo", "--task", "chess"])
    assert "invalid choice: 'chess'" in capsys.readouterr().err
