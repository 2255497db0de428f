"""One point of each cluster: a greedy cover of many candidates by the best of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook._types import PyTree

_FIRST_BATCH = 16
_LARGEST_BATCH = 8192
_PRODUCT_BATCH = 256
_LARGEST_BLOCK = 4_000_000  # entries of a temporary matrix: 32 MB
_FEW_DIMENSIONS = 4
_FEW_POINTS = 512
_SHADOW_DIMENSIONS = 3
_SHADOW_SAMPLE = 10_000  # points at most, to find the directions of the shadow
_VAIN_CUTS = 8


def unique_indices(
    points: Float[np.ndarray, "n d"], q: Float[np.ndarray, "n"], tol: float
) -> tuple[Int[np.ndarray, "n_unique"], Int[np.ndarray, "n"]]:
    """Choose representatives, the best points first, until every point is within `tol` of one.

    The point with the smallest `q` becomes the first representative and absorbs all points within
    `tol` of it; the best of the remaining points becomes the second; and so on. So any two
    representatives are further than `tol` apart, and the result does not depend on the order of the
    points (equal `q` are ordered by the coordinates).

    The cost grows about linearly with the number of points: 100,000 points with 64 coordinates take
    a second or two, whether they form a few clusters or are all different.

    Parameters
    ----------
    points
        The candidates; append the inputs to the states where the inputs differ.
    q
        What to prefer, the smaller the better. NaN is the worst.
    tol
        Largest Euclidean distance between a representative and what it absorbs, at least 0.

    Returns
    -------
    representatives
        Positions of the chosen points, the best first.
    labels
        For each point, which representative absorbed it, as a position in `representatives`; -1 for
        points that are not finite.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `tol` is negative or not finite.
    """
    points, q = np.asarray(points, dtype=np.float64), np.asarray(q, dtype=np.float64)
    if points.ndim != 2:
        raise ValueError(f"points has shape {points.shape}, expected [n, d].")
    if q.shape != points.shape[:1]:
        raise ValueError(f"q has shape {q.shape}, expected [n={len(points)}].")
    if not 0 <= tol < np.inf:
        raise ValueError(f"tol is {tol}, expected a finite number of at least 0.")
    labels = np.full(len(points), -1)
    finite = np.flatnonzero(np.isfinite(points).all(axis=1))
    order = finite[_best_first(points[finite], q[finite])]
    if len(order) == 0:
        return order, labels
    if points.shape[1] == 0:  # all points of a space without dimensions are the same
        labels[finite] = 0
        return order[:1], labels
    leaders = _leaders(points[order], tol)
    chosen, labels[order] = np.unique(leaders, return_inverse=True)
    return order[chosen], labels


def _best_first(
    points: Float[np.ndarray, "n d"], q: Float[np.ndarray, "n"]
) -> Int[np.ndarray, "n"]:
    """Order by q, and points of equal q by their coordinates."""
    q = np.where(np.isnan(q), np.inf, q)
    order = np.argsort(q, kind="stable")
    # Coordinate by coordinate, and only those that are equal so far: sorting by many is slow.
    same = _ties(q[order])
    for coordinate in points.T:
        if not same.any():
            break
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        group = np.cumsum(np.append(True, ~same))[tied]
        rows = order[tied]
        order[tied] = rows[np.lexsort((coordinate[rows], group))]
        same &= _ties(coordinate[order])
    return order


def _ties(values: Float[np.ndarray, "n"]) -> Bool[np.ndarray, "n_less_1"]:
    return values[1:] == values[:-1]


def _leaders(points: Float[np.ndarray, "n d"], tol: float) -> Int[np.ndarray, "n"]:
    """Return for each of the points, which are ordered from the best to the worst, who absorbs it.

    Points of different groups have nothing to do with each other, and a group whose bounding box
    has a diagonal of at most `tol` has one representative. That settles nearly everything that a
    solver returns, with no search at all.
    """
    group = _groups_between_gaps(points, tol)
    by_group = np.argsort(group, kind="stable")  # the order from best to worst stays
    starts = np.flatnonzero(np.diff(group[by_group], prepend=-1))
    sizes = np.diff(starts, append=len(points))
    leaders = np.empty(len(points), dtype=np.intp)
    leaders[by_group] = np.repeat(by_group[starts], sizes)
    if sizes[0] == len(points):
        return _cover(points, tol)
    (several,) = np.nonzero(sizes > 1)
    if len(several):  # many points are alone: these are not copied
        inside = np.repeat(sizes > 1, sizes)
        mine = points[by_group[inside]]
        first = np.append(0, np.cumsum(sizes[several])[:-1])
        extent = np.maximum.reduceat(mine, first) - np.minimum.reduceat(mine, first)
        for k in np.flatnonzero(np.linalg.norm(extent, axis=1) > tol):
            size = sizes[several[k]]
            members = by_group[starts[several[k]] : starts[several[k]] + size]
            leaders[members] = members[_cover(mine[first[k] : first[k] + size], tol)]
    return leaders


def _groups_between_gaps(points: Float[np.ndarray, "n d"], tol: float) -> Int[np.ndarray, "n"]:
    """Assign numbers of groups; points of different groups are further than `tol` apart.

    Coordinate by coordinate, each group is cut where no point lies for more than `tol`.
    """
    group = np.zeros(len(points), dtype=np.intp)
    n_groups, in_vain = 1, 0
    for coordinate in np.argsort(np.ptp(points, axis=0))[::-1]:
        values = points[:, coordinate]
        order = np.lexsort((values, group))
        gap = np.diff(values[order]) > tol * (1 + 1e-9)
        group[order[1:]] = np.cumsum(gap | (np.diff(group[order]) > 0))
        group[order[0]] = 0
        now = int(group[order[-1]]) + 1
        in_vain = in_vain + 1 if now == n_groups else 0
        n_groups = now
        if n_groups == len(points) or in_vain == _VAIN_CUTS:
            break
    return group


def _cover(points: Float[np.ndarray, "n d"], tol: float) -> Int[np.ndarray, "n"]:
    """Return the leader of each point of one group, point by point."""
    leaders = np.full(len(points), -1)
    tree: PyTree = None
    seen, slack = points, 0.0
    if points.shape[1] > _FEW_DIMENSIONS:
        slack = 64 * np.finfo(float).eps * float(np.abs(points).max()) * points.shape[1]
    if len(points) > _FEW_POINTS:
        from scipy.spatial import cKDTree

        # Neither option changes what is found. Both make the tree quick to build, and keep it from
        # becoming slow where many points are the same.
        seen = _shadow(points)
        tree = cKDTree(seen, balanced_tree=False, compact_nodes=False)
        if _is_cloud(tree, seen, tol, points.shape[1]):
            tree = None
    open_points, batch = np.arange(len(points)), _FIRST_BATCH
    while len(open_points):
        # The neighbours of several points are looked up at once, although some of these points may
        # turn out to be absorbed by others of the batch. Where points are alone, batches grow and
        # spare the time between Python and C; in crowded places they shrink, so that the same
        # neighbours are not listed again and again.
        near: Iterable[Any]
        if tree is None:
            candidates = open_points[: min(_PRODUCT_BATCH, _LARGEST_BLOCK // len(open_points) + 1)]
            near = _near_by_products(points, open_points, len(candidates), tol)
        else:
            candidates = open_points[:batch]
            near = tree.query_ball_point(seen[candidates], tol * (1 + 1e-9) + slack)
            if seen is not points:
                near = _really_near(points, candidates, near, leaders, tol)
        listed = 0
        for point, neighbours in zip(candidates, near, strict=True):
            if leaders[point] < 0:
                rows = np.asarray(neighbours, dtype=np.intp)
                leaders[rows[leaders[rows] < 0]] = point
                leaders[point] = point
            listed += len(neighbours)
        crowded = listed > 4 * len(candidates)
        batch = max(batch // 2, 1) if crowded else min(batch * 2, _LARGEST_BATCH)
        open_points = open_points[leaders[open_points] < 0]
    return leaders


def _shadow(points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """Project points on the few directions in which they spread most.

    What is near stays near in the shadow, and a tree is quick there: points along a noisy line in
    many dimensions would else be compared with all others.
    """
    if points.shape[1] <= _FEW_DIMENSIONS:
        return points
    some = points[:: len(points) // _SHADOW_SAMPLE + 1]  # any directions will do, some are better
    centred = some - some.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return points @ np.ascontiguousarray(axes[:, -_SHADOW_DIMENSIONS:])


def _really_near(
    points: Float[np.ndarray, "n d"],
    candidates: Int[np.ndarray, "m"],
    near: PyTree,
    leaders: Int[np.ndarray, "n"],
    tol: float,
) -> Iterator[Int[np.ndarray, "n_near"]]:
    """Yield of the points whose shadows are near those that are near themselves."""
    for point, neighbours in zip(candidates, near, strict=True):
        if leaders[point] >= 0:  # absorbed meanwhile: nobody asks
            yield candidates[:0]
            continue
        rows = np.asarray(neighbours, dtype=np.intp)
        rows = rows[leaders[rows] < 0]
        differences = points[rows] - points[point]
        yield rows[np.einsum("ij,ij->i", differences, differences) <= tol**2]


def _is_cloud(tree: PyTree, points: Float[np.ndarray, "n k"], tol: float, d: int) -> bool:
    """Say whether the points lie so that a tree is of no use.

    A cloud of about the size of `tol` in many dimensions cannot be divided: a query of the tree
    looks at every point of it, one by one, about 24 times slower than a matrix product does.
    """
    sample = points[:: max(len(points) // 16, 1)]
    around = tree.query_ball_point(sample, 4 * tol, return_length=True)
    return d > _FEW_DIMENSIONS and bool(24 * np.mean(around) > len(points))


def _near_by_products(
    points: Float[np.ndarray, "n d"], open_points: Int[np.ndarray, "m"], n_rows: int, tol: float
) -> Iterator[Int[np.ndarray, "n_near"]]:
    """Yield for each of the first open points which open points are within `tol` of it."""
    rows = points[open_points]
    rows = rows - rows.mean(axis=0)
    halves = np.einsum("ij,ij->i", rows, rows) / 2
    # |x - y|^2 <= tol^2 in terms of products: |x|^2 / 2 - x.y + |y|^2 / 2 <= tol^2 / 2.
    excess = rows[:n_rows] @ -rows.T
    excess += halves
    limit = (tol**2 / 2 - halves[:n_rows])[:, None]
    # The products lose digits by cancellation: where that could matter, the distance is taken again
    # from the differences.
    doubt = 256 * np.finfo(float).eps * (halves[:n_rows, None] + halves.max())
    within = excess <= limit - doubt
    i, j = np.nonzero((excess <= limit + doubt) & ~within)
    step = _LARGEST_BLOCK // rows.shape[1] + 1
    for part in range(0, len(i), step):
        i_now, j_now = i[part : part + step], j[part : part + step]
        differences = points[open_points[i_now]] - points[open_points[j_now]]
        within[i_now, j_now] = np.einsum("ij,ij->i", differences, differences) <= tol**2
    return (open_points[row] for row in within)
