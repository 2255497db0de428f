"""Records of fixed points as NetCDF4 files, which are HDF5 files that other programs can read.

NetCDF knows neither complex numbers nor booleans: the former become two variables, the latter
bytes. An attribute keeps the type to which they return.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook.io.record import FORMAT, VERSION, check_version
from fpf_notebook.result.fields import FIELDS

_METADATA = "metadata"
_TYPE = "numpy_type"


def write(path: Path, arrays: dict[str, np.ndarray], metadata: str) -> None:
    """Write arrays and metadata to a new file."""
    import h5netcdf
    import h5py

    text = h5py.string_dtype("utf-8")
    with h5netcdf.File(path, "x") as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = VERSION
        # As a variable: attributes may not exceed 64 kB.
        file.create_variable(_METADATA, (), text, data=np.array(metadata, dtype=object))
        for name, array in arrays.items():
            spec = FIELDS[name]
            for dim, size in zip(spec.dims, array.shape, strict=True):
                if dim not in file.dimensions:
                    file.dimensions[dim] = size
            for suffix, part in _parts(array):
                kind = text if part.dtype == object else part.dtype
                variable = file.create_variable(name + suffix, spec.dims, kind, data=part)
                variable.attrs[_TYPE] = str(array.dtype)
                variable.attrs["long_name"] = spec.meaning


def read(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Read what :func:`write` wrote.

    Raises
    ------
    ValueError
        If it is not such a file.
    """
    import h5netcdf

    with h5netcdf.File(path, "r") as file:
        check_version(file.attrs.get("format"), file.attrs.get("format_version", 0))
        arrays = {}
        for name in FIELDS:
            if name in file.variables:
                arrays[name] = _typed(file.variables[name], file.variables[name][...])
            elif f"{name}_real" in file.variables:
                real, imaginary = (file.variables[f"{name}_{part}"] for part in ("real", "imag"))
                array = np.empty(real.shape, dtype=np.dtype(real.attrs[_TYPE]))
                array.real, array.imag = real[...], imaginary[...]
                arrays[name] = array
        return arrays, _text(file.variables[_METADATA][...])


def _parts(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return what is written for an array: suffix of the name, and data."""
    if np.iscomplexobj(array):
        return [("_real", array.real), ("_imag", array.imag)]
    if array.dtype.kind == "b":
        return [("", array.astype(np.int8))]
    return [("", array.astype(object) if array.dtype.kind == "U" else array)]


def _typed(variable: Any, values: Any) -> np.ndarray:
    """Return the values in the type that they had."""
    kind = np.dtype(variable.attrs[_TYPE])
    values = np.asarray(values)
    if kind.kind == "U":
        texts = [_text(value) for value in values.flat]
        return np.array(texts, dtype=kind).reshape(values.shape)
    return values.astype(kind)


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.item()
    return value.decode() if isinstance(value, bytes) else str(value)
