"""Named arrays in one file: a plain ``.npz`` with a header, written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.atomic import write_file
from fpf_notebook.files.checksums import check_digests, digests_of, missing_seal
from fpf_notebook.files.input_file import JSON_EXPANSION, open_input
from fpf_notebook.files.npz import NpzReader, npz_image

__all__ = ["read_arrays", "write_arrays"]

_HEADER = "__header__"
_VERSION = 1


def write_arrays(
    filepath: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    *,
    content: str,
    header: JsonObject | None = None,
) -> None:
    """Write arrays and a header to a file, without pickle.

    The file appears under its name only when it is complete: an interruption leaves the old file,
    or none. Missing parent folders are made. It carries a SHA-256 of each array and of the whole.

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
    OSError
        If it cannot be written; an old file is as before.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_arrays(os.path.join(folder, "a.npz"), {"x": np.arange(3)}, content="example")
    ...     os.listdir(folder)
    ['a.npz']
    """
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name!r} holds Python objects, which are not saved")
    text = json.dumps(
        {
            "content": content,
            "version": _VERSION,
            **(header or {}),
            "sha256": digests_of(arrays),
        }
    )
    members = {_HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    write_file(filepath, npz_image(members), make_folders=True)


def read_arrays(
    filepath: str | os.PathLike[str], *, content: str, max_bytes: int | None = None
) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote, all of it, and check it.

    Parameters
    ----------
    filepath : path
        The file.
    content : str
        What the file must be.
    max_bytes : int, optional
        The most bytes that its arrays may need. Default: 64 times the size of the file, and at
        least 64 MiB.

    Returns
    -------
    header : dict
    arrays : dict
        Arrays by name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, of another program, or of another content. It is a ValueError.
    """
    source = open_input(filepath, f"a {content}", max_bytes=max_bytes)
    if not source.data.startswith(b"PK\x03\x04"):
        raise source.error("it is empty, or of another program")
    with NpzReader(source) as reader:
        sealed = reader.is_sealed()
        if _HEADER not in reader.names:
            raise source.error("it has no header, and is of another program")
        text = reader.read(_HEADER).tobytes()
        source.claim("the header", JSON_EXPANSION * len(text))
        with source.guarded():
            header = json.loads(text)
            found, version = str(header["content"]), int(header["version"])
        if found != content:
            raise source.error(f"it is a {found}")
        if version > _VERSION:
            raise source.error(
                f"it was written by a newer fpf_notebook (format {version}, this one reads up to "
                f"{_VERSION}): upgrade fpf_notebook"
            )
        digests = header.pop("sha256", None)
        if digests is not None and not sealed:
            raise missing_seal(source)
        arrays = {name: reader.read(name) for name in reader.names if name != _HEADER}
    if digests is None:
        source.note_unchecked()
    else:
        with source.guarded():
            check_digests(source, arrays, digests)
    return header, arrays
