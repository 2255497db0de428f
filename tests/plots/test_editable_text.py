"""Figures in PDF and SVG have text as text, and nobody's settings are changed by it."""

from __future__ import annotations

import io
import threading

import matplotlib as mpl
import numpy as np
import pytest

from fpf_notebook import FixedPoints, PlotConfig
from fpf_notebook.plots import plot_fixed_points_2d, plot_spectrum
from fpf_notebook.plots.editable_text import editable_text

POINTS = FixedPoints(
    np.array([[0.0, 0.0, 0.1], [1.0, 0.5, 0.0], [0.3, 1.0, 0.2]]),
    eigval_J_xstar=np.array([[0.5, 0.2, 0.1]] * 3, complex),
    stability=np.array(["stable"] * 3),
    n_unstable=np.zeros(3, int),
)
STATES = np.random.default_rng(0).normal(size=(4, 10, 3))


def figures():
    return [plot_fixed_points_2d(POINTS, STATES), plot_spectrum(POINTS)]


@pytest.mark.parametrize("k", [0, 1])
def test_pdf_has_truetype_fonts(k):
    file = io.BytesIO()
    figures()[k].savefig(file, format="pdf")
    data = file.getvalue()
    assert b"/FontFile2" in data
    assert b"/Type3" not in data


@pytest.mark.parametrize("k", [0, 1])
def test_svg_has_text(k):
    file = io.StringIO()
    figures()[k].savefig(file, format="svg")
    assert "<text" in file.getvalue()


def test_save_path(tmp_path):
    for name, words in {"a.pdf": b"/FontFile2", "a.svg": b"<text"}.items():
        plot_fixed_points_2d(POINTS, STATES, config=PlotConfig(save_path=tmp_path / name))
        data = (tmp_path / name).read_bytes()
        assert words in data
        assert b"/Type3" not in data


def test_settings_are_as_before(tmp_path):
    with mpl.rc_context({"pdf.fonttype": 3, "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        (figure, _) = figures()
        figure.savefig(tmp_path / "a.pdf")
        assert dict(mpl.rcParams) == before
        with pytest.raises(ValueError, match="not supported"):
            figure.savefig(tmp_path / "a.nothing")
        assert dict(mpl.rcParams) == before


def test_threads_leave_nothing_behind():
    before = mpl.rcParams["pdf.fonttype"]
    gate = threading.Barrier(2)

    def save(wait):
        gate.wait()
        with editable_text():
            threading.Event().wait(wait)

    threads = [threading.Thread(target=save, args=(wait,)) for wait in (0.05, 0.2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mpl.rcParams["pdf.fonttype"] == before
