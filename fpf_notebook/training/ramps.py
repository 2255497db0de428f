"""Factors that rise in the course of a training."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array


@dataclass(frozen=True)
class Ramp:
    """A factor that rises to 1 and stays there.

    Parameters
    ----------
    start : float
        Its value at the first step. From 0 it rises linearly, from more than 0 geometrically.
    n_steps : int
        Steps until it is 1; 0: from the first step on.

    Examples
    --------
    >>> ramp = Ramp(0.01, 100)
    >>> [round(float(ramp(step)), 3) for step in (0, 50, 100, 1000)]
    [0.01, 0.1, 1.0, 1.0]
    """

    start: float
    n_steps: int

    def __call__(self, step: Array | int) -> Array:
        """Return the factor at a step."""
        done = jnp.minimum(1.0, jnp.asarray(step) / self.n_steps) if self.n_steps else 1.0
        value = self.start ** (1 - done) if self.start > 0 else done
        return jnp.asarray(value, jnp.float32)
