import numpy as np
import pytest

from fpf_notebook import FixedPoints
from fpf_notebook.plots import plot_q_histogram
from fpf_notebook.plots.q_histogram import q_histogram_scene


def candidates() -> FixedPoints:
    q = np.array([1e-31, 1e-30, 2e-30, 1e-9, 1e-8, 1e-2, 0.0, np.nan])
    kind = np.array(["fixed"] * 3 + ["slow"] * 2 + ["unconverged", "fixed", "unconverged"])
    return FixedPoints(xstar=np.zeros((8, 2)), qstar=q, kind=kind)


def test_every_finite_q_is_counted_once_by_its_kind():
    scene = q_histogram_scene(candidates(), bins=10)
    assert [bars.label for bars in scene.bars] == ["fixed (4)", "slow (2)", "unconverged (1)"]
    assert scene.title == "q of 8 candidates"
    edges = scene.bars[0].edges
    total, _ = np.histogram(np.log10([5e-33, 1e-31, 1e-30, 2e-30, 1e-9, 1e-8, 1e-2]), edges)
    np.testing.assert_array_equal(sum(bars.heights for bars in scene.bars), total)


def test_layers_are_stacked():
    first, second, third = q_histogram_scene(candidates(), bins=1).bars
    assert (first.base[0], second.base[0], third.base[0]) == (0, 4, 6)


def test_zeros_and_missing_values_are_said():
    scene = q_histogram_scene(candidates())
    assert scene.subtitle == "1 exactly 0, in the leftmost bar; 1 not finite, not drawn"
    assert scene.bars[0].heights[0] == 1
    assert q_histogram_scene(np.array([1e-3, 1e-4])).subtitle == ""


def test_the_tolerance_is_a_line_within_the_axes():
    scene = q_histogram_scene(np.array([1e-3, 1e-4]), tol_q=1e-12)
    (line,) = scene.lines
    assert line.label == "tol_q = 1e-12"
    np.testing.assert_allclose(line.paths[0][:, 0], -12)
    low, high = scene.axes[0].range
    assert low < -12
    assert high > -3


@pytest.mark.parametrize(
    "nothing", [FixedPoints(), np.zeros(0), np.full(2, np.nan), np.zeros(3)], ids=str
)
def test_nothing_to_count(nothing):
    for backend in ("matplotlib", "plotly"):
        plot_q_histogram(nothing, tol_q=1e-9, backend=backend)
        plot_q_histogram(nothing, backend=backend)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tol_q": 0.0}, "tol_q: 0.0 given, expected a positive number"),
        ({"bins": 0}, "bins: 0 given"),
        ({"candidates": np.array([-1.0])}, "1 values are negative"),
        ({"candidates": np.zeros((2, 2))}, r"q of shape \(2, 2\) given"),
        ({"candidates": FixedPoints(xstar=np.eye(2))}, "no q"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        plot_q_histogram(**{"candidates": np.ones(3), **arguments})


def test_both_libraries_draw_it():
    figure = plot_q_histogram(candidates(), tol_q=1e-12, bins=10)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "fixed (4)",
        "slow (2)",
        "unconverged (1)",
        "tol_q = 1e-12",
    ]
    heights = [
        patch.get_data().values - patch.get_data().baseline for patch in figure.axes[0].patches
    ]
    assert [int(h.sum()) for h in heights] == [4, 2, 1]

    figure = plot_q_histogram(candidates(), tol_q=1e-12, bins=10, backend="plotly")
    sums = {trace.name: int(np.sum(trace.y)) for trace in figure.data if trace.type == "bar"}
    assert sums == {"fixed (4)": 4, "slow (2)": 2, "unconverged (1)": 1}
    # A bar stands on those below it.
    bottom, middle, _ = (trace for trace in figure.data if trace.type == "bar")
    np.testing.assert_array_equal(middle.base, bottom.y)
