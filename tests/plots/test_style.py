"""Classes can be told apart without colour, and their colours with any kind of colour vision."""

from itertools import combinations

import numpy as np
import pytest

from fpf_notebook.plots.style import LINES, PAGES, POINTS

CLASSES = ("stable", "saddle", "unstable", "marginal", "slow")

# Machado, Oliveira & Fernandes 2009, severity 1, on linear RGB.
VISION = {
    "common": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.119192, 0.9503041],
    ]
)


def linear_rgb(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ rgb / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(TO_XYZ[1] @ linear_rgb(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_classes_differ_in_colour_for_everyone(theme, vision):
    seen = {
        name: lab(np.clip(VISION[vision] @ linear_rgb(getattr(POINTS[name], theme)), 0, 1))
        for name in CLASSES
    }
    for one, other in combinations(CLASSES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 12, (one, other)


def test_classes_differ_in_shape():
    shapes = [(POINTS[name].shape, POINTS[name].filled) for name in (*CLASSES, "unconverged")]
    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_and_text_stand_out_from_the_page(theme):
    page = PAGES[theme]
    assert contrast(page.ink, page.paper) > 7
    assert contrast(page.quiet, page.paper) > 4.5
    for name in CLASSES:
        assert contrast(getattr(POINTS[name], theme), page.paper) > 2.4, name
    for name in ("mode", "guide"):
        assert contrast(getattr(LINES[name], theme), page.paper) > 3, name
