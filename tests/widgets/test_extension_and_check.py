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
from tests.widgets.conftest import three_latches


@pytest.fixture
def shell():
    formatters = pytest.importorskip("IPython.core.formatters")
    # A whole shell would leave an open history file behind.
    magics = {"line": {"time": print}, "cell": {}}
    space = {}

    def register(function, magic_kind, magic_name):
        magics[magic_kind][magic_name] = function

    return SimpleNamespace(
        display_formatter=formatters.DisplayFormatter(),
        register_magic_function=register,
        magics_manager=SimpleNamespace(magics=magics),
        user_ns=space,
        ev=lambda expression: eval(expression, space),
        transform_cell=lambda cell: cell,
    )


def test_rich_display_is_turned_on_and_off(shell):
    extension.load(shell)
    html = shell.display_formatter.format(GRU(2, 4, 1))[0]["text/html"]
    assert "W_hh" in html
    assert "[12, 4]" in html
    points = shell.display_formatter.format(FixedPoints(np.zeros((1, 2))))[0]
    assert "<table" in points["text/html"]
    extension.unload(shell)
    assert "text/html" not in shell.display_formatter.format(GRU(2, 4, 1))[0]


def test_magics_make_the_widgets(shell, states):
    extension.load(shell)
    line, cell = shell.magics_manager.magics["line"], shell.magics_manager.magics["cell"]
    shell.user_ns |= {"net": three_latches, "paths": states, "np": np}
    explorer = line["explore"]("net paths np.zeros(3) n_inits=64 noise_scale=0.5")
    assert (explorer.n_inits, explorer.noise_scale) == (64, 0.5)
    explorer.wait(120)
    text = repr(explorer)
    assert text == str(explorer)
    assert text.startswith("<FixedPointExplorer: ")
    assert "\n" not in text
    assert len(text) < 200
    shell.user_ns["explorer"] = explorer
    inspector = line["inspect"]("explorer mode=1")
    assert inspector.mode == 1
    for name in ("explore", "inspect"):
        with pytest.raises(Exception, match="usage: %"):
            line[name]("")
        assert line[name].__doc__
    explorer.close(), inspector.close()
    cell["watch"]("mine", "losses = [1.0, 0.5]\nfor loss in mine(losses):\n    mine.log(loss=loss)")
    monitor = shell.user_ns["mine"]
    monitor.result(60)
    assert monitor.metrics.last("loss") == 0.5
    assert monitor.picture.status["text"].startswith("finished")
    cell["watch"]("mine", "1 / 0")
    with pytest.raises(ZeroDivisionError):
        shell.user_ns["mine"].result(60)
    with pytest.raises(Exception, match="is no name"):
        cell["watch"]("2 + 2", "pass")
    monitor.close(), shell.user_ns["mine"].close()
    extension.unload(shell)
    assert list(line) == ["time"]
    assert not cell


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
