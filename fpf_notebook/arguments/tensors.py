"""Tensors of PyTorch, which NumPy does not take as they are."""

from __future__ import annotations

import numpy as np

__all__ = ["without_gradient"]


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
