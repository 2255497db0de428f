"""Figures of a JSLDS: its expansion points among fixed points, their eigenvalues, its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.plots.draw import check_backend, draw
from fpf_notebook.plots.projection import Projection, fit_projection
from fpf_notebook.plots.scene import Axis, Backend, Lines, Points, Scene, padded_ranges
from fpf_notebook.plots.spectrum import spectrum_scene
from fpf_notebook.plots.state_space import state_space_scene
from fpf_notebook.plots.style import LINES

if TYPE_CHECKING:
    from fpf_notebook._types import Figure
    from fpf_notebook.analysis.expansion_points import ExpansionComparison
    from fpf_notebook.result.fixed_points import FixedPoints


_SERIES = tuple(name for name in LINES if name.startswith("series"))
_MAX_SHOWN = 2000


def plot_expansion_points(
    expansion_points: Float[np.ndarray, "*any n_states"],
    fixed_points: FixedPoints,
    state_traj: Float[np.ndarray, "trial time n_states"] | None = None,
    *,
    n_dims: int = 3,
    projection: Projection | None = None,
    max_trajectories: int = 30,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the points that a JSLDS expands around among the fixed points that a search found.

    Parameters
    ----------
    expansion_points : array, [..., n_states]
        As `JSLDS.run` gives them; at most 2,000, evenly chosen, are drawn.
    fixed_points : FixedPoints
        What a search found; may be empty.
    state_traj : array, [trial, time, n_states], optional
        Trajectories.
    n_dims : int
        2 or 3. Default 3.
    projection, max_trajectories, backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For wrong shapes or an unknown backend.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> h = np.random.default_rng(0).normal(size=(4, 10, 3))
    >>> figure = plot_expansion_points(h, FixedPoints(np.zeros((1, 3))), h)
    >>> len(figure.axes) > 0
    True
    """
    check_backend(backend)
    scene = expansion_points_scene(
        expansion_points,
        fixed_points,
        state_traj,
        n_dims=n_dims,
        projection=projection,
        max_trajectories=max_trajectories,
        title=title,
    )
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def expansion_points_scene(
    expansion_points: Float[np.ndarray, "*any n_states"],
    fixed_points: FixedPoints,
    state_traj: Float[np.ndarray, "trial time n_states"] | None = None,
    *,
    n_dims: int = 3,
    projection: Projection | None = None,
    max_trajectories: int = 30,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_expansion_points`."""
    e = np.asarray(expansion_points, np.float64)
    if e.ndim < 2 or e.size == 0 or not np.isfinite(e).all():
        raise ValueError(
            f"expansion_points: shape {e.shape} given, expected finite [..., n_states] and some of "
            "them"
        )
    e = e.reshape(-1, e.shape[-1])
    if projection is None:
        projection = fit_projection(state_traj, e, n_dims)
    scene = state_space_scene(
        fixed_points,
        state_traj,
        projection=projection,
        max_trajectories=max_trajectories,
        title=title,
    )
    shown = e[np.unique(np.linspace(0, len(e) - 1, min(len(e), _MAX_SHOWN)).astype(int))]
    places = projection.transform(shown)
    # Behind the points that they gather at, and reaching out from behind them.
    points = Points(places, "expansion", f"expansion points ({len(e)})", scale=1.5)
    clouds = [places, *(p.positions for p in scene.points)]
    clouds += [path for lines in scene.lines for path in lines.paths]
    ranges = padded_ranges(clouds, scene.n_dims, min_share=0.3)
    axes = tuple(replace(axis, range=r) for axis, r in zip(scene.axes, ranges, strict=True))
    return replace(scene, axes=axes, points=(*scene.points, points))


def plot_expansion_spectrum(
    comparison: ExpansionComparison,
    *,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the eigenvalues at groups of expansion points and at the numerical points next to them.

    Parameters
    ----------
    comparison : ExpansionComparison
        What `compare_expansion_points` returned.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_spectrum`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure
    """
    check_backend(backend)
    scene = expansion_spectrum_scene(comparison, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def expansion_spectrum_scene(comparison: ExpansionComparison, *, title: str | None = None) -> Scene:
    """Describe the figure of `plot_expansion_spectrum`."""
    k = comparison.clusters.k
    scene = spectrum_scene(comparison.at_centres, title=title)
    plane, hover = [], []
    for cluster, values in enumerate(comparison.eigenvalues):
        for value in values[np.isfinite(values)]:
            plane.append((value.real, value.imag))
            hover.append(f"{comparison.kind[cluster]} point next to cluster {cluster}")
    numerical = Points(
        np.array(plane).reshape(-1, 2), "unclassified", "at the numerical points", tuple(hover)
    )
    if title is None:
        title = f"Eigenvalues at {k} {'cluster' if k == 1 else 'clusters'} of expansion points"
    relabelled = tuple(
        replace(group, label=f"{group.label.partition(' (')[0]}, at expansion points")
        for group in scene.points
    )
    return replace(scene, points=(*relabelled, numerical), title=title)


def plot_approximation_error(
    states: Float[np.ndarray, "trial time n_states"],
    approximations: Mapping[str, Float[np.ndarray, "trial time n_states"]],
    *,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the relative error of approximations over the steps of a trial.

    Parameters
    ----------
    states : array, [trial, time, n_states]
        Those of the network.
    approximations : dict of arrays, [trial, time, n_states]
        Up to five, by name: the JSLDS, linear dynamics around the nearest point, ….
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plots.plot_training`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For shapes that differ, no approximation or more than five.

    Examples
    --------
    >>> import numpy as np
    >>> h = np.random.default_rng(0).normal(size=(4, 10, 3))
    >>> figure = plot_approximation_error(h, {"half": 0.5 * h})
    >>> len(figure.axes)
    1
    """
    check_backend(backend)
    scene = approximation_error_scene(states, approximations, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def approximation_error_scene(
    states: Float[np.ndarray, "trial time n_states"],
    approximations: Mapping[str, Float[np.ndarray, "trial time n_states"]],
    *,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_approximation_error`."""
    h = np.asarray(states, np.float64)
    if h.ndim != 3:
        raise ValueError(f"states: shape {h.shape} given, expected [trial, time, n_states]")
    if not 1 <= len(approximations) <= len(_SERIES):
        raise ValueError(
            f"approximations: {len(approximations)} given, expected 1 to {len(_SERIES)}"
        )
    length = np.linalg.norm(h, axis=-1)
    lines, curves = [], []
    for style, (name, array) in zip(_SERIES, approximations.items(), strict=False):
        approximation = np.asarray(array, np.float64)
        if approximation.shape != h.shape:
            raise ValueError(
                f"approximations: {name!r} has shape {approximation.shape}, the states {h.shape}"
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.linalg.norm(h - approximation, axis=-1) / length
        ratio[~np.isfinite(ratio)] = np.nan
        counted = np.isfinite(ratio)
        sums = np.where(counted, ratio, 0).sum(axis=0)
        mean = sums / np.maximum(counted.sum(axis=0), 1)
        shown = mean > 0  # on a logarithmic axis
        path = np.column_stack([np.arange(1, h.shape[1] + 1)[shown], mean[shown]])
        overall = float(np.nanmean(ratio)) if counted.any() else float("nan")
        if len(path):
            curves.append(path[:, 1])
            lines.append(Lines((path,), style, f"{name} (mean {overall:.2g})"))
    values = np.concatenate(curves or [np.ones(1)])
    low, high = float(values.min()), float(values.max())
    return Scene(
        axes=(
            Axis("time step", range=(0.5, h.shape[1] + 0.5), integer=True),
            Axis("relative error", range=(low / 1.5, high * 1.5), log=True),
        ),
        lines=tuple(lines),
        title="Error of the approximation" if title is None else title,
        height_share=0.5,
    )
