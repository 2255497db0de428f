"""Arrays by name in a zip file, NumPy's ``.npz``: written as an image in memory, read with care."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import numpy as np

from fpf_notebook.files.checksums import SEAL_LENGTH, broken_seal, seal, seal_state
from fpf_notebook.files.errors import FileError
from fpf_notebook.files.input_file import JSON_EXPANSION, InputFile, default_limit
from fpf_notebook.files.npy import read_npy

__all__ = ["NpzReader", "npz_image"]

# Zip files carry a date for each member; always the same one makes equal contents equal files.
_DATE = (1980, 1, 1, 0, 0, 0)
_SUFFIX = ".npy"


def npz_image(
    arrays: Mapping[str, np.ndarray], *, compress: bool = False, json: Iterable[str] = ()
) -> bytes:
    """Return the content of a sealed ``.npz`` file, which ``numpy.load`` reads too.

    Parameters
    ----------
    arrays
        By name.
    compress
        Whether to make it small, which takes some time. What would get so small that it could not
        be told from a hostile file is not compressed.
    json
        Names of the arrays that hold JSON, for which readers need more memory.

    Raises
    ------
    TypeError
        If an array holds Python objects.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(f"{name!r} holds Python objects, which are not saved")
    image = _image(arrays, compress)
    if compress:
        needed = sum(array.nbytes for array in arrays.values())
        needed += sum(JSON_EXPANSION * arrays[name].nbytes for name in json)
        if needed > default_limit(len(image)):
            image = _image(arrays, False)
    return image


def _image(arrays: Mapping[str, np.ndarray], compress: bool) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            member = zipfile.ZipInfo(name + _SUFFIX, _DATE)
            member.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
        archive.comment = bytes(SEAL_LENGTH)  # the seal is the comment of the zip file
    content = buffer.getbuffer()
    content[-SEAL_LENGTH:] = seal(content[:-SEAL_LENGTH])
    return bytes(content)


class NpzReader:
    """The arrays of an ``.npz`` file, each read when it is asked for.

    Parameters
    ----------
    source
        The file.

    Raises
    ------
    FileError
        If it is no such file, or a damaged one.
    """

    def __init__(self, source: InputFile) -> None:
        self._source = source
        if not zipfile.is_zipfile(io.BytesIO(source.data)):
            raise source.error("it is cut off, or not an npz file")
        with source.guarded():
            self._archive = zipfile.ZipFile(io.BytesIO(source.data))
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in self._archive.infolist():
            name = member.filename.removesuffix(_SUFFIX)
            if name in self._members:
                raise source.error(f"it is damaged: it has {name!r} twice")
            self._members[name] = member

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._archive.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays, as they follow each other."""
        return tuple(self._members)

    def read(self, name: str) -> np.ndarray:
        """Return an array.

        Raises
        ------
        FileError
            If it is damaged, missing, larger than the limit, or of Python objects.
        """
        member = self._member(name)
        with self._source.guarded(name), self._archive.open(member) as stream:
            return read_npy(self._source, name, stream, member.file_size)

    def read_bytes(self, name: str) -> bytes:
        """Return the bytes that stand for an array, for those who read objects in their own way.

        Raises
        ------
        FileError
            If they are damaged, missing, or more than the limit.
        """
        member = self._member(name)
        self._source.claim(name, member.file_size)
        with self._source.guarded(name), self._archive.open(member) as stream:
            return stream.read(member.file_size)

    def _member(self, name: str) -> zipfile.ZipInfo:
        member = self._members.get(name)
        if member is None:
            raise self._source.error(f"it has no array {name!r}")
        # The others need memory that no declared size bounds.
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self._source.error(f"{name} is compressed in a way that NumPy does not use")
        if member.compress_type == zipfile.ZIP_STORED and member.file_size > len(self._source.data):
            raise self._source.error(f"it is damaged: {name} is larger than the file")
        return member

    def is_sealed(self) -> bool:
        """Say whether the file carries a checksum of the whole, and check it.

        Raises
        ------
        FileError
            If the file is not as it was saved. The message names the arrays that are damaged.
        """
        state = seal_state(self._source.data)
        if state == "broken":
            raise broken_seal(self._source, self._damaged())
        return state == "whole"

    def _damaged(self) -> list[str]:
        names = []
        for name in self._members:
            self._source.used = 0  # one at a time
            try:
                self.read(name)
            except FileError:
                names.append(name)
        return names
