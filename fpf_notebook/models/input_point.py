"""The input u* around which a JSLDS linearizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import ArrayLike, Float

InputPoint = Callable[[Array], Array]
"""``input_point(u) -> u*`` of one input ``[n_inputs]``, pure and hashable."""


@dataclass(frozen=True)
class ZeroInput:
    """u* = 0: the mean of inputs that are as often positive as negative, or rare pulses."""

    def __call__(self, u: Float[Array, "n_inputs"]) -> Float[Array, "n_inputs"]:
        """Return zeros."""
        return jnp.zeros_like(u)


@dataclass(frozen=True)
class ConstantInput:
    """u* is the same at each step."""

    values: tuple[float, ...]

    def __call__(self, u: Float[Array, "n_inputs"]) -> Float[Array, "n_inputs"]:
        """Return the constant."""
        return jnp.asarray(self.values, u.dtype)


@dataclass(frozen=True)
class KeepChannels:
    """u* keeps some channels of the input, those of a context, say; the others are zero.

    Parameters
    ----------
    channels : tuple of int
        Which to keep.
    """

    channels: tuple[int, ...]

    def __call__(self, u: Float[Array, "n_inputs"]) -> Float[Array, "n_inputs"]:
        """Return the input with all other channels set to zero."""
        keep = np.zeros(u.shape[-1], bool)
        keep[list(self.channels)] = True
        return jnp.where(keep, u, jnp.zeros_like(u))


def as_input_point(given: Any, n_inputs: int) -> InputPoint:
    """Return u* as a function of the input.

    Parameters
    ----------
    given : None, array [n_inputs] or callable
        None is zero, an array a constant; a callable is a pure JAX function of one input.
    n_inputs : int
        Number of channels.

    Raises
    ------
    TypeError, ValueError
        If it does not give ``n_inputs`` finite numbers.
    """
    if given is None:
        return ZeroInput()
    point = given if callable(given) else _constant(given, n_inputs)
    if isinstance(point, KeepChannels):
        for channel in point.channels:
            if not 0 <= channel < n_inputs:
                raise ValueError(
                    f"input_point keeps channel {channel}, but the network has n_inputs={n_inputs}"
                )
    try:
        hash(point)
    except TypeError:
        raise TypeError(f"input_point must be hashable, got {type(point).__name__}") from None
    shape = jax.eval_shape(point, jax.ShapeDtypeStruct((n_inputs,), jnp.float32)).shape
    if shape != (n_inputs,):
        raise ValueError(
            f"input_point must give inputs of width n_inputs={n_inputs}, got the shape "
            f"{list(shape)}"
        )
    return point


def _constant(given: ArrayLike, n_inputs: int) -> ConstantInput:
    values = np.asarray(given)
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise TypeError(
            "input_point must be None, an array of real numbers or a function of the input, got "
            f"{given!r}"
        )
    values = values.astype(np.float64)
    if values.ndim == 0:
        values = np.full(n_inputs, float(values))
    if values.shape != (n_inputs,):
        raise ValueError(
            f"input_point must have the width n_inputs={n_inputs}, got the shape "
            f"{list(values.shape)}"
        )
    if not np.isfinite(values).all():
        raise ValueError("input_point must be finite, got NaN or infinity in it")
    return ConstantInput(tuple(float(value) for value in values))
