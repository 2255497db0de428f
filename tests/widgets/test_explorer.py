"""The explorer without a browser."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder
from fpf_notebook.widgets import FixedPointExplorer
from fpf_notebook.widgets.explorer.scene import bounds_of, followed
from tests.widgets.conftest import three_latches


def test_finds_all_points(explorer):
    assert len(explorer.fixed_points) == 27
    text = explorer.picture.status["text"]
    assert text.startswith(
        "27 fixed points: 8 stable, 18 saddles, 1 unstable · open: there may be more · "
        "index sum 1 of 1 ·"
    )
    assert "proves none" in explorer.picture.status["tooltip"]
    assert len(explorer.all_candidates) == 512
    scene = explorer.picture.scene
    assert scene["state"]["points"].shape == (27, 3)
    assert len(scene["state"]["names"]) == 27
    assert np.bincount(scene["state"]["code"]).tolist() == [8, 18, 1]
    # Every unstable direction has a line: 12 saddles with one, 6 with two, one point with three.
    assert (scene["state"]["modeKind"] == 0).sum() == 12 + 2 * 6 + 3
    assert scene["q"]["audit"][0]["count"] == scene["q"]["kept"].sum()


def test_tolerances_only_filter(explorer, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a search was run")

    monkeypatch.setattr("fpf_notebook.finder.engine.run_search", refuse)
    explorer.tol_unique = 0.9
    explorer.wait(60)
    assert len(explorer.fixed_points) < 27
    explorer.tol_unique = 1e-3
    explorer.tol_q = 1e-14
    explorer.wait(60)
    assert len(explorer.fixed_points) == 27
    assert "no new search" in explorer.picture.status["text"]
    explorer.noise_scale = 0.4
    with pytest.raises(AssertionError, match="a search was run"):
        explorer.wait(60)
    assert "a search was run" in explorer.picture.status["error"]


def test_threshold_of_the_picture_is_tol_q(explorer):
    explorer.picture.log_tol_q = -20.0
    assert explorer.tol_q == pytest.approx(1e-20)
    explorer.tol_q = 1e-9
    assert explorer.picture.log_tol_q == pytest.approx(-9)


def test_input_is_a_bifurcation(explorer):
    explorer.input = (0.3, 0, 0)  # beyond the fold of the first latch at 0.267
    explorer.wait(60)
    fixed = explorer.fixed_points.kind == "fixed"
    assert fixed.sum() == 9
    assert (explorer.fixed_points.xstar[fixed, 0] > 0).all()
    with pytest.raises(ValueError, match="expected 3 finite numbers"):
        explorer.input = (0.3, 0)


def test_burst_of_changes_ends_in_the_last(explorer):
    for k in range(60):
        explorer.noise_scale = 0.2 + 0.01 * k
    explorer.wait(60)
    assert explorer._found.request.noise_scale == explorer.noise_scale


def test_selection_follows_moving_points(explorer):
    states = explorer.fixed_points.xstar
    index = int(np.argmin(np.linalg.norm(states - [0.8, 0.8, 0.8], axis=1)))
    explorer.selected = index
    explorer.input = (0.05, 0.05, 0.05)
    explorer.wait(60)
    moved = explorer.fixed_points.xstar[explorer.selected]
    assert np.linalg.norm(moved - states[index]) < 0.1
    with pytest.raises(Exception, match="selected is 99"):
        explorer.selected = 99


def test_a_point_that_vanished_is_not_followed(explorer):
    points = explorer.fixed_points
    rest = points[np.arange(len(points)) != 3]
    assert followed(points, 3, rest) is None
    assert followed(points, 3, points) == 3


def test_launch_leads_to_the_attractors(explorer):
    saddle = int(np.flatnonzero(explorer.fixed_points.stability == "saddle")[0])
    explorer.selected = saddle
    paths = explorer.launch()
    ends = [explorer.fixed_points.nearest(path[-1]) for path in paths]
    assert set(explorer.fixed_points.stability[ends]) == {"stable"}
    assert len(set(ends)) == 2
    assert len(explorer.picture.scene["state"]["launches"]) == 2
    assert "reached point" in explorer.picture.status["note"]
    stable = int(np.flatnonzero(explorer.fixed_points.stability == "stable")[0])
    explorer.selected = stable
    flips = -2.0 * np.sign(explorer.fixed_points.xstar[stable, 0])
    path = explorer.pulse(0, flips, 5)
    assert np.sign(path[-1, 0]) != np.sign(path[0, 0])
    explorer.clear_launches()
    assert explorer.picture.scene["state"]["launches"] == []


def test_click_starts_where_it_was(explorer):
    path = explorer.launch_at(0.3, -0.2)[0]
    assert explorer._axes.transform(path[0])[:2] == pytest.approx([0.3, -0.2])


def test_without_auto_nothing_is_searched(make_explorer):
    explorer = make_explorer(auto=False)
    assert not explorer._worker.alive
    assert len(explorer.fixed_points) == 0
    assert "press Find" in explorer.picture.status["text"]
    explorer.find().wait(60)
    assert len(explorer.fixed_points) == 27


def test_unknown_keyword(states):
    with pytest.raises(TypeError, match=r"no option 'tol_Q'\. Did you mean 'tol_q'"):
        FixedPointExplorer(three_latches, states, tol_Q=1)
    with pytest.raises(ValueError, match="tol_q is -1"):
        FixedPointExplorer(three_latches, states, np.zeros(3), tol_q=-1)
    with pytest.raises(ValueError, match="state_traj"):
        FixedPointExplorer(three_latches, states[0], np.zeros(3))
    with pytest.raises(ValueError, match="one constant input"):
        FixedPointExplorer(three_latches, states, np.zeros((4, 3)))


def test_error_in_the_background_is_shown_and_raised(explorer, monkeypatch):
    def broken(*_, **__):
        raise ValueError("the search is broken")

    with monkeypatch.context() as patch:
        patch.setattr("fpf_notebook.finder.engine.run_search", broken)
        explorer.noise_scale = 0.4
        with pytest.raises(ValueError, match="is broken"):
            explorer.wait(60)
    assert "is broken" in explorer.picture.status["error"]
    assert explorer.picture.status["state"] == "error"
    explorer.noise_scale = 0.3
    explorer.wait(60)
    assert explorer.picture.status["error"] == ""


def test_zero_points_are_a_normal_result(make_explorer):
    def drift(state, input):
        return state + 1 + 0 * input

    explorer = make_explorer(drift, invariant_box=None)
    explorer.wait(120)
    assert explorer.picture.status["state"] == "empty"
    assert explorer.picture.status["text"].startswith("no fixed points")
    assert explorer.picture.scene["state"]["points"].shape == (0, 3)
    explorer._repr_mimebundle_()


def test_code_computes_what_is_shown(explorer, states):
    scope = {"model": three_latches, "state_traj": states}
    code = explorer.to_code().replace("unique_fps.print_summary()", "")
    exec(code, scope)
    assert len(scope["unique_fps"]) == 27
    np.testing.assert_array_equal(scope["unique_fps"].xstar, explorer.fixed_points.xstar)
    assert str(scope["unique_fps"].completeness) == str(explorer.fixed_points.completeness)


def test_bounds_stay_while_everything_fits():
    old = bounds_of([np.array([[-1.0, -1, -1], [1, 1, 1]])])
    assert bounds_of([np.array([[0.5, 0.5, 0.5]])], old) is old
    assert bounds_of([np.array([[5.0, 0, 0]])], old)["half"] != old["half"]


@pytest.mark.parametrize("projection", ["fixed points", "units", "trajectories"])
def test_projections(explorer, projection):
    explorer.projection = projection
    scene = explorer.picture.scene["state"]
    assert scene["points"].shape == (27, 3)
    assert scene["labels"][0].startswith("h₁" if projection == "units" else "PC 1")


def test_colour_by(explorer):
    explorer.colour_by = "unstable directions"
    scene = explorer.picture.scene["state"]
    assert sorted(set(scene["values"])) == [0, 1, 2, 3]
    assert scene["valueLabel"] == "unstable directions"


def test_model_is_untouched_and_agrees_with_the_finder(explorer, states):
    finder = FixedPointFinder(three_latches, invariant_box=(-1, 1))
    unique, _ = finder.find_fixed_points(states, np.zeros((1, 3)), n_inits=512, noise_scale=0.3)
    assert np.allclose(unique.xstar, explorer.fixed_points.xstar, atol=1e-6)


def test_mimebundle_has_a_picture_and_a_summary(explorer):
    data, _ = explorer._repr_mimebundle_()
    assert data["text/plain"].startswith("FixedPointExplorer: 27 fixed points")
    assert len(data["image/png"]) > 10_000
    assert "application/vnd.jupyter.widget-view+json" in data


def test_garbage_collected_widget_leaves_no_thread(states):
    explorer = FixedPointExplorer(three_latches, states, np.zeros(3), n_inits=64)
    explorer.wait(60)
    thread = explorer._worker._desk.thread
    worker = weakref.ref(explorer._worker)
    explorer.close()
    assert not thread.is_alive()
    del explorer
    gc.collect()
    assert worker() is None or not worker().alive
    time.sleep(0.05)
    assert not [t for t in threading.enumerate() if t is thread]
