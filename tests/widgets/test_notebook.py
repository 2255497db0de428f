"""The notebook with all three widgets, without anybody to click."""

from __future__ import annotations

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.slow
@pytest.mark.versions
# jupyter_client leaves a socket to the garbage collector; nothing of ours.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_runs_to_its_end_and_carries_the_pictures(monkeypatch):
    import nbformat

    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(ROOT / "tutorials" / "widgets.ipynb", as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=280, kernel_name="python3")
    client.execute(cwd=str(ROOT))
    outputs = [output["data"] for cell in notebook.cells for output in cell.get("outputs", [])
               if "data" in output]  # fmt: skip
    views = [k for k, data in enumerate(outputs) if VIEW in data]
    # After each live view stands its picture, which a live view hides.
    pictured = [outputs[k + 1] for k in views]
    assert all('class="fpf-static"' in data["text/html"] for data in pictured)
    names = [data["text/plain"].split(":")[0] for data in pictured]
    assert names == [
        "TrainingMonitor", "TrainingMonitor", "FixedPointExplorer", "JacobianInspector",
    ]  # fmt: skip
    # The first monitor was shown before there was anything to see: its picture came with the end.
    assert all(len(data["image/png"]) > 5000 for data in pictured)
    assert pictured[0]["text/plain"].startswith("TrainingMonitor: finished · epoch 60/60")
    # With the widgets' state in the file, Jupyter shows them alive without a kernel, too.
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert {entry["state"].get("kind") for entry in state.values()} >= {
        "explorer", "inspector", "monitor",
    }  # fmt: skip
    assert "8 stable" in pictured[-2]["text/plain"]
