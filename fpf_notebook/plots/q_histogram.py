"""How small q became: the histogram over all candidates of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.plots.classes import per_point
from fpf_notebook.plots.draw import check_backend, draw
from fpf_notebook.plots.scene import Axis, Backend, Bars, Lines, Scene

if TYPE_CHECKING:
    from fpf_notebook._types import Figure
    from fpf_notebook.result.fixed_points import FixedPoints


_KINDS = ("fixed", "slow", "unconverged")


def plot_q_histogram(
    candidates: FixedPoints,
    *,
    tol_q: float | None = None,
    bins: int = 40,
    backend: Backend = "matplotlib",
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
    legend: bool = True,
    grid: bool = True,
) -> Figure:
    """Plot the histogram of log₁₀ q over the candidates of a search.

    Parameters
    ----------
    candidates : FixedPoints or array
        The second result of ``find_fixed_points`` (``all_fps``), or an array of q. Where the
        record knows the kinds of its points, the bars are stacked by them.
    tol_q : float, optional
        The tolerance of the search, drawn as a line; it must be positive.
    bins : int
        The number of bars.
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

    Notes
    -----
    A q of exactly 0 has no logarithm: it is counted in the leftmost bar. A q that is NaN or
    infinite (a search that diverged) is not drawn. The subtitle says how many there are of
    either.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> points = FixedPoints(np.zeros((3, 2)), qstar=np.array([1e-30, 1e-29, 1e-5]))
    >>> figure = plot_q_histogram(points)
    >>> len(figure.axes)
    1
    """
    check_backend(backend)
    scene = q_histogram_scene(candidates, tol_q=tol_q, bins=bins, title=title)
    return draw(scene, backend, figsize=figsize, legend=legend, grid=grid)


def q_histogram_scene(
    candidates: FixedPoints, *, tol_q: float | None = None, bins: int = 40, title: str | None = None
) -> Scene:
    """Describe the figure of `plot_q_histogram`."""
    if bins < 1:
        raise ValueError(f"bins: {bins} given, expected at least 1")
    if tol_q is not None and not (np.isfinite(tol_q) and tol_q > 0):
        raise ValueError(f"tol_q: {tol_q} given, expected a positive number")
    q, kinds = _q_and_kinds(candidates)
    if (q < 0).any():
        raise ValueError(f"q: {np.count_nonzero(q < 0)} values are negative; q is a square")
    shown = np.isfinite(q)
    is_zero = q == 0
    positive = q[shown & ~is_zero]
    # Exact zeros go where the smallest others are, but never to the right of what float64
    # resolves: (1e-16)² / 2.
    floor = min(positive.min(initial=np.inf), 5e-33)
    log_q = np.log10(np.where(is_zero, floor, q), where=shown, out=np.full(q.shape, np.nan))

    marks = list(log_q[shown]) + ([] if tol_q is None else [float(np.log10(tol_q))])
    low, high = (min(marks), max(marks)) if marks else (-1.0, 0.0)
    if high - low < 1:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)

    layers, base = [], np.zeros(bins, int)
    for kind in [name for name in (*_KINDS, "candidates") if (kinds[shown] == name).any()]:
        heights, _ = np.histogram(log_q[shown & (kinds == kind)], edges)
        layers.append(Bars(edges, heights, base, kind, f"{kind} ({heights.sum()})"))
        base = base + heights
    top = max(1.0, 1.06 * float(base.max(initial=0)))
    lines = []
    if tol_q is not None:
        x = float(np.log10(tol_q))
        lines.append(Lines((np.array([[x, 0.0], [x, top]]),), "threshold", f"tol_q = {tol_q:.3g}"))

    notes = [
        f"{np.count_nonzero(is_zero)} exactly 0, in the leftmost bar" if is_zero.any() else "",
        f"{np.count_nonzero(~shown)} not finite, not drawn" if not shown.all() else "",
    ]
    noun = "candidate" if len(q) == 1 else "candidates"
    default = f"q of {len(q)} {noun}" if len(q) else "No candidates"
    margin = 0.02 * (high - low)
    return Scene(
        axes=(
            Axis("log₁₀ q", range=(low - margin, high + margin)),
            Axis("number of candidates", range=(0.0, top), integer=True),
        ),
        lines=tuple(lines),
        bars=tuple(layers),
        title=default if title is None else title,
        subtitle="; ".join(note for note in notes if note),
        height_share=0.5,
    )


def _q_and_kinds(candidates: FixedPoints) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(candidates, "xstar"):
        if getattr(candidates, "qstar", None) is None:
            if candidates.xstar is not None and len(candidates.xstar):
                raise ValueError("candidates: no q (qstar is None), nothing to count")
            return np.zeros(0), np.zeros(0, object)
        q = np.asarray(candidates.qstar, np.float64)
        kind = per_point(candidates, "kind", len(q))
    else:
        q, kind = np.asarray(candidates, np.float64), None
    if q.ndim != 1:
        raise ValueError(f"candidates: q of shape {q.shape} given, expected [n_candidates]")
    kinds = np.full(len(q), "candidates", object)
    if kind is not None:
        known = np.isin(kind, _KINDS)
        kinds[known] = kind[known]
    return q, kinds
