"""Widgets as pages in frames, for documents without a kernel: ``FPF_WIDGETS=html``."""

from __future__ import annotations

import html
import re
import threading

import pytest

from fpf_notebook.widgets import JacobianInspector, TrainingMonitor
from fpf_notebook.widgets.export import frame, page

VIEW = "application/vnd.jupyter.widget-view+json"


def page_in(bundle):
    data, _ = bundle
    (srcdoc,) = re.findall(r'srcdoc="([^"]*)"', data["text/html"])
    return html.unescape(srcdoc)


@pytest.fixture
def as_pages(monkeypatch):
    monkeypatch.setenv("FPF_WIDGETS", "html")


def test_a_frame_holds_the_whole_page():
    states = [{"kind": "explorer", "words": "\"quoted\" & </script> 'too'"}]
    text = frame(states, 'a "title"')
    assert text.count("<iframe") == text.count("</iframe>") == 1
    assert page_in(({"text/html": text}, {})) == page(states, 'a "title"')
    assert 'title="a &quot;title&quot;"' in text


def test_explorer_and_inspector_are_the_pages_that_they_save(as_pages, explorer, tmp_path):
    for widget in (explorer, JacobianInspector(explorer)):
        bundle = widget.wait(60)._repr_mimebundle_()
        assert page_in(bundle) == widget.save_html(tmp_path / "page.html").read_text()
        assert VIEW not in bundle[0]
        assert "image/png" in bundle[0]
    assert bundle[0]["text/plain"].startswith("JacobianInspector")


def test_a_page_waits_for_the_search(as_pages, make_explorer):
    bundle = make_explorer()._repr_mimebundle_()
    assert "27 fixed points" in bundle[0]["text/plain"]


def test_a_page_waits_for_the_end_of_the_training(as_pages):
    monitor, go = TrainingMonitor(snapshot_every=0), threading.Event()

    def train():
        go.wait(30)
        monitor.log(step=7, loss=0.25)

    monitor.run(train)
    threading.Timer(0.2, go.set).start()
    bundle = monitor._repr_mimebundle_()
    assert monitor.metrics.last_step == 7
    assert "image/png" in bundle[0]
    monitor.close()


def test_a_training_that_fails_is_shown_all_the_same(as_pages):
    monitor = TrainingMonitor(snapshot_every=0)

    def train():
        raise ValueError("no such task")

    monitor.run(train)
    assert "no such task" in page_in(monitor._repr_mimebundle_())
    monitor.close()


def test_live_is_the_default_and_other_words_are_refused(monkeypatch, explorer):
    for value in ("", "live"):
        monkeypatch.setenv("FPF_WIDGETS", value)
        assert VIEW in explorer._repr_mimebundle_()[0]
    monkeypatch.setenv("FPF_WIDGETS", "HTML")
    with pytest.raises(ValueError, match="FPF_WIDGETS is 'HTML', expected 'html'"):
        explorer._repr_mimebundle_()
