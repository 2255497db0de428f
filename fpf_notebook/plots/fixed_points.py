"""Plots of fixed points among trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.plots.config import PlotConfig
from fpf_notebook.plots.draw import check_backend, draw
from fpf_notebook.plots.picture_file import save_figure
from fpf_notebook.plots.projection import Projection, fit_projection
from fpf_notebook.plots.scene import Backend, Scene
from fpf_notebook.plots.state_space import checked_trajectories, state_space_scene

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fpf_notebook.result.fixed_points import FixedPoints

_DEFAULT_BATCHES = 30  # as many as canns draws when nothing is said


def plot_fixed_points(
    fixed_points: Any,
    state_traj: Float[np.ndarray, "n_batch n_time n_states"] | None = None,
    *,
    n_dims: int | None = None,
    backend: Backend = "matplotlib",
    modes: bool = True,
    colour_by: str | Sequence[float] | np.ndarray = "stability",
    projection: Projection | None = None,
    max_trajectories: int = _DEFAULT_BATCHES,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Any:
    """Plot fixed points among trajectories, in the principal components of the trajectories.

    Classes of points differ in colour and in shape: stable points are circles, saddles
    diamonds, unstable points crosses (×), marginal ones squares, slow points hollow circles,
    searches that did not converge grey plus signs.

    Parameters
    ----------
    fixed_points : FixedPoints
        The points; anything with an ``xstar`` will do, and what else it knows (stability,
        ``is_stable``, eigenvectors, q) is used. There may be none.
    state_traj : array, optional
        Trajectories, ``[n_batch, n_time, n_states]``. All of them decide the components, the
        first ``max_trajectories`` are drawn. Without them the components are those of the
        points.
    n_dims : int, optional
        1, 2 or 3 dimensions; by default 3, or as many as the state has. One dimension is drawn
        over time, or as a line without trajectories.
    backend : {"matplotlib", "plotly"}
        The library that draws.
    modes : bool
        Whether to draw the unstable modes as lines through their points: a solid line along the
        eigenvector of a real eigenvalue, two dashed ones for a complex pair, the longer the
        larger the eigenvalue.
    colour_by : str or array
        "stability"; or a field with one number per point ("n_unstable", "index", "cond_id",
        "period", "orbit_id", "hits", "margin", "qstar") or an array of such numbers, shown by a
        colour scale. The shape always tells the class.
    projection : Projection, optional
        The projection of another figure (see `fpf_notebook.plots.fit_projection`), so that
        figures can be compared.
    max_trajectories : int
        At most so many trajectories are drawn.
    title : str, optional
        Headline; by default the number of points of each class. Empty for none, and then no
        index sum below it either.
    figsize : tuple, optional
        Width and height in inches (plotly: 96 pixels each).
    legend, grid : bool
        Whether to draw the legend and grid lines.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure
        The matplotlib figure is not registered with pyplot: return it from a notebook cell, or
        call its ``savefig``.

    Raises
    ------
    ValueError
        For wrong shapes, NaN or infinite coordinates, and unknown names.

    See Also
    --------
    plot_fixed_points_2d, plot_fixed_points_3d : the same for scripts written for canns.
    fpf_notebook.plot_spectrum : eigenvalues in the complex plane.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> states = np.random.default_rng(0).normal(size=(4, 10, 3))
    >>> figure = plot_fixed_points(FixedPoints(np.eye(3)), states)
    >>> type(figure).__mro__[1].__name__
    'Figure'
    """
    check_backend(backend)
    scene = state_space_scene(
        fixed_points,
        state_traj,
        n_dims=n_dims,
        projection=projection,
        modes=modes,
        colour_by=colour_by,
        max_trajectories=max_trajectories,
        title=title,
    )
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def plot_fps(
    fps: Any,
    state_traj: Float[np.ndarray, "n_batch n_time n_states"] | None = None,
    plot_batch_idx: Sequence[int] | None = None,
    plot_start_time: int = 0,
    plot_stop_time: int | None = None,
    mode_scale: float = 0.25,
    fig: Figure | None = None,
) -> Figure:
    """Plot fixed points and trajectories with the call of FixedPointFinder's ``plot_fps``.

    The components are fitted to all trajectories, whichever of them are drawn.

    Parameters
    ----------
    fps : FixedPoints
        The points.
    state_traj : array, optional
        Trajectories, ``[n_batch, n_time, n_states]``.
    plot_batch_idx : list of int, optional
        The trajectories to draw. By default the first 30.
    plot_start_time, plot_stop_time : int
        The time steps to draw, ``[plot_start_time, plot_stop_time)``. By default all.
    mode_scale : float
        Taken and not used: how long the lines of the modes are is told by their eigenvalues.
    fig : matplotlib.figure.Figure, optional
        Draw into this figure, which is emptied before. By default a new one.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For wrong shapes, and trajectories or times that are not there.

    See Also
    --------
    plot_fixed_points : more choices, plotly among them.
    """
    state_traj = checked_trajectories(state_traj)
    drawn, projection = state_traj, None
    if state_traj is not None:
        projection = fit_projection(state_traj, np.asarray(fps.xstar))
        drawn = _selected(state_traj[:, :plot_stop_time], plot_batch_idx, plot_start_time)
    scene = state_space_scene(
        fps,
        drawn,
        projection=projection,
        max_trajectories=0 if drawn is None else len(drawn),
    )

    from fpf_notebook.plots import matplotlib_backend

    if fig is None:
        fig = matplotlib_backend.new_figure((8, 8 * scene.height_share), for_window=False)
    else:
        fig.clear()
    matplotlib_backend.draw(scene, figure=fig)
    return fig


def plot_fixed_points_2d(
    fixed_points: FixedPoints,
    state_traj: Float[np.ndarray, "n_batch n_time n_states"],
    config: PlotConfig | None = None,
    plot_batch_idx: list[int] | None = None,
    plot_start_time: int = 0,
) -> Figure:
    """Plot fixed points and trajectories in two dimensions with matplotlib.

    The signature is that of canns' function of the same name.

    Parameters
    ----------
    fixed_points : FixedPoints
        The points; at least ``xstar`` and ``is_stable``.
    state_traj : array
        Trajectories, ``[n_batch, n_time, n_states]``.
    config : PlotConfig, optional
        Labels, size, saving and showing. By default the figure is shown and not saved.
    plot_batch_idx : list of int, optional
        The trajectories to draw and to compute the components from; by default the first 30.
    plot_start_time : int
        The first time step that counts.

    Returns
    -------
    matplotlib.figure.Figure

    See Also
    --------
    plot_fixed_points : more choices, plotly among them.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> states = np.random.default_rng(0).normal(size=(4, 10, 3))
    >>> figure = plot_fixed_points_2d(FixedPoints(np.eye(3)), states)
    >>> figure.axes[0].name
    'rectilinear'
    """
    return _plot_configured(fixed_points, state_traj, config, plot_batch_idx, plot_start_time, 2)


def plot_fixed_points_3d(
    fixed_points: FixedPoints,
    state_traj: Float[np.ndarray, "n_batch n_time n_states"],
    config: PlotConfig | None = None,
    plot_batch_idx: list[int] | None = None,
    plot_start_time: int = 0,
) -> Figure:
    """Plot fixed points and trajectories in three dimensions with matplotlib.

    The signature is that of canns' function of the same name. A state of two dimensions is
    drawn in two, one of one dimension over time. The parameters are those of
    `plot_fixed_points_2d`.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> states = np.random.default_rng(0).normal(size=(4, 10, 3))
    >>> figure = plot_fixed_points_3d(FixedPoints(np.eye(3)), states)
    >>> figure.axes[0].name
    '3d'
    """
    return _plot_configured(fixed_points, state_traj, config, plot_batch_idx, plot_start_time, 3)


def _plot_configured(
    fixed_points: FixedPoints,
    state_traj: ArrayLike | None,
    config: PlotConfig | None,
    plot_batch_idx: list[int] | None,
    plot_start_time: int,
    n_dims: int,
) -> Figure:
    state_traj = checked_trajectories(state_traj)
    if state_traj is not None:
        state_traj = _selected(state_traj, plot_batch_idx, plot_start_time)
    scene = state_space_scene(
        fixed_points,
        state_traj,
        n_dims=n_dims,
        max_trajectories=0 if state_traj is None else len(state_traj),
        title=None if config is None else config.title,
    )
    if config is None:
        config = PlotConfig(figsize=(8, 8 * scene.height_share), grid=True)
    scene = _renamed(scene, config.xlabel, config.ylabel)

    from fpf_notebook.plots import matplotlib_backend

    figure = matplotlib_backend.new_figure(config.figsize, for_window=config.show)
    matplotlib_backend.draw(
        scene,
        legend=config.show_legend,
        grid=config.grid or n_dims == 3,
        scatter_kwargs=config.to_matplotlib_kwargs(),
        figure=figure,
    )
    if config.save_path:
        save_figure(figure, config.save_path, **config.to_savefig_kwargs())
    if config.show:
        matplotlib_backend.show(figure)
    return figure


def _selected(
    state_traj: np.ndarray, batch_idx: Sequence[int] | None, start_time: int
) -> np.ndarray:
    n_batch, n_time, _ = state_traj.shape
    if batch_idx is None:
        batch_idx = range(min(_DEFAULT_BATCHES, n_batch))
    chosen = np.asarray(list(batch_idx), dtype=int)
    outside = chosen[(chosen < -n_batch) | (chosen >= n_batch)]
    if len(outside):
        raise ValueError(
            f"plot_batch_idx: {int(outside[0])} given, but state_traj has {n_batch} trajectories"
        )
    if not -n_time <= start_time < max(n_time, 1):
        raise ValueError(
            f"plot_start_time: {start_time} given, but state_traj has {n_time} time steps"
        )
    return state_traj[chosen, start_time:]


def _renamed(scene: Scene, xlabel: str, ylabel: str) -> Scene:
    """Put the user's names in front of the explained variance of the first two axes."""
    axes = list(scene.axes)
    for k, name in enumerate((xlabel, ylabel)):
        if name and axes[k].visible:
            _, bracket, share = axes[k].label.partition(" (")
            axes[k] = replace(axes[k], label=name + bracket + share)
    return replace(scene, axes=tuple(axes))
