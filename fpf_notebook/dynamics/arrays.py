"""The arrays that a network is given and returns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Array

__all__ = ["AnyArray"]

AnyArray: TypeAlias = Array | np.ndarray
"""An array of JAX, which may be traced, or one of NumPy."""


def without_gradient(value: object) -> object:
    """Return a tensor of PyTorch as an array of NumPy; anything else as it is.

    Parameters
    ----------
    value
        A tensor may require gradients, be of bfloat16 or lie on another device.
    """
    if not hasattr(value, "detach"):
        return value
    plain = value.detach().cpu()
    if "bfloat16" in str(plain.dtype):
        plain = plain.float()
    found: np.ndarray = plain.numpy()
    return found
