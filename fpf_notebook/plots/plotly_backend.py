"""Draw a scene with plotly.

Every trace carries its colours for light and for dark pages in ``meta``, and so does the layout:
a dictionary of property paths for each theme, as ``Plotly.restyle`` and ``Plotly.relayout`` take
them. A page can change its theme without asking Python.
"""

from __future__ import annotations

from html import escape
from math import cos, radians, sin
from typing import TYPE_CHECKING, Any

import numpy as np
import plotly.graph_objects as go

from fpf_notebook._types import JsonObject
from fpf_notebook.plots.scene import Axis, Bars, Lines, Points, Scene
from fpf_notebook.plots.style import COLOUR_MAP, LINES, PAGES, POINTS, PageStyle, Theme

if TYPE_CHECKING:
    import plotly.graph_objects as go


_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
_PIXELS_PER_INCH = 96
_POINTS_TO_PIXELS = 4 / 3
_DASHES = {"solid": "solid", "dash": "dash", "dot": "dot"}
# In WebGL, opaque marks hide behind lines that run in front of them or end in them. What is
# ever so slightly transparent is drawn after all else, in the order of the traces.
_OVERLAY = 0.99
_THEMES: tuple[Theme, Theme] = ("light", "dark")


def draw(
    scene: Scene,
    *,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
    theme: Theme = "light",
) -> go.Figure:
    """Draw a scene.

    Parameters
    ----------
    scene
        What to draw.
    figsize
        Width and height in inches of 96 pixels; by default as wide as the page allows.
    legend
        Whether to draw the legend. It stands below the axes, never upon the data.
    grid
        Whether to draw grid lines.
    theme
        "light" or "dark".

    Returns
    -------
    plotly.graph_objects.Figure
    """
    # In reverse, as what comes later lies on top; the legend keeps the scene's order by rank.
    traces = [_bars(bars, scene) for bars in scene.bars]
    traces += [_lines(lines, scene) for lines in scene.lines]
    traces += [_points(points, scene) for points in reversed(scene.points)]
    traces += [_key(points, scene) for points in scene.points if points.values is not None]
    labels = [points.label for points in scene.points]
    labels += [bars.label for bars in scene.bars] + [lines.label for lines in scene.lines]
    for trace in traces:
        trace.legendrank = labels.index(trace.name or "") + 1
        trace.showlegend = bool(trace.name) and trace.showlegend is not False

    figure = go.Figure(data=traces, layout=_layout(scene, figsize, legend, grid))
    apply_theme(figure, theme)
    return figure


def apply_theme(figure: go.Figure, theme: Theme) -> None:
    """Give a figure of `draw` the colours of a light or of a dark page, in place."""
    for part in (*figure.data, figure.layout):
        for path, value in ((part.meta or {}).get(theme) or {}).items():
            part[path] = value


def _points(points: Points, scene: Scene) -> go.Scatter | go.Scatter3d:
    style = POINTS[points.style]
    shape = style.shape if style.filled else f"{style.shape}-open"
    usual = float(np.clip(20.0 / max(scene.n_points, 1) ** 0.16, 4.0, 12.0))
    size = usual * style.size * points.scale
    if scene.n_dims == 3:
        size *= 0.6  # WebGL marks are larger than they say
    by_value = points.values is not None
    marker: JsonObject = {"symbol": shape, "size": size}
    if by_value:
        marker |= {"color": points.values, "coloraxis": "coloraxis"}
    meta: dict[str, dict[str, object]] = {}
    for theme in _THEMES:
        colour = getattr(style, theme)
        page = PAGES[theme]
        meta[theme] = {} if by_value else {"marker.color": colour}
        edge = page.quiet if by_value else page.paper if style.filled else colour
        meta[theme]["marker.line.color"] = edge
    marker["line"] = {"width": min(0.8, 0.08 * size) if style.filled else 2}
    return _scatter(
        points.positions,
        mode="markers",
        name=points.label,
        marker=marker,
        meta=meta,
        opacity=_OVERLAY if scene.n_dims == 3 else 1,
        showlegend=False if by_value else None,  # see _key
        text=[escape(text, quote=False).replace("\n", "<br>") for text in points.hover] or None,
        hovertemplate="%{text}<extra></extra>" if points.hover else None,
    )


def _key(points: Points, scene: Scene) -> go.Scatter | go.Scatter3d:
    """Return the legend's entry for points whose colours stand for numbers: their shape."""
    style = POINTS[points.style]
    return _scatter(
        np.full((1, scene.n_dims), np.nan),
        mode="markers",
        name=points.label,
        marker={"symbol": style.shape if style.filled else f"{style.shape}-open"},
        meta={theme: {"marker.color": PAGES[theme].quiet} for theme in _THEMES},
        hoverinfo="skip",
    )


def _lines(lines: Lines, scene: Scene) -> go.Scatter | go.Scatter3d:
    style = LINES[lines.style]
    gap = np.full((1, scene.n_dims), np.nan)  # one trace for all: a gap ends each path
    joined = [part for path in lines.paths for part in (path, gap)][:-1]
    vertices = np.concatenate(joined) if joined else np.zeros((0, scene.n_dims))
    width = style.width * _POINTS_TO_PIXELS
    if scene.n_dims == 3:
        width = max(width * 1.9, 1.5)  # WebGL lines are thinner than they say
    opacity = style.opacity if lines.opacity is None else lines.opacity
    named = lines.style.startswith("series")
    return _scatter(
        vertices,
        mode="lines",
        name=lines.label,
        line={"width": width, "dash": _DASHES[style.dash]},
        # Transparency belongs to the trace in WebGL, but to the colour in SVG: else trajectories
        # that cross would not add up.
        opacity=min(opacity, _OVERLAY) if scene.n_dims == 3 else 1,
        meta={
            theme: {"line.color": _rgba(getattr(style, theme), 1 if scene.n_dims == 3 else opacity)}
            for theme in _THEMES
        },
        hoverinfo=None if named else "skip",
        hovertemplate="%{y:.4g}" if named else None,
    )


def _scatter(positions: np.ndarray, **kwargs: Any) -> go.Scatter | go.Scatter3d:
    x, y, *z = np.asarray(positions, np.float64).T
    if z:
        return go.Scatter3d(x=x, y=y, z=z[0], **kwargs)
    return go.Scatter(x=x, y=y, **kwargs)


def _bars(bars: Bars, scene: Scene) -> go.Bar:
    style = POINTS[bars.style]
    widths = np.diff(bars.edges)
    return go.Bar(
        x=bars.edges[:-1] + widths / 2,
        y=bars.heights,
        base=bars.base,
        width=widths,
        name=bars.label,
        opacity=0.85,
        marker={"line": {"width": 0.6}},
        meta={
            theme: {
                "marker.color": getattr(style, theme),
                "marker.line.color": PAGES[theme].paper,
            }
            for theme in _THEMES
        },
        hovertemplate="%{y}<extra>" + escape(style.label) + "</extra>",
    )


def _layout(
    scene: Scene, figsize: tuple[float, float] | None, legend: bool, grid: bool
) -> go.Layout:
    layout: JsonObject = {
        "template": "none",
        "font": {"family": _FONT, "size": 12},
        "title": {
            "text": escape(scene.title, quote=False),
            "subtitle": {"text": escape(scene.subtitle, quote=False), "font": {"size": 12}},
            "font": {"size": 15},
            "x": 0.0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1.0,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 14, "l": 4},
        },
        "showlegend": legend,
        "legend": {
            "orientation": "h",
            "x": 0.0,
            "xanchor": "left",
            "y": 0.0,
            "yref": "container",
            "yanchor": "bottom",
            "itemsizing": "constant",
            "bgcolor": "rgba(0,0,0,0)",
        },
        "margin": {
            "l": 64,
            "r": 24,
            "t": 24 + 30 * bool(scene.title) + 22 * bool(scene.subtitle),
            "b": 72,
        },
        "barmode": "overlay",
        "hoverlabel": {"align": "left"},
        "height": 560 if scene.height_share > 0.5 else 300,
        "autosize": True,
    }
    if figsize is not None:
        layout["width"], layout["height"] = (_PIXELS_PER_INCH * inches for inches in figsize)
    if scene.n_dims == 3:
        layout["scene"] = _scene_3d(scene, grid)
        layout["margin"] |= {"l": 8, "r": 8, "b": 48}
        axes = ["scene.xaxis", "scene.yaxis", "scene.zaxis"]
    else:
        layout["xaxis"], layout["yaxis"] = (_axis(axis, grid, 2) for axis in scene.axes)
        if scene.equal_aspect:
            layout["yaxis"] |= {"scaleanchor": "x", "constrain": "domain"}
            layout["xaxis"]["constrain"] = "domain"
        axes = ["xaxis", "yaxis"]
    if scene.colour_scale is not None:
        scale = scene.colour_scale
        bar = {"title": {"text": scale.label}, "thickness": 10, "len": 0.6, "outlinewidth": 0}
        if scale.integer:
            bar["tickformat"] = "d"
            if scale.high - scale.low <= 10:
                bar["dtick"] = 1
        layout["coloraxis"] = {
            "colorscale": COLOUR_MAP,
            "cmin": scale.low,
            "cmax": scale.high,
            "colorbar": bar,
        }
    layout["meta"] = {theme: _page_colours(PAGES[theme], axes, scene) for theme in _THEMES}
    return go.Layout(layout)


def _axis(axis: Axis, grid: bool, n_dims: int) -> JsonObject:
    """Return the settings that 2-D and 3-D axes share, and those of 2-D ones."""
    settings: JsonObject = {
        "title": {"text": escape(axis.label, quote=False), "font": {"size": 12}},
        "visible": axis.visible,
        "showgrid": grid,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickfont": {"size": 11},
        "showspikes": False,
    }
    if axis.log:
        settings |= {"type": "log", "exponentformat": "power", "dtick": 1}
    if axis.range is not None:
        settings["range"] = list(np.log10(axis.range) if axis.log else axis.range)
    if n_dims == 2:
        settings |= {"showline": True, "linewidth": 1, "title_standoff": 8}
    if axis.integer and not axis.log:
        settings["tickformat"] = "d"
    return settings


def _scene_3d(scene: Scene, grid: bool) -> JsonObject:
    axes = []
    for axis in scene.axes:
        settings = _axis(axis, grid, 3)
        settings |= {"showbackground": False, "nticks": 5, "showline": True}
        axes.append(settings)
    # The same view as matplotlib's: azimuth −58°, elevation 22°.
    azimuth, elevation, distance = radians(-58), radians(22), 2.15
    eye = {
        "x": distance * cos(elevation) * cos(azimuth),
        "y": distance * cos(elevation) * sin(azimuth),
        "z": distance * sin(elevation),
    }
    view: JsonObject = {"camera": {"eye": eye, "center": {"x": 0, "y": 0, "z": -0.14}}}
    if scene.equal_aspect and all(axis.range for axis in scene.axes):
        lengths = np.array([np.ptp(axis.range) for axis in scene.axes if axis.range])
        lengths = lengths / lengths.prod() ** (1 / 3)  # a box of constant volume fits the view
        view |= {"aspectmode": "manual", "aspectratio": dict(zip("xyz", lengths, strict=True))}
    else:
        view["aspectmode"] = "cube"
    view |= {f"{name}axis": axis for name, axis in zip("xyz", axes, strict=True)}
    return view


def _page_colours(page: PageStyle, axes: list[str], scene: Scene) -> dict[str, str]:
    colours = {
        "paper_bgcolor": page.paper,
        "plot_bgcolor": page.paper,
        "font.color": page.ink,
        "title.font.color": page.ink,
        "title.subtitle.font.color": page.quiet,
        "legend.font.color": page.ink,
        "hoverlabel.bgcolor": page.paper,
        "hoverlabel.bordercolor": page.quiet,
        "hoverlabel.font.color": page.ink,
    }
    for axis in axes:
        colours |= {
            f"{axis}.gridcolor": page.grid,
            f"{axis}.linecolor": page.quiet,
            f"{axis}.tickcolor": page.quiet,
            f"{axis}.tickfont.color": page.quiet,
            f"{axis}.title.font.color": page.ink,
        }
    if scene.colour_scale is not None:
        colours["coloraxis.colorbar.tickfont.color"] = page.quiet
        colours["coloraxis.colorbar.title.font.color"] = page.ink
    return colours


def _rgba(colour: str, opacity: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.3g})"
