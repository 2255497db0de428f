"""The functions that a learner is to fill in, handed in as they stand in the notebook."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.exercises import check

PATHS = sorted((Path(__file__).parents[2] / "tutorials").glob("[0-9]*.ipynb"))


def templates():
    """Return the number of each exercise that has a function to fill in, and its cell."""
    found = {}
    for path in PATHS:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            if cell["id"].startswith("answer-") and "    return ...  # your " in source:
                found[f"{int(path.name[:2])}.{cell['id'][7:]}"] = source
    return found


TEMPLATES = templates()


def test_there_are_some():
    assert set(TEMPLATES) >= {"1.3", "2.1", "3.1", "3.2", "4.1", "6.1", "6.2", "7.1", "8.2", "9.1"}


@pytest.mark.parametrize("name", TEMPLATES)
def test_handed_in_unfilled_is_not_answered_yet(name):
    tree = ast.parse(TEMPLATES[name])
    written = [node for node in tree.body if isinstance(node, ast.FunctionDef)][-1]
    body = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    names = {"np": np, "jnp": jnp}
    exec(compile(ast.Module(body, []), name, "exec"), names)
    verdict = check(name, names[written.name])
    assert "not answered yet" in str(verdict)
    assert not verdict.passed
