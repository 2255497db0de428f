"""Figures of what LFADS infers: rates, planes of rotation, modes, angles (Fig. 4 of the paper)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    from fpf_notebook.analysis.inferred import LFADSRun
    from fpf_notebook.analysis.linear_systems import GeneratorModes
    from fpf_notebook.analysis.rotations import JPCA

_SERIES = tuple(name for name in LINES if name.startswith("series"))


def plot_inferred_rates(
    run: LFADSRun,
    *,
    trial: int = 0,
    neuron: int = 0,
    spikes: Float[np.ndarray, "trial time neuron"] | None = None,
    truth: Float[np.ndarray, "trial time neuron"] | None = None,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Any:
    """Plot a neuron's spikes in a trial, and the rates that both systems infer (Fig. 4A).

    Parameters
    ----------
    run : LFADSRun
        What was inferred.
    trial, neuron : int
        Which to show. Default 0.
    spikes, truth : array, [trial, time, neuron], optional
        The counts, and the true rates in spikes a bin, if they are known.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For a trial or neuron that does not exist, or arrays of another shape.
    """
    check_backend(backend)
    scene = rates_scene(run, trial=trial, neuron=neuron, spikes=spikes, truth=truth, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def rates_scene(
    run: LFADSRun,
    *,
    trial: int = 0,
    neuron: int = 0,
    spikes: Float[np.ndarray, "trial time neuron"] | None = None,
    truth: Float[np.ndarray, "trial time neuron"] | None = None,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_inferred_rates`."""
    n_trials, n_time, n_neurons = run.rates.shape
    for name, index, n in (("trial", trial, n_trials), ("neuron", neuron, n_neurons)):
        if isinstance(index, bool) or not 0 <= index < n:
            raise ValueError(f"{name}: {index!r} given, expected a number from 0 to below {n}")
    for name, array in (("spikes", spikes), ("truth", truth)):
        if array is not None and np.shape(array) != run.rates.shape:
            raise ValueError(
                f"{name}: shape {np.shape(array)} given, expected that of the rates, "
                f"{run.rates.shape}"
            )
    unit = 1.0 if run.dt is None else run.dt
    time = np.arange(1, n_time + 1) * unit
    curves = [("series 1", "inferred, network", run.rates)]
    if run.jslds_rates is not None:
        curves.append(("series 2", "inferred, switching linear system", run.jslds_rates))
    if truth is not None:
        curves.append(("series 5", "true rate", np.asarray(truth)))
    lines = [
        Lines((np.column_stack([time, array[trial, :, neuron] / unit]),), style, label)
        for style, label, array in curves
    ]
    top = max(float(line.paths[0][:, 1].max()) for line in lines) or 1.0
    if spikes is not None:
        counts = np.asarray(spikes)[trial, :, neuron]
        ticks = tuple(
            np.array([[t, -0.04 * top], [t, -(0.04 + 0.06 * min(c, 3)) * top]])
            for t, c in zip(time, counts, strict=True)
            if c > 0
        )
        lines.append(
            Lines(ticks, "guide", f"spikes ({int(counts.sum())}; longer: several in a bin)")
        )
    return Scene(
        axes=(
            Axis("time (bins)" if run.dt is None else "time (s)", range=(0.0, time[-1] + unit)),
            Axis(
                "spikes a bin" if run.dt is None else "rate (Hz)", range=(-0.28 * top, 1.08 * top)
            ),
        ),
        lines=tuple(lines),
        title=f"Neuron {neuron} in trial {trial}" if title is None else title,
        height_share=0.5,
    )


def plot_jpca_plane(
    found: JPCA,
    states: Float[np.ndarray, "trial time n_states"],
    *,
    plane: int = 0,
    max_trials: int = 60,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot trajectories in a plane in which they rotate (Fig. 4B and C).

    Colours say where a trajectory begins along the first axis, the conventional way.

    Parameters
    ----------
    found : JPCA
        What `fpf_notebook.analysis.jpca` returned.
    states : array, [trial, time, n_states]
        Trajectories: those of single trials, or averages of conditions.
    plane : int
        Which plane; 0, the default, is the fastest.
    max_trials : int
        At most so many trajectories are drawn, evenly chosen. Default 60.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        For a plane that does not exist, or states of another width.
    """
    check_backend(backend)
    scene = jpca_scene(found, states, plane=plane, max_trials=max_trials, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def jpca_scene(
    found: JPCA,
    states: Float[np.ndarray, "trial time n_states"],
    *,
    plane: int = 0,
    max_trials: int = 60,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_jpca_plane`."""
    paths = found.project(states, plane)
    shown = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), max_trials)).astype(int))
    paths = paths[shown]
    start = paths[:, 0]
    low, high = float(start[:, 0].min()), float(start[:, 0].max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    ranges = padded_ranges(list(paths), 2, min_share=0.3)
    unit = "Hz" if found.dt else "turns a bin"
    if title is None:
        title = f"jPC plane {plane + 1}: {found.frequencies[plane]:.2g} {unit}"
    return Scene(
        axes=(
            Axis(f"jPC {2 * plane + 1}", range=ranges[0]),
            Axis(f"jPC {2 * plane + 2}", range=ranges[1]),
        ),
        lines=(Lines(tuple(paths), "trajectory", f"trajectories ({len(paths)})"),),
        points=(Points(start, "candidates", "where they begin", (), start[:, 0], 0.8),),
        title=title,
        subtitle=f"{100 * found.variance[plane]:.0f} % of the variance",
        equal_aspect=True,
        colour_scale=ColourScale("start along the first axis", low, high),
        height_share=height_for(ranges),
    )


def plot_generator_modes(
    modes: GeneratorModes,
    *,
    truth: np.ndarray | None = None,
    max_modes: int = 8,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the eigenvalues of a generator's linear systems in the complex plane (Fig. 4D).

    Each system has its colour. Small marks are the eigenvalues at the sampled steps, crosses those
    of the system, the size of which says how much of the readout they make.

    Parameters
    ----------
    modes : GeneratorModes
        What `fpf_notebook.analysis.generator_modes` returned.
    truth : array of complex, optional
        True eigenvalues, if they are known.
    max_modes : int
        Modes of each system to draw, the strongest ones. Default 8.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure
    """
    check_backend(backend)
    scene = modes_scene(modes, truth=truth, max_modes=max_modes, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def modes_scene(
    modes: GeneratorModes,
    *,
    truth: np.ndarray | None = None,
    max_modes: int = 8,
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_generator_modes`."""
    kinds = ("stable", "saddle", "marginal", "unstable")
    points, clouds = [], []
    for k, system in enumerate(modes.systems[: len(kinds)]):
        chosen = system.eigenvalues[:max_modes]
        mine = modes.eigenvalues[modes.labels == k]
        # Of each sample, the eigenvalue next to each mode.
        nearest = np.abs(mine[:, :, None] - chosen).argmin(axis=1)
        cloud = _plane(np.take_along_axis(mine, nearest, axis=1).ravel())
        hover = tuple(
            f"{100 * p:.0f} % of the readout\nfrequency {f:.3g}\ntime constant {tau:.3g}"
            for p, f, tau in zip(
                system.power, system.frequencies, system.time_constants, strict=True
            )
        )[:max_modes]
        points.append(Points(_plane(chosen), kinds[k], f"system {k + 1}", hover))
        points.append(Points(cloud, "expansion", "" if k else "at single steps", scale=0.5))
        clouds += [cloud, _plane(chosen)]
    if truth is not None:
        true = _plane(np.ravel(truth))
        points.append(Points(true, "unclassified", "true eigenvalues"))
        clouds.append(true)
    ranges = padded_ranges(clouds, 2, min_share=0.3)
    turn = np.linspace(0, 2 * np.pi, 400)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    (left, right), (bottom, top) = ranges
    n = modes.n_systems
    inside = (circle[:, 0] > left) & (circle[:, 0] < right)
    inside &= (circle[:, 1] > bottom) & (circle[:, 1] < top)
    pieces = np.split(circle, np.flatnonzero(np.diff(inside.astype(int))) + 1)
    arcs = tuple(piece for piece in pieces if len(piece) > 1 and _is_inside(piece, ranges))
    return Scene(
        axes=(Axis("real part", range=ranges[0]), Axis("imaginary part", range=ranges[1])),
        lines=(Lines(arcs, "guide", "unit circle"),) if arcs else (),
        points=tuple(points),
        title=f"{n} linear system{'' if n == 1 else 's'}" if title is None else title,
        subtitle="the strongest modes in the readout",
        equal_aspect=True,
        height_share=height_for(ranges),
    )


def plot_subspace_angles(
    angles: Float[np.ndarray, "row column 2"],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the smallest and largest angles between pairs of planes (Fig. 4E and F).

    Parameters
    ----------
    angles : array, [row, column, 2]
        Smallest and largest angle of each pair, in degrees.
    rows, columns : sequence of str
        What the planes are called; at most five rows, each a curve over the columns.
    backend, title, figsize, legend, grid
        As for `fpf_notebook.plot_fixed_points`.

    Returns
    -------
    matplotlib.figure.Figure or plotly.graph_objects.Figure

    Raises
    ------
    ValueError
        If shapes and names do not fit.
    """
    check_backend(backend)
    scene = angles_scene(angles, rows=rows, columns=columns, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def angles_scene(
    angles: Float[np.ndarray, "row column 2"],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str | None = None,
) -> Scene:
    """Describe the figure of `plot_subspace_angles`."""
    values = np.asarray(angles, np.float64)
    if values.shape != (len(rows), len(columns), 2) or not 1 <= len(rows) <= len(_SERIES):
        raise ValueError(
            f"angles: shape {values.shape} given, expected [{len(rows)}, {len(columns)}, 2], and "
            f"at most {len(_SERIES)} rows"
        )
    x = np.arange(1, len(columns) + 1, dtype=float)
    lines, points = [], []
    for style, name, row in zip(_SERIES, rows, values, strict=False):
        bars = tuple(np.array([[k, low], [k, high]]) for k, (low, high) in zip(x, row, strict=True))
        largest = np.column_stack([x, row[:, 1]])
        lines += [Lines((largest,), style, name), Lines(bars, style, "", 0.5)]
        hover = tuple(
            f"{name} and {column}\nsmallest {low:.1f}°, largest {high:.1f}°"
            for column, (low, high) in zip(columns, row, strict=True)
        )
        points.append(Points(largest, "candidates", "", hover, scale=0.8))
    return Scene(
        axes=(
            Axis(" · ".join(columns), range=(0.5, len(columns) + 0.5), integer=True),
            Axis("angle (degrees)", range=(-3.0, 93.0)),
        ),
        lines=tuple(lines),
        points=tuple(points),
        title="Angles between planes" if title is None else title,
        subtitle="curves: largest angles; bars reach down to the smallest",
        height_share=0.55,
    )


def _plane(values: np.ndarray) -> np.ndarray:
    return np.column_stack([np.real(values), np.imag(values)])


def _is_inside(piece: np.ndarray, ranges: tuple[tuple[float, float], ...]) -> bool:
    middle = piece[len(piece) // 2]
    return all(low < value < high for value, (low, high) in zip(middle, ranges, strict=True))
