"""Checks of spike counts and of the settings of synthetic sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike


def checked_spikes(
    name: str, values: ArrayLike, *, counts: bool = True
) -> Float[np.ndarray, "trial time neuron"]:
    """Return spike counts in float32, or raise an error that names the argument.

    Parameters
    ----------
    name : str
        What to call the array in messages.
    values : array, [trial, time, neuron]
        The counts.
    counts : bool
        Whether they must be whole and not negative; False for data with Gaussian noise.

    Raises
    ------
    TypeError, ValueError
        If they are no numbers, of another shape, empty, NaN, infinite, negative or fractional.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be an array of numbers, got the dtype {array.dtype}")
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have the shape [trial, time, neuron], got {list(array.shape)}"
        )
    if not array.size:
        raise ValueError(f"{name} must hold trials, bins and neurons, got {list(array.shape)}")
    bad = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    if bad.any():
        raise ValueError(
            f"{name} must be finite, got {array[bad][0]} at [trial, time, neuron] = {_first(bad)}"
            f" ({int(bad.sum())} such entries)"
        )
    if counts:
        for wrong, word in ((array < 0, "negative"), (array != np.floor(array), "fractional")):
            if wrong.any():
                raise ValueError(
                    f"{name} must be spike counts, whole and of at least 0, got the {word} "
                    f"{array[wrong][0]} at [trial, time, neuron] = {_first(wrong)}; for data that "
                    "are no counts, use a Gaussian readout and counts=False"
                )
    return array.astype(np.float32)


def check_count(name: str, value: object, least: int = 1) -> int:
    """Return a whole number of at least `least`, or raise an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def check_positive(name: str, value: object, *, or_zero: bool = False) -> float:
    """Return a positive finite number, or raise an error that names the argument."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not np.isfinite(value) or value < 0 or (value == 0 and not or_zero):
        raise ValueError(
            f"{name} must be a finite number {'of at least' if or_zero else 'above'} 0, got "
            f"{value!r}"
        )
    return float(value)


def check_row(name: str, values: Sequence[float], n: int | None = None) -> tuple[float, ...]:
    """Return positive numbers, `n` of them if that is given."""
    row = tuple(check_positive(name, value) for value in values)
    if not row or (n is not None and len(row) != n):
        raise ValueError(f"{name} must hold {n or 'some'} numbers, got {len(row)}")
    return row


def _first(where: np.ndarray) -> list[int]:
    return [int(k) for k in np.argwhere(where)[0]]
