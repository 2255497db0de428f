"""Lines, rings and sheets of fixed or slow points, as the browser draws them."""

from __future__ import annotations

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.plots.manifolds import drift_marks, paths_of
from fpf_notebook.plots.projection import Projection
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["manifold_records"]

_MOST_SIDES = 3000  # of a mesh


def manifold_records(points: FixedPoints, projection: Projection, size: float) -> list[JsonObject]:
    """Return the manifolds of a record, projected.

    Parameters
    ----------
    points
        The points that are shown.
    projection
        The axes of the picture.
    size
        Length of an arrow head of the drift.
    """
    records: list[JsonObject] = []
    for one in points.manifolds:
        paths = paths_of(one, projection)[:_MOST_SIDES] if one.dimension < 3 else []
        if not paths:
            continue
        heads = drift_marks(one, projection, size)
        records.append(
            {
                "paths": _three(np.stack(paths)),
                "drift": _three(np.stack(heads)) if heads else np.zeros((0, 3, 3)),
                "kind": one.kind,
                "label": str(one),
            }
        )
    return records


def _three(coordinates: np.ndarray) -> np.ndarray:
    """Return coordinates with three columns, zero where the projection has fewer."""
    width = [(0, 0)] * (coordinates.ndim - 1) + [(0, max(0, 3 - coordinates.shape[-1]))]
    return np.pad(coordinates[..., :3], width)
