"""Interval arithmetic on vectors: how far a layer can reach."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Interval(NamedTuple):
    """All vectors between two, component by component."""

    low: Any
    high: Any

    @property
    def radius(self) -> Any:
        """Half of the width of each component."""
        return (self.high - self.low) / 2

    @property
    def center(self) -> Any:
        """The middle of each component."""
        return (self.high + self.low) / 2


def constant(low: float, high: float, n: int) -> Interval:
    """Return the interval from ``low`` to ``high`` in ``n`` components."""
    return Interval(jnp.full(n, float(low)), jnp.full(n, float(high)))


def affine(x: Interval, weights: Any, bias: Any = None) -> Interval:
    """Return what ``x @ weights + bias`` can reach; exact in each component."""
    center, radius = x.center @ weights, x.radius @ jnp.abs(weights)
    if bias is not None:
        center = center + bias
    return Interval(center - radius, center + radius)


def plus(x: Interval, y: Interval) -> Interval:
    """Return what the sum of two vectors can reach."""
    return Interval(x.low + y.low, x.high + y.high)


def increasing(function: Any, x: Interval) -> Interval:
    """Return what an increasing function can reach."""
    return Interval(function(x.low), function(x.high))


def times(x: Interval, y: Interval) -> Interval:
    """Return what the product of two vectors, component by component, can reach."""
    products = jnp.stack([x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high])
    return Interval(products.min(axis=0), products.max(axis=0))


def leaky_sum(keep: Interval, drive: Interval, keep_complement: Interval) -> Interval:
    """Return an interval that ``c -> keep * c + drive`` does not leave.

    Parameters
    ----------
    keep
        The factor, between 0 and 1.
    drive
        What is added.
    keep_complement
        ``1 - keep``, passed separately since it is lost to rounding when ``keep`` is close to 1.

    Returns
    -------
    Interval
        It contains zero, so that a factor below 1 can only shrink it, and reaches as far as
        ``drive / (1 - keep)`` for the largest ``keep`` and the largest ``drive`` on either side.
    """
    del keep  # only its distance from 1 matters
    return Interval(
        jnp.minimum(drive.low, 0.0) / keep_complement.low,
        jnp.maximum(drive.high, 0.0) / keep_complement.low,
    )


def gates(x: Interval) -> Interval:
    """Return what the logistic function can reach."""
    return increasing(jax.nn.sigmoid, x)
