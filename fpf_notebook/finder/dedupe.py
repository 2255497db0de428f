"""One point of each cluster: a greedy cover of many candidates by the best of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import Float, Int

_FIRST_BATCH = 16
_LARGEST_BATCH = 8192
_LARGEST_BLOCK = 4_000_000  # entries of a temporary matrix: 32 MB
_FEW_DIMENSIONS = 4
_FEW_POINTS = 1000


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
    chosen, ranks = _cover(points[order], tol)
    labels[order] = ranks
    return order[chosen], labels


def _best_first(
    points: Float[np.ndarray, "n d"], q: Float[np.ndarray, "n"]
) -> Int[np.ndarray, "n"]:
    """Order by q, and points of equal q by their coordinates."""
    q = np.where(np.isnan(q), np.inf, q)
    order = np.argsort(q, kind="stable")
    ranked = q[order]
    same = ranked[1:] == ranked[:-1]
    if same.any():
        # Only those that share their q: sorting by many coordinates is slow.
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        rows = order[tied]
        order[tied] = rows[np.lexsort((*points[rows].T[::-1], q[rows]))]
    return order


def _cover(
    points: Float[np.ndarray, "n d"], tol: float
) -> tuple[Int[np.ndarray, "n_unique"], Int[np.ndarray, "n"]]:
    """Cover points that are ordered from the best to the worst."""
    from scipy.spatial import cKDTree

    # Neither option changes what is found. Both make the tree quick to build, and keep it from
    # becoming slow where many points are the same.
    tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
    labels = np.full(len(points), -1)
    chosen: list[int] = []
    start, batch = 0, _FIRST_BATCH
    while True:
        # The neighbours of several points are looked up at once, although some of these points may
        # turn out to be absorbed by others of the batch. Where points are alone, batches grow and
        # spare the time between Python and C; in crowded clusters they shrink, so that the
        # neighbours of one cluster are not listed again and again.
        candidates = _next_open(labels, start, batch)
        if len(candidates) == 0:
            return np.array(chosen, dtype=np.intp), labels
        start = int(candidates[-1]) + 1
        open_points = start + np.flatnonzero(labels[start:] < 0)
        near: Iterable[Any]
        if _is_cloud(tree, points[candidates], tol, len(open_points)):
            candidates = candidates[: max(_LARGEST_BLOCK // (len(open_points) + 1), 1)]
            start = int(candidates[-1]) + 1
            open_points = start + np.flatnonzero(labels[start:] < 0)
            near = _near_by_products(points, candidates, open_points, tol)
        else:
            near = tree.query_ball_point(points[candidates], tol)
        listed = 0
        for point, neighbours in zip(candidates, near, strict=True):
            listed += len(neighbours)
            if labels[point] < 0:
                if len(neighbours):
                    rows = np.asarray(neighbours)
                    labels[rows[labels[rows] < 0]] = len(chosen)
                labels[point] = len(chosen)
                chosen.append(int(point))
        crowded = listed > 4 * len(candidates)
        batch = max(batch // 2, 1) if crowded else min(batch * 2, _LARGEST_BATCH)


def _next_open(labels: Int[np.ndarray, "n"], start: int, count: int) -> Int[np.ndarray, "k"]:
    """Return the next points, at most `count`, that no representative has absorbed yet."""
    found: list[np.ndarray] = []
    n_found = 0
    while start < len(labels) and n_found < count:
        stop = start + max(4 * count, 4096)
        here = start + np.flatnonzero(labels[start:stop] < 0)
        found.append(here)
        n_found += len(here)
        start = stop
    return np.concatenate(found)[:count] if found else np.empty(0, dtype=np.intp)


def _is_cloud(tree: Any, rows: Float[np.ndarray, "k d"], tol: float, n_open: int) -> bool:
    """Say whether the points around these are so many that a tree is of no use.

    A cloud of about the size of `tol` in many dimensions cannot be divided: a query of the tree
    looks at every point of it, one by one, about 24 times slower than a matrix product does.
    """
    if rows.shape[1] <= _FEW_DIMENSIONS or n_open < _FEW_POINTS:
        return False
    sample = rows[:: max(len(rows) // 4, 1)]
    around = tree.query_ball_point(sample, 4 * tol, return_length=True)
    return bool(24 * np.mean(around) > n_open)


def _near_by_products(
    points: Float[np.ndarray, "n d"],
    candidates: Int[np.ndarray, "k"],
    open_points: Int[np.ndarray, "m"],
    tol: float,
) -> Iterator[Int[np.ndarray, "n_near"]]:
    """Yield for each candidate which of the candidates and open points are within `tol` of it."""
    others = np.concatenate([candidates, open_points])
    rows = points[others]
    rows = rows - rows.mean(axis=0)
    squares = np.einsum("ij,ij->i", rows, rows)
    k = len(candidates)
    distances = squares[:k, None] + squares - 2 * rows[:k] @ rows.T
    # The products lose digits by cancellation: where that could matter, the distance is taken again
    # from the differences.
    doubt = 64 * np.finfo(float).eps * (squares[:k, None] + squares.max()) + 1e-12 * tol**2
    unsure = np.abs(distances - tol**2) <= doubt
    i, j = np.nonzero(unsure)
    for part in range(0, len(i), _LARGEST_BLOCK // rows.shape[1] + 1):
        block = slice(part, part + _LARGEST_BLOCK // rows.shape[1] + 1)
        differences = points[candidates[i[block]]] - points[others[j[block]]]
        distances[i[block], j[block]] = np.einsum("ij,ij->i", differences, differences)
    within = distances <= tol**2
    return (others[row] for row in within)
