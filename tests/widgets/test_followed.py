"""What was followed while a slider moved is not forgotten by the search that comes after."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.widgets import FixedPointExplorer
from fpf_notebook.widgets.explorer.messages import act

CORNERS = np.stack(np.meshgrid(*[(-0.9, 0.9)] * 2), axis=-1).reshape(4, 1, 2)


@pytest.fixture(scope="module")
def explorer():
    """Two latches, 9 points; from trajectories that rest, a search finds the 4 stable ones."""
    widget = FixedPointExplorer(
        lambda state, input: jnp.tanh(1.6 * state + input), CORNERS, np.zeros(2),
        invariant_box=(-1, 1), n_inits=32,
    )  # fmt: skip
    widget.wait(60)
    yield widget
    widget.close()


@pytest.fixture(scope="module")
def whole(explorer):
    states = np.stack(np.meshgrid(*[(-0.9, 0.0, 0.9)] * 2), axis=-1).reshape(9, 2)
    return (states + 0.01).tolist()


def moved(explorer, u):
    explorer.input = (u, 0.0)
    explorer.wait(60)
    return explorer


def test_the_kernel_takes_over_what_the_page_has_followed(explorer, whole):
    assert len(explorer.fixed_points) == 4
    assert "followed" not in explorer.to_code()
    act(explorer, {"type": "followed", "x": whole})
    moved(explorer, 0.05)
    assert len(explorer.fixed_points) == 9
    assert explorer._found.n_known == 5
    assert "index sum 1 of 1" in explorer.status["text"]
    assert explorer.status["grade"] == "open"  # following proves nothing
    lines = {line["label"]: line["count"] for line in explorer.scene["q"]["audit"]}
    assert lines["more followed from the last setting"] == 5
    assert lines["of 32 starts ended in a point shown"] == 32
    assert "# 5 of the points shown were followed" in explorer.to_code()
    # On the way they are followed by the kernel itself.
    assert len(moved(explorer, 0.0).fixed_points) == 9
    # A filter keeps them; other starts are a search of their own.
    for tol_unique in (2e-3, 1e-4):  # the second asks for a search
        explorer.tol_unique = tol_unique
        assert len(explorer.wait(60).fixed_points) == 9
    explorer.n_inits = 40
    assert len(explorer.wait(60).fixed_points) == 4
    explorer.n_inits = 32
    explorer.wait(60)


def test_looking_for_more_forgets_none(explorer, whole):
    act(explorer, {"type": "followed", "x": whole})
    moved(explorer, 0.02)
    assert len(explorer.fixed_points) == 9
    explorer.go_on()
    explorer.wait(60)
    assert explorer.exhaustive
    assert len(explorer.fixed_points) == 9
    assert explorer.fixed_points.completeness.n_points == 9
    explorer.exhaustive = False
    assert len(explorer.wait(60).fixed_points) == 4


def test_a_hand_that_comes_back_is_answered(explorer, whole):
    """The setting is the old one: without being asked, the kernel would not search again."""
    explorer.wait(60)
    assert len(explorer.fixed_points) == 4
    turn = explorer.place["turn"]
    act(explorer, {"type": "followed", "x": whole, "here": True})
    explorer.wait(60)
    assert explorer.place["turn"] > turn
    assert len(explorer.fixed_points) == 9
    explorer.find().wait(60)  # what was asked for, and nothing else
    assert len(explorer.fixed_points) == 4


@pytest.mark.parametrize(
    "x", [None, "all", [[1.0]], [1.0, 2.0], [["a", "b"]], [[np.nan, 0.0]], {"a": 1}, [[0.1] * 3]]
)
def test_what_are_no_points_is_ignored(explorer, x):
    act(explorer, {"type": "followed", "x": x})
    assert explorer._handed is None


def test_points_that_vanish_are_not_shown(explorer, whole):
    """Beyond the fold of one latch its outer pair is gone, wherever a search starts."""
    act(explorer, {"type": "followed", "x": whole})
    moved(explorer, 0.5)
    assert len(explorer.fixed_points) == 3
    moved(explorer, 0.0)


def test_what_the_page_counts_is_taken(explorer):
    counts = {"pictures": 9, "answers": 2, "differences": 1, "page": 27, "kernel": 8}
    explorer.set_state({"page_counts": counts})
    assert explorer.page_counts == counts
    assert explorer.status["error"] == ""
    explorer.set_state({"page_counts": {"pictures": [1]}})
    assert explorer.page_counts == counts
