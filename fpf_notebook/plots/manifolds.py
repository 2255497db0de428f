"""Lines, rings and sheets of fixed or slow points as lines in a picture, with their drift."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.plots.projection import Projection
from fpf_notebook.plots.scene import Lines

if TYPE_CHECKING:
    from fpf_notebook.result.manifolds import Manifold

__all__ = ["drift_marks", "manifold_lines", "manifolds_of", "names_of", "paths_of"]

_MARKS = 12  # arrow heads along a slow line


def manifolds_of(fixed_points: object) -> tuple[Manifold, ...]:
    """Return the manifolds of a record; of one that knows none, none."""
    found: tuple[Manifold, ...] = getattr(fixed_points, "manifolds", None) or ()
    return tuple(one for one in found if len(one.points))


def names_of(manifolds: tuple[Manifold, ...]) -> list[str]:
    """Return how many there are of each name, in words: ["2 lines of slow points"]."""
    names = Counter(one.name for one in manifolds)
    return [
        f"{number} {name if number == 1 else name.replace(' of ', 's of ', 1)}"
        for name, number in names.items()
    ]


def paths_of(one: Manifold, projection: Projection) -> list[Float[np.ndarray, "n_vertices k"]]:
    """Return what is drawn of a manifold: its path, or the sides of its mesh.

    Parameters
    ----------
    one
        The manifold.
    projection
        The axes of the picture.
    """
    if one.dimension == 1:
        return [projection.transform(one.path)]
    places = projection.transform(one.points)
    return [places[edge] for edge in one.edges]


def drift_marks(
    one: Manifold, projection: Projection, size: float
) -> list[Float[np.ndarray, "3 k"]]:
    """Return arrow heads that show where the states of a slow line creep.

    Parameters
    ----------
    one
        The manifold. One of fixed points has no drift, and no arrow heads.
    projection
        The axes of the picture, two or three.
    size
        Length of an arrow head.
    """
    if one.kind == "fixed" or projection.n_dims < 2:
        return []
    places = projection.transform(one.points)
    drift = projection.transform_direction(one.drift)
    rows = np.unique(np.linspace(0, len(places) - 1, 2 * _MARKS + 1)[1::2].round().astype(int))
    marks = []
    for place, way in zip(places[rows], drift[rows], strict=True):
        length = np.linalg.norm(way)
        if not length > 0:
            continue
        forward = way / length
        beside = np.zeros_like(forward)
        beside[np.argmin(np.abs(forward))] = 1.0
        beside -= (beside @ forward) * forward
        beside /= np.linalg.norm(beside)
        back = place - size * forward
        marks.append(np.stack([back + 0.5 * size * beside, place, back - 0.5 * size * beside]))
    return marks


def manifold_lines(
    manifolds: tuple[Manifold, ...], projection: Projection, reach: float
) -> list[Lines]:
    """Return all manifolds as groups of lines, one for each name in the legend.

    Parameters
    ----------
    manifolds
        What to draw.
    projection
        The axes of the picture, two or three.
    reach
        Length of the arrow heads.
    """
    groups: list[Lines] = []
    for name in dict.fromkeys(one.name for one in manifolds):
        mine = [one for one in manifolds if one.name == name and one.dimension < 3]
        paths = [path for one in mine for path in paths_of(one, projection)]
        if not paths:
            continue
        sheet = mine[0].dimension == 2
        style = f"{mine[0].kind} {'sheet' if sheet else 'line'}"
        count = f" ({len(mine)})" if len(mine) > 1 else ""
        groups.append(Lines(tuple(paths), style, f"{name}{count}"))
        marks = [mark for one in mine for mark in drift_marks(one, projection, reach)]
        if marks:
            groups.append(Lines(tuple(marks), "drift", "drift"))
    return groups
