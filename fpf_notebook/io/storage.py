"""`save` and `load`: which format a file has, and errors that name the file."""

from __future__ import annotations

import os
from pathlib import Path

from fpf_notebook.files.atomic import write_file
from fpf_notebook.files.hdf5 import MAGIC
from fpf_notebook.files.input_file import open_input
from fpf_notebook.io import netcdf, npz
from fpf_notebook.io.record import from_record, to_record
from fpf_notebook.result.fixed_points import FixedPoints

_IMAGES = {".nc": netcdf.image, ".h5": netcdf.image, ".npz": npz.image}
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
        file is replaced, in one step: it is never half written. Each array is kept with its
        SHA-256, and so is the whole file.

    Raises
    ------
    ValueError
        If the suffix is another one.
    TypeError
        If `fps` is something else, or its provenance holds what JSON cannot hold.
    FileNotFoundError
        If the folder does not exist.
    OSError
        If it cannot be written, as on a full disk. An old file is as before.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(FixedPoints(np.eye(2)), os.path.join(folder, "points.npz"))
    ...     os.listdir(folder)
    ['points.npz']
    """
    if not isinstance(fps, FixedPoints):
        raise TypeError(f"fps is of type {type(fps).__name__}, expected FixedPoints.")
    path = Path(path)
    if path.suffix not in _IMAGES:
        raise ValueError(f"{path} has the suffix {path.suffix!r}, expected .nc, .h5 or .npz.")
    write_file(path, _IMAGES[path.suffix](*to_record(fps)))


def load(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> FixedPoints:
    """Load fixed points that :func:`save` has written.

    Nothing in the file is executed: no pickled object is ever loaded, no other file is opened.

    Parameters
    ----------
    path
        The file. Its content decides the format, not its suffix.
    max_bytes
        The most bytes that its content may need in memory. Default: 64 times the size of the file,
        and at least 64 MiB; every file that `save` writes needs less.

    Returns
    -------
    FixedPoints
        Equal to what was saved, types included. Of a file of version 0.1.0, which has no checksums,
        `provenance` says under ``"integrity"`` that it was not checked.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it is truncated or damaged, was not written by `save`, or by a newer version. The message
        names the arrays that are not what was saved. It is a ValueError.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(FixedPoints(np.eye(2)), os.path.join(folder, "points.npz"))
    ...     load(os.path.join(folder, "points.npz")).xstar
    array([[1., 0.],
           [0., 1.]])
    """
    source = open_input(path, "fixed points", max_bytes=max_bytes)
    if source.data.startswith(MAGIC):
        return from_record(source, *netcdf.read(source))
    if source.data.startswith(b"PK\x03\x04"):
        return from_record(source, *npz.read(source))
    if source.path.suffix in _LEGACY:
        raise source.error(
            "it looks like a pickled file. If FixedPointFinder wrote it, use "
            "fpf_notebook.io.load_legacy_fps(path)"
        )
    raise source.error("it is neither a NetCDF4 nor an npz file")
