"""What the pages of the tutorials show of notebooks that were run."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BADGES = (
    "[![Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/x?urlpath=y.ipynb) "
    "[![Docs](https://img.shields.io/badge/docs-page-blue)](https://example.org/y.html)"
)


@pytest.fixture(scope="module")
def prepare():
    spec = importlib.util.spec_from_file_location("docs_prepare", ROOT / "docs" / "prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(prepare, *cells, widgets=None):
    metadata = {} if widgets is None else {"widgets": {prepare.STATE: {"state": widgets}}}
    done = prepare.for_page({"cells": list(cells), "metadata": metadata}, "y.ipynb")
    assert "widgets" not in done["metadata"]
    return done["cells"]


def code(*outputs, tags=()):
    metadata = {"tags": list(tags)}
    return {
        "cell_type": "code",
        "source": ["1\n", "2"],
        "outputs": [*outputs],
        "metadata": metadata,
    }


def shows(**data):
    names = {"html": "text/html", "plain": "text/plain", "png": "image/png"}
    data = {names.get(name, name): value for name, value in data.items()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


def test_badges_become_links_of_words(prepare):
    (cell,) = page(prepare, {"cell_type": "markdown", "source": ["# T\n", BADGES], "metadata": {}})
    assert "img.shields.io" not in cell["source"]
    assert "badge_logo" not in cell["source"]
    assert "[Open it on Binder](https://mybinder.org/v2/x?urlpath=y.ipynb)" in cell["source"]
    assert "{download}`Download the notebook <y.ipynb>`" in cell["source"]


def test_solutions_are_closed_with_what_they_print(prepare):
    output = {"output_type": "stream", "name": "stdout", "text": "42"}
    solution, other = page(prepare, code(output, tags=["solution", "hide-input"]), code(output))
    assert solution["metadata"]["tags"] == ["hide-cell"]
    assert solution["outputs"] == [output]
    assert other["metadata"]["tags"] == []
    assert other["source"] == "1\n2"


def test_pages_and_pictures_stay_and_live_views_go(prepare):
    framed = shows(html="<iframe srcdoc=''></iframe>", plain="FixedPointExplorer")
    alive = shows(png="iVBO", plain="JacobianInspector")
    alive["data"][prepare.WIDGET] = {"model_id": "m"}
    bar = {"output_type": "stream", "name": "stderr", "text": "100%|####|"}
    (cell,) = page(prepare, code(framed, bar, alive))
    assert cell["outputs"] == [framed, shows(png="iVBO", plain="JacobianInspector")]


def test_of_controls_their_values_and_what_they_drew_are_left(prepare):
    picture = shows(png="iVBO")
    widgets = {
        "box": {"state": {"_model_name": "VBoxModel", "children": ["IPY_MODEL_g", "IPY_MODEL_o"]}},
        "g": {"state": {"_model_name": "FloatSliderModel", "description": "g<", "value": 1.5}},
        "o": {"state": {"_model_name": "OutputModel", "outputs": [picture]}},
    }
    shown = shows(plain="interactive(…)")
    shown["data"][prepare.WIDGET] = {"model_id": "box"}
    (cell,) = page(prepare, code(shown), widgets=widgets)
    note, drawn = cell["outputs"]
    assert "g&lt; = 1.5" in note["data"]["text/html"]
    assert drawn == picture
