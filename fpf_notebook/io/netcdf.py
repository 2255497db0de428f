"""Records of fixed points as NetCDF4 files, which are HDF5 files that other programs can read.

NetCDF knows neither complex numbers nor booleans: the former become two variables, the latter
bytes. An attribute keeps the type to which they return.
"""

from __future__ import annotations

import io
import re

import numpy as np

from fpf_notebook.files.checksums import SEAL_MARK
from fpf_notebook.files.hdf5 import Hdf5Reader, sealed_image
from fpf_notebook.files.input_file import InputFile
from fpf_notebook.io.record import FORMAT, VERSION, check_version
from fpf_notebook.result.fields import FIELDS

_METADATA = "metadata"
_TYPE = "numpy_type"
_TYPES = re.compile(r"bool|u?int\d{1,2}|float\d{2,3}|complex\d{2,3}|[<>=]U\d{1,9}")


def image(arrays: dict[str, np.ndarray], metadata: str) -> bytes:
    """Return a file of arrays and metadata."""
    import h5netcdf
    import h5py

    text = h5py.string_dtype("utf-8")
    buffer = io.BytesIO()
    with h5netcdf.File(buffer, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = VERSION
        file.attrs["integrity"] = f"{SEAL_MARK.decode()}: the last line of the file is its SHA-256"
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
    return sealed_image(buffer.getvalue())


def read(source: InputFile) -> tuple[dict[str, np.ndarray], str]:
    """Read what :func:`image` made.

    Raises
    ------
    FileError
        If it is not such a file.
    """
    if FORMAT.encode() not in source.data:
        raise source.error("it was not written by fpf_notebook")  # without a look at it
    with Hdf5Reader(source) as file:
        check_version(source, file.attribute("format"), file.attribute("format_version"))
        arrays = {}
        for name in FIELDS:
            if name in file:
                arrays[name] = _typed(source, file, name)
            elif f"{name}_real" in file:
                real, imaginary = (file.numbers(f"{name}_{part}") for part in ("real", "imag"))
                if real.shape != imaginary.shape:
                    raise source.error(f"it is damaged: {name} has two different shapes")
                array = np.empty(real.shape, _type_of(source, file, f"{name}_real", real.size))
                array.real, array.imag = real, imaginary
                arrays[name] = array
        texts, _ = file.texts(_METADATA)
    if len(texts) != 1:
        raise source.error("it is damaged: its metadata is not one text")
    return arrays, texts[0]


def _parts(array: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return what is written for an array: suffix of the name, and data."""
    if np.iscomplexobj(array):
        return [("_real", array.real), ("_imag", array.imag)]
    if array.dtype.kind == "b":
        return [("", array.astype(np.int8))]
    return [("", array.astype(object) if array.dtype.kind == "U" else array)]


def _typed(source: InputFile, file: Hdf5Reader, name: str) -> np.ndarray:
    """Return an array in the type that it had."""
    if FIELDS[name].type == "str":
        texts, shape = file.texts(name)
        kind = _type_of(source, file, name, len(texts))
        return np.array(texts, dtype=kind).reshape(shape)
    numbers = file.numbers(name)
    return numbers.astype(_type_of(source, file, name, numbers.size))


def _type_of(source: InputFile, file: Hdf5Reader, name: str, size: int) -> np.dtype:
    """Return the type that `size` numbers or texts had, if there may be so many of it."""
    text = file.attribute(_TYPE, name)
    if not isinstance(text, str) or not _TYPES.fullmatch(text):
        raise source.error(f"{name} had the type {text!r}, expected numbers or text")
    dtype = np.dtype(text)
    source.claim(name, size * max(dtype.itemsize, 4))
    return dtype
