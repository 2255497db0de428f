"""Draw a scene with matplotlib.

Figures are plain `matplotlib.figure.Figure` objects, made without pyplot: no backend is chosen,
no rcParams are changed, nothing stays registered. Only `new_figure` and `show`, for callers who
ask for a window, go through pyplot.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.mplot3d import Axes3D
from mpl_toolkits.mplot3d.art3d import Line3DCollection

from fpf_notebook._types import AnyFunction, JsonObject
from fpf_notebook.plots.editable_text import editable_text
from fpf_notebook.plots.scene import Axis, Bars, Lines, Points, Scene
from fpf_notebook.plots.style import COLOUR_MAP, LINES, PAGES, POINTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_MARKERS = {"circle": "o", "diamond": "D", "x": "X", "square": "s", "cross": "P"}
_DASHES: JsonObject = {"solid": "solid", "dash": (0, (4, 2)), "dot": (0, (1, 2))}
_PAGE = PAGES["light"]
_SMALL, _NORMAL, _LARGE = 8.0, 9.0, 11.0  # font sizes in points
_NO_WINDOW = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


class NotebookFigure(Figure):
    """A figure that pyplot does not know and that a notebook shows all the same.

    Saved as PDF, PostScript or SVG it keeps its text as text, whatever matplotlib's settings are.

    Jupyter learns to show matplotlib's figures only when pyplot is first used; until then a
    plain figure at the end of a cell would be shown as a line of text.
    """

    def savefig(self, fname: Any, **options: Any) -> None:
        """Save as matplotlib does, with text that can be edited in vector files."""
        with editable_text():
            super().savefig(fname, **options)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = BytesIO()
        self.savefig(file, format="png", dpi=1.5 * self.dpi)  # sharp on dense screens too
        width, height = (round(inches * self.dpi) for inches in self.get_size_inches())
        return file.getvalue(), {"width": width, "height": height}


def draw(
    scene: Scene,
    *,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
    scatter_kwargs: JsonObject | None = None,
    figure: Figure | None = None,
) -> Figure:
    """Draw a scene.

    Parameters
    ----------
    scene
        What to draw.
    figsize
        Width and height in inches; by default 7 inches wide.
    legend
        Whether to draw the legend. It stands beside the axes, never upon the data.
    grid
        Whether to draw grid lines.
    scatter_kwargs
        Further keyword arguments for the scatter calls of the points.
    figure
        An empty figure to draw into; by default a new one that pyplot does not know.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if figure is None:
        figure = NotebookFigure(figsize=figsize or (7.0, 7.0 * scene.height_share))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    figure.set_facecolor(_PAGE.paper)
    if scene.n_dims == 3:
        axes: Axes = figure.add_subplot(projection="3d", computed_zorder=False)
    else:
        axes = figure.add_subplot()

    for k, bars in enumerate(scene.bars):
        _draw_bars(axes, bars, zorder=2 + 0.01 * k)
    for lines in scene.lines:
        _draw_lines(axes, lines, scene.n_dims)
    size = marker_size(scene.n_points)
    size *= float(np.clip(min(figure.get_size_inches()) / 6, 0.8, 1.5))
    for rank, points in enumerate(scene.points):
        _draw_points(axes, points, scene, size, 6 - 0.01 * rank, scatter_kwargs or {})

    if scene.n_dims == 3:
        _finish_3d(axes, scene, grid)
    else:
        _finish_2d(axes, scene, grid)
    if scene.colour_scale is not None:
        _draw_colour_bar(figure, axes, scene)
    _draw_title(axes, scene)
    if legend:
        _draw_legend(figure, scene)
    return figure


def new_figure(figsize: tuple[float, float] | None, *, for_window: bool) -> Figure:
    """Return an empty figure, known to pyplot if it is to be shown in a window."""
    if for_window and _has_window():
        import matplotlib.pyplot as plt

        return plt.figure(figsize=figsize)
    return NotebookFigure(figsize=figsize)


def show(figure: Figure) -> None:
    """Show a figure of `new_figure` in its window or in the notebook, where there is either.

    A script waits until the window is closed, as with ``pyplot.show()``; the figure is then
    released. Without a display nothing happens, and nothing is said.
    """
    if not _has_window():
        return
    import matplotlib.pyplot as plt

    if "inline" in matplotlib.get_backend().lower():
        # pyplot.show() would show, and close, all other open figures of the user as well.
        from IPython.display import display

        display(figure)
        plt.close(figure)
        return
    plt.show()
    if not plt.isinteractive():
        plt.close(figure)


def _has_window() -> bool:
    return matplotlib.get_backend().lower() not in _NO_WINDOW


def _draw_bars(axes: Axes, bars: Bars, zorder: float) -> None:
    axes.stairs(
        bars.base + bars.heights,
        bars.edges,
        baseline=bars.base,
        fill=True,
        facecolor=to_rgba(POINTS[bars.style].light, 0.85),
        edgecolor=_PAGE.paper,
        linewidth=0.6,
        label=bars.label,
        zorder=zorder,
    )


def _draw_lines(axes: Any, lines: Lines, n_dims: int) -> None:
    style = LINES[lines.style]
    opacity = style.opacity if lines.opacity is None else lines.opacity
    collection = (Line3DCollection if n_dims == 3 else LineCollection)(
        list(lines.paths),
        colors=[to_rgba(style.light, opacity)],
        linewidths=style.width,
        linestyles=[_DASHES[style.dash]],
        label=lines.label,
        zorder=4 if "mode" in lines.style else 3,
    )
    if n_dims == 3:
        axes.add_collection3d(collection)
    else:
        axes.add_collection(collection)


def _draw_points(
    axes: Axes,
    points: Points,
    scene: Scene,
    size: float,
    zorder: float,
    scatter_kwargs: JsonObject,
) -> None:
    style = POINTS[points.style]
    width = size * style.size * points.scale
    kwargs: JsonObject = {
        "marker": _MARKERS[style.shape],
        "s": width**2,
        "linewidth": min(0.6, 0.08 * width) if style.filled else 1.2,
        "label": points.label,
        "zorder": zorder,
    }
    if points.values is not None and scene.colour_scale is not None:
        scale = scene.colour_scale
        kwargs |= {"c": points.values, "cmap": COLOUR_MAP, "vmin": scale.low, "vmax": scale.high}
        kwargs |= {"edgecolor": _PAGE.ink, "plotnonfinite": True}
    elif style.filled:
        kwargs |= {"facecolor": style.light, "edgecolor": _PAGE.paper}
    else:
        kwargs |= {"facecolor": _PAGE.paper, "edgecolor": style.light}
    if scene.n_dims == 3:
        kwargs["depthshade"] = False  # it fades the colours by which classes are told apart
    wishes = normalize_kwargs(scatter_kwargs, PathCollection)
    if {"c", "color"} & wishes.keys():  # the caller's colour replaces ours
        for name in ("c", "cmap", "vmin", "vmax", "facecolor", "edgecolor", "plotnonfinite"):
            kwargs.pop(name, None)
    axes.scatter(*points.positions.T, **(kwargs | wishes))


def marker_size(n_points: int) -> float:
    """Return the width of a marker in points: smaller where there are many."""
    return float(np.clip(14.0 / max(n_points, 1) ** 0.16, 3.0, 8.0))


def _finish_2d(axes: Axes, scene: Scene, grid: bool) -> None:
    for axis, label, spine in (
        (axes.xaxis, scene.axes[0], "bottom"),
        (axes.yaxis, scene.axes[1], "left"),
    ):
        axis.set_label_text(label.label, fontsize=_NORMAL, color=_PAGE.ink)
        axis.set_tick_params(labelsize=_SMALL, colors=_PAGE.quiet, length=3, width=0.6)
        axes.spines[spine].set_color(_PAGE.quiet)
        axes.spines[spine].set_linewidth(0.6)
        if not label.visible:
            axis.set_visible(False)
            axes.spines[spine].set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    _set_limits(axes.set_xlim, axes.set_xscale, scene.axes[0])
    _set_limits(axes.set_ylim, axes.set_yscale, scene.axes[1])
    if not all(axis.range for axis in scene.axes):
        axes.autoscale_view()
    for axis, label in ((axes.xaxis, scene.axes[0]), (axes.yaxis, scene.axes[1])):
        if label.integer and not label.log:
            axis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if scene.equal_aspect:
        axes.set_aspect("equal", adjustable="box")
    axes.set_axisbelow(True)
    axes.set_facecolor(_PAGE.paper)
    if grid:
        axes.grid(True, color=_PAGE.grid, linewidth=0.6)
    else:
        axes.grid(False)


def _set_limits(set_limits: AnyFunction, set_scale: AnyFunction, axis: Axis) -> None:
    if axis.log:
        set_scale("log")
    if axis.range is not None:
        set_limits(*axis.range)


def _finish_3d(axes: Axes3D, scene: Scene, grid: bool) -> None:
    ranges = []
    for name, label in zip("xyz", scene.axes, strict=True):
        axis = getattr(axes, f"{name}axis")
        axis.set_label_text(label.label, fontsize=_NORMAL, color=_PAGE.ink)
        axis.set_tick_params(labelsize=_SMALL, colors=_PAGE.quiet, pad=0)
        axis.set_major_locator(MaxNLocator(4))
        axis.set_pane_color((0, 0, 0, 0))
        axis.line.set_color(_PAGE.quiet)
        axis.line.set_linewidth(0.6)
        axis._axinfo["grid"] |= {"color": _PAGE.grid, "linewidth": 0.6}
        low, high = label.range or getattr(axes, f"get_{name}lim")()
        getattr(axes, f"set_{name}lim")(low, high)
        ranges.append(high - low)
    axes.set_box_aspect(ranges if scene.equal_aspect else None, zoom=1.12)
    axes.view_init(elev=22, azim=-58)
    axes.grid(grid)


def _draw_colour_bar(figure: Figure, axes: Axes, scene: Scene) -> None:
    scale = scene.colour_scale
    if scale is None:
        return
    mappable = ScalarMappable(Normalize(scale.low, scale.high), COLOUR_MAP)
    bar = figure.colorbar(mappable, ax=axes, shrink=0.55, aspect=24, pad=0.04)
    bar.set_label(scale.label, fontsize=_NORMAL, color=_PAGE.ink)
    bar.ax.tick_params(labelsize=_SMALL, colors=_PAGE.quiet, length=2, width=0.6)
    bar.outline.set_visible(False)
    if scale.integer:
        bar.locator = MaxNLocator(integer=True, nbins=6)
        bar.update_ticks()


def _draw_title(axes: Axes, scene: Scene) -> None:
    pad = 6.0
    if scene.subtitle:
        axes.annotate(
            scene.subtitle,
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, pad),
            textcoords="offset points",
            fontsize=_SMALL,
            color=_PAGE.quiet,
        )
        pad += 1.6 * _SMALL
    if scene.title:
        axes.set_title(scene.title, loc="left", fontsize=_LARGE, color=_PAGE.ink, pad=pad)


def _draw_legend(figure: Figure, scene: Scene) -> None:
    handles = _legend_handles(scene.points, scene.lines, scene.bars)
    if not handles:
        return
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(len(handles), 4),
        frameon=False,
        fontsize=_SMALL,
        labelcolor=_PAGE.ink,
        handletextpad=0.4,
        columnspacing=1.6,
    )


def _legend_handles(
    points: Sequence[Points], lines: Sequence[Lines], bars: Sequence[Bars]
) -> list[Line2D]:
    """Return one entry per labelled group: marks of one size, however small those drawn are."""
    handles = []
    for group in points:
        style = POINTS[group.style]
        by_value = group.values is not None
        face = _PAGE.quiet if by_value else style.light if style.filled else _PAGE.paper
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker=_MARKERS[style.shape],
                markersize=6.5 * style.size,
                markerfacecolor=face,
                markeredgecolor=_PAGE.paper if style.filled else style.light,
                markeredgewidth=0.4 if style.filled else 1.2,
                label=group.label,
            )
        )
    for bar in bars:
        colour = POINTS[bar.style].light
        handles.append(Line2D([], [], linestyle="none", marker="s", color=colour, label=bar.label))
    for line in lines:
        look = LINES[line.style]
        handles.append(
            Line2D(
                [],
                [],
                color=to_rgba(look.light, max(look.opacity, 0.9)),
                linewidth=max(look.width, 1.0),
                linestyle=_DASHES[look.dash],
                label=line.label,
            )
        )
    return [handle for handle in handles if handle.get_label()]
