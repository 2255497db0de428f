"""The bytes of a file that is read, and how much memory may be spent on them."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fpf_notebook.files.errors import FileError

__all__ = [
    "EXPANSION",
    "FLOOR",
    "JSON_EXPANSION",
    "UNCHECKED",
    "InputFile",
    "default_limit",
    "open_input",
]

EXPANSION = 64
"""By default a file may unpack to this many times its size: what good compression reaches."""

FLOOR = 1 << 26
"""... or to this many bytes, as small files of zeros compress a thousandfold and do no harm."""

JSON_EXPANSION = 24
"""The most that Python's objects are larger than the JSON they are made of: that of ``{},``."""

UNCHECKED = "not checked: the file carries no checksums"
"""What the provenance says under ``integrity`` of what such a file held."""

_LOG = logging.getLogger(__name__)


@dataclass
class InputFile:
    """A file in memory that is being read.

    Attributes
    ----------
    path : pathlib.Path
        Where it is.
    format : str
        What it is read as, with its article, for messages.
    data : bytes
        Its content.
    limit : int
        The most bytes that may be allocated for what is in it.
    used : int
        How many of them are claimed already.
    """

    path: Path
    format: str
    data: bytes
    limit: int
    used: int = 0

    def error(self, problem: str) -> FileError:
        """Return the error that names this file."""
        return FileError(self.path, self.format, problem)

    def claim(self, what: str, n_bytes: int) -> None:
        """Ask for memory **before** it is allocated.

        Raises
        ------
        FileError
            If the file has asked for too much by now.
        """
        self.used += n_bytes
        if self.used > self.limit:
            raise self.error(
                f"it has {len(self.data):,} bytes and unpacks to at least {self.used:,} (with "
                f"{what}), more than the limit of {self.limit:,}. If you trust it, pass "
                f"max_bytes={self.used} or more"
            )

    @contextlib.contextmanager
    def guarded(self, what: str = "it") -> Iterator[None]:
        """Turn whatever reading a damaged file raises into a `FileError` that names `what`.

        There is no list of what that could be: parsers of zip, HDF5, JSON and pickles, given
        damaged bytes, have raised 15 kinds of exceptions in tests.
        """
        try:
            yield
        except FileError:
            raise
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise self.error(f"{what} is damaged ({reason})") from error

    def note_unchecked(self) -> None:
        """Log that nothing in the file says whether its content is as it was."""
        _LOG.info("%s holds no checksums: a changed bit in it goes unnoticed", self.path)


def default_limit(n_bytes: int) -> int:
    """Return how many bytes a file of `n_bytes` may unpack to unless told otherwise."""
    return max(FLOOR, EXPANSION * n_bytes)


def open_input(
    path: str | os.PathLike[str], format: str, *, max_bytes: int | None = None
) -> InputFile:
    """Read a file into memory, as it is.

    Parameters
    ----------
    path
        The file.
    format
        What it is read as, with its article: ``"a model checkpoint"``.
    max_bytes
        The most bytes that its content may need in memory. Default: 64 times the size of the file,
        and at least 64 MiB.

    Raises
    ------
    FileNotFoundError, PermissionError, IsADirectoryError
        If it cannot be opened.
    FileError
        If it is a device or a pipe, which may never end.
    TypeError, ValueError
        If `max_bytes` is no positive whole number.
    """
    if max_bytes is not None:
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int):
            raise TypeError(f"max_bytes is {max_bytes!r}, expected a whole number of at least 1.")
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes!r}, expected a whole number of at least 1.")
    path = Path(path)
    # Asked before it is opened: opening a pipe would wait for somebody to write to it.
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FileError(path, format, "it is a device or a pipe, not a file")
    data = path.read_bytes()
    limit = default_limit(len(data)) if max_bytes is None else max_bytes
    return InputFile(path, format, data, limit)
