"""What a figure shows, said once, for every backend that can draw it.

A `Scene` is plain data: arrays, labels and the names of styles. It knows neither matplotlib nor
plotly; ``matplotlib_backend.draw`` and ``plotly_backend.draw`` turn the same scene into a figure
of theirs, in two or in three dimensions by the number of its axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook.plots.style import LINES, POINTS

Backend = Literal["matplotlib", "plotly"]


@dataclass(frozen=True, eq=False)
class Axis:
    """One axis: its label, the interval it shows (None: fitted to the data) and its kind."""

    label: str
    range: tuple[float, float] | None = None
    log: bool = False
    visible: bool = True
    integer: bool = False


@dataclass(frozen=True, eq=False)
class Lines:
    """Polylines of one kind.

    Attributes
    ----------
    paths
        Their vertices.
    style
        The name of their kind in `fpf_notebook.plots.style.LINES`.
    label
        The text in the legend; empty: none.
    opacity
        From 0 to 1; None: that of the kind.
    """

    paths: tuple[Float[np.ndarray, "n_vertices n_dims"], ...]
    style: str
    label: str = ""
    opacity: float | None = None


@dataclass(frozen=True, eq=False)
class Points:
    """The points of one class.

    Attributes
    ----------
    positions
        Where they are.
    style
        The name of their class in `fpf_notebook.plots.style.POINTS`.
    label
        The text in the legend; empty: none.
    hover
        One text per point, its lines separated by newlines; empty: none.
    values
        One number per point, shown by the scene's colour scale in place of the class's colour.
    scale
        Size of the marks, relative to the usual one.
    """

    positions: Float[np.ndarray, "n_points n_dims"]
    style: str
    label: str = ""
    hover: tuple[str, ...] = ()
    values: Float[np.ndarray, " n_points"] | None = None
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class Bars:
    """A layer of a histogram; layers are stacked by their ``base``."""

    edges: Float[np.ndarray, " n_bars_plus_1"]
    heights: Int[np.ndarray, " n_bars"]
    base: Int[np.ndarray, " n_bars"]
    style: str
    label: str = ""


@dataclass(frozen=True)
class ColourScale:
    """The numbers that the colours of points stand for."""

    label: str
    low: float
    high: float
    integer: bool = False


@dataclass(frozen=True, eq=False)
class Scene:
    """One picture: axes and the marks upon them.

    Attributes
    ----------
    axes
        Two or three.
    lines, points, bars
        The marks, in the order of the legend (bars in 2-D only).
    title, subtitle
        Headline and a quieter line below it.
    equal_aspect
        Whether a unit has the same length on every axis.
    height_share
        The height of the figure in shares of its width, where the caller gives no size.
    """

    axes: tuple[Axis, ...]
    lines: tuple[Lines, ...] = ()
    points: tuple[Points, ...] = ()
    bars: tuple[Bars, ...] = ()
    title: str = ""
    subtitle: str = ""
    equal_aspect: bool = False
    colour_scale: ColourScale | None = None
    height_share: float = 0.78

    def __post_init__(self) -> None:
        n_dims = len(self.axes)
        if n_dims not in (2, 3):
            raise ValueError(f"axes: {n_dims} given, a scene has 2 or 3")
        if self.bars and n_dims != 2:
            raise ValueError("bars: a histogram has 2 axes, this scene has 3")
        for lines in self.lines:
            _check_style("lines", lines.style, LINES)
            for path in lines.paths:
                _check_coordinates("lines", path, n_dims)
        for points in self.points:
            _check_style("points", points.style, POINTS)
            _check_coordinates("points", points.positions, n_dims)
            n_points = len(points.positions)
            if points.hover and len(points.hover) != n_points:
                raise ValueError(f"hover: {len(points.hover)} texts for {n_points} points")
            if points.values is not None:
                if self.colour_scale is None:
                    raise ValueError("values: points with values need a colour_scale")
                if np.shape(points.values) != (n_points,):
                    raise ValueError(
                        f"values: shape {np.shape(points.values)} for {n_points} points"
                    )

    @property
    def n_dims(self) -> int:
        """The number of axes."""
        return len(self.axes)

    @property
    def n_points(self) -> int:
        """The number of points that decides how large their marks are; a cloud's has no say."""
        single = [len(p.positions) for p in self.points if not POINTS[p.style].cloud]
        return sum(single) or sum(len(p.positions) for p in self.points)


def height_for(ranges: Sequence[tuple[float, float]]) -> float:
    """Return the height of a figure, in shares of its width, for two axes of equal scale."""
    (left, right), (bottom, top) = ranges
    # Labels, title and legend take a tenth of the width and a fifth of it in height.
    return float(np.clip(0.9 * (top - bottom) / (right - left) + 0.2, 0.4, 1.1))


def _check_style(name: str, style: str, known: dict) -> None:
    if style not in known:
        raise ValueError(f"{name}: unknown style {style!r}, expected one of {', '.join(known)}")


def _check_coordinates(name: str, coordinates: np.ndarray, n_dims: int) -> None:
    shape = np.shape(coordinates)
    if len(shape) != 2 or shape[1] != n_dims:
        raise ValueError(f"{name}: shape {shape} given, expected [n, {n_dims}]")
    if not np.isfinite(coordinates).all():
        raise ValueError(f"{name}: a coordinate is NaN or infinite")


def padded_ranges(
    clouds: Sequence[Float[np.ndarray, "n n_dims"]],
    n_dims: int,
    *,
    min_share: float = 0.0,
    padding: float = 0.06,
) -> tuple[tuple[float, float], ...]:
    """Return the interval on each axis that holds all coordinates, with a margin.

    Parameters
    ----------
    clouds
        Arrays of coordinates; there may be none.
    n_dims
        The number of axes.
    min_share
        The shortest axis is at least this share of the longest: with equal scales, a cloud that
        is nearly flat would otherwise leave a strip too thin to read.
    padding
        The margin on either side, in shares of the longest axis.

    Returns
    -------
    tuple of (low, high)
        One per axis, never empty intervals.
    """
    clouds = [cloud for cloud in clouds if len(cloud)]
    if clouds:
        low = np.min([cloud.min(axis=0) for cloud in clouds], axis=0)
        high = np.max([cloud.max(axis=0) for cloud in clouds], axis=0)
    else:
        low, high = -np.ones(n_dims), np.ones(n_dims)
    half = (high - low) / 2
    longest = float(half.max())
    if longest <= 1e-12 * max(1.0, float(np.abs([low, high]).max())):  # a single place
        half, longest = np.ones(n_dims), 1.0
    half = np.maximum(half, min_share * longest) + padding * 2 * longest
    centre = (low + high) / 2
    return tuple((float(c - h), float(c + h)) for c, h in zip(centre, half, strict=True))
