"""The scene of fixed points among trajectories: state space in one, two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.plots.classes import classes_of, per_point, positions_of, summary_of
from fpf_notebook.plots.manifolds import manifold_lines, manifolds_of, names_of
from fpf_notebook.plots.modes import eigenvalues_of, growth_of, is_flow, unstable_modes
from fpf_notebook.plots.projection import Projection, fit_projection
from fpf_notebook.plots.scene import (
    Axis,
    ColourScale,
    Lines,
    Points,
    Scene,
    height_for,
    padded_ranges,
)
from fpf_notebook.plots.style import POINTS

# name -> (label of the colour bar, whether the numbers are whole, transformation)
_NUMBERS: dict[str, tuple[str, bool]] = {
    "n_unstable": ("unstable directions", True),
    "index": ("index", True),
    "cond_id": ("condition", True),
    "period": ("period", True),
    "orbit_id": ("orbit", True),
    "hits": ("starts that ended here", True),
    "margin": ("stability margin", False),
    "qstar": ("log₁₀ q", False),
}


def state_space_scene(
    fixed_points: Any,
    state_traj: Float[np.ndarray, "n_batch n_time n_states"] | None = None,
    *,
    n_dims: int | None = None,
    projection: Projection | None = None,
    modes: bool = True,
    colour_by: str | Sequence[float] | np.ndarray = "stability",
    max_trajectories: int = 30,
    title: str | None = None,
) -> Scene:
    """Describe a figure of fixed points, their unstable modes and trajectories.

    The parameters are those of `fpf_notebook.plot_fixed_points`, which see.
    """
    positions = positions_of(fixed_points)
    state_traj = checked_trajectories(state_traj)
    if n_dims not in (None, 1, 2, 3):
        raise ValueError(f"n_dims: {n_dims!r} given, expected 1, 2, 3 or None (as many as fit)")
    if max_trajectories < 0:
        raise ValueError(f"max_trajectories: {max_trajectories} given, expected 0 or more")
    positions = _agreeing(positions, state_traj, projection, n_dims)
    n = len(positions)
    classes = classes_of(fixed_points, n)
    values, scale = _colour_values(fixed_points, colour_by, n)
    manifolds = manifolds_of(fixed_points)
    if projection is None:
        spread = np.concatenate([positions, *(one.points for one in manifolds)])
        projection = fit_projection(state_traj, spread, n_dims or 3)
    elif n_dims is not None and n_dims != projection.n_dims:
        raise ValueError(f"n_dims: {n_dims} given, but projection has {projection.n_dims}")
    elif projection.n_dims > 3:
        raise ValueError(f"projection: {projection.n_dims} dimensions given, expected 1 to 3")

    paths: list[np.ndarray] = []
    if state_traj is not None:
        paths = [projection.transform(trial) for trial in state_traj[:max_trajectories]]
    places = projection.transform(positions)
    if title is None:
        title = "; ".join([summary_of(classes), *names_of(manifolds)])
        title = title[0].upper() + title[1:]
    subtitle = _subtitle(fixed_points) if title else ""
    hover = _hover_texts(fixed_points, classes, n)

    if projection.n_dims == 1:
        layout = _line_layout(places, paths, projection.labels[0])
        axes, places, lines, equal, height = layout
    else:
        curves = [projection.transform(one.points) for one in manifolds]
        clouds = [places, *paths, *curves]
        extent = max((high - low for low, high in padded_ranges(clouds, len(places.T))))
        reach = 0.045 * extent
        straight: list[np.ndarray] = []
        turning: list[np.ndarray] = []
        if modes:
            straight, turning = unstable_modes(fixed_points, positions, projection, reach)
        ranges = padded_ranges([*clouds, *straight, *turning], projection.n_dims, min_share=0.3)
        axes = tuple(
            Axis(label, range=interval)
            for label, interval in zip(projection.labels, ranges, strict=True)
        )
        lines = (
            _lines(paths, "trajectory", "trajectories"),
            *manifold_lines(manifolds, projection, 0.4 * reach),
            _lines(straight, "mode", "unstable modes"),
            # Two lines for each complex pair of modes, and pairs are what the legend counts.
            _lines(turning, "oscillating mode", "oscillating unstable modes", len(turning) // 2),
        )
        equal, height = True, height_for(ranges) if len(ranges) == 2 else 0.85
    return Scene(
        axes=axes,
        lines=tuple(group for group in lines if group.paths),
        points=_point_groups(places, classes, hover, values),
        title=title,
        subtitle=subtitle,
        equal_aspect=equal,
        colour_scale=scale,
        height_share=height,
    )


def checked_trajectories(state_traj: ArrayLike | None) -> np.ndarray | None:
    """Return trajectories as a checked float64 array ``[n_batch, n_time, n_states]``, or None."""
    if state_traj is None:
        return None
    state_traj = np.asarray(state_traj)
    if state_traj.ndim != 3:
        raise ValueError(
            f"state_traj: shape {state_traj.shape} given, expected [n_batch, n_time, n_states]; "
            "for a single trajectory write state_traj[None]"
        )
    if not np.issubdtype(state_traj.dtype, np.number) or np.iscomplexobj(state_traj):
        raise TypeError(f"state_traj: dtype {state_traj.dtype} given, expected real numbers")
    state_traj = state_traj.astype(np.float64)
    bad = ~np.isfinite(state_traj).all(axis=(1, 2))
    if bad.any():
        raise ValueError(
            f"state_traj: NaN or infinity in {np.count_nonzero(bad)} of {len(bad)} trajectories "
            f"(the first is number {int(np.argmax(bad))})"
        )
    return state_traj


def _agreeing(
    positions: np.ndarray,
    state_traj: np.ndarray | None,
    projection: Projection | None,
    n_dims: int | None,
) -> np.ndarray:
    """Return the points; their number of states must be that of everything else."""
    n_states = positions.shape[1]
    if n_states == 0 and len(positions):
        raise ValueError(f"fixed_points.xstar: shape {positions.shape} given: no state dimension")
    if n_states == 0:  # an empty record does not know its width
        if state_traj is not None:
            n_states = state_traj.shape[2]
        elif projection is not None:
            n_states = projection.n_states
        else:
            n_states = n_dims or 2
        positions = np.zeros((0, n_states))
    if state_traj is not None and state_traj.shape[2] != n_states:
        raise ValueError(
            f"state_traj: {state_traj.shape[2]} states given (shape {state_traj.shape}), but the "
            f"fixed points have {n_states}"
        )
    if projection is not None and projection.n_states != n_states:
        raise ValueError(
            f"projection: made for {projection.n_states} states, but the fixed points have "
            f"{n_states}"
        )
    return positions


def _lines(paths: list[np.ndarray], style: str, label: str, count: int | None = None) -> Lines:
    opacity = None
    if style == "trajectory":  # a few can be read one by one, many must not hide the points
        opacity = float(np.clip(1.8 / max(len(paths), 1) ** 0.5, 0.12, 0.9))
    count = len(paths) if count is None else count
    return Lines(tuple(paths), style, f"{label} ({count})", opacity)


def _line_layout(
    places: np.ndarray, paths: list[np.ndarray], label: str
) -> tuple[tuple[Axis, ...], np.ndarray, tuple[Lines, ...], bool, float]:
    """Lay out one dimension: the state over time, or on a single line without trajectories."""
    if not paths:
        ((low, high),) = padded_ranges([places], 1)
        line = Lines((np.array([[low, 0.0], [high, 0.0]]),), "guide")
        axes = (Axis(label, range=(low, high)), Axis("", range=(-1, 1), visible=False))
        places = np.column_stack([places[:, 0], np.zeros(len(places))])
        return axes, places, (line,), False, 0.3

    n_time = max(len(path) for path in paths)
    end = max(n_time - 1, 1) * 1.05  # the points stand just behind the last time step
    ((low, high),) = padded_ranges([places, *paths], 1)
    levels = tuple(np.array([[0.0, place], [end, place]]) for place in places[:, 0])
    over_time = [np.column_stack([np.arange(len(path)), path[:, 0]]) for path in paths]
    axes = (
        Axis("time step", range=(-0.02 * end, 1.03 * end), integer=True),
        Axis(label, range=(low, high)),
    )
    places = np.column_stack([np.full(len(places), end), places[:, 0]])
    lines = (_lines(over_time, "trajectory", "trajectories"), Lines(levels, "level"))
    return axes, places, lines, False, 0.55


def _point_groups(
    places: np.ndarray,
    classes: np.ndarray,
    hover: list[str],
    values: np.ndarray | None,
) -> tuple[Points, ...]:
    groups = []
    for name, style in POINTS.items():
        members = np.flatnonzero(classes == name)
        if len(members):
            groups.append(
                Points(
                    positions=places[members],
                    style=name,
                    label=f"{style.label} ({len(members)})",
                    hover=tuple(hover[i] for i in members),
                    values=None if values is None else values[members],
                )
            )
    return tuple(groups)


def _colour_values(
    fixed_points: Any, colour_by: str | Sequence[float] | np.ndarray, n: int
) -> tuple[np.ndarray | None, ColourScale | None]:
    """Return one number per point and their scale, or nothing for colours by class."""
    if isinstance(colour_by, str):
        if colour_by == "stability":
            return None, None
        if colour_by not in _NUMBERS:
            names = ", ".join(["stability", *_NUMBERS])
            raise ValueError(
                f"colour_by: {colour_by!r} given, expected one of {names}, or an array with one "
                "number per point"
            )
        label, integer = _NUMBERS[colour_by]
        values = per_point(fixed_points, colour_by, n)
        if values is None:
            raise ValueError(f"colour_by: {colour_by!r} given, but the record has no {colour_by}")
        values = values.astype(np.float64)
        if colour_by == "qstar":
            values = log10_q(values)
    else:
        label, integer = "value", False
        values = np.asarray(colour_by, np.float64)
        if values.shape != (n,):
            raise ValueError(
                f"colour_by: shape {values.shape} given, expected one number for each of the "
                f"{n} points"
            )
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return values, ColourScale(label, low, high, integer)


def log10_q(q: np.ndarray) -> np.ndarray:
    """Return log10 of q; an exact zero counts as the smallest double."""
    q = np.asarray(q, np.float64)
    return np.log10(np.maximum(q, np.finfo(np.float64).tiny))


def _hover_texts(fixed_points: Any, classes: np.ndarray, n: int) -> list[str]:
    """Say of every point what a reader asks first: number, class, q, leading eigenvalue."""
    q = per_point(fixed_points, "qstar", n)
    n_unstable = per_point(fixed_points, "n_unstable", n)
    index = per_point(fixed_points, "index", n)
    eigenvalues = eigenvalues_of(fixed_points, n)
    flow = is_flow(fixed_points)
    texts = []
    for i in range(n):
        lines = [f"point {i}: {classes[i]}"]
        if n_unstable is not None:
            lines.append(f"unstable directions: {n_unstable[i]}")
        if q is not None:
            lines.append(f"q: {q[i]:.1e}")
        if eigenvalues is not None and eigenvalues.shape[1]:
            growth = growth_of(eigenvalues[i], flow).max()
            lines.append(f"max Re λ: {growth:.4g}" if flow else f"max |λ|: {1 + growth:.4g}")
        if index is not None:
            lines.append(f"index: {int(index[i]):+d}")
        texts.append("\n".join(lines))
    return texts


def _subtitle(fixed_points: object) -> str:
    """Return the index sum, where the record has a statement of completeness."""
    completeness = getattr(fixed_points, "completeness", None)
    if completeness is None:
        return ""
    grade = f"{completeness.in_short}; " if getattr(completeness, "rounds", None) else ""
    if completeness.expected_sum is None:
        return f"{grade}index sum {completeness.index_sum}, expected sum unknown"
    return f"{grade}index sum {completeness.index_sum} of expected {completeness.expected_sum}"
