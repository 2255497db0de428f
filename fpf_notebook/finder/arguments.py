"""Checks of what `find_fixed_points` is called with, before any work starts."""

from __future__ import annotations

import numpy as np

from fpf_notebook.finder.given_arrays import joined, plain_array

__all__ = [
    "check_cond_ids",
    "check_finite",
    "check_inputs",
    "check_mask",
    "check_states",
]


def check_states(
    name: str, value: object, ndim: int, n_states: int | None, *, finite: bool = True
) -> np.ndarray:
    """Return states as a float64 array of ``ndim`` dimensions, the last being the state.

    Parameters
    ----------
    name : str
        ``"state_traj"`` (3 dimensions) or ``"initial_states"`` (2 dimensions).
    value : array-like
        What was given.
    ndim : int
        Expected number of dimensions.
    n_states : int or None
        Expected length of the state, where it is known already.
    finite : bool
        Whether NaN and inf are refused here. Trajectories may hold them where they are masked out.

    Raises
    ------
    TypeError, ValueError
        If it is not numeric, of another rank or width, empty, or not finite.
    """
    layout = "[n_batch, n_time, n_states]" if ndim == 3 else "[n_inits, n_states]"
    array = _numeric(name, joined(name, value, ndim))
    if array.ndim != ndim:
        hint = ""
        if array.ndim == ndim - 1:
            hint = f" Add an axis for a single {'trial' if ndim == 3 else 'state'}: x[None]."
        raise ValueError(f"{name} has shape {array.shape}, expected {layout}.{hint}")
    if 0 in array.shape:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected {layout}.")
    if n_states is not None and array.shape[-1] != n_states:
        raise ValueError(
            f"{name} has {array.shape[-1]} states (shape {array.shape}), but the model has "
            f"{n_states}. Expected {layout} with n_states={n_states}."
        )
    if finite:
        check_finite(name, array)
    return array


def check_inputs(value: object, n_inits: int, n_inputs: int | None) -> np.ndarray:
    """Return the constant inputs as ``[n_inits, n_inputs]``.

    Parameters
    ----------
    value : array-like or None
        ``[1, n_inputs]``, the same for all, or ``[n_inits, n_inputs]``. None means no input, or
        zeros when the model is known to have inputs.
    n_inits : int
        Number of initial states.
    n_inputs : int or None
        Width, where it is known already.

    Raises
    ------
    TypeError, ValueError
        If it is not numeric, of another shape, or not finite.
    """
    if value is None:
        return np.zeros((n_inits, n_inputs or 0))
    array = _numeric("inputs", value)
    expected = f"[1, n_inputs] or [n_inits={n_inits}, n_inputs]"
    if n_inputs is not None:
        expected = expected.replace("n_inputs]", f"n_inputs={n_inputs}]")
    if array.ndim != 2:
        hint = " Use inputs[None] for one constant input." if array.ndim == 1 else ""
        raise ValueError(f"inputs has shape {array.shape}, expected {expected}.{hint}")
    if len(array) not in (1, n_inits) or (n_inputs is not None and array.shape[1] != n_inputs):
        raise ValueError(f"inputs has shape {array.shape}, expected {expected}.")
    check_finite("inputs", array)
    return np.array(np.broadcast_to(array, (n_inits, array.shape[1])))


def check_finite(name: str, array: np.ndarray, mask: np.ndarray | None = None) -> None:
    """Refuse NaN and inf, but where ``mask`` is False.

    Raises
    ------
    ValueError
        Naming the first place.
    """
    bad = ~np.isfinite(array)
    if mask is not None:
        bad &= mask[..., None]
    if bad.any():
        where = [int(i) for i in np.argwhere(bad)[0]]
        hint = " Mask such states out with valid_bxt or drop the trial." if array.ndim == 3 else ""
        raise ValueError(
            f"{name} holds {int(bad.sum())} values that are NaN or inf, the first at {where}; "
            f"expected finite numbers.{hint}"
        )


def check_mask(value: object, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return ``valid_bxt`` as a boolean array of the shape of the trajectories' first two axes.

    Raises
    ------
    TypeError, ValueError
        If it is not boolean, of another shape, or False everywhere.
    """
    if value is None:
        return None
    mask = np.asarray(value)
    if mask.shape != shape:
        raise ValueError(
            f"valid_bxt has shape {mask.shape}, expected [n_batch, n_time] = {list(shape)}."
        )
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise TypeError(f"valid_bxt has type {mask.dtype}, expected booleans.")
    mask = mask.astype(bool)
    if not mask.any():
        raise ValueError(
            "valid_bxt is False everywhere, so that there is no state to start from; expected at "
            "least one True."
        )
    return mask


def check_cond_ids(value: object, n_inits: int) -> np.ndarray | None:
    """Return ``cond_ids`` as integers ``[n_inits]``.

    Raises
    ------
    TypeError, ValueError
        If they are not integers, or not one for each initial state.
    """
    if value is None:
        return None
    ids = np.asarray(value)
    if ids.shape != (n_inits,):
        raise ValueError(f"cond_ids has shape {ids.shape}, expected [n_inits={n_inits}].")
    if ids.dtype.kind not in "iu":
        raise TypeError(f"cond_ids has type {ids.dtype}, expected integers.")
    return ids


def _numeric(name: str, value: object) -> np.ndarray:
    array = plain_array(name, value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} has type {array.dtype}, expected real numbers.")
    return array.astype(np.float64)
