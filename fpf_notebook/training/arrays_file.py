"""Named arrays in one file: a plain ``.npz`` with a header, written whole or not at all."""

import json
import os
import secrets
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_HEADER = "__header__"
_VERSION = 1
# Zip files carry a date for each member; always the same one makes equal contents equal files.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_arrays(
    filepath: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    *,
    content: str,
    header: Mapping[str, Any] | None = None,
) -> None:
    """Write arrays and a header to a file, without pickle.

    The file appears under its name only when it is complete: an interruption leaves the old file,
    or none. Missing parent folders are made.

    Parameters
    ----------
    filepath : path
        The file, whatever its suffix.
    arrays : dict
        Arrays by name.
    content : str
        What the file is, checked by `read_arrays`.
    header : dict, optional
        Anything that JSON can hold.

    Raises
    ------
    TypeError
        If an array holds Python objects.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name!r} holds Python objects, which are not saved")
    path = Path(filepath)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"content": content, "version": _VERSION, **(header or {})})
    members = {_HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in members.items():
                    member = zipfile.ZipInfo(f"{name}.npy", _DATE)
                    with archive.open(member, "w", force_zip64=True) as stream:
                        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_arrays(
    filepath: str | os.PathLike[str], *, content: str
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote, all of it, and check it.

    Parameters
    ----------
    filepath : path
        The file.
    content : str
        What the file must be.

    Returns
    -------
    header : dict
    arrays : dict
        Arrays by name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged, of another program, or of another content.
    """
    path = Path(filepath)
    with open(path, "rb") as file:
        if not zipfile.is_zipfile(file):
            raise ValueError(
                f"{path} is not a {content} of fpf_notebook: it is cut off, or of another program"
            )
        try:
            with zipfile.ZipFile(file) as archive:
                arrays = {
                    name.removesuffix(".npy"): _read_member(archive, name)
                    for name in archive.namelist()
                }
        except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
    try:
        header = json.loads(arrays.pop(_HEADER).tobytes())
        found, version = header["content"], header["version"]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a {content} of fpf_notebook: no header") from error
    if found != content:
        raise ValueError(f"{path} is a {found} of fpf_notebook, expected a {content}")
    if version > _VERSION:
        raise ValueError(
            f"{path} was written by a newer fpf_notebook (format {version}, this one reads up to "
            f"{_VERSION}): upgrade fpf_notebook"
        )
    return header, arrays


def _read_member(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):  # reading to the end also compares the checksum
            raise ValueError(f"{name} is longer than it says")
        return array
