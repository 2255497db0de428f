"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["write_file"]

_TEMPORARY = re.compile(r"\.fpf-[0-9a-f]{16}\.tmp")
# Not more at once, so that Ctrl-C is noticed while a large file is written.
_PIECE = 1 << 24
# What some file systems answer when asked to lock or to sync: they cannot, and all is well.
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


def write_file(
    path: str | os.PathLike[str],
    data: bytes | bytearray | memoryview,
    *,
    make_folders: bool = False,
) -> Path:
    """Write a file in one step.

    A reader sees the old file or the new one, never a part, even if the process is killed or the
    machine loses power. If writing fails, the old file stays. What a killed process has left in
    the folder is removed.

    Parameters
    ----------
    path
        The file. A symbolic link is followed, and stays. An existing file keeps its permissions; a
        new one gets those that any new file gets.
    data
        Its whole content.
    make_folders
        Whether missing parent folders are made.

    Returns
    -------
    pathlib.Path
        `path`.

    Raises
    ------
    FileNotFoundError
        If the folder does not exist.
    OSError
        If the disk is full, or the folder cannot be written to. The message names the file.
    ValueError
        If `path` is a folder, a device or a pipe: something that cannot be replaced by a file.

    Examples
    --------
    >>> import os, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_file(os.path.join(folder, "note.txt"), b"whole or not at all").read_bytes()
    b'whole or not at all'
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    mode = _mode_of(path, target)
    if make_folders:
        target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {target.parent}.")
    _remove_leftovers(target.parent)
    try:
        _replace(target, memoryview(data).cast("B"), mode)
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot be written, and is as before: {error.strerror or error}",
            str(path),
        ) from error
    _sync_folder(target.parent)
    return path


def _mode_of(path: Path, target: Path) -> int | None:
    """Return the permissions of an existing file; refuse what is no file."""
    try:
        mode = os.stat(target).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(mode):
        raise ValueError(f"{path} is not a file, and cannot be replaced by one.")
    return stat.S_IMODE(mode)


def _replace(target: Path, data: memoryview, mode: int | None) -> None:
    temporary, handle = _new_file(target.parent)
    try:
        try:
            if mode is not None:
                os.chmod(temporary, mode)
            for start in range(0, len(data), _PIECE):
                _write_all(handle, data[start : start + _PIECE])
            os.fsync(handle)  # else a crash of the machine could leave an empty file
            # Before it is closed: the lock says that somebody is still at work.
            if fcntl is not None:
                os.replace(temporary, target)
        finally:
            os.close(handle)
        if fcntl is None:  # Windows moves no open file
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _write_all(handle: int, data: memoryview) -> None:
    while data:
        data = data[os.write(handle, data) :]  # it may take a part only


def _new_file(folder: Path) -> tuple[Path, int]:
    """Make a temporary file and lock it.

    It lies in the same folder, since only within a file system a file can be replaced in one step.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = folder / f".fpf-{secrets.token_hex(8)}.tmp"
        # Not `tempfile`, whose files nobody but their owner may read, and which would stay so.
        handle = os.open(temporary, flags, 0o666)
        try:
            _lock(handle, wait=True)
            # Between the two, another writer may have taken it for a leftover.
            if fcntl is None or os.fstat(handle).st_nlink:
                return temporary, handle
        except BaseException:
            os.close(handle)
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        os.close(handle)


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that are no more.

    A writer holds a lock on its file, and the system takes the locks of a dead process away: what
    can be locked belongs to nobody.
    """
    if fcntl is None:
        return  # no such locks: better a leftover than somebody's work
    try:
        names = [entry.name for entry in os.scandir(folder) if _TEMPORARY.fullmatch(entry.name)]
    except OSError:
        return  # a folder that may be written to, but not read
    for name in names:
        leftover = folder / name
        with contextlib.suppress(OSError):  # in use, gone by now, or another user's
            handle = os.open(leftover, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if _lock(handle, wait=False) and stat.S_ISREG(os.fstat(handle).st_mode):
                    os.unlink(leftover)
            finally:
                os.close(handle)


def _lock(handle: int, *, wait: bool) -> bool:
    """Lock a file, and say whether that was possible."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if wait and error.errno not in _UNSUPPORTED:
            raise
        return False
    return True


def _sync_folder(folder: Path) -> None:
    """Make the new name last."""
    if fcntl is None:
        return  # Windows opens no folders
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return  # it may be written to, but not read
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
    finally:
        os.close(handle)
