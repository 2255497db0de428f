"""Figures of integration: the choice and input axes, selection vectors, line attractors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.plots.draw import check_backend, draw
from fpf_notebook.plots.scene import (
    Axis,
    Backend,
    ColourScale,
    Lines,
    Points,
    Scene,
    height_for,
    padded_ranges,
)
from fpf_notebook.plots.style import LINES

if TYPE_CHECKING:
    from fpf_notebook._types import Figure
    from fpf_notebook.analysis.integration import IntegrationAnalysis
    from fpf_notebook.analysis.line_attractor import LineAttractor


_SERIES = tuple(name for name in LINES if name.startswith("series"))


def plot_integration_subspace(
    analysis: IntegrationAnalysis,
    state_traj: Float[np.ndarray, "condition time n_states"] | None = None,
    *,
    values: Float[np.ndarray, "condition"] | None = None,
    axes: tuple[int, int] = (0, 1),
    names: Sequence[str] = ("choice", "input 1", "input 2"),
    value_label: str = "evidence",
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot states and expansion points in the plane of two axes of integration.

    Each axis has a scale of its own: an input that the network leaves aside moves it little, and
    would be a flat line on the scale of the choice.

    Parameters
    ----------
    analysis : IntegrationAnalysis
        What `analyze_integration` returned.
    state_traj : array, [condition, time, n_states], optional
        Trajectories, means over the trials of a condition as a rule.
    values : array, [condition], optional
        A number for each trajectory, its evidence say, shown by the colour of its steps.
    axes : tuple of int
        Which of the axes: 0 the choice, 1 the first input, 2 the second. Default (0, 1).
    names : sequence of str
        What to call them.
    value_label : str
        What the numbers are.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For wrong shapes or axes that do not exist.
    """
    check_backend(backend)
    scene = integration_scene(
        analysis,
        state_traj,
        values=values,
        axes=axes,
        names=names,
        value_label=value_label,
        title=title,
    )
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def integration_scene(
    analysis: IntegrationAnalysis,
    state_traj: Float[np.ndarray, "condition time n_states"] | None = None,
    *,
    values: Float[np.ndarray, "condition"] | None = None,
    axes: tuple[int, int] = (0, 1),
    names: Sequence[str] = ("choice", "input 1", "input 2"),
    value_label: str = "evidence",
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_integration_subspace`."""
    n_axes = analysis.axes.shape[1]
    if len(axes) != 2 or any(not 0 <= k < n_axes for k in axes):
        raise ValueError(f"axes: {axes} given, expected two numbers below {n_axes}")
    columns = list(axes)
    places = analysis.project(analysis.points.xstar)[:, columns]
    points = [Points(places, "expansion", f"expansion points ({len(places)})", scale=0.9)]
    paths: list[np.ndarray] = []
    scale = None
    if state_traj is not None:
        states = np.asarray(state_traj, np.float64)
        if states.ndim != 3:
            raise ValueError(
                f"state_traj: shape {states.shape} given, expected [condition, time, n_states]"
            )
        paths = list(analysis.project(states)[..., columns])
        if values is not None:
            numbers = np.asarray(values, np.float64)
            if numbers.shape != (len(paths),):
                raise ValueError(
                    f"values: shape {numbers.shape} given, expected one for each of the "
                    f"{len(paths)} trajectories"
                )
            low, high = float(numbers.min()), float(numbers.max())
            if low == high:
                low, high = low - 0.5, high + 0.5
            scale = ColourScale(value_label, low, high)
            each = np.repeat(numbers, states.shape[1])
            points.append(Points(np.concatenate(paths), "candidates", "", (), each, 0.7))
    clouds = [places, *paths]
    ranges = [padded_ranges([cloud[:, [k]] for cloud in clouds], 1)[0] for k in (0, 1)]
    label = f"trajectories ({len(paths)})"
    return Scene(
        axes=tuple(Axis(names[k], range=r) for k, r in zip(columns, ranges, strict=True)),
        lines=(Lines(tuple(paths), "trajectory", label, 0.9),) if paths else (),
        points=tuple(points),
        title="Integration, in the plane of two of its axes" if title is None else title,
        subtitle=_inputs_are(analysis),
        colour_scale=scale,
        height_share=0.65,
    )


def plot_selection_vectors(
    analyses: Mapping[str, IntegrationAnalysis],
    *,
    names: Sequence[str] = ("input 1", "input 2"),
    max_points: int = 60,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot selection vectors as lines through their expansion points, in the plane of the inputs.

    Every context has a plane of its own, orthogonal to its own choice axis; the axes of all of
    them are drawn on top of each other. The legend says the mean angle of the drawn vectors to the
    first input's axis, ``IntegrationAnalysis.selection_angle``.

    Parameters
    ----------
    analyses : dict of IntegrationAnalysis
        One for each context, by its name; at most five.
    names : sequence of str
        What to call the two inputs.
    max_points : int
        At most so many points of each context are drawn.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For no analysis or more than five, or one of fewer than two inputs.
    """
    check_backend(backend)
    scene = selection_scene(analyses, names=names, max_points=max_points, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def selection_scene(
    analyses: Mapping[str, IntegrationAnalysis],
    *,
    names: Sequence[str] = ("input 1", "input 2"),
    max_points: int = 60,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_selection_vectors`."""
    if not 1 <= len(analyses) <= len(_SERIES):
        raise ValueError(f"analyses: {len(analyses)} given, expected 1 to {len(_SERIES)}")
    if any(analysis.axes.shape[1] < 3 for analysis in analyses.values()):
        raise ValueError("analyses: of one input, expected two inputs at least")
    lines, points, clouds = [], [], []
    for style, (context, analysis) in zip(_SERIES, analyses.items(), strict=False):
        used = np.flatnonzero(analysis.used)
        used = used[
            np.unique(np.linspace(0, len(used) - 1, min(len(used), max_points)).astype(int))
        ]
        places = analysis.project(analysis.points.xstar[used])[:, 1:3]
        directions = analysis.selection[used] @ analysis.axes[:, 1:3]
        clouds.append(places)
        label = f"selection vectors, {context} ({analysis.selection_angle():.0f}° to {names[0]})"
        lines.append((style, label, places, directions))
        points.append(Points(places, "expansion", "", scale=0.8))
    extent = max(high - low for low, high in padded_ranges(clouds, 2))
    longest = max(float(np.linalg.norm(d, axis=1).max()) for _, _, _, d in lines)
    reach = 0.15 * extent / max(longest, 1e-300)
    groups = []
    for style, label, places, directions in lines:
        paths = tuple(
            np.stack([x - reach * d, x + reach * d])
            for x, d in zip(places, directions, strict=True)
        )
        clouds += paths
        groups.append(Lines(paths, style, label, 0.8))
    ranges = padded_ranges(clouds, 2, min_share=0.3)
    return Scene(
        axes=tuple(Axis(name, range=r) for name, r in zip(names, ranges, strict=True)),
        lines=tuple(groups),
        points=tuple(points),
        title="Selection vectors in the plane of the inputs" if title is None else title,
        subtitle=_inputs_are(next(iter(analyses.values()))),
        equal_aspect=True,
        height_share=height_for(ranges),
    )


def _inputs_are(analysis: IntegrationAnalysis) -> str:
    return f"input axes: {analysis.input_axes_are}, orthogonalized against the choice"


def plot_line_attractor(
    line: LineAttractor,
    *,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the two largest eigenvalues along a line attractor.

    Parameters
    ----------
    line : LineAttractor
        What `find_line_attractor` returned; of no line too.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plots.plot_training`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> from fpf_notebook.analysis import find_line_attractor
    >>> s = np.linspace(-1, 1, 12)
    >>> J = np.tile(np.diag([1.0, 0.3]), (12, 1, 1))
    >>> points = FixedPoints(np.stack([s, 0 * s], axis=1), J_xstar=J).decompose_jacobians()
    >>> len(plot_line_attractor(find_line_attractor(points)).axes) > 0
    True
    """
    check_backend(backend)
    scene = line_attractor_scene(line, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def line_attractor_scene(line: LineAttractor, *, title: str | None = None) -> Scene:
    """Describe the figure of `plot_line_attractor`."""
    first, second = np.abs(line.leading), np.asarray(line.second)
    position = np.asarray(line.position)
    if title is None:
        n = len(position)
        title = (
            f"Line attractor of {n} points" if line.is_line else f"{n} points, no line attractor"
        )
    high = float(max(1.05, first.max(initial=0) * 1.05))
    end = float(position.max(initial=0)) or 1.0
    groups = [Lines((np.array([[0, 1.0], [end, 1.0]]),), "guide", "1: nothing is forgotten")]
    if len(position):
        groups.append(Lines((np.column_stack([position, first]),), "series 1", "leading |λ|"))
        groups.append(Lines((np.column_stack([position, second]),), "series 2", "second |λ|"))
    return Scene(
        axes=(
            Axis("place along the line", range=(-0.02 * end, 1.02 * end)),
            Axis("|λ|", range=(0.0, high)),
        ),
        lines=tuple(groups),
        title=title,
        subtitle="" if line.is_line else line.reason,
        height_share=0.5,
    )
