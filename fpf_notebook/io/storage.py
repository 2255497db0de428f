"""`save` and `load`: which format a file has, and errors that name the file."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from fpf_notebook.io import netcdf, npz
from fpf_notebook.io.atomic import replacing
from fpf_notebook.io.record import from_record, to_record
from fpf_notebook.result.fixed_points import FixedPoints

_WRITERS = {".nc": netcdf.write, ".h5": netcdf.write, ".npz": npz.write}
_LEGACY = (".fps", ".p", ".pkl", ".pickle")


def save(fps: FixedPoints, path: str | os.PathLike[str]) -> None:
    """Save fixed points with everything that is known of them.

    Parameters
    ----------
    fps
        The points.
    path
        The suffix decides the format: ``.nc`` or ``.h5`` for NetCDF4 (which is HDF5; complex arrays
        are kept as two, ``<name>_real`` and ``<name>_imag``), ``.npz`` for numpy's. An existing
        file is replaced, in one step: it is never half written.

    Raises
    ------
    ValueError
        If the suffix is another one.
    TypeError
        If `fps` is something else, or its provenance holds what JSON cannot hold.
    FileNotFoundError
        If the folder does not exist.
    """
    if not isinstance(fps, FixedPoints):
        raise TypeError(f"fps is of type {type(fps).__name__}, expected FixedPoints.")
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise ValueError(f"{path} has the suffix {path.suffix!r}, expected .nc, .h5 or .npz.")
    arrays, metadata = to_record(fps)
    with replacing(path) as temporary:
        _WRITERS[path.suffix](temporary, arrays, metadata)


def load(path: str | os.PathLike[str]) -> FixedPoints:
    """Load fixed points that :func:`save` has written.

    Nothing in the file is executed: no pickled object is ever loaded.

    Parameters
    ----------
    path
        The file. Its content decides the format, not its suffix.

    Returns
    -------
    FixedPoints
        Equal to what was saved, types included.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is truncated or damaged, was not written by `save`, or by a newer version.
    """
    path = Path(path)
    read = _reader(path)
    try:
        return from_record(*read(path))
    # Damage can show anywhere, and h5py and zipfile raise what they like.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"{path} cannot be loaded as fixed points: {reason}") from error


def _reader(path: Path) -> Callable:
    with open(path, "rb") as file:
        head = file.read(8)
    if head == b"\x89HDF\r\n\x1a\n":
        return netcdf.read
    if head[:4] == b"PK\x03\x04":
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{path} cannot be loaded as fixed points: the npz file is truncated.")
        return npz.read
    if path.suffix in _LEGACY:
        raise ValueError(
            f"{path} looks like a pickled file. If FixedPointFinder wrote it, use "
            "fpf_notebook.io.load_legacy_fps(path)."
        )
    raise ValueError(
        f"{path} cannot be loaded as fixed points: it is neither a NetCDF4 nor an npz file."
    )
