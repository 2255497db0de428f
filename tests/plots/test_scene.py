import numpy as np
import pytest

from fpf_notebook.plots.scene import Axis, Bars, Lines, Points, Scene, padded_ranges

FLAT = (Axis("x"), Axis("y"))


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        (
            {"points": (Points(np.zeros((2, 3)), "stable"),)},
            r"shape \(2, 3\) given, expected \[n, 2",
        ),
        ({"points": (Points(np.zeros((2, 2)), "sturdy"),)}, "unknown style 'sturdy'"),
        ({"points": (Points(np.full((1, 2), np.nan), "stable"),)}, "NaN or infinite"),
        ({"points": (Points(np.zeros((2, 2)), "stable", hover=("a",)),)}, "1 texts for 2 points"),
        (
            {"points": (Points(np.zeros((2, 2)), "stable", values=np.zeros(2)),)},
            "need a colour_scale",
        ),
        ({"lines": (Lines((np.zeros((2, 2)),), "wavy"),)}, "unknown style 'wavy'"),
        ({"lines": (Lines((np.zeros(2),), "mode"),)}, r"shape \(2,\) given"),
    ],
)
def test_inconsistent_marks_are_refused(marks, message):
    with pytest.raises(ValueError, match=message):
        Scene(axes=FLAT, **marks)


def test_a_scene_has_two_or_three_axes():
    with pytest.raises(ValueError, match="1 given"):
        Scene(axes=FLAT[:1])
    bars = Bars(np.arange(3.0), np.ones(2, int), np.zeros(2, int), "fixed")
    with pytest.raises(ValueError, match="a histogram has 2 axes"):
        Scene(axes=(*FLAT, Axis("z")), bars=(bars,))


def test_ranges_hold_all_coordinates_with_a_margin():
    cloud = np.array([[0.0, 5.0], [10.0, 6.0]])
    (left, right), (bottom, top) = padded_ranges([cloud], 2, min_share=0.3, padding=0.1)
    assert (left, right) == pytest.approx((-1, 11))
    # The flat axis is stretched to 0.3 of the long one, about its own centre.
    assert (bottom, top) == pytest.approx((5.5 - 1.5 - 1, 5.5 + 1.5 + 1))


@pytest.mark.parametrize("clouds", [[], [np.zeros((0, 2))], [np.full((3, 2), 7.0)]])
def test_ranges_are_never_empty(clouds):
    for low, high in padded_ranges(clouds, 2):
        assert high - low > 1
