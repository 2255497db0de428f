"""HDF5 files: written as an image in memory, read without following them anywhere.

The HDF5 library never sees the disk. When a disk is full, its clean-up ends the process; and a
file may ask it to open others, to allocate what no file holds, or to load plugins.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from fpf_notebook.files.checksums import (
    SEAL_LENGTH,
    SEAL_MARK,
    broken_seal,
    missing_seal,
    seal,
    seal_state,
    sha256_of_bytes,
)
from fpf_notebook.files.input_file import InputFile

if TYPE_CHECKING:
    import h5py

__all__ = ["MAGIC", "Hdf5Reader", "sealed_image"]

MAGIC = b"\x89HDF\r\n\x1a\n"
"""How such a file begins."""

# The other filters are plugins, or need memory that no declared size bounds.
_FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32"}
_LONGEST_ATTRIBUTE = 65_536
_PATIENCE = 60.0  # seconds, on a machine that is busy; the process has its own limit


def sealed_image(content: bytes | memoryview) -> bytes:
    """Return an HDF5 file with checksums behind it, where HDF5 looks at nothing.

    They are a line of JSON, ``{name: [first byte, last byte + 1, SHA-256]}``, for the data of each
    dataset, and a seal of the whole.

    Parameters
    ----------
    content
        The file. It must hold `SEAL_MARK` somewhere, so that the loss of the seal is noticed.
    """
    import h5py

    places: dict[str, list[object]] = {}
    with h5py.File(h5py.h5f.open_file_image(bytes(content))) as file:
        for name, dataset in file.items():
            start = dataset.id.get_offset()
            if start is not None:
                stop = start + dataset.id.get_storage_size()
                places[name] = [start, stop, sha256_of_bytes(content[start:stop])]
    image = bytes(content) + b"\n" + json.dumps(places).encode() + b"\n"
    return image + seal(image)


class Hdf5Reader:
    """The datasets of an HDF5 file, each read when it is asked for, by its path from the root.

    Use it in a ``with`` statement.

    Parameters
    ----------
    source
        The file. Whether it is as it was saved is checked before HDF5 gets to see it.

    Raises
    ------
    FileError
        If it is no such file, or a damaged one.
    """

    def __init__(self, source: InputFile) -> None:
        self._source = source
        data = source.data
        state = seal_state(data)
        if state == "broken":
            raise broken_seal(source, _damaged(data))
        if state == "absent" and SEAL_MARK in data:
            raise missing_seal(source)
        if state == "absent":
            source.note_unchecked()
            _probe(source)
        import h5py

        with source.guarded():
            self._file = h5py.File(h5py.h5f.open_file_image(data))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        with self._source.guarded():
            return self._file.get(name, getlink=True) is not None

    def names(self) -> tuple[str, ...]:
        """Return the names in the root group."""
        with self._source.guarded():
            return tuple(self._file)

    def attribute(self, name: str, dataset: str | None = None) -> str | int | float | None:
        """Return a single text or number that is attached to the file or a dataset.

        Raises
        ------
        FileError
            If it is something else.
        """
        import h5py

        with self._source.guarded():
            holder = self._file if dataset is None else self._dataset(dataset)
            if not h5py.h5a.exists(holder.id, name.encode()):
                return None
            attribute = h5py.h5a.open(holder.id, name.encode())
            kind = attribute.get_type()
            if math.prod(attribute.shape) != 1 or kind.get_size() > _LONGEST_ATTRIBUTE:
                raise self._source.error(f"its attribute {name!r} is not a single value")
            value = holder.attrs[name]
            value = value.reshape(-1)[0] if isinstance(value, np.ndarray) else value
            if isinstance(value, bytes):
                value = value.decode()
            if isinstance(value, np.generic):
                value = value.item()
            if not isinstance(value, str | int | float):
                raise self._source.error(f"its attribute {name!r} is {type(value).__name__}")
            return value

    def numbers(self, name: str) -> np.ndarray:
        """Return a dataset of numbers.

        Raises
        ------
        FileError
            If it is damaged, missing, larger than the limit, or of another kind.
        """
        with self._source.guarded(name):
            dataset = self._dataset(name)
            if dataset.dtype.kind not in "biufc":
                raise self._source.error(f"{name} has the type {dataset.dtype}, expected numbers")
            self._source.claim(name, math.prod(dataset.shape) * dataset.dtype.itemsize)
            values: np.ndarray = np.asarray(dataset[...])
            return values

    def texts(self, name: str) -> tuple[list[str], tuple[int, ...]]:
        """Return a dataset of texts: all of them in one list, and its shape.

        Raises
        ------
        FileError
            If it is damaged, missing, larger than the limit, or of another kind.
        """
        import h5py

        with self._source.guarded(name):
            dataset = self._dataset(name)
            kind = h5py.check_string_dtype(dataset.dtype)
            if kind is None:
                raise self._source.error(f"{name} has the type {dataset.dtype}, expected text")
            count = math.prod(dataset.shape)
            # For each: the text's object, and its place in the list.
            self._source.claim(name, count * (64 + (kind.length or 0)))
            pieces: Iterable[np.ndarray]
            if not dataset.shape:
                pieces = [np.atleast_1d(np.asarray(dataset[()], dtype=object))]
            else:
                # Many texts may be one and the same piece of the file. Not more at a time than
                # the limit holds even then.
                rows = math.prod(dataset.shape[1:])
                step = max(1, self._source.limit // (len(self._source.data) * max(1, rows)))
                pieces = (
                    dataset[start : start + step].ravel()
                    for start in range(0, dataset.shape[0], step)
                )
            values: list[str] = []
            for piece in pieces:
                self._source.claim(name, sum(len(text) for text in piece))
                values.extend(_text(text) for text in piece)
            return values, tuple(dataset.shape)

    def _dataset(self, name: str) -> h5py.Dataset:
        import h5py

        parts = name.split("/")
        for k in range(1, len(parts) + 1):  # a group on the way may be a link, too
            link = self._file.get("/".join(parts[:k]), getlink=True)
            if link is None:
                raise self._source.error(f"it has no {name!r}")
            if not isinstance(link, h5py.HardLink):
                raise self._source.error(
                    f"{name} is a link to another place, which is not followed"
                )
        dataset = self._file[name]
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:
            raise self._source.error(f"{name} is not an array")
        plan = dataset.id.get_create_plist()
        if plan.get_external_count() or dataset.is_virtual:
            raise self._source.error(f"{name} lies in another file, which is not opened")
        for k in range(plan.get_nfilters()):
            if plan.get_filter(k)[0] not in _FILTERS:
                raise self._source.error(
                    f"{name} is compressed in a way other than {', '.join(_FILTERS.values())}"
                )
        if dataset.chunks is not None:
            self._source.claim(f"a chunk of {name}", _chunk_size(dataset))
        return dataset


def _probe(source: InputFile) -> None:
    """Have another process read a file without checksums, which the library may not survive."""
    script = Path(__file__).with_name("hdf5_probe.py")
    command = [sys.executable, "-P", "-W", "ignore", str(script), str(source.limit)]
    try:
        done = subprocess.run(
            command, input=source.data, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise source.error("it is damaged (reading it does not end)") from error
    if done.returncode == 2:
        reason = done.stdout.decode(errors="replace").strip()[:300]
        raise source.error(f"it is damaged ({reason})")
    if done.returncode < 0:
        raise source.error("it is damaged (the HDF5 library does not survive reading it)")
    if done.returncode:
        raise RuntimeError(f"{script} failed: {done.stderr.decode(errors='replace').strip()}")


def _chunk_size(dataset: h5py.Dataset) -> int:
    return math.prod(dataset.chunks) * int(dataset.id.get_type().get_size())


def _damaged(data: bytes) -> list[str]:
    """Return which datasets are not what was saved, by the table that stands before the seal."""
    try:
        table = data[data.rindex(b"\n", 0, len(data) - SEAL_LENGTH - 1) : -SEAL_LENGTH]
        return [
            str(name)
            for name, (start, stop, digest) in json.loads(table).items()
            if sha256_of_bytes(data[start:stop]) != digest
        ]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []  # the table itself is damaged


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
