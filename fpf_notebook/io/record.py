"""What stands in a file: the arrays of a `FixedPoints` and its metadata as one text.

The two file formats differ only in how they keep these; that both mean the same is settled here.
"""

from __future__ import annotations

import json

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.checksums import check_digests, digests_of
from fpf_notebook.files.input_file import JSON_EXPANSION, UNCHECKED, InputFile
from fpf_notebook.result.fields import FIELDS
from fpf_notebook.result.fixed_points import FixedPoints

FORMAT = "fpf_notebook.FixedPoints"
VERSION = 1
_DIGESTS = "sha256"


def to_record(fps: FixedPoints) -> tuple[dict[str, np.ndarray], str]:
    """Return the per-point arrays that there are, and the metadata as JSON.

    Parameters
    ----------
    fps
        The points.

    Raises
    ------
    TypeError
        If `provenance` holds something that JSON cannot.
    """
    arrays = {name: getattr(fps, name) for name in FIELDS if getattr(fps, name) is not None}
    metadata = {
        "tol_unique": fps.tol_unique,
        "dtype": str(fps.dtype),
        "time": fps.time,
        "dt": fps.dt,
        "interrupted": fps.interrupted,
        "completeness": None if fps.completeness is None else fps.completeness.to_dict(),
        "audit": None if fps.audit is None else fps.audit.to_dict(),
        "manifolds": [one.to_dict() for one in fps.manifolds],
        "slices": [
            {"name": part.name, "shape": list(part.shape), "start": part.start, "stop": part.stop}
            for part in fps.slices
        ],
        "provenance": dict(fps.provenance),
        _DIGESTS: digests_of(arrays),
    }
    return arrays, json.dumps(metadata, default=_plain)


def has_digests(metadata: str) -> bool:
    """Say whether metadata name checksums, as those of all but the oldest files do."""
    return f'"{_DIGESTS}": ' in metadata


def from_record(source: InputFile, arrays: dict[str, np.ndarray], metadata: str) -> FixedPoints:
    """Make the points of what :func:`to_record` returned.

    Parameters
    ----------
    source
        The file.
    arrays
        By field name; others are ignored.
    metadata
        JSON.

    Raises
    ------
    FileError
        If the record is damaged.
    """
    source.claim("the metadata", JSON_EXPANSION * len(metadata))
    with source.guarded():
        entries = json.loads(metadata)
        digests = entries.get(_DIGESTS)
        if digests is None:
            entries["provenance"] = {**entries["provenance"], "integrity": UNCHECKED}
        else:
            check_digests(source, arrays, digests)
        return _made(arrays, entries)


def _made(arrays: dict[str, np.ndarray], entries: JsonObject) -> FixedPoints:
    fields: JsonObject = {name: arrays[name] for name in FIELDS if name in arrays}
    fields |= {
        name: entries[name]
        for name in ("tol_unique", "dtype", "time", "dt", "interrupted", "provenance")
    }
    if entries["completeness"] is not None:
        from fpf_notebook.result.completeness import Completeness

        fields["completeness"] = Completeness.from_dict(entries["completeness"])
    if entries["audit"] is not None:
        from fpf_notebook.result.audit import Audit

        fields["audit"] = Audit.from_dict(entries["audit"])
    if entries.get("manifolds"):  # there are none in files of older releases
        from fpf_notebook.result.manifolds import Manifold

        fields["manifolds"] = tuple(map(Manifold.from_dict, entries["manifolds"]))
    if entries["slices"]:
        # Imported only where needed: it brings in JAX.
        from fpf_notebook.dynamics.step_map import StateSlice

        fields["slices"] = tuple(
            StateSlice(part["name"], tuple(part["shape"]), part["start"], part["stop"])
            for part in entries["slices"]
        )
    return FixedPoints(**fields)


def check_version(source: InputFile, name: object, version: object) -> None:
    """Refuse what this release cannot read.

    Raises
    ------
    FileError
        If the file is of another format, or of a newer version of it.
    """
    if name != FORMAT:
        raise source.error("it was not written by fpf_notebook")
    if not isinstance(version, int):
        raise source.error(f"it is damaged: its version is {version!r}")
    if version > VERSION:
        raise source.error(
            f"its format has version {version}, this release of fpf_notebook reads versions up to "
            f"{VERSION}: install a newer one"
        )


def _plain(value: object) -> object:
    """Turn numpy's scalars and arrays in the provenance into what JSON can hold."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(
        f"The provenance of the fixed points holds {value!r} of type {type(value).__name__}, "
        "expected something that JSON can hold: numbers, text, lists, dictionaries."
    )
