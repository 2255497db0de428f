"""The walks through the house that CONTRIBUTING describes lead along what there is."""

import importlib
import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
# Where a walk names a function by the file that it stands in: `engine.run_search`.
HOMES = {
    "engine": "fpf_notebook.finder.engine",
    "request": "fpf_notebook.finder.request.SearchRequest",
    "search": "fpf_notebook.finder.search",
    "explorer/search": "fpf_notebook.widgets.explorer.search",
    "solvers/pool": "fpf_notebook.finder.solvers.pool",
    "ledger": "fpf_notebook.finder.ledger.Ledger",
    "views": "fpf_notebook.finder.views",
    "judge": "fpf_notebook.finder.judge",
    "compile_cache": "fpf_notebook.dynamics.compile_cache",
}
WALKS = re.findall(r"^- (.*?→.*?)(?=^- |^$)", TEXT.split("Three walks")[1], re.M | re.S)


def stands(home, name):
    """Tell whether a module or a class has something of a name."""
    owner, _, last = HOMES[home].rpartition(".")
    try:
        found = importlib.import_module(HOMES[home])
    except ModuleNotFoundError:
        found = getattr(importlib.import_module(owner), last)
    return hasattr(found, name)


def test_there_are_three_walks_of_at_most_six_steps():
    assert len(WALKS) == 3
    for walk in WALKS:
        assert walk.count("→") <= 6, walk


@pytest.mark.parametrize("walk", WALKS)
def test_every_function_of_a_walk_stands_where_it_says(walk):
    named = re.findall(r"`([\w/]+)\.(\w+)`", walk)
    functions = [(home, name) for home, name in named if name != "py"]
    assert functions
    for home, name in functions:
        assert stands(home, name), f"{home}.{name}"
    folder = Path(__file__).parent.parent / "fpf_notebook"
    for file in re.findall(r"`([\w/]+\.py)`", walk):
        assert list(folder.rglob(file)), file


def test_the_check_can_fail():
    assert not stands("engine", "run_searches")
    assert not stands("ledger", "entre")
