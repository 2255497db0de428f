"""What `display` sends: the live view, then its picture."""

from __future__ import annotations

import re

import pytest

VIEW = "application/vnd.jupyter.widget-view+json"


class Kernel:
    """As much of an IPython kernel's shell as displaying asks for."""

    kernel = object()


@pytest.fixture
def displayed(monkeypatch):
    import IPython.display

    sent = []

    class Handle:
        def update(self, data, raw):
            sent.append(("update", data))

    def display(data, *, raw, metadata=None, display_id=None):
        assert raw
        sent.append(("display", data))
        return Handle() if display_id else None

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(IPython, "get_ipython", Kernel)
    return sent


def test_the_picture_is_an_output_of_its_own(displayed, explorer):
    explorer._ipython_display_()
    (_, live), (_, still) = displayed
    assert VIEW in live
    assert "image/png" not in live
    assert VIEW not in still
    assert still["text/plain"].startswith("FixedPointExplorer: 27 fixed points")
    assert still["image/png"] in still["text/html"]
    # By this name the live view knows what to hide.
    assert f'data-fpf="{explorer.picture.key}"' in still["text/html"]


def test_a_picture_that_was_not_ready_comes_later(displayed, make_explorer, monkeypatch):
    from fpf_notebook.widgets import static_picture

    monkeypatch.setattr(static_picture, "_PATIENCE", 0.0)
    explorer = make_explorer(auto=False)
    explorer._ipython_display_()
    assert "image/png" not in displayed[1][1]
    explorer.find().wait(120)
    kind, data = displayed[-1]
    assert kind == "update"
    assert "image/png" in data
    explorer.find().wait(120)
    assert len(displayed) == 3  # once


def test_names_differ(make_explorer):
    keys = {make_explorer(auto=False).picture.key for _ in range(3)}
    assert len(keys) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


def test_without_a_kernel_there_is_one_output(displayed, explorer, monkeypatch):
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    explorer._ipython_display_()
    assert len(displayed) == 1


def test_a_training_replaces_the_picture_at_its_end(displayed):
    from fpf_notebook.widgets import TrainingMonitor

    monitor = TrainingMonitor(snapshot_every=0)
    monitor._ipython_display_()
    assert "image/png" not in displayed[1][1]  # there is nothing to see yet
    monitor.run(lambda: [monitor.log(loss=1 / (1 + k)) for k in monitor(range(5))])
    monitor.result(60)
    kind, data = displayed[-1]
    assert kind == "update"
    assert "image/png" in data
    assert "finished · step 4" in data["text/plain"]
    monitor.close()


def test_pages_are_shown_once(displayed, explorer, monkeypatch):
    monkeypatch.setenv("FPF_WIDGETS", "html")
    explorer._ipython_display_()
    ((_, data),) = displayed
    assert "<iframe" in data["text/html"]


def test_closed_widgets_are_text(explorer):
    explorer.close()
    assert explorer._ipython_display_ is None
