"""The folder of a sweep: a file for each network, written when its search has ended."""

from __future__ import annotations

import json
import os
from pathlib import Path

from fpf_notebook._types import JsonObject
from fpf_notebook.files import FileError, write_file
from fpf_notebook.io import load, save
from fpf_notebook.sweep.result import SweepRow

__all__ = ["SweepFolder"]

_INDEX = "sweep.json"
_FORMAT = "fpf-sweep"


class SweepFolder:
    """Results that outlive the process.

    Each network has a file of fixed points, or one with its error; both are written in one go, so
    that a killed process leaves whole files only. What was searched for stands in ``sweep.json``.

    Parameters
    ----------
    path
        The folder, new or that of a sweep.
    request
        Identity of the request, as `identity.digest_of` returns it.

    Raises
    ------
    ValueError
        If it is the folder of another sweep, or holds other things.
    """

    def __init__(self, path: str | os.PathLike[str], request: str) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"folder is {str(path)!r}, which is a file; expected a folder.")
        index = self.path / _INDEX
        if index.exists():
            known = _read_index(index)
            if known.get("request") != request:
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
        write_file(index, json.dumps(content, indent=1).encode(), make_folders=True)

    def write(self, row: SweepRow, network: str) -> None:
        """Keep the result of a network, with its fingerprint."""
        if row.fixed_points is None:
            content = {"error": row.error, "seconds": row.seconds}
            write_file(self._error(row.name), json.dumps(content).encode())
            return
        mark = {"network": network, "seconds": row.seconds}
        provenance = {**row.fixed_points.provenance, "sweep": mark}
        save(row.fixed_points.update(provenance=provenance), self._points(row.name))
        self._error(row.name).unlink(missing_ok=True)

    def has(self, name: str) -> bool:
        """Say whether there is a result of this name."""
        return self._points(name).exists()

    def read(self, name: str, network: str) -> SweepRow | None:
        """Return the result of a network, or None if there is none that can be used.

        One of another network of the same name, or a damaged one, is none: it is searched again.
        """
        try:
            points = load(self._points(name))
        except (FileNotFoundError, FileError):
            return None
        mark = points.provenance.get("sweep")
        if not isinstance(mark, dict) or mark.get("network") != network:
            return None
        return SweepRow(name, points, seconds=float(mark.get("seconds", 0.0)))

    def _points(self, name: str) -> Path:
        return self.path / f"{name}.npz"

    def _error(self, name: str) -> Path:
        return self.path / f"{name}.error.json"


def _read_index(path: Path) -> JsonObject:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileError(path, "a sweep", f"it cannot be read: {error}") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise FileError(path, "a sweep", "it is no index of one")
    if content.get("version") != 1:
        raise FileError(path, "a sweep", "it was written by a newer version")
    return content
