"""`PlotConfig`: the settings object that scripts written for canns pass to the plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fpf_notebook._types import JsonObject
from fpf_notebook.arguments import checked_argument


@dataclass
class PlotConfig:
    """Settings of `plot_fixed_points_2d` and `plot_fixed_points_3d`.

    The names, defaults and class methods are those of canns' configuration object, so that a
    script keeps its calls when its import line changes. Fields that belong to other plots of
    canns (animations, rate maps) are accepted and have no effect here.

    Parameters
    ----------
    title : str
        Headline of the figure; empty for none.
    xlabel, ylabel : str
        Names of the first two axes in place of "PC 1" and "PC 2". The explained variance is
        added to them.
    figsize : tuple
        Width and height in inches.
    grid : bool
        Whether to draw grid lines (2-D).
    save_path : str or path, optional
        Where to save the figure; the ending decides the format.
    show : bool
        Whether to show the figure at once. Where there is no window or notebook to show it in,
        nothing happens.
    show_legend : bool
        Whether to draw the legend.
    kwargs : dict, optional
        Keyword arguments for matplotlib's scatter call of the fixed points.
    rasterized : bool, optional
        Passed on with ``kwargs``: points become pixels in vector formats.
    savefig_kwargs : dict, optional
        Keyword arguments for ``savefig``; they win over the three fields below.
    save_dpi : int
        Resolution of saved pixel images, dots per inch.
    save_bbox_inches : str, optional
        "tight" crops the saved figure to what is drawn; None saves all of it.
    save_format : str, optional
        File format, where the ending of ``save_path`` does not say it.
    time_steps_per_second, fps, repeat, show_progress_bar : optional
        For animations; no effect.
    render_backend, render_workers, render_start_method : optional
        For animations; no effect.
    color, clabel : str
        For line plots and colour bars of other plots; no effect.
    verbose : bool
        No effect: plots print nothing.

    See Also
    --------
    fpf_notebook.plot_fixed_points : the same pictures by plain keyword arguments.
    """

    title: str = ""
    xlabel: str = ""
    ylabel: str = ""
    figsize: tuple[float, float] = (10, 6)
    grid: bool = False
    save_path: str | None = None
    show: bool = True

    time_steps_per_second: int | None = None
    fps: int = 30
    repeat: bool = True
    show_progress_bar: bool = True
    render_backend: str | None = None
    render_workers: int | None = None
    render_start_method: str | None = None

    show_legend: bool = True
    color: str = "black"
    clabel: str = "Value"

    kwargs: JsonObject | None = None
    savefig_kwargs: JsonObject | None = None
    rasterized: bool | None = None
    save_dpi: int = 300
    save_bbox_inches: str | None = "tight"
    save_format: str | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        self.figsize = checked_argument("plots", "figsize", self.figsize)
        self.kwargs = {} if self.kwargs is None else self.kwargs

    @classmethod
    def for_static_plot(cls, **kwargs: Any) -> PlotConfig:
        """Return settings for a picture that does not move."""
        return cls(**{**kwargs, "time_steps_per_second": None})

    @classmethod
    def for_animation(cls, time_steps_per_second: int, **kwargs: Any) -> PlotConfig:
        """Return settings for an animation; the plots of this package are static."""
        return cls(time_steps_per_second=time_steps_per_second, **kwargs)

    def to_matplotlib_kwargs(self) -> JsonObject:
        """Return the keyword arguments for the artists, a new dictionary each time."""
        artist_kwargs = dict(self.kwargs or {})
        if self.rasterized is not None:
            artist_kwargs.setdefault("rasterized", self.rasterized)
        return artist_kwargs

    def to_savefig_kwargs(self) -> JsonObject:
        """Return the keyword arguments for ``savefig``, a new dictionary each time."""
        settings = {
            "dpi": self.save_dpi,
            "bbox_inches": self.save_bbox_inches,
            "format": self.save_format,
        }
        chosen = {name: value for name, value in settings.items() if value is not None}
        return {**chosen, **(self.savefig_kwargs or {})}
