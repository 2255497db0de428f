"""What every view says of a point: its class, as a number, and one line of words."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.plots.classes import classes_of
from fpf_notebook.result.fixed_points import FixedPoints

CLASS_CODES = (
    "stable",
    "saddle",
    "unstable",
    "marginal",
    "slow",
    "undetermined",
    "on a continuum",
)
"""The browser's table of colours and shapes has the same order."""


@runtime_checkable
class ShowsPoints(Protocol):
    """A widget that shows fixed points, one of which may be selected: the explorer."""

    selected: int | None

    @property
    def fixed_points(self) -> FixedPoints:
        """The points shown."""

    @property
    def step_map(self) -> StepMap:
        """The network that they belong to."""


def point_names(points: FixedPoints) -> list[str]:
    """Say about every point, in one line, what it is."""
    names = []
    classes = classes_of(points, len(points))
    sizes = _leading(points)
    for i in range(len(points)):
        words = [f"{i}: {classes[i]}"]
        n_unstable = None if points.n_unstable is None else int(points.n_unstable[i])
        if classes[i] == "saddle" and n_unstable is not None:
            words[0] += f", {n_unstable} unstable"
        if sizes is not None:
            symbol = "|λ|max" if points.time == "discrete" else "Re λ max"
            words.append(f"{symbol} {sizes[i]:.3f}")
        if points.qstar is not None:
            words.append(f"q {points.qstar[i]:.0e}" if points.qstar[i] else "q 0")
        if points.manifold_id is not None and points.manifold_id[i] >= 0:
            words.append(f"on the {points.manifolds[points.manifold_id[i]].name}")
        if points.index is not None:
            words.append(f"index {int(points.index[i]):+d}".replace("-", "−"))
        names.append(" · ".join(words))
    return names


def class_codes(points: FixedPoints) -> np.ndarray:
    """Return each point's position in `CLASS_CODES`."""
    lookup = {name: code for code, name in enumerate(CLASS_CODES)}
    names = classes_of(points, len(points))
    return np.array([lookup.get(str(name), 4) for name in names], dtype=np.int32)


def _leading(points: FixedPoints) -> np.ndarray | None:
    values = points.eigval_J_xstar
    if values is None or not values.size:
        return None
    growth = np.abs(values) if points.time == "discrete" else values.real
    return np.asarray(growth.max(axis=1))
