"""Runs the page's solver in Node, for tests and benchmarks."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
BUNDLE = ROOT / "fpf_notebook" / "widgets" / "static" / "solver.js"


def encoded(array: Any) -> str:
    """Return an array as the tasks carry it."""
    return base64.b64encode(np.ascontiguousarray(array, dtype="<f8").tobytes()).decode()


def decoded(text: str, *shape: int) -> np.ndarray:
    """Return an array of an answer."""
    return np.frombuffer(base64.b64decode(text), "<f8").reshape(shape)


def run_in_node(tasks: list[dict[str, Any]], timeout: float = 280) -> list[dict[str, Any]]:
    """Carry out tasks of `run.mjs`; the test is skipped where there is no Node."""
    node = shutil.which("node")
    if node is None:
        import pytest  # not needed by the benchmark

        pytest.skip("needs Node.js")
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = Path(folder) / "tasks.json", Path(folder) / "answers.json"
        asked.write_text(json.dumps(tasks))
        subprocess.run(
            [node, str(HERE / "run.mjs"), str(BUNDLE), str(asked), str(answered)],
            check=True,
            timeout=timeout,
            env=os.environ | {"NODE_OPTIONS": ""},
        )
        return json.loads(answered.read_text())
