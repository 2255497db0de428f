"""One array in NumPy's format ``.npy``, read without running or trusting what it declares."""

from __future__ import annotations

import math
import re
import sys
from typing import IO

import numpy as np

from fpf_notebook.files.input_file import InputFile

__all__ = ["read_npy"]

_MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # as in NumPy
_PIECE = 1 << 18
_ENTRIES = {
    "descr": re.compile(
        r"""(?P<q>['"])descr(?P=q)\s*:\s*(?P<r>['"])(?P<value>[^'"]{1,20})(?P=r)"""
    ),
    "fortran_order": re.compile(
        r"""(?P<q>['"])fortran_order(?P=q)\s*:\s*(?P<value>True|False)\b"""
    ),
    # Python 2 wrote 3L.
    "shape": re.compile(r"""(?P<q>['"])shape(?P=q)\s*:\s*\((?P<value>[\dL,\s]{0,500})\)"""),
}
_TYPE = re.compile(r"[<>|=]?(?:b1|i[1248]|u[1248]|f(?:2|4|8|16)|c(?:8|16|32)|[SU]\d{1,9})")


def read_npy(source: InputFile, name: str, stream: IO[bytes], length: int) -> np.ndarray:
    """Read an array of numbers, truth values or text.

    Its declared size is compared with `length` and with the limit of `source` before anything is
    allocated.

    Parameters
    ----------
    source
        The file, for its limit and for messages.
    name
        What the array is called there.
    stream
        Where its bytes come from.
    length
        How many there are.

    Raises
    ------
    FileError
        If it is damaged, too large, or of another kind: of Python objects, for example.
    """
    start = _exactly(source, name, stream, 8)
    if start[:6] != _MAGIC or start[6] not in (1, 2, 3):
        raise source.error(f"{name} is not an array in NumPy's format")
    n_length = 2 if start[6] == 1 else 4
    n_header = int.from_bytes(_exactly(source, name, stream, n_length), "little")
    if n_header > min(_LONGEST_HEADER, length):
        raise source.error(f"{name} is damaged: its header is longer than it can be")
    header = _exactly(source, name, stream, n_header)
    dtype, shape, fortran = _parsed(source, name, header)
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes != length - 8 - n_length - n_header:
        raise source.error(
            f"{name} is damaged: it declares {n_bytes:,} bytes and has "
            f"{length - 8 - n_length - n_header:,}"
        )
    # An array of empty texts has no bytes in the file, but four a text in memory.
    source.claim(name, n_bytes or math.prod(shape) * max(dtype.itemsize, 4))
    raw = np.empty(n_bytes, np.uint8)
    filled = 0
    while filled < n_bytes:
        piece = _exactly(source, name, stream, min(_PIECE, n_bytes - filled))
        raw[filled : filled + len(piece)] = np.frombuffer(piece, np.uint8)
        filled += len(piece)
    if stream.read(1):  # reading to the end also compares the zip's checksum
        raise source.error(f"{name} is longer than it says")
    array = raw.view(dtype) if n_bytes else np.empty(math.prod(shape), dtype)
    array = array.reshape(shape, order="F" if fortran else "C")
    array = array.astype(dtype.newbyteorder("="), copy=False)
    # Bytes that stand for no value of their type: NumPy takes them, and stumbles later.
    if (dtype.kind == "b" and (raw > 1).any()) or (
        dtype.kind == "U" and n_bytes and (_code_points(array) > sys.maxunicode).any()
    ):
        raise source.error(f"{name} is damaged: it holds what is no {dtype.name}")
    return array


def _parsed(source: InputFile, name: str, header: bytes) -> tuple[np.dtype, tuple[int, ...], bool]:
    rest = header.decode("latin1")
    values = {}
    for key, pattern in _ENTRIES.items():
        match = pattern.search(rest)
        if match is None:
            break
        values[key] = match["value"]
        rest = rest[: match.start()] + rest[match.end() :]
    if len(values) < len(_ENTRIES) or re.sub(r"[,\s]", "", rest) != "{}":
        raise source.error(f"{name} is damaged, or an array of Python objects: its header is wrong")
    if not _TYPE.fullmatch(values["descr"]):
        raise source.error(
            f"{name} has the type {values['descr']!r}, expected numbers, truth values or text"
        )
    lengths = [part.strip().removesuffix("L") for part in values["shape"].split(",")]
    if not all(part.isdigit() for part in lengths[:-1]) or len(lengths) > 33:
        raise source.error(f"{name} is damaged: its shape is ({values['shape']})")
    shape = tuple(int(part) for part in lengths if part)
    return np.dtype(values["descr"]), shape, values["fortran_order"] == "True"


def _code_points(text: np.ndarray) -> np.ndarray:
    return text.ravel(order="K").view(np.uint32)


def _exactly(source: InputFile, name: str, stream: IO[bytes], n: int) -> bytes:
    data = stream.read(n)
    if len(data) != n:
        raise source.error(f"{name} is cut off")
    return data
