"""``fpf-notebook tutorials``: copies, and what is opened on them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fpf_notebook.cli import jupyter, main, tutorials

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.name for path in (ROOT / "tutorials").glob("*.ipynb"))


@pytest.fixture
def started(monkeypatch):
    """Collect which servers would run, instead of running them."""
    calls = []

    def run_server(module, arguments, folder):
        calls.append((module, arguments, folder))
        return 0

    monkeypatch.setattr(tutorials, "run_server", run_server)
    return calls


def test_all_are_copied_into_a_new_folder(started, capsys, tmp_path):
    folder = tmp_path / "a" / "course"
    assert main(["tutorials", str(folder), "--no-open"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    for name in NAMES:
        assert (folder / name).read_bytes() == (ROOT / "tutorials" / name).read_bytes()
        assert name in capsys.readouterr().out or len(NAMES) > 1
    assert started == []


def test_what_somebody_worked_on_is_kept(started, capsys, tmp_path):
    main(["tutorials", str(tmp_path), "--no-open"])
    capsys.readouterr()
    mine = tmp_path / NAMES[0]
    mine.write_text("my work")
    (tmp_path / NAMES[-1]).unlink()
    assert main(["tutorials", str(tmp_path), "--no-open"]) == 0
    assert mine.read_text() == "my work"
    assert (tmp_path / NAMES[-1]).exists()
    assert f"{NAMES[0]}  (kept as it was" in capsys.readouterr().out
    assert main(["tutorials", str(tmp_path), "--no-open", "--overwrite"]) == 0
    assert json.loads(mine.read_text())["nbformat"] == 4
    assert "kept" not in capsys.readouterr().out


def test_lab_opens_on_the_first_one_in_the_folder(started, monkeypatch, tmp_path):
    monkeypatch.setattr(tutorials, "is_installed", lambda module: module == "jupyterlab")
    monkeypatch.chdir(tmp_path)
    assert main(["tutorials"]) == 0
    ((module, arguments, folder),) = started
    assert (module, arguments) == ("jupyterlab", [NAMES[0]])
    assert folder.resolve() == tmp_path / "fpf-tutorials"


def test_without_lab_the_copies_are_made_and_the_extra_is_named(
    started, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(tutorials, "is_installed", lambda module: False)
    assert main(["tutorials", str(tmp_path)]) == 2
    assert 'pip install "fpf-notebook[tutorials]"' in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == NAMES
    assert started == []


def test_a_folder_that_cannot_be_made(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main(["tutorials", str(tmp_path / "file" / "course"), "--no-open"]) == 2
    assert "Not a directory" in capsys.readouterr().err


def test_an_installation_without_tutorials(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(tutorials.fpf_notebook, "__file__", str(tmp_path / "pkg" / "__init__.py"))
    assert main(["tutorials", str(tmp_path / "course"), "--no-open"]) == 2
    assert "has no tutorials: install it again" in capsys.readouterr().err


def test_a_server_runs_where_it_should_and_its_status_is_ours(tmp_path):
    (tmp_path / "server_of_a_test.py").write_text(
        "import pathlib, sys; pathlib.Path('seen').write_text(' '.join(sys.argv[1:])); sys.exit(3)"
    )
    assert jupyter.run_server("server_of_a_test", ["a", "--b"], tmp_path) == 3
    assert (tmp_path / "seen").read_text() == "a --b"


def test_a_server_does_not_outlive_us(tmp_path):
    (tmp_path / "server_of_a_test.py").write_text(
        "import os, pathlib, time; pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(60)"
    )
    code = (
        "from pathlib import Path; from fpf_notebook.cli.jupyter import run_server;"
        f"run_server('server_of_a_test', [], Path({str(tmp_path)!r}))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ours = subprocess.Popen([sys.executable, "-c", code], env=environment)
    deadline = time.monotonic() + 30
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    ours.terminate()
    assert ours.wait(30) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_is_installed_is_found_without_an_import():
    assert jupyter.is_installed("json")
    assert not jupyter.is_installed("no_such_module_anywhere")
