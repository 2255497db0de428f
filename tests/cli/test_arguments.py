import subprocess
import sys
from pathlib import Path

import pytest

import fpf_notebook
from fpf_notebook.cli import demo, main


@pytest.fixture
def asked(monkeypatch):
    """Collect what `run_demo` is called with, instead of running it."""
    calls = []

    def record(**settings):
        calls.append(settings)
        return 0

    monkeypatch.setattr(demo, "run_demo", record)
    return calls


def test_the_defaults(asked):
    assert main(["demo"]) == 0
    assert asked == [
        {
            "n_bits": 3,
            "cell": "tanh",
            "n_hidden": None,
            "seed": 0,
            "out": Path("fpf-demo"),
            "use_cache": True,
        }
    ]


def test_every_option_arrives(asked, tmp_path):
    line = f"demo --bits 2 --cell gru --hidden 5 --seed 7 --out {tmp_path / 'new'} --no-cache"
    assert main(line.split()) == 0
    assert asked == [
        {
            "n_bits": 2,
            "cell": "gru",
            "n_hidden": 5,
            "seed": 7,
            "out": tmp_path / "new",
            "use_cache": False,
        }
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("demo --bits 0", "--bits: expected a whole number from 1 to 8, got '0'"),
        ("demo --bits 9", "--bits: expected a whole number from 1 to 8, got '9'"),
        ("demo --bits two", "--bits: expected a whole number from 1 to 8, got 'two'"),
        ("demo --hidden 1.5", "--hidden: expected a whole number from 1 to 4096, got '1.5'"),
        ("demo --seed -1", "--seed: expected a whole number from 0 to 4294967295, got '-1'"),
        ("demo --cell relu", "--cell: invalid choice: 'relu'"),
        ("demo --frobnicate", "unrecognized arguments: --frobnicate"),
        ("", "required: COMMAND"),
        ("dance", "invalid choice: 'dance'"),
    ],
)
def test_wrong_arguments_are_named_before_any_work(asked, capsys, line, message):
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert asked == []


def test_a_file_in_the_place_of_the_folder(asked, capsys, tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--out", str(file)])
    assert stop.value.code == 2
    assert "is a file; expected a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    "program", [["-m", "fpf_notebook"], ["-c", "import fpf_notebook.cli as c; c.main()"]]
)
def test_the_version_in_a_fresh_interpreter(program):
    done = subprocess.run(
        [sys.executable, *program, "--version"], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == f"fpf-notebook {fpf_notebook.__version__}\n", done.stderr
    assert done.returncode == 0


def test_help_names_the_exit_statuses(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["demo", "--help"])
    assert stop.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0" in printed
    assert "130 if stopped by Ctrl-C" in printed
