"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary file to write to, which then takes the place of `path`.

    A reader sees the old file or the new one, never a part; and if writing fails, the old one
    stays. The temporary file lies in the same folder, since only within a file system a file can be
    replaced in one step. It has the same suffix.

    Parameters
    ----------
    path
        The file to be written.

    Yields
    ------
    pathlib.Path
        The temporary file. It does not exist yet.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}.")
    # Not `tempfile`, whose files nobody but their owner may read, and which would stay so.
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(8)}{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())  # else a crash of the machine could leave an empty file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
