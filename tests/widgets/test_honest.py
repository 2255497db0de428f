"""What the widgets say of what they show: the grade, samples, choices that change nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from fpf_notebook.widgets.explorer.scene import sample_words, state_scene, status_of


def test_one_round_is_open_and_one_click_goes_on(explorer):
    status = explorer.picture.status
    assert status["grade"] == "open"
    assert "there may be more" in status["text"]
    assert status["next"]["label"] == "search exhaustively"
    assert "one round" in status["next"]["reason"]
    explorer.picture._handle_custom_msg({"type": "go_on"}, [])
    explorer.wait(120)
    status = explorer.picture.status
    assert explorer.exhaustive
    assert (status["grade"], status["next"]) == ("proved", None)
    assert "all of them, proved" in status["text"]


def test_an_exhaustive_search_that_stayed_open_gets_more_time(make_explorer):
    explorer = make_explorer(exhaustive=True).wait(120)
    base = explorer._base
    explorer.go_on().wait(120)
    assert explorer.request.max_rounds == 2 * base.max_rounds
    assert explorer.request.patience == base.patience + 1
    assert f"max_rounds={2 * base.max_rounds}" in explorer.to_code()


def test_the_reason_is_beside_the_button(explorer):
    found = explorer._found
    report = found.unique.completeness
    wrong = dataclasses.replace(
        report, consistent=False, index_sum=2, expected_sum=1, open_because=["a reason"]
    )
    found = dataclasses.replace(found, unique=found.unique.update(completeness=wrong))
    status = status_of(found)
    assert status["grade"] == "open"
    assert "the index sum is 2, not 1" in status["next"]["reason"]
    assert "a reason" in status["next"]["reason"]


def test_what_is_followed_is_said_to_be(explorer):
    seen = []
    explorer.picture.observe(lambda change: seen.append(change["new"]), "status")
    explorer._worker._desk.quick = False
    for k in range(10):
        explorer.input = (0.01 * k, 0, 0)
    explorer.wait(60)
    following = [s for s in seen if s["state"] == "following"]
    assert following
    assert all(s["grade"] == "open" for s in following)
    assert all("following" in s["text"] and "proved" not in s["text"] for s in following)
    assert seen[-1]["state"] == "idle"
    assert not explorer._found.following


def test_a_followed_set_is_never_taken_for_a_search(explorer):
    """tol_q only filters what was searched: after a look, that is the search before it."""
    explorer._worker._desk.quick = False
    for k in range(5):
        explorer.input = (0.01 * k, 0, 0)
    explorer.tol_q = 1e-13
    explorer.wait(60)
    assert not explorer._found.following
    np.testing.assert_array_equal(explorer._found.request.inputs[0], (0.04, 0, 0))
    assert len(explorer.fixed_points) == 27


@pytest.mark.parametrize(
    ("shape", "n", "words"),
    [((2000, 30, 2), 40, "40 of 2,000 trajectories"), ((10, 30, 2), 40, ""),
     ((10, 500, 2), 40, "one step in 3"), ((50, 500, 2), 5, "5 of 50 trajectories, one step in 3")],
)  # fmt: skip
def test_samples_are_stated(shape, n, words):
    assert sample_words(np.zeros(shape), n) == words


def test_the_sample_can_be_changed(explorer):
    assert explorer.picture.paths["xyz"].shape[0] == 10
    explorer.n_trajectories = 4
    assert explorer.picture.paths["xyz"].shape[0] == 4
    assert explorer.picture.scene["state"]["sample"] == "4 of 10 trajectories"


def test_a_choice_that_cannot_be_honoured_says_why(explorer):
    explorer.colour_by = "condition"
    assert "one constant input" in explorer.picture.status["note"]
    explorer.colour_by = "index"
    assert explorer.picture.status["note"] == ""


def test_whole_numbers_are_discrete(explorer):
    for colour_by, discrete in (("index", True), ("unstable directions", True), ("q", False)):
        scene = state_scene(
            explorer.fixed_points, explorer._axes, explorer._bounds, colour_by=colour_by
        )
        assert scene["discrete"] is discrete
