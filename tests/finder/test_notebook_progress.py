"""The bar in a notebook, in a real kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from fpf_notebook import TerminalProgress
from fpf_notebook.finder.notebook_progress import NotebookProgress, default_progress

ROOT = Path(__file__).parents[2]
SETUP = """
from fpf_notebook.finder.notebook_progress import NotebookProgress, default_progress
bar = NotebookProgress(delay=0)
"""
SHOWN = 'bar.start(10, "Searching <now>"); bar.update(4, "q ≤ 1e-3")'
CLOSED = "bar = NotebookProgress(delay=0); bar.start(10, ''); bar.update(4, ''); bar.close()"
LATE = "late = NotebookProgress(delay=60); late.start(10, ''); late.update(4, ''); late.close()"
DEFAULT = "type(default_progress()).__name__"


@pytest.mark.slow
# jupyter_client leaves a socket to the garbage collector; nothing of ours.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_bar_comes_and_goes(monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    cells = [nbformat.v4.new_code_cell(c) for c in (SETUP, SHOWN, CLOSED, LATE, DEFAULT)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(ROOT))
    _, shown, closed, late, default = (cell.outputs for cell in notebook.cells)
    assert shown[0].data["text/plain"] == "Searching <now>: 4 of 10 starts, q ≤ 1e-3"
    assert 'max="10" value="4"' in shown[0].data["text/html"]
    assert "&lt;now&gt;" in shown[0].data["text/html"]
    assert [output.output_type for output in closed] == ["display_data"]  # and nothing on stderr
    assert closed[0].data == {"text/html": "", "text/plain": ""}
    assert late == []
    assert default[0].data["text/plain"] == "'NotebookProgress'"


def test_a_terminal_has_the_terminal_bar():
    assert isinstance(default_progress(), TerminalProgress)


def test_closing_what_was_never_shown_imports_nothing():
    bar = NotebookProgress(delay=60)
    bar.start(10, "Searching")
    bar.update(5, "")
    bar.close()
    bar.close()
