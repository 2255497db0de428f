"""A sheet of slow points, covered by a mesh that grows from one of them.

From each corner six neighbours are proposed in the tangent plane, where there is none yet, and
moved onto the sheet; the plane's axes are carried along, so that on a flat sheet the mesh is one of
equal triangles (in the manner of Henderson 2002, "Multiple parameter continuation").
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook.finder.manifolds.field import Frames, SlowField
from fpf_notebook.finder.manifolds.lines import Region

__all__ = ["Mesh", "grow_sheet"]

_STEPS = 20  # meshes from one side of the region to the other
_MAX_POINTS = 1500
_APART = 0.65  # of a mesh: nearer points are one
_LONGEST = 1.9  # of a mesh: side of a triangle at most
_HEXAGON = np.stack([np.cos(np.arange(6) * np.pi / 3), np.sin(np.arange(6) * np.pi / 3)], axis=1)


@dataclass(frozen=True)
class Mesh:
    """What was grown.

    Attributes
    ----------
    x : array, [m, n_states]
        Its corners.
    frames : Frames
        The slow directions at each.
    width : float
        Distance of neighbours on a flat part.
    full : bool
        Whether it stopped because it had too many points.
    """

    x: Float[np.ndarray, "m n_states"]
    frames: Frames
    width: float
    full: bool

    def joined(self) -> tuple[Int[np.ndarray, "e 2"], float, bool]:
        """Return the pairs of neighbours, the area, and whether there is a border.

        Around each corner the others nearby are triangulated in its tangent plane. A corner is on
        the border if its triangles leave a gap.
        """
        from scipy.spatial import Delaunay, QhullError, cKDTree

        near = cKDTree(self.x).query_ball_point(self.x, 2.5 * self.width)
        votes: dict[tuple[int, int], int] = {}
        area, bordered = 0.0, False
        for i, rows in enumerate(near):
            rows = np.array([i, *(k for k in rows if k != i)])
            chords = self.x[rows] - self.x[i]
            flat = chords @ self.frames.right[i]
            here = np.linalg.norm(flat, axis=1) >= 0.6 * np.linalg.norm(chords, axis=1)
            rows, flat = rows[here], flat[here]  # not those of another layer
            if len(rows) < 3:
                bordered = True
                continue
            try:
                triangles = Delaunay(flat).simplices
            except QhullError:
                bordered = True
                continue
            turned = 0.0
            for t in triangles[(triangles == 0).any(axis=1)]:
                a, b = (k for k in t if k != 0)
                sides = np.linalg.norm([flat[a], flat[b], flat[a] - flat[b]], axis=1)
                if sides.max() > _LONGEST * self.width:
                    continue
                cosine = flat[a] @ flat[b] / (sides[0] * sides[1])
                turned += float(np.arccos(np.clip(cosine, -1.0, 1.0)))
                area += _area_of(self.x[rows[t]]) / 3
                for k in (a, b):
                    pair = (min(i, int(rows[k])), max(i, int(rows[k])))
                    votes[pair] = votes.get(pair, 0) + 1
            bordered |= turned < 2 * np.pi - 1e-6
        pairs = np.array(sorted(votes), dtype=int).reshape(-1, 2)
        return pairs, area, bordered


def grow_sheet(
    field: SlowField, x: Float[np.ndarray, "n_states"], frame: Frames, region: Region
) -> Mesh | None:
    """Cover the sheet of slow points through a state.

    Parameters
    ----------
    field : SlowField
        The network under one input.
    x : array, [n_states]
        A state on it, or very near.
    frame : Frames
        The two slow directions there.
    region : Region
        Where to stop.

    Returns
    -------
    Mesh or None
        None if there is no sheet through the state.
    """
    from scipy.spatial import cKDTree

    width = 2 * region.size / _STEPS
    first = field.corrected(x[None], frame, 0.1 * region.size)
    if not first.ok[0]:
        return None
    points, frames = first.x, first.frames
    front = np.array([0])
    while len(front) and len(points) < _MAX_POINTS:
        offsets = np.einsum("kij,pj->kpi", frames.right[front], _HEXAGON) * width
        proposed = (points[front][:, None] + offsets).reshape(-1, points.shape[1])
        parent = np.repeat(front, len(_HEXAGON))
        rows = _spread(proposed, cKDTree(points), _APART * width)
        rows = rows[region.holds(proposed[rows])]
        if not len(rows):
            break
        moved = field.corrected(proposed[rows], frames[parent[rows]], 0.5 * width)
        turned = _carried(moved.frames, frames[parent[rows]])
        good = moved.ok & region.holds(moved.x) & (turned[1] > 0.7)
        good &= turned[0].rates <= region.near_one
        good &= np.linalg.norm(field.g(moved.x), axis=1) <= region.max_speed
        rows = np.flatnonzero(good)
        rows = rows[_spread(moved.x[rows], cKDTree(points), _APART * width)]
        front = np.arange(len(points), len(points) + len(rows))
        points = np.concatenate([points, moved.x[rows]])
        frames = _stacked(frames, turned[0][rows])
    return Mesh(points, frames, width, len(points) >= _MAX_POINTS)


def _area_of(corners: np.ndarray) -> float:
    a, b = corners[1] - corners[0], corners[2] - corners[0]
    return 0.5 * float(np.sqrt(max((a @ a) * (b @ b) - (a @ b) ** 2, 0.0)))


def _spread(proposed: np.ndarray, known: object, apart: float) -> np.ndarray:
    """Return which proposals are apart from all points and from the proposals before them."""
    from scipy.spatial import cKDTree

    if not len(proposed):
        return np.zeros(0, dtype=int)
    free = known.query(proposed)[0] > apart  # type: ignore[attr-defined]
    tree = cKDTree(proposed)
    for i in np.flatnonzero(free):
        if free[i]:
            near = np.array(tree.query_ball_point(proposed[i], apart))
            free[near[near > i]] = False
    return np.flatnonzero(free)


def _carried(frames: Frames, before: Frames) -> tuple[Frames, np.ndarray]:
    """Turn frames within their planes so that they agree with those before as well as they can.

    The second number is the cosine of the larger angle between the two planes.
    """
    overlap = np.swapaxes(frames.right, 1, 2) @ before.right
    U, cosines, Vt = np.linalg.svd(overlap)
    turn = U @ Vt
    turned = Frames(
        frames.right @ turn,
        frames.left @ turn,
        np.swapaxes(turn, 1, 2) @ frames.slow @ turn,
    )
    return turned, cosines[:, -1]


def _stacked(a: Frames, b: Frames) -> Frames:
    return Frames(
        np.concatenate([a.right, b.right]),
        np.concatenate([a.left, b.left]),
        np.concatenate([a.slow, b.slow]),
    )
