"""Which part of what was followed is a line, a ring or a sheet of fixed or slow points."""

from __future__ import annotations

from typing import Literal

import numpy as np

from fpf_notebook.finder.manifolds.field import Frames, SlowField
from fpf_notebook.finder.manifolds.lines import Region, follow_line
from fpf_notebook.finder.manifolds.rules import FEWEST, Rules, rates_of
from fpf_notebook.finder.manifolds.sheets import grow_sheet
from fpf_notebook.finder.manifolds.stretches import Stretch, arc_lengths, longest_slow, zeros_along
from fpf_notebook.result.manifolds import Manifold

__all__ = ["line_through", "sheet_through", "solid_of"]


def _others(field: SlowField, x: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the slow rate, the slowest other rate and that direction's eigenvalue, by point.

    For large networks at some points only, and for the rest what holds at the nearest of them.
    """
    n, m = x.shape[1], len(x)
    most = m if n <= 64 else max(16, min(m, 4_000_000 // n**2))
    rows = np.unique(np.linspace(0, m - 1, most).round().astype(int))
    mine, rate, eigenvalue = (np.empty(len(rows)) for _ in range(3))
    for k, A in enumerate(field.A(x[rows])):
        slow = np.linalg.eigvals(A)
        slow = slow[np.argsort(np.abs(slow))]
        mine[k] = np.abs(slow[d - 1])
        rates = rates_of(field, slow[d:])
        rate[k] = rates.min(initial=np.inf)
        other = np.abs(1 + slow[d:]) if field.is_map else slow[d:].real
        eigenvalue[k] = other.max() if len(other) else np.nan
    nearest = np.abs(np.arange(m)[:, None] - rows).argmin(axis=1)
    return mine[nearest], rate[nearest], eigenvalue[nearest]


def _is_fixed(
    field: SlowField, x: np.ndarray, g: np.ndarray, rates: np.ndarray, tol_q: float
) -> np.ndarray:
    """Tell which points belong to a continuum of fixed points, by their q and slow eigenvalue."""
    q = 0.5 * np.sum(g**2, axis=1)
    still = (q <= tol_q) | (np.linalg.norm(g, axis=1) <= field.noise(x))
    size = float(np.linalg.norm(field.A(x[:1])[0], 2))
    return still & field.is_zero(rates, size)


def line_through(
    field: SlowField,
    start: np.ndarray,
    frame: Frames,
    region: Region,
    rules: Rules,
    tol_q: float,
    tol_unique: float,
) -> Manifold | None:
    """Return the line or ring of fixed or slow points through a place, if there is one."""
    curve = follow_line(field, start, frame, region)
    if curve is None:
        return None
    x, frames = curve.x, curve.frames
    if len(x) < FEWEST:
        return None
    g = field.g(x)
    tangents = frames.right[:, :, 0]
    pieces = arc_lengths(x, tangents, curve.closed)
    along = np.einsum("mi,mi->m", frames.left[:, :, 0], g)
    rates, others, eigenvalue = _others(field, x, 1)
    good = (rates <= region.near_one) & (rates <= rules.gap * others)
    if not curve.closed:
        good &= region.holds(x, 0.011)
    fixed = _is_fixed(field, x, g, rates, tol_q) & good
    unit = 1.0
    if not field.is_map:
        unit = float(np.median(others[np.isfinite(others)])) if np.isfinite(others).any() else 1.0
    kind: Literal["fixed", "slow"] = "fixed"
    stretch = longest_slow(pieces, np.where(fixed, 0.0, np.inf), fixed, curve.closed, 0.0)
    least = max(5 * tol_unique, 0.02 * region.size)
    if stretch is None or stretch.length < least or _too_short(stretch, len(x)):
        if x.shape[1] == 1:
            return None
        kind = "slow"
        stretch = longest_slow(pieces, np.abs(along), good, curve.closed, rules.min_time / unit)
        least = max(5 * tol_unique, rules.min_share * region.size)
        if stretch is None or stretch.length < least or _too_short(stretch, len(x)):
            return None
    rows = stretch.rows
    zeros = np.zeros((0, x.shape[1]))
    if kind == "slow":
        noise = field.noise(x)
        zeros = _polished(field, zeros_along(field, curve, stretch, along, noise), tol_q)
    whole = (rows.start == 0, rows.stop == len(x))
    ends = (
        tuple(
            words
            if is_end and region.holds(x[at][None], 0.011)[0]
            else _why_cut(region, x, beyond, kind)
            for words, is_end, at, beyond in zip(
                curve.ends, whole, (0, -1), (rows.start - 1, rows.stop), strict=True
            )
        )
        if not curve.closed
        else ()
    )
    if curve.closed and not stretch.closed:
        ends = (f"no longer {kind}",) * 2
    return Manifold(
        x[rows],
        kind=kind,
        dimension=1,
        closed=stretch.closed,
        length=stretch.length,
        drift=g[rows],
        speed=along[rows],
        across=eigenvalue[rows],
        fixed_points=zeros,
        ends=ends,
        inputs=field.u,
    )


def _too_short(stretch: Stretch, n_points: int) -> bool:
    rows = stretch.rows
    return len(range(*rows.indices(n_points))) < FEWEST


def _why_cut(region: Region, x: np.ndarray, beyond: int, kind: str) -> str:
    if 0 <= beyond < len(x) and region.holds(x[beyond][None], 0.011)[0]:
        return "no longer fixed" if kind == "fixed" else "the drift is too fast beyond"
    return "edge of the region that was searched"


def _polished(field: SlowField, x: np.ndarray, tol_q: float) -> np.ndarray:
    """Return the isolated fixed points that Newton's method finds at some places."""
    kept = []
    for start in x:
        here = start[None].copy()
        for _ in range(20):
            step = -np.linalg.lstsq(field.A(here)[0], field.g(here)[0], rcond=1e-13)[0]
            length = float(np.linalg.norm(step))
            if not np.isfinite(length):
                break
            here = here + step
            if length <= 1e-12 * (1.0 + float(np.linalg.norm(here))):
                break
        g = field.g(here)
        still = 0.5 * float(np.sum(g**2)) <= tol_q or np.linalg.norm(g) <= field.noise(here)
        near = np.linalg.norm(here - start) <= 0.05 * (1.0 + float(np.linalg.norm(start)))
        kept.append(here[0] if still and near else start)
    return np.array(kept).reshape(-1, x.shape[1])


def sheet_through(
    field: SlowField,
    start: np.ndarray,
    frame: Frames,
    region: Region,
    rules: Rules,
    tol_q: float,
    tol_unique: float,
) -> Manifold | None:
    """Return the sheet of fixed or slow points through a place, if there is one."""
    mesh = grow_sheet(field, start, frame, region)
    if mesh is None or len(mesh.x) < 7 or mesh.width < tol_unique:
        return None
    x = mesh.x
    g = field.g(x)
    rates, others, eigenvalue = _others(field, x, 2)
    fixed = _is_fixed(field, x, g, rates, tol_q)
    good = fixed | ((rates <= region.near_one) & (rates <= rules.gap * others))
    speed = np.linalg.norm(g, axis=1)
    edges, area, bordered = mesh.joined()
    extent = _longest_way(x, edges)
    unit = 1.0
    if not field.is_map and np.isfinite(others).any():
        unit = float(np.median(others[np.isfinite(others)]))
    all_fixed = bool(fixed.mean() > 0.98)
    if not all_fixed:
        if x.shape[1] == 2 or good.mean() < 0.9 or extent < rules.min_share * region.size:
            return None
        if extent < rules.min_time / unit * speed.max():
            return None
    return Manifold(
        x,
        kind="fixed" if all_fixed else "slow",
        dimension=2,
        closed=not bordered and not mesh.full,
        length=extent,
        area=area,
        drift=g,
        speed=speed,
        across=eigenvalue,
        edges=edges,
        inputs=field.u,
    )


def _longest_way(x: np.ndarray, edges: np.ndarray) -> float:
    """Return the longest of the shortest ways through a mesh, approximately."""
    if not len(edges):
        return 0.0
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    lengths = np.linalg.norm(x[edges[:, 0]] - x[edges[:, 1]], axis=1)
    graph = coo_matrix((lengths, (edges[:, 0], edges[:, 1])), shape=(len(x), len(x)))
    far, longest = 0, 0.0
    for _ in range(3):
        ways = dijkstra(graph, directed=False, indices=far)
        ways = np.where(np.isfinite(ways), ways, 0.0)
        far, longest = int(ways.argmax()), float(ways.max())
    return longest


def solid_of(field: SlowField, x: np.ndarray, d: int, tol_q: float) -> Manifold | None:
    """Return a continuum of three or more dimensions, of which only a sample is known."""
    g = field.g(x)
    rates, _, eigenvalue = _others(field, x, d)
    fixed = _is_fixed(field, x, g, rates, tol_q)
    if fixed.sum() < FEWEST:
        return None
    x, g, eigenvalue = x[fixed], g[fixed], eigenvalue[fixed]
    return Manifold(
        x,
        kind="fixed",
        dimension=d,
        closed=False,
        length=float(np.linalg.norm(np.ptp(x, axis=0))),
        drift=g,
        across=eigenvalue,
        inputs=field.u,
    )
