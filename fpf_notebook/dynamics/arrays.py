"""The arrays that a network is given and returns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Array

from fpf_notebook.arguments.tensors import without_gradient

__all__ = ["AnyArray", "without_gradient"]

AnyArray: TypeAlias = Array | np.ndarray
"""An array of JAX, which may be traced, or one of NumPy."""
