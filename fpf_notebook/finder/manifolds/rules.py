"""What counts as slow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from fpf_notebook.finder.manifolds.field import SlowField

__all__ = ["FEWEST", "Rules", "rates_of"]

FEWEST = 5
"""Points of a line at least."""


@dataclass(frozen=True)
class Rules:
    """What counts as slow.

    Attributes
    ----------
    min_time : float
        How long it takes at least from end to end, at the highest speed of the drift: steps (map),
        or times the slowest other time constant (flow). Default 500.
    near_one : float
        How far the slow eigenvalue may be from 1, for a map. Default 0.1.
    gap : float
        What share of the slowest other rate the slow rate may be. Default 0.25.
    min_share : float
        How long a slow line is at least, in shares of the size of the region. Default 0.2.
    max_seeds : int
        How many places are looked at, under each input. Default 64.
    """

    min_time: float = 500.0
    near_one: float = 0.1
    gap: float = 0.25
    min_share: float = 0.2
    max_seeds: int = 64


def rates_of(
    field: SlowField, slow: Complex[np.ndarray, "n"] | Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n"]:
    """Return how fast each direction is attracted or repelled, from eigenvalues of A."""
    return np.abs(np.abs(1 + slow) - 1) if field.is_map else np.abs(slow.real)
