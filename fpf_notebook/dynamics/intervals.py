"""Interval arithmetic on vectors: how far a layer can reach."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from fpf_notebook._types import AnyFunction
from fpf_notebook.dynamics.arrays import AnyArray


class Interval(NamedTuple):
    """All vectors between two, component by component."""

    low: Any
    high: AnyArray

    @property
    def radius(self) -> AnyArray:
        """Half of the width of each component."""
        return (self.high - self.low) / 2

    @property
    def center(self) -> AnyArray:
        """The middle of each component."""
        return (self.high + self.low) / 2


def constant(low: float, high: float, n: int) -> Interval:
    """Return the interval from ``low`` to ``high`` in ``n`` components."""
    return Interval(jnp.full(n, float(low)), jnp.full(n, float(high)))


def affine(x: Interval, weights: Any, bias: object = None) -> Interval:
    """Return what ``x @ weights + bias`` can reach; exact in each component."""
    center, radius = x.center @ weights, x.radius @ jnp.abs(weights)
    if bias is not None:
        center = center + bias
    return Interval(center - radius, center + radius)


def plus(x: Interval, y: Interval) -> Interval:
    """Return what the sum of two vectors can reach."""
    return Interval(x.low + y.low, x.high + y.high)


def increasing(function: AnyFunction, x: Interval) -> Interval:
    """Return what an increasing function can reach."""
    return Interval(function(x.low), function(x.high))


def times(x: Interval, y: Interval) -> Interval:
    """Return what the product of two vectors, component by component, can reach."""
    products = jnp.stack([x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high])
    return Interval(products.min(axis=0), products.max(axis=0))


def leaky_sum(leak: Interval, drive: Interval) -> Interval:
    """Return an interval that ``c -> (1 - leak) * c + drive`` does not leave.

    Parameters
    ----------
    leak
        Between 0 and 1. Not its complement, which would be rounded to 1 where the leak is small.
    drive
        What is added.

    Returns
    -------
    Interval
        From the smallest to the largest ``drive / leak``, zero included. There, what the smallest
        leak takes away outweighs what the largest drive adds.
    """
    return Interval(jnp.minimum(drive.low, 0.0) / leak.low, jnp.maximum(drive.high, 0.0) / leak.low)


def gates(x: Interval) -> Interval:
    """Return what the logistic function can reach."""
    return increasing(jax.nn.sigmoid, x)
