"""`FixedPoints` as an xarray dataset and as a pandas data frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.result import summary
from fpf_notebook.result.fields import FIELDS, MODE, POINT, STATE

if TYPE_CHECKING:
    import pandas
    import xarray

    from fpf_notebook.result.fixed_points import FixedPoints

_INSTALL = 'pip install "fpf-notebook[dataframes]"'


def to_xarray(fps: FixedPoints) -> xarray.Dataset:
    """Return the points as an xarray dataset.

    Parameters
    ----------
    fps
        The points.

    Returns
    -------
    xarray.Dataset
        One variable per field, with the dimensions ``point``, ``state`` (``state_from`` for the
        columns of Jacobians), ``input`` and ``mode``; time constants and frequencies besides. The
        states are named after the arrays of the model, if those are known. Metadata that are plain
        values are attributes.

    Raises
    ------
    ImportError
        If xarray is not installed.
    """
    try:
        import xarray
    except ImportError as error:
        raise ImportError(f"to_xarray needs xarray: {_INSTALL}") from error

    variables: JsonObject = {}
    for name, spec in FIELDS.items():
        array = getattr(fps, name)
        if array is not None:
            attributes = {"long_name": spec.meaning}
            variables[name] = (spec.dims, array.copy(), attributes)
    if fps.has_decomposed_jacobians:
        unit, units = summary.time_unit(fps)
        for name, meaning in (
            ("time_constants", f"time constant of the mode in {units}"),
            ("frequencies", f"frequency of the mode in cycles per {unit}"),
        ):
            variables[name] = ((POINT, MODE), getattr(fps, name), {"long_name": meaning})
    coordinates: JsonObject = {POINT: np.arange(fps.n)}
    names = state_names(fps)
    if names is not None:
        coordinates[STATE] = names
        if fps.J_xstar is not None:
            coordinates["state_from"] = names
    return xarray.Dataset(variables, coordinates, _attributes(fps))


def to_dataframe(fps: FixedPoints) -> pandas.DataFrame:
    """Return the points as a pandas data frame.

    Parameters
    ----------
    fps
        The points.

    Returns
    -------
    pandas.DataFrame
        One row per point. One column for each field with one value per point; columns
        ``xstar_0, xstar_1, …`` and ``inputs_0, …``; and, where the eigenvalues are known,
        ``eigval_0`` (complex, the leading one), ``time_constant_0`` and ``frequency_0``. Matrices
        and the other states are left out.

    Raises
    ------
    ImportError
        If pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise ImportError(f"to_dataframe needs pandas: {_INSTALL}") from error

    columns: JsonObject = {}
    for name, spec in FIELDS.items():
        array = getattr(fps, name)
        if array is not None and spec.dims == (POINT,):
            columns[name] = array.astype(object) if spec.type == "str" else array
    if fps.eigval_J_xstar is not None and fps.eigval_J_xstar.shape[1]:
        columns["eigval_0"] = fps.eigval_J_xstar[:, 0]
        columns["time_constant_0"] = fps.time_constants[:, 0]
        columns["frequency_0"] = fps.frequencies[:, 0]
    for name in ("xstar", "inputs"):
        array = getattr(fps, name)
        if array is not None:
            columns |= {f"{name}_{k}": array[:, k] for k in range(array.shape[1])}
    return pandas.DataFrame(columns, index=pandas.RangeIndex(fps.n, name=POINT))


def state_names(fps: FixedPoints) -> list[str] | None:
    """Return a name for each state ("h[0]", "h[1]", …, "c[0]", …), or None if there are none."""
    names: list[str] = []
    for part in fps.slices:
        for position in np.ndindex(*part.shape):
            names.append(f"{part.name}[{', '.join(map(str, position))}]" if position else part.name)
    return names if names and len(names) == fps.n_states else None


def _attributes(fps: FixedPoints) -> JsonObject:
    """Return the metadata as attributes, in types that NetCDF files can hold as well."""
    attributes: JsonObject = {
        "tol_unique": fps.tol_unique,
        "dtype": str(fps.dtype),
        "time": fps.time,
        "interrupted": int(fps.interrupted),
    }
    if fps.dt is not None:
        attributes["dt"] = fps.dt
    if fps.completeness is not None:
        attributes["completeness"] = str(fps.completeness)
    return attributes
