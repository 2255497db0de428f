"""`make mutants`, on a package of one function with a test that is too weak."""

import subprocess

import pytest

pytest.importorskip("cosmic_ray")

from tools import mutants

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
    for name in ("PYTHONPATH", "OPENBLAS_NUM_THREADS"):  # which it sets: put back afterwards
        monkeypatch.setenv(name, "")
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


def test_annotations_are_left_alone():
    source = "def f(a: int | None, b: int = 1 | 2) -> str | None:\n    c: int | str = a | b\n"
    spans = mutants.not_run(source)
    columns = [(first // 10_000, first % 10_000, last % 10_000) for first, last in spans]
    assert sorted(columns) == [(1, 9, 19), (1, 24, 27), (1, 40, 50), (2, 7, 16)]
