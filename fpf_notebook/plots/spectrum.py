"""Eigenvalues of fixed points in the complex plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.plots.classes import classes_of, per_point, positions_of
from fpf_notebook.plots.draw import check_backend, draw
from fpf_notebook.plots.modes import eigenvalues_of, is_flow
from fpf_notebook.plots.scene import Axis, Backend, Lines, Points, Scene, height_for, padded_ranges
from fpf_notebook.plots.style import POINTS

if TYPE_CHECKING:
    from fpf_notebook._types import Figure
    from fpf_notebook.result.fixed_points import FixedPoints


def plot_spectrum(
    fixed_points: FixedPoints,
    *,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the eigenvalues of all fixed points in the complex plane.

    The boundary of stability is drawn with them: the unit circle where the points are those of
    a map, the imaginary axis where they are those of a flow. The eigenvalues of a point have
    the colour and the shape of its class.

    Parameters
    ----------
    fixed_points : FixedPoints
        Points with ``eigval_J_xstar``; there may be none. Slice the record to see only some.
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
        When the record has no eigenvalues.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> points = FixedPoints(np.zeros((1, 2)), eigval_J_xstar=np.array([[0.5 + 0.2j, 0.5 - 0.2j]]))
    >>> figure = plot_spectrum(points)
    >>> len(figure.axes)
    1
    """
    check_backend(backend)
    scene = spectrum_scene(fixed_points, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def spectrum_scene(fixed_points: FixedPoints, *, title: str | None = None) -> Scene:
    """Describe the figure of `plot_spectrum`."""
    n = len(positions_of(fixed_points))
    eigenvalues = eigenvalues_of(fixed_points, n)
    if eigenvalues is None:
        if n:
            raise ValueError(
                "fixed_points: no eigenvalues (eigval_J_xstar is None). Find the points with "
                "do_compute_jacobians=True and do_decompose_jacobians=True"
            )
        eigenvalues = np.zeros((0, 0), np.complex128)
    flow = is_flow(fixed_points)
    classes = classes_of(fixed_points, n)
    index = per_point(fixed_points, "index", n)

    groups = []
    for name, style in POINTS.items():
        members = np.flatnonzero(classes == name)
        if not len(members):
            continue
        plane, hover = [], []
        for i in members:
            for value in eigenvalues[i]:
                if not np.isfinite(value):
                    continue  # a search that diverged has no spectrum
                plane.append((value.real, value.imag))
                hover.append(_hover(int(i), name, complex(value), flow, index))
        label = f"{style.label} ({len(members)})"
        places = np.array(plane).reshape(-1, 2)
        groups.append(Points(places, name, label, tuple(hover), scale=0.85))

    clouds = [group.positions for group in groups]
    if flow:
        clouds.append(np.zeros((1, 2)))
        ranges = padded_ranges(clouds, 2, min_share=0.5)
        boundary = np.column_stack([np.zeros(2), ranges[1]])
        label = "imaginary axis"
    else:
        angle = np.linspace(0, 2 * np.pi, 241)
        boundary = np.column_stack([np.cos(angle), np.sin(angle)])
        ranges = padded_ranges([*clouds, boundary], 2)
        label = "unit circle"
    noun = "fixed point" if n == 1 else "fixed points"
    default = f"Eigenvalues of {n} {noun}" if n else "No fixed points, no eigenvalues"
    return Scene(
        axes=(Axis("Re λ", range=ranges[0]), Axis("Im λ", range=ranges[1])),
        lines=(Lines((boundary,), "guide", label),),
        points=tuple(groups),
        title=default if title is None else title,
        equal_aspect=True,
        height_share=height_for(ranges),
    )


def _hover(i: int, name: str, value: complex, flow: bool, index: np.ndarray | None) -> str:
    text = f"point {i}: {name}\nλ = {value.real:.4g} {'−' if value.imag < 0 else '+'} "
    text += f"{abs(value.imag):.4g}i"
    text += "" if flow else f"\n|λ| = {abs(value):.4g}"
    return text if index is None else f"{text}\nindex {int(index[i]):+d}"
