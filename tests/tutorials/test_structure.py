"""What every tutorial is made of. New ones, tutorials/[0-9]*.ipynb, are found by themselves."""

from __future__ import annotations

import ast
import importlib
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fpf_notebook.exercises.registry import exercise_names
from tools import write_links

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "tutorials").glob("[0-9]*.ipynb"))
WIDGETS = {"FixedPointExplorer", "JacobianInspector", "TrainingMonitor", "interact", "interactive"}
ALLOWED = {"fpf_notebook", "numpy", "ipywidgets", "matplotlib"}
ALSO_ALLOWED = {"09": {"brainpy", "jax"}}  # own models are written with these
MAX_LINES = 15


def parametrized(paths):
    return pytest.mark.parametrize("path", paths, ids=[path.stem for path in paths])


def cells_of(path):
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell):
    return "".join(cell["source"])


def code_of(path):
    return [cell for cell in cells_of(path) if cell["cell_type"] == "code"]


def exercises_of(path):
    return [c for c in cells_of(path) if source(c).startswith("### Exercise ")]


def test_there_are_tutorials():
    assert PATHS


@parametrized(PATHS)
class TestNotebook:
    def test_format(self, path):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.metadata.kernelspec.name == "python3"
        assert "widgets" not in notebook.metadata

    def test_is_stored_without_outputs(self, path):
        for cell in code_of(path):
            assert cell["outputs"] == []
            assert cell["execution_count"] is None

    def test_ids_are_unique_and_readable(self, path):
        ids = [cell["id"] for cell in cells_of(path)]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in ids)
        # A hexadecimal id is one that a tool made up.
        assert not any(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]+)*", name) for name in ids)

    def test_title_badges_and_idea(self, path):
        first = cells_of(path)[0]
        assert first["cell_type"] == "markdown"
        title, badges, *idea = source(first).split("\n")
        assert title.startswith("# ")
        assert badges == write_links.badges(write_links.read(), path.name)
        assert len(" ".join(idea).strip()) > 20

    def test_objectives_then_setup(self, path):
        _, objectives, setup, *_ = cells_of(path)
        assert source(objectives).startswith("## Objectives")
        assert re.search(r"\d+ minutes", source(objectives))
        assert setup["cell_type"] == "code"
        assert setup["id"] == "setup"

    def test_sections_in_order(self, path):
        cells = cells_of(path)
        starts = [source(cell).split("\n")[0] for cell in cells]
        n = len(exercises_of(path))
        assert 2 <= n <= 3
        wanted = [f"### Exercise {k}" for k in range(1, n + 1)] + ["## Recap", "## References"]
        places = []
        for heading in wanted:
            found = [
                i for i, line in enumerate(starts) if re.match(rf"{re.escape(heading)}(\W|$)", line)
            ]
            assert len(found) == 1, f"{heading}: {len(found)} times"
            places += found
        assert places == sorted(places)
        assert places[-2:] == [len(cells) - 2, len(cells) - 1]
        thinks = [i for i, line in enumerate(starts) if line.startswith("### Think!")]
        assert thinks
        assert thinks[-1] < places[-2]

    def test_explains_before_it_computes(self, path):
        cells = cells_of(path)
        for before, cell in itertools.pairwise(cells[2:]):
            if cell["cell_type"] == "code":
                hidden = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
                assert hidden or before["cell_type"] == "markdown", cell["id"]

    def test_cells_are_short(self, path):
        for cell in code_of(path):
            lines = [line for line in source(cell).split("\n") if not line.startswith("# Colab: ")]
            assert len(lines) <= MAX_LINES, cell["id"]

    def test_exercises_check_themselves(self, path):
        cells = cells_of(path)
        number = int(path.name[:2])
        for k, task in enumerate(exercises_of(path), start=1):
            name = f"{number}.{k}"
            assert name in exercise_names()
            assert task["id"] == f"exercise-{k}"
            at = cells.index(task)
            learner, solution = cells[at + 1 : at + 3]
            assert re.search(r"^answer = \.\.\.", source(learner), re.MULTILINE)
            assert source(learner).endswith(f'check("{name}", answer)')
            assert solution["id"] == f"solution-{k}"
            assert source(solution).startswith("# Solution")
            assert source(solution).endswith(f'check("{name}", solution, is_solution=True)')
            assert solution["metadata"] == {
                "jupyter": {"source_hidden": True},
                "tags": ["solution", "hide-input"],
            }

    def test_every_exercise_has_its_place(self, path):
        number = int(path.name[:2])
        own = [name for name in exercise_names() if name.split(".")[0] == str(number)]
        assert own == [f"{number}.{k + 1}" for k in range(len(exercises_of(path)))]

    def test_imports_stand_in_the_setup_and_are_public(self, path):
        allowed = ALLOWED | ALSO_ALLOWED.get(path.name[:2], set())
        for cell in code_of(path):
            lines = source(cell).split("\n")
            code = "\n".join(line for line in lines if not line.startswith("%"))
            for node in ast.walk(ast.parse(code)):
                if not isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                assert cell["id"] == "setup"
                if isinstance(node, ast.Import):
                    modules = [alias.name for alias in node.names]
                else:
                    modules = [node.module or ""]
                assert {name.split(".")[0] for name in modules} <= allowed
                for module in modules:
                    if module.split(".")[0] != "fpf_notebook":
                        continue
                    assert not any(part.startswith("_") for part in module.split("."))
                    public = importlib.import_module(module).__all__
                    names = node.names if isinstance(node, ast.ImportFrom) else []
                    assert {alias.name for alias in names} <= set(public)

    def test_uses_a_widget(self, path):
        code = "\n".join(source(cell) for cell in code_of(path))
        assert WIDGETS & set(re.findall(r"\w+", code))

    def test_is_linted(self, path):
        ruff = [sys.executable, "-m", "ruff"]
        for arguments in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
            done = subprocess.run(
                [*ruff, *arguments, str(path)], cwd=ROOT, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stdout + done.stderr
