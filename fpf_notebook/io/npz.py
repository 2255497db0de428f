"""Records of fixed points as npz files."""

from __future__ import annotations

import numpy as np

from fpf_notebook.files.checksums import missing_seal
from fpf_notebook.files.input_file import InputFile
from fpf_notebook.files.npz import NpzReader, npz_image
from fpf_notebook.io.record import FORMAT, VERSION, check_version, has_digests

# Beside the arrays. JSON as bytes, since numpy keeps text with four bytes a character.
_FORMAT, _VERSION, _METADATA = "format", "format_version", "metadata"


def image(arrays: dict[str, np.ndarray], metadata: str) -> bytes:
    """Return a file of arrays and metadata."""
    entries = {
        **arrays,
        _FORMAT: np.array(FORMAT),
        _VERSION: np.array(VERSION),
        _METADATA: np.frombuffer(metadata.encode(), dtype=np.uint8),
    }
    return npz_image(entries, compress=True, json=[_METADATA])


def read(source: InputFile) -> tuple[dict[str, np.ndarray], str]:
    """Read what :func:`image` made.

    Raises
    ------
    FileError
        If it is not such a file.
    """
    with NpzReader(source) as file:
        sealed = file.is_sealed()
        known = _FORMAT in file.names and _VERSION in file.names
        kind, version = (file.read(_FORMAT), file.read(_VERSION)) if known else (None, 0)
        with source.guarded():
            check_version(source, str(kind), int(version))
        arrays = {name: file.read(name) for name in file.names if name not in (_FORMAT, _VERSION)}
    if _METADATA not in arrays:
        raise source.error("it is damaged: it has no metadata")
    with source.guarded():
        metadata = arrays.pop(_METADATA).tobytes().decode()
    if has_digests(metadata) and not sealed:
        raise missing_seal(source)
    if not sealed:
        source.note_unchecked()
    return arrays, metadata
