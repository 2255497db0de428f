"""Widgets that survive: observers that raise, wrong values from Python and from the browser."""

from __future__ import annotations

import contextlib
import gc
import os
import threading

import numpy as np
import pytest
import traitlets

from fpf_notebook.widgets import JacobianInspector
from fpf_notebook.widgets.explorer.search import find


def fail(_):
    return 1 / 0


def test_an_observer_that_raises_is_shown_and_everything_works_on(explorer):
    explorer.picture.observe(fail, "status")
    explorer.input = (0.3, 0, 0)
    explorer.wait(60)
    assert explorer.fixed_points.is_fixed.sum() == 9
    assert "observer of 'status' raised ZeroDivisionError" in explorer.picture.status["error"]
    explorer.picture.unobserve(fail, "status")
    explorer.input = (0, 0, 0)
    explorer.wait(60)
    assert explorer.fixed_points.is_fixed.sum() == 27
    assert explorer.picture.status["error"] == ""


@pytest.mark.parametrize("name", ["version", "selected", "scene"])
def test_raising_observers_of_anything_do_not_keep_the_others_from_hearing(explorer, name):
    heard = []
    explorer.selected = 3
    owner = explorer.picture if name == "scene" else explorer
    owner.observe(fail, name)
    explorer.observe(lambda change: heard.append(change["new"]), "version")
    explorer.noise_scale = 0.35
    explorer.input = (0.3, 0, 0)
    explorer.wait(60)
    assert heard
    assert explorer.fixed_points.is_fixed.sum() == 9
    assert len(explorer.picture.scene["state"]["names"]) == len(explorer.fixed_points)


def test_in_the_callers_own_thread_it_raises_as_usual(explorer):
    explorer.observe(fail, "colour_by")
    with pytest.raises(ZeroDivisionError):
        explorer.colour_by = "q"


@pytest.mark.parametrize(
    ("name", "value"),
    [("tol_q", -1.0), ("tol_q", np.nan), ("tol_unique", 0.0), ("noise_scale", -0.1),
     ("noise_scale", np.inf), ("n_inits", 0), ("n_inits", 2.5), ("method", "guess"),
     ("exhaustive", "yes"), ("random_seed", -1), ("input", (1, 2)), ("input", ("a", 0, 0)),
     ("input", (0, 0, np.nan)), ("units", (0, 1, 7)), ("units", "abc"), ("push_size", 0.0),
     ("projection", "sideways"), ("colour_by", "taste"), ("selected", 99), ("selected", -1),
     ("selection", ["a"]), ("auto", None)],
)  # fmt: skip
def test_wrong_values_are_refused_by_name_and_the_old_one_stays(explorer, name, value):
    before = getattr(explorer, name)
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before
    explorer.wait(60)
    assert len(explorer.fixed_points) == 27


@pytest.mark.parametrize("name", ["scene", "paths", "starts", "status", "kind", "key", "group"])
def test_what_the_widget_makes_cannot_be_overwritten(explorer, name):
    before = getattr(explorer.picture, name)
    with pytest.raises(traitlets.TraitError, match=name):
        setattr(explorer.picture, name, before)
    explorer.picture.set_state({name: {} if isinstance(before, dict) else "x"})
    if name != "status":
        assert getattr(explorer.picture, name) == before
    assert "refused" in explorer.picture.status["note"]
    with pytest.raises(traitlets.TraitError, match="version"):
        explorer.version = 7


@pytest.mark.parametrize(
    "state",
    [{"selected": "three"}, {"selected": 10**9}, {"log_tol_q": float("nan")},
     {"log_tol_q": "small"}, {"selection": [1, "b"]}, {"options": [1, 2]},
     {"options": {"dim": {"deep": 1}}}, {"options": {str(k): k for k in range(1000)}},
     {"unknown": 1}, {"_esm": "alert(1)"}, {"scene": {}}],
)  # fmt: skip
def test_wrong_values_from_the_browser_are_refused_and_told(explorer, state):
    picture = explorer.picture
    (name,) = state
    before = getattr(picture, name, None)
    sent = []
    picture.send_state = lambda key=None: sent.append(key)  # what the browser is told
    picture.set_state(state)
    assert getattr(picture, name, None) == before
    assert "refused" in picture.status["note"]
    assert name == "unknown" or name in sent
    picture.set_state({"selected": 4})
    assert explorer.selected == 4


def test_too_large_a_threshold_is_clipped(explorer):
    explorer.picture.set_state({"log_tol_q": 50.0})
    assert explorer.picture.log_tol_q == 2.0


EVENTS = 10_000 if os.environ.get("FPF_CHAOS") == "full" else 400


def test_chaos(make_explorer):
    """Random events, many of them wrong, end in the right picture; nothing piles up."""
    rng = np.random.default_rng(0)
    explorer = make_explorer(n_inits=64).wait(120)
    inspector = JacobianInspector(explorer)
    picture = explorer.picture
    threads = threading.active_count()
    junk = [None, -1, 10**12, np.nan, "x", b"\x00", [], {}, [1, [2]], object(), float("inf")]

    def some(values):
        return values[rng.integers(len(values))]

    def raising(_):
        raise some([ValueError, KeyError, SystemExit, KeyboardInterrupt])

    names = ["tol_q", "noise_scale", "n_inits", "input", "selected", "selection", "units", "auto",
             "random_seed", "method", "projection", "version", "push_size"]  # fmt: skip
    traits = ["selected", "selection", "log_tol_q", "options", "scene", "status", "_esm", "none"]
    events = [
        lambda: setattr(explorer, "input", tuple(rng.uniform(-0.5, 0.5, 3))),
        lambda: setattr(explorer, "input", tuple(0.02 * rng.normal(size=3))),
        lambda: setattr(explorer, "noise_scale", float(rng.uniform(0, 1))),
        lambda: setattr(explorer, "tol_q", float(10 ** rng.uniform(-30, -5))),
        lambda: setattr(explorer, "selected", int(rng.integers(40))),
        lambda: setattr(explorer, some(names), some(junk)),
        lambda: picture.set_state({some(traits): some(junk)}),
        lambda: picture.set_state(some(junk)),
        lambda: picture._handle_custom_msg(some(junk), some([None, [], [b"z"]])),
        lambda: picture._handle_custom_msg({"type": "launch_at", "x": some(junk)}, []),
        lambda: picture.observe(raising, some(["status", "scene", "selected"])),
        lambda: explorer.observe(raising, "version"),
        lambda: (picture.unobserve_all(), explorer.unobserve(raising, "version")),
        lambda: explorer._worker.cancel(),
        lambda: setattr(inspector, "mode", int(rng.integers(-2, 4))),
        lambda: setattr(inspector, "amplitude", some([0.1, -1.0, np.nan])),
        lambda: explorer.launch(),
        lambda: gc.collect(0),
    ]
    allowed = (traitlets.TraitError, ValueError, TypeError, KeyError, SystemExit, KeyboardInterrupt)
    for _ in range(EVENTS):
        with contextlib.suppress(*allowed):  # raised here, in the caller's thread
            some(events)()
    picture.unobserve_all()
    explorer.unobserve_all("version")
    explorer.auto = True
    explorer.tol_q, explorer.noise_scale, explorer.method = 1e-12, 0.3, "newton"
    explorer.input = (0.01, 0.02, 0.3)
    explorer.find()
    explorer.wait(120)
    right = find(explorer.step_map, explorer.request).unique
    np.testing.assert_allclose(explorer.fixed_points.xstar, right.xstar, atol=1e-9)
    assert picture.status["state"] in ("idle", "empty")
    assert picture.status["error"] == ""
    assert len(picture.scene["state"]["names"]) == len(explorer.fixed_points)
    assert threading.active_count() <= threads + 1
    assert len(explorer._launches) <= 12
    inspector.close()
