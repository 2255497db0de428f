"""Fixed points in other coordinates."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fpf_notebook._types import JsonObject

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints

_MAX_CONDITION = 1e12


def transform(fps: FixedPoints, U: ArrayLike, offset: ArrayLike) -> FixedPoints:
    """Map the states by x -> x U + offset; see `FixedPoints.transform`.

    In columns, x' = U^T x + o. So directions and `dFdu` are multiplied by U^T; a Jacobian becomes
    U^T J U^-T, where U has an inverse; and left eigenvectors U^-1 l, so that l^H r stays the same.
    """
    U, offset = np.asarray(U, dtype=np.float64), np.asarray(offset, dtype=np.float64)
    if U.ndim != 2 or U.shape[0] != fps.n_states:
        raise ValueError(f"U has shape {U.shape}, expected [n_states={fps.n_states}, k].")
    if not (np.isfinite(U).all() and np.isfinite(offset).all()):
        raise ValueError("U and offset must be finite, but contain NaN or infinity.")
    if offset.shape not in ((), (U.shape[1],)):
        raise ValueError(f"offset has shape {offset.shape}, expected [k={U.shape[1]}] or a scalar.")
    fields: JsonObject = {
        "slices": (),
        "manifolds": tuple(one.transformed(U, offset) for one in fps.manifolds),
    }
    for name in ("xstar", "x_init", "F_xstar"):
        states = getattr(fps, name)
        if states is not None:
            # The derivatives of a flow move with the states, but not with the origin.
            shift = 0.0 if name == "F_xstar" and fps.time == "continuous" else offset
            fields[name] = states @ U + shift
    for name in ("eigvec_J_xstar", "dFdu"):
        columns = getattr(fps, name)
        if columns is not None:
            fields[name] = U.T @ columns
    inverse = _inverse(U)
    if fps.J_xstar is not None:
        fields["J_xstar"] = None if inverse is None else U.T @ fps.J_xstar @ inverse.T
    if fps.eigvec_left_J_xstar is not None:
        left = None if inverse is None else inverse @ fps.eigvec_left_J_xstar
        fields["eigvec_left_J_xstar"] = left
    return dataclasses.replace(fps, **fields)


def _inverse(U: np.ndarray) -> np.ndarray | None:
    """Return the inverse, or None if there is none to speak of."""
    if U.shape[0] != U.shape[1]:
        return None
    if U.size == 0:
        return U
    return np.linalg.inv(U) if np.linalg.cond(U) < _MAX_CONDITION else None
