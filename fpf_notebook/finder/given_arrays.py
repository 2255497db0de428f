"""Arrays as users have them (tensors, half precision, masks, pairs) as arrays of NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fpf_notebook.dynamics.arrays import without_gradient

__all__ = ["joined", "mask_of", "plain_array"]


def plain_array(name: str, value: Any) -> np.ndarray:
    """Return an array of NumPy with the same numbers.

    Parameters
    ----------
    name : str
        Of the argument.
    value : array-like
        A tensor of PyTorch (also one that requires gradients, of any device) and types that NumPy
        does not have (bfloat16) are read, too.

    Raises
    ------
    TypeError
        If it is a dictionary.
    ValueError
        If it has masked entries, where there is nothing to do with a mask, or lists of different
        lengths.
    """
    if isinstance(value, Mapping):
        keys = ", ".join(map(repr, value))
        raise TypeError(
            f"{name} is a dictionary of {keys}, expected one array. Join its arrays in the order "
            "in which n_states= has them:\n"
            f"    {name} = np.concatenate([{name}[key] for key in ({keys},)], axis=-1)"
        )
    value = without_gradient(value)
    masked = np.ma.isMaskedArray(value)
    if masked and name != "state_traj" and np.ma.getmaskarray(value).any():
        raise ValueError(
            f"{name} has masked entries, and a search cannot begin from a part of a state. Leave "
            "those rows out; only of state_traj the mask is honoured, as valid_bxt."
        )
    try:
        array = np.ma.getdata(value) if masked else np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} is not one array ({error}), expected lists of equal lengths."
        ) from None
    # What NumPy itself does not have, such as bfloat16, is of kind V to it.
    half = array.dtype.kind == "V" and array.dtype.names is None
    return array.astype(np.float32) if half else array


def joined(name: str, value: object, ndim: int) -> Any:
    """Return a pair of states such as (h, c) as one array; anything else as it is.

    Parameters
    ----------
    name : str
        Of the argument.
    value : array-like or tuple
        A tuple of arrays that have the expected number of dimensions each is a state of several
        parts; a tuple of arrays with one less is a batch.
    ndim : int
        Expected number of dimensions.
    """
    if not isinstance(value, tuple) or not value:
        return value
    parts = [plain_array(name, part) for part in value]
    if any(part.ndim != ndim for part in parts):
        return value
    leads = {part.shape[:-1] for part in parts}
    if len(leads) > 1:
        raise ValueError(
            f"{name} is a tuple of arrays of shapes {', '.join(str(p.shape) for p in parts)}, "
            "expected arrays that differ in their last axis only."
        )
    return np.concatenate(parts, axis=-1)


def mask_of(state_traj: object, valid_bxt: np.ndarray | None) -> np.ndarray | None:
    """Return where trajectories are valid: by ``valid_bxt``, and by the mask of a masked array.

    Parameters
    ----------
    state_traj : array-like
        What was given.
    valid_bxt : array of bool, [n_batch, n_time], or None
        What was given beside it.
    """
    if not np.ma.isMaskedArray(state_traj):
        return valid_bxt
    whole = np.asarray(~np.ma.getmaskarray(state_traj).any(axis=-1))
    return whole if valid_bxt is None else np.logical_and(whole, valid_bxt)
