"""The choice of the library that draws; neither is imported before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fpf_notebook.arguments import checked_argument
from fpf_notebook.plots.scene import Backend, Scene

if TYPE_CHECKING:
    from fpf_notebook._types import Figure


def check_backend(backend: str) -> None:
    """Raise ValueError unless ``backend`` is one that can draw."""
    if backend not in ("matplotlib", "plotly"):
        raise ValueError(f"backend: {backend!r} given, expected 'matplotlib' or 'plotly'")


def draw(
    scene: Scene,
    backend: Backend = "matplotlib",
    *,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Draw a scene with matplotlib or with plotly, and return that library's figure.

    Parameters
    ----------
    scene
        What to draw.
    backend
        "matplotlib" or "plotly".
    figsize
        Width and height in inches.
    legend, grid
        Whether to draw the legend and grid lines.

    Raises
    ------
    TypeError, ValueError
        For an unknown backend, or a size that is not two positive numbers.
    """
    check_backend(backend)
    figsize = checked_argument("plots", "figsize", figsize)
    if backend == "plotly":
        from fpf_notebook.plots import plotly_backend

        return plotly_backend.draw(scene, figsize=figsize, legend=legend, grid=grid)
    from fpf_notebook.plots import matplotlib_backend

    return matplotlib_backend.draw(scene, figsize=figsize, legend=legend, grid=grid)
