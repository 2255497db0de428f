"""`%load_ext fpf_notebook`, and the diagnosis of a display that fails."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from fpf_notebook import FixedPoints
from fpf_notebook.models import GRU
from fpf_notebook.widgets import check as check_function
from fpf_notebook.widgets import extension


@pytest.fixture
def shell():
    formatters = pytest.importorskip("IPython.core.formatters")
    # A whole shell would leave an open history file behind.
    return SimpleNamespace(display_formatter=formatters.DisplayFormatter())


def test_rich_display_is_turned_on_and_off(shell):
    extension.load(shell)
    html = shell.display_formatter.format(GRU(2, 4, 1))[0]["text/html"]
    assert "W_hh" in html
    assert "[12, 4]" in html
    points = shell.display_formatter.format(FixedPoints(np.zeros((1, 2))))[0]
    assert "<table" in points["text/html"]
    extension.unload(shell)
    assert "text/html" not in shell.display_formatter.format(GRU(2, 4, 1))[0]


def test_check_explains_the_literal_error():
    lines = []
    assert check_function(lines.append) is True
    text = "\n".join(lines)
    assert "Failed to load model class" in text
    assert sys.executable in text
    assert "anywidget" in text


def test_check_finds_what_is_missing(monkeypatch):
    import fpf_notebook.widgets.check  # noqa: F401

    module = sys.modules["fpf_notebook.widgets.check"]
    known = module._version
    monkeypatch.setattr(module, "_version", lambda n: None if n == "anywidget" else known(n))
    lines = []
    assert check_function(lines.append) is False
    assert any('pip install "fpf-notebook[widgets]"' in line for line in lines)
