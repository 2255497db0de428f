"""Curves of a training run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook.plots.draw import check_backend, draw
from fpf_notebook.plots.scene import Axis, Backend, Lines, Scene
from fpf_notebook.plots.style import LINES

if TYPE_CHECKING:
    from fpf_notebook._types import Figure


_STYLES = tuple(name for name in LINES if name.startswith("series"))


def plot_training(
    history: Any,
    *,
    series: Sequence[str] | None = None,
    log: bool = True,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the curves of a training run, losses by default.

    Parameters
    ----------
    history : TrainingHistory
        Anything with ``series``, a dictionary of arrays by name, and ``steps``, the step (or
        epoch) of each entry. NaN marks a step at which a series was not measured.
    series : sequence of str, optional
        The curves to draw, at most five; by default those with "loss" in their names.
    log : bool
        Whether the vertical axis is logarithmic. Values of 0 or less are then left out.
    backend : {"matplotlib", "plotly"}
        The library that draws.
    title : str, optional
        Headline; empty for none.
    figsize : tuple, optional
        Width and height in inches (plotly: 96 pixels each).
    legend, grid : bool
        Whether to draw the legend and grid lines.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For an unknown series, or one that has not one entry per step.

    Examples
    --------
    >>> from fpf_notebook import train
    >>> from fpf_notebook.models import VanillaRNN
    >>> from fpf_notebook.tasks import FlipFlop
    >>> history = train(VanillaRNN(1, 2, 1), FlipFlop(1), n_epochs=1, steps_per_epoch=2)
    >>> len(plot_training(history).axes) > 0
    True
    """
    check_backend(backend)
    scene = training_scene(history, series=series, log=log, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def training_scene(
    history: Any,
    *,
    series: Sequence[str] | None = None,
    log: bool = True,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_training`."""
    known = dict(history.series)
    if isinstance(series, str):
        series = [series]
    if series is None:
        series = [name for name in known if "loss" in name.lower()][: len(_STYLES)]
        series = series or list(known)[: len(_STYLES)]
    unknown = [name for name in series if name not in known]
    if unknown:
        raise ValueError(f"series: {unknown[0]!r} given, the history has {', '.join(known)}")
    if len(series) > len(_STYLES):
        raise ValueError(f"series: {len(series)} given, at most {len(_STYLES)} can be told apart")
    steps = np.asarray(history.steps, np.float64)

    lines = []
    for name, style in zip(series, _STYLES, strict=False):
        values = np.asarray(known[name], np.float64)
        if values.shape != steps.shape:
            raise ValueError(
                f"series {name!r}: shape {values.shape} given, expected one value for each of "
                f"the {len(steps)} steps"
            )
        shown = np.isfinite(values) & ((values > 0) | (not log))
        path = np.column_stack([steps[shown], values[shown]])
        label = name.replace("_", " ")
        if len(path):
            label += f" (last {path[-1, 1]:.2g})"
            lines.append(Lines((path,), style, label))
    all_values = np.concatenate([group.paths[0][:, 1] for group in lines] or [np.array([1.0])])
    all_steps = np.concatenate([group.paths[0][:, 0] for group in lines] or [np.array([0.0])])
    default = "Training" if lines else "Nothing trained yet"
    is_loss = all("loss" in name.lower() for name in series)
    return Scene(
        axes=(
            Axis("step", range=_interval(all_steps, log=False), integer=True),
            Axis("loss" if is_loss else "value", range=_interval(all_values, log=log), log=log),
        ),
        lines=tuple(lines),
        title=default if title is None else title,
        height_share=0.5,
    )


def _interval(values: np.ndarray, *, log: bool) -> tuple[float, float]:
    """Return the values' interval with a margin, never empty."""
    scaled = np.log10(values) if log else values
    low, high = float(scaled.min()), float(scaled.max())
    margin = 0.04 * (high - low) or 0.5
    low, high = low - margin, high + margin
    return (10**low, 10**high) if log else (low, high)
