"""The look of every figure: one table of marks, with a colour for light and for dark pages.

Classes of points differ in colour *and* in shape. The colours stay apart for the three common
kinds of colour blindness, and the shapes are those that both matplotlib and plotly's 3-D
scatter can draw (plotly has no triangles in 3-D), so that a class looks the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Dash = Literal["solid", "dash", "dot"]
Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class PointStyle:
    """How the points of one class are marked."""

    label: str
    shape: Literal["circle", "diamond", "x", "square", "cross"]
    light: str
    dark: str
    filled: bool = True
    size: float = 1.0  # relative: shapes of equal width do not look equally big
    cloud: bool = False  # thousands of them behind the others, which stay as large as without


@dataclass(frozen=True)
class LineStyle:
    """How one kind of line is drawn; ``width`` is in points."""

    light: str
    dark: str
    width: float = 1.0
    dash: Dash = "solid"
    opacity: float = 1.0


@dataclass(frozen=True)
class PageStyle:
    """Ink and paper of one theme."""

    paper: str
    ink: str
    quiet: str  # secondary text
    grid: str


# In the order of the legend. Drawn in the reverse order, so that stable points lie on top.
POINTS: dict[str, PointStyle] = {
    "stable": PointStyle("stable", "circle", "#1565AE", "#5AB4F0"),
    "saddle": PointStyle("saddle", "diamond", "#E58A00", "#F2A72E", size=0.92),
    "unstable": PointStyle("unstable", "x", "#B3246F", "#EE6BAA", size=1.1),
    "marginal": PointStyle("marginal", "square", "#1F9E7A", "#86E3BD", size=0.88),
    "not stable": PointStyle("not stable", "x", "#B3246F", "#EE6BAA", size=1.1),
    "slow": PointStyle("slow", "circle", "#3A3F47", "#E6E8EC", filled=False),
    "unconverged": PointStyle("unconverged", "cross", "#9AA1AC", "#7C8490", size=0.9),
    "unclassified": PointStyle("unclassified", "diamond", "#3A3F47", "#E6E8EC", filled=False),
    "undetermined": PointStyle("undetermined", "square", "#6A51A3", "#B9A5E8", filled=False),
    "on a continuum": PointStyle(
        "on a continuum", "circle", "#1F9E7A", "#86E3BD", size=0.45, cloud=True
    ),
    "candidates": PointStyle("candidates", "circle", "#1565AE", "#5AB4F0"),
    "fixed": PointStyle("fixed", "circle", "#1565AE", "#5AB4F0"),
    "expansion": PointStyle("expansion", "cross", "#6A51A3", "#B9A5E8", size=0.9, cloud=True),
}

LINES: dict[str, LineStyle] = {
    "trajectory": LineStyle("#7F97B2", "#7C93AB", 0.6),
    "mode": LineStyle("#B3246F", "#EE6BAA", 1.4, opacity=0.9),
    "oscillating mode": LineStyle("#B3246F", "#EE6BAA", 1.4, dash="dash", opacity=0.9),
    "fixed line": LineStyle("#1F9E7A", "#86E3BD", 2.6, opacity=0.9),
    "slow line": LineStyle("#3A3F47", "#E6E8EC", 1.8, opacity=0.75),
    "fixed sheet": LineStyle("#1F9E7A", "#86E3BD", 0.8, opacity=0.6),
    "slow sheet": LineStyle("#3A3F47", "#E6E8EC", 0.8, opacity=0.5),
    "drift": LineStyle("#3A3F47", "#E6E8EC", 1.2),
    "guide": LineStyle("#6B7480", "#9AA3AF", 0.9),
    "level": LineStyle("#6B7480", "#9AA3AF", 0.7, dash="dot"),
    "threshold": LineStyle("#B3246F", "#EE6BAA", 1.2, dash="dash"),
    "series 1": LineStyle("#1565AE", "#5AB4F0", 1.5),
    "series 2": LineStyle("#E58A00", "#F2A72E", 1.5, dash="dash"),
    "series 3": LineStyle("#1F9E7A", "#86E3BD", 1.5, dash="dot"),
    "series 4": LineStyle("#B3246F", "#EE6BAA", 1.5),
    "series 5": LineStyle("#3A3F47", "#E6E8EC", 1.5, dash="dash"),
}

PAGES: dict[Theme, PageStyle] = {
    "light": PageStyle("#ffffff", "#1d2229", "#5b6470", "#e4e8ed"),
    "dark": PageStyle("#14171c", "#e6e9ee", "#9aa3af", "#2b3038"),
}

# A sequential scale that is perceptually even and readable with every kind of colour vision.
COLOUR_MAP = "cividis"
