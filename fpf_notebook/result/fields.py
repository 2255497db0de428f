"""The per-point fields of `FixedPoints`: their dimensions and types, written down once.

The constructor checks against this table, and the files, the xarray dataset and the data frame are
made from it. Who adds a field adds a line here, and a field to the class.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

KINDS = ("fixed", "slow", "unconverged")
"""What a point is. Only *fixed* points count as fixed points."""

STABILITIES = ("stable", "saddle", "unstable", "marginal", "undetermined", "unknown")
"""Stability classes; *undetermined* where rounding could change the verdict, *unknown* for points
whose Jacobian is not finite."""

TIMES = ("discrete", "continuous")
"""A map ``h' = F(h, u)``, or a flow ``dh/dt = F(h, u)``."""

# Dimension names. `mode` is its own dimension, and not `state`, since a projection
# (FixedPoints.transform) has fewer states than eigenvalues.
POINT, STATE, INPUT, MODE = "point", "state", "input", "mode"

NumberKind = Literal["float", "complex", "int", "bool", "str"]


class FieldSpec(NamedTuple):
    """Dimensions and type of a per-point field, and what it is in a few words."""

    dims: tuple[str, ...]
    type: NumberKind
    meaning: str


FIELDS: dict[str, FieldSpec] = {
    "xstar": FieldSpec((POINT, STATE), "float", "state of the point"),
    "F_xstar": FieldSpec((POINT, STATE), "float", "next state (map) or derivative (flow) at xstar"),
    "x_init": FieldSpec((POINT, STATE), "float", "initial state of the search"),
    "inputs": FieldSpec((POINT, INPUT), "float", "constant input"),
    "qstar": FieldSpec((POINT,), "float", "q = |F(x) - x|^2 / 2 (map) or |f(x)|^2 / 2 (flow)"),
    "dq": FieldSpec((POINT,), "float", "change of q in the last step of the search"),
    "n_iters": FieldSpec((POINT,), "int", "iterations of the search"),
    "J_xstar": FieldSpec((POINT, STATE, "state_from"), "float", "Jacobian dF/dx"),
    "dFdu": FieldSpec((POINT, STATE, INPUT), "float", "Jacobian dF/du"),
    "eigval_J_xstar": FieldSpec((POINT, MODE), "complex", "eigenvalues of the Jacobian"),
    "eigval_condition": FieldSpec((POINT, MODE), "float", "how much eigenvalues magnify rounding"),
    "eigvec_J_xstar": FieldSpec((POINT, STATE, MODE), "complex", "right eigenvectors (columns)"),
    "eigvec_left_J_xstar": FieldSpec((POINT, STATE, MODE), "complex", "left eigenvectors"),
    "is_stable": FieldSpec((POINT,), "bool", "no unstable and no marginal direction"),
    "cond_id": FieldSpec((POINT,), "int", "number of the condition"),
    "kind": FieldSpec((POINT,), "str", "fixed, slow or unconverged"),
    "status": FieldSpec((POINT,), "str", "why the search stopped"),
    "stability": FieldSpec((POINT,), "str", "stable, saddle, unstable, marginal, …"),
    "margin": FieldSpec((POINT,), "float", "distance from instability; negative = unstable"),
    "n_unstable": FieldSpec((POINT,), "int", "unstable directions"),
    "index": FieldSpec((POINT,), "int", "sign of det(I - J) or det(-J); 0 = degenerate"),
    "forward_error": FieldSpec((POINT,), "float", "length of the Newton step"),
    "hits": FieldSpec((POINT,), "int", "initial states that ended here"),
    "certified": FieldSpec((POINT,), "bool", "one fixed point is proved to be here, and only one"),
    "enclosure_radius": FieldSpec((POINT,), "float", "the true point is within this distance"),
    "uniqueness_radius": FieldSpec((POINT,), "float", "there is no other within this distance"),
    "manifold_id": FieldSpec((POINT,), "int", "number of the manifold it lies on; -1: none"),
    "orbit_id": FieldSpec((POINT,), "int", "number of the periodic orbit"),
    "period": FieldSpec((POINT,), "int", "period of the orbit"),
}

METADATA = (
    "tol_unique",
    "dtype",
    "time",
    "dt",
    "completeness",
    "audit",
    "manifolds",
    "interrupted",
    "slices",
    "provenance",
)
"""The fields that belong to the set and not to a point."""

FROM_JACOBIANS = (
    "eigval_J_xstar",
    "eigval_condition",
    "eigvec_J_xstar",
    "eigvec_left_J_xstar",
    "is_stable",
    "stability",
    "margin",
    "n_unstable",
    "index",
)
"""The fields that follow from `J_xstar`."""

_CHOICES = {"kind": KINDS, "stability": STABILITIES}


def as_field(name: str, value: object, sizes: dict[str, int]) -> np.ndarray:
    """Check a per-point array and return a read-only view of it, in the field's type.

    Parameters
    ----------
    name
        A key of `FIELDS`.
    value
        What the caller gave: anything that numpy can make an array of.
    sizes
        The length of each dimension known so far; dimensions met for the first time are added.

    Returns
    -------
    numpy.ndarray
        Read-only. Shares memory with `value` where no conversion was needed.

    Raises
    ------
    TypeError
        If the entries are of another type.
    ValueError
        If the shape does not fit, or an entry is not among the allowed words.
    """
    spec = FIELDS[name]
    array = _converted(name, np.asarray(value), spec.type)
    fits = array.ndim == len(spec.dims) and all(
        sizes.get(dim, length) == length for dim, length in zip(spec.dims, array.shape, strict=True)
    )
    if not fits:
        expected = ", ".join(f"n_{dim}s={sizes[dim]}" if dim in sizes else dim for dim in spec.dims)
        raise ValueError(f"{name} has shape {array.shape}, expected [{expected}].")
    sizes.update(zip(spec.dims, array.shape, strict=True))
    if name in _CHOICES:
        strange = sorted(set(array.tolist()) - set(_CHOICES[name]))
        if strange:
            raise ValueError(
                f"{name} contains {strange[0]!r}, expected one of {', '.join(_CHOICES[name])}."
            )
    view = array.view()
    view.flags.writeable = False
    return view


def _converted(name: str, array: np.ndarray, wanted: NumberKind) -> np.ndarray:
    """Convert without loss, or say why not."""
    given = array.dtype
    # An empty list has the type float64, whatever it is a list of.
    empty = array.size == 0
    match wanted:
        case "float" if given.kind == "f":
            return array
        case "float" if given.kind in "iub" or empty:
            return array.astype(np.float64)
        case "complex" if given.kind == "c":
            return array
        case "complex" if given.kind in "fiu" or empty:
            return array.astype(np.complex64 if given == np.float32 else np.complex128)
        case "int" if given.kind in "iu":
            return array
        case "int" if given.kind == "b" or empty:
            return array.astype(np.int64)
        case "int" if given.kind == "f" and np.array_equal(array, np.rint(array)):
            return array.astype(np.int64)  # NaN is not equal to itself and does not come here
        case "bool" if given.kind == "b":
            return array
        case "bool" if empty or (given.kind in "iuf" and np.isin(array, (0, 1)).all()):
            return array.astype(bool)
        case "str" if given.kind == "U":
            return array
        case "str" if empty or all(isinstance(entry, str) for entry in array.flat):
            return array.astype(str)
    raise TypeError(f"{name} has entries of type {given}, expected {wanted}.")
