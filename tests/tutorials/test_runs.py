"""Every tutorial from top to bottom in a kernel of its own, as it is and with nobody to click.

What `binder/check` has run already, of these very notebooks and this code, is not run again.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from tests.tutorials.all_claims import CLAIMS

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "tutorials").glob("*.ipynb"))
EXECUTED = ROOT / "build" / "notebooks"
SECONDS = 280
VERDICT = re.compile(r"xercise (\d+\.\d+): (passes the check|not answered yet)\.")


def load_run_notebook():
    spec = importlib.util.spec_from_file_location(
        "run_notebook", ROOT / "binder" / "run_notebook.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def executed(path, folder):
    """Return the notebook with its outputs."""
    if load_run_notebook().is_fresh(EXECUTED / path.name, path):
        return nbformat.read(EXECUTED / path.name, as_version=4)
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3").execute(
        cwd=str(folder)
    )
    return notebook


def shows_a_widget(output):
    data = output.get("data", {})
    # The second where widgets were asked to show themselves as pages.
    return "application/vnd.jupyter.widget-view+json" in data or "<iframe" in data.get(
        "text/html", ""
    )


def said(cell):
    """Return the plain text of all outputs of a cell."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "")
             for output in cell.outputs if output.get("name") != "stderr"]  # fmt: skip
    return "\n".join(line for part in parts for line in part.splitlines() if line.strip())


def check_claims(stem, notebook):
    """Compare what the text says with what was printed."""
    texts = {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "markdown"}
    outputs = {cell.id: said(cell) for cell in notebook.cells if cell.cell_type == "code"}
    for claim in CLAIMS[stem]:
        numbers = claim.numbers(texts[claim.cell])
        assert numbers is not None, f"{claim.cell} does not say: {claim.quotation}"
        assert claim.holds(numbers, outputs), f"{claim.cell}: {claim.quotation} {numbers}"


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
# jupyter_client leaves a socket to the garbage collector; nothing of ours.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_runs_unedited_and_its_solutions_are_right(path, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = executed(path, tmp_path)
    verdicts = {"answer": [], "solution": []}
    for cell in notebook.cells:
        kind = "solution" if "solution" in cell.metadata.get("tags", ()) else "answer"
        if cell.cell_type == "code" and "check(" in cell.source:
            verdicts[kind].append(VERDICT.search(said(cell)).groups())
    names = [f"{path.name[:2].lstrip('0')}.{k + 1}" for k in range(len(verdicts["solution"]))]
    assert verdicts["answer"] == [(name, "not answered yet") for name in names]
    assert verdicts["solution"] == [(name, "passes the check") for name in names]
    check_claims(path.stem, notebook)
    assert any(
        shows_a_widget(output) for cell in notebook.cells for output in cell.get("outputs", [])
    )
