"""`make mutants`, on a package of one function with a test that is too weak."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cosmic_ray")
pytest.importorskip("pytest_cov")

from tools import covering, mutants

CODE = """\
def clipped(x: "int | None", low: int) -> "int | None":
    if x < low:
        return low
    return x
"""
TEST = """\
from fpf_notebook.io.clip import clipped


def test_clipped():
    assert clipped(3, 5) == 5
    assert clipped(8, 5) == 8
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in {
        "fpf_notebook/__init__.py": "",
        "fpf_notebook/io/__init__.py": "",
        "fpf_notebook/io/clip.py": CODE,
        "tests/io/test_clip.py": TEST,
        "pyproject.toml": "[tool.pytest.ini_options]\nmarkers = ['slow']\npythonpath = ['.']\n",
        ".gitignore": "build/\n__pycache__/\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "benchmarks").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    monkeypatch.setattr(mutants, "BUILD", tmp_path / "build" / "mutants")
    monkeypatch.setattr(mutants, "REPORT", tmp_path / "benchmarks" / "MUTANTS.md")
    # Which it sets: put back afterwards.
    for name in ("PYTHONPATH", "OPENBLAS_NUM_THREADS", covering.FIRST):
        monkeypatch.setenv(name, "")
    for name in ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    return tmp_path


def test_survivors_are_listed_and_a_run_goes_on_where_it_was(project, capsys):
    assert mutants.main(["--limit", "2"]) == 0
    report = project / "benchmarks" / "MUTANTS.md"
    assert "have not been tried yet" in report.read_text()
    assert "2 of 2" in capsys.readouterr().out
    assert mutants.main([]) == 0
    text = report.read_text()
    assert "not been tried" not in text
    # At equality both give the same; `!=` is noticed.
    survivor = "| io/clip.py | `if x < low:` → `if x <= low:` |"
    assert f"{survivor}  |" in text
    assert "`if x != low:`" not in text
    assert (project / "fpf_notebook/io/clip.py").read_text() == CODE

    report.write_text(text.replace(f"{survivor}  |", f"{survivor} the same result |"))
    capsys.readouterr()
    assert mutants.main([]) == 0
    assert "mutants: 1 of" not in capsys.readouterr().out  # nothing was tried again
    assert f"{survivor} the same result |" in report.read_text()


def test_code_that_changes_is_a_new_sample(project):
    before = mutants.digest(mutants.tracked(), ["io"])
    assert mutants.digest(mutants.tracked(), ["io"]) == before
    (project / "tests/io/test_clip.py").write_text(TEST + "    assert clipped(5, 5) == 5\n")
    assert mutants.digest(mutants.tracked(), ["io"]) != before


def test_tests_that_are_red_already_are_said(project):
    (project / "tests/io/test_clip.py").write_text("def test_no():\n    assert False\n")
    with pytest.raises(SystemExit, match="the tests of io fail without any change"):
        mutants.main([])


def test_the_quickest_test_that_runs_a_line_comes_first(project, monkeypatch):
    (project / "tests/io/test_clip.py").write_text(
        "import time\n\n"
        "from fpf_notebook.io.clip import clipped\n\n\n"
        "def test_nothing():\n    pass\n\n\n"
        "def test_late():\n    time.sleep(0.3)\n    assert clipped(3, 5) == 5\n\n\n"
        "def test_high():\n    assert clipped(8, 5) == 8\n\n\n"
        "def test_low():\n    assert clipped(3, 5) == 5\n"
    )
    monkeypatch.chdir(project)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(project), *sys.path]))
    command = mutants.command("io")
    measured = covering.measure(command, "io", project / "data")
    measured.write(project / "io.json")
    assert covering.Covering.read(project / "io.json") == measured
    low, high, late = (f"tests/io/test_clip.py::test_{name}" for name in ("low", "high", "late"))
    path = Path("fpf_notebook/io/clip.py")
    assert measured.order(path, 3) == [low, late]
    assert measured.order(path, 4) == [high]
    assert measured.order(path, 5) == []

    (project / "first.txt").write_text("\n".join([low, late]))
    monkeypatch.setenv(covering.FIRST, str(project / "first.txt"))
    done = subprocess.run([*command, "--collect-only"], capture_output=True, text=True, check=True)
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    assert tests == [low, late, "tests/io/test_clip.py::test_nothing", high]


def test_annotations_are_left_alone():
    source = "def f(a: int | None, b: int = 1 | 2) -> str | None:\n    c: int | str = a | b\n"
    spans = mutants.not_run(source)
    columns = [(first // 10_000, first % 10_000, last % 10_000) for first, last in spans]
    assert sorted(columns) == [(1, 9, 19), (1, 24, 27), (1, 40, 50), (2, 7, 16)]
