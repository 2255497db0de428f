"""The folder of a sweep: a file for each network, written when its search has ended."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fpf_notebook._types import JsonObject
from fpf_notebook.files import FileError, write_file
from fpf_notebook.files.checksums import sha256_of_bytes
from fpf_notebook.files.input_file import JSON_EXPANSION, open_input
from fpf_notebook.io import load, save
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.sweep.result import SweepRow

__all__ = ["SweepFolder", "is_part", "read_index"]

_INDEX = "sweep.json"
_FORMAT = "fpf-sweep"
_KIND = "a sweep"


class SweepFolder:
    """Results that outlive the process.

    Each network has a file of fixed points, or one with its error; both are written in one go, so
    that a killed process leaves whole files only. What was searched for stands in ``sweep.json``.
    A link in the folder is not followed: neither is read what lies elsewhere, nor replaced.

    Parameters
    ----------
    path
        The folder, new or that of a sweep.
    request
        Identity of the request, as `identity.digest_of` returns it.

    Raises
    ------
    FileError
        If its index is damaged, or something in it is a link, a folder or a device where a file
        should be. It is a ValueError.
    ValueError
        If it is the folder of another sweep, or holds other things.
    """

    def __init__(self, path: str | os.PathLike[str], request: str) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"folder is {str(path)!r}, which is a file; expected a folder.")
        index = self.path / _INDEX
        if os.path.lexists(index):
            if read_index(_plain_file(index)) != request:
                raise ValueError(
                    f"{self.path} holds a sweep with another request (other options, states or "
                    "inputs). Give another folder, or remove this one."
                )
            return
        if self.path.exists() and any(self.path.iterdir()):
            raise ValueError(
                f"{self.path} holds other files and no sweep; expected a new or an empty folder."
            )
        content = {"format": _FORMAT, "version": 1, "request": request}
        content["sha256"] = _digest(content)
        write_file(index, json.dumps(content, indent=1).encode(), make_folders=True)

    def write(self, row: SweepRow, network: str) -> None:
        """Keep the result of a network, with its fingerprint.

        Raises
        ------
        FileError
            If something that is no file has its name.
        OSError
            If it cannot be written.
        """
        if row.fixed_points is None:
            content = {"error": row.error, "seconds": row.seconds}
            write_file(self._error(row.name), json.dumps(content).encode())
            return
        mark = {"network": network, "seconds": row.seconds}
        provenance = {**row.fixed_points.provenance, "sweep": mark}
        save(row.fixed_points.update(provenance=provenance), self._points(row.name))
        self._error(row.name).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Say whether there is a result of this name.

        Raises
        ------
        FileError
            If something that is no file has its name, or that of its error.
        """
        self._error(name)
        return self._points(name).exists()

    def read(self, name: str, network: str) -> SweepRow | None:
        """Return the result of a network, or None if there is none that can be used.

        One of another network of the same name, a damaged one, or a part of a search is none: it is
        searched again.
        """
        try:
            points = load(self._points(name))
        except (FileNotFoundError, FileError):
            return None
        mark = points.provenance.get("sweep")
        if is_part(points):
            return None
        if not isinstance(mark, dict) or mark.get("network") != network:
            return None
        seconds = mark.get("seconds")
        return SweepRow(name, points, seconds=seconds if isinstance(seconds, float) else 0.0)

    def _points(self, name: str) -> Path:
        return _plain_file(self.path / f"{name}.npz")

    def _error(self, name: str) -> Path:
        return _plain_file(self.path / f"{name}.error.json")


def is_part(points: FixedPoints | None) -> bool:
    """Say whether a search was ended from outside: not by the time that it was given."""
    if points is None or not points.interrupted:
        return False
    report = points.completeness
    return report is None or not report.stopped_because.startswith("max_seconds")


def read_index(path: Path) -> str:
    """Return the identity of the request that the index of a folder names.

    Raises
    ------
    FileError
        If it is damaged, or that of something else.
    """
    source = open_input(path, _KIND)
    source.claim("the index", JSON_EXPANSION * len(source.data))
    with source.guarded():
        content = json.loads(source.data)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            raise source.error("it is no index of one")
        digest = content.pop("sha256", None)
        if content["version"] != 1:
            raise source.error("it was written by a newer version")
        if digest != _digest(content):
            raise source.error("it is damaged (its SHA-256 differs)")
        return str(content["request"])


def _plain_file(path: Path) -> Path:
    """Refuse what is no file of this folder."""
    if path.is_symlink():
        raise FileError(path, _KIND, "it is a link, which is not followed")
    if path.exists() and not path.is_file():
        raise FileError(path, _KIND, "it is a folder or a device where a file should be")
    return path


def _digest(content: JsonObject) -> str:
    return sha256_of_bytes(json.dumps(content, sort_keys=True).encode())
