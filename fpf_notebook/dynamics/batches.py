"""Batches of few sizes: something is compiled for each size that a compiled function meets."""

from __future__ import annotations

import numpy as np

__all__ = ["padded", "power_of_two_above"]


def padded(rows: np.ndarray, size: int) -> np.ndarray:
    """Fill up to ``size`` rows by repeating the first one."""
    missing = size - len(rows)
    if missing <= 0:
        return rows
    return np.concatenate([rows, np.broadcast_to(rows[:1], (missing, *rows.shape[1:]))])


def power_of_two_above(number: int) -> int:
    """Return the smallest power of two that is at least `number`; 1 for less than 1."""
    return 1 << max(number - 1, 0).bit_length()
