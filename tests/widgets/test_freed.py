"""What nobody refers to, and nobody sees, is gone: its data, its thread."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import pytest

from fpf_notebook.widgets import FixedPointExplorer, JacobianInspector, live
from tests.widgets.conftest import three_latches


def made(states, **options):
    settings = {"invariant_box": (-1, 1), "n_inits": 512, "noise_scale": 0.3, **options}
    return FixedPointExplorer(three_latches, states, np.zeros(3), **settings).wait(120)


def gone(reference) -> bool:
    """Whether the object is freed soon: a thread may still hold it for a moment."""
    end = time.monotonic() + 20
    while reference() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.05)
    return reference() is None


def ours() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("fpf-")]


def test_with_the_last_reference_data_and_thread_are_gone(states):
    before = len(ours())
    explorer = made(states)
    inspector = JacobianInspector(explorer).wait(60)
    explorer.controls  # noqa: B018 - made at the first use
    references = [weakref.ref(explorer), weakref.ref(inspector), weakref.ref(explorer._worker)]
    model_id = explorer.model_id
    del inspector
    assert gone(references[1])
    explorer.selected = 0  # nobody there to follow
    del explorer
    assert gone(references[0])
    assert gone(references[2])
    end = time.monotonic() + 10
    while len(ours()) > before and time.monotonic() < end:
        time.sleep(0.05)
    assert len(ours()) <= before
    import ipywidgets

    assert model_id not in ipywidgets.widgets.widget._instances


def test_what_is_seen_stays_until_its_last_view_is_gone(states, monkeypatch):
    import IPython.display

    monkeypatch.setattr(IPython.display, "display", lambda *_, **__: None)
    explorer = made(states)
    explorer._ipython_display_()
    reference = weakref.ref(explorer)
    handle = explorer.set_state
    handle({"_view_count": 1})
    handle({"_view_count": 2})
    handle({"_view_count": 1})
    del explorer, handle
    gc.collect()
    assert reference() is not None
    reference().set_state({"_view_count": 0})
    assert gone(reference)


def test_the_browser_is_heard_all_the_same(explorer):
    message = {"content": {"data": {"method": "update", "state": {"noise_scale": 0.7}}}}
    explorer.comm.handle_msg(message)
    assert explorer.noise_scale == 0.7


def test_an_idle_thread_ends_and_the_next_job_begins_another(monkeypatch, states):
    monkeypatch.setattr(live, "_LONGEST_IDLE", 0.2)
    explorer = made(states)
    end = time.monotonic() + 10
    while explorer._worker.alive and time.monotonic() < end:
        time.sleep(0.05)
    assert not explorer._worker.alive
    explorer.input = (0.4, 0, 0)
    assert len(explorer.wait(60).fixed_points) == 9
    explorer.close()
    with pytest.raises(RuntimeError, match="was closed"):
        explorer.find()
