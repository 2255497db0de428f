"""Saved pages that compute: what is in them, and when there is none."""

import json
import re

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.models import VanillaRNN
from fpf_notebook.widgets import FixedPointExplorer


@pytest.fixture
def explorer():
    model = VanillaRNN(2, 3, 1, seed=3)
    states = np.random.default_rng(0).uniform(-1, 1, (20, 30, 3))
    widget = FixedPointExplorer(model, states, noise_scale=0.2, n_inits=64, tol_q=1e-14)
    widget.wait(120)
    yield widget
    widget.close()


def states_of(path):
    text = path.read_text()
    found = re.search(r'<script type="application/json" id="fpf-state">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def test_a_page_is_live_unless_told_otherwise(explorer, tmp_path):
    (state, *_) = states_of(explorer.save_html(tmp_path / "live.html"))
    live = state["live"]
    assert live["program"]["format"] == "fpf-program"
    assert "fpfSolver" in live["solver"]
    assert state["input"] == [0.0, 0.0]
    assert (state["noise_scale"], state["n_inits"], state["tol_q"]) == (0.2, 64, 1e-14)
    assert state["place"]["x"]["shape"] == [len(explorer.fixed_points), 3]
    assert live["states"]["shape"][0] <= 256
    assert state["place"]["basis"]["shape"] == [3, 3]
    # The same controls as in a notebook, but for those that need a kernel.
    kept = [item["trait"] for group in state["panel"] for item in group["items"]]
    assert kept == ["tol_q", "noise_scale", "n_inits", "tol_unique", "input", "input"]
    still = explorer.save_html(tmp_path / "still.html", live=False)
    assert "live" not in states_of(still)[0]
    assert "panel" not in states_of(still)[0]
    assert still.stat().st_size < (tmp_path / "live.html").stat().st_size


def test_the_saved_input_is_that_of_the_page(explorer, tmp_path):
    explorer.input = (0.3, -3.0)
    explorer.wait(120)
    state = states_of(explorer.save_html(tmp_path / "page.html", live=True))[0]
    assert state["input"] == state["place"]["u"] == [0.3, -3.0]
    assert state["live"]["program"]["n_inputs"] == 2


def test_what_cannot_compute_says_why(explorer, tmp_path):
    states = np.zeros((2, 5, 2))
    sorting = FixedPointExplorer(
        lambda h, u: jnp.sort(jnp.tanh(2 * h)) + u,
        states,
        [0.0],
        n_states=2,
        n_inputs=1,
        batched=False,
    )
    sorting.wait(120)
    with pytest.raises(ValueError, match=r"live=True, but the page cannot compute: .*sort"):
        sorting.save_html(tmp_path / "page.html", live=True)
    assert not (tmp_path / "page.html").exists()
    assert "live" not in states_of(sorting.save_html(tmp_path / "page.html"))[0]
    sorting.close()
    explorer.method = "joint"
    with pytest.raises(ValueError, match="method is 'joint', a page has Newton's"):
        explorer.save_html(tmp_path / "page.html", live=True)
    with pytest.raises(TypeError, match="live is 'yes', expected True, False or None"):
        explorer.save_html(tmp_path / "page.html", live="yes")


def test_a_page_before_the_first_search(tmp_path):
    model, states = VanillaRNN(2, 3, 1, seed=3), np.zeros((2, 5, 3))
    widget = FixedPointExplorer(model, states, auto=False)
    with pytest.raises(ValueError, match="no search has ended yet"):
        widget.save_html(tmp_path / "page.html", live=True)
    widget.close()
