"""The arrays that a network is given and returns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Array

__all__ = ["AnyArray"]

AnyArray: TypeAlias = Array | np.ndarray
"""An array of JAX, which may be traced, or one of NumPy."""
