"""Records of fixed points as npz files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook.io.record import FORMAT, VERSION, check_version

# Beside the arrays. JSON as bytes, since numpy keeps text with four bytes a character.
_FORMAT, _VERSION, _METADATA = "format", "format_version", "metadata"


def write(path: Path, arrays: dict[str, np.ndarray], metadata: str) -> None:
    """Write arrays and metadata to a new file."""
    entries: dict[str, Any] = {
        **arrays,
        _FORMAT: np.array(FORMAT),
        _VERSION: np.array(VERSION),
        _METADATA: np.frombuffer(metadata.encode(), dtype=np.uint8),
    }
    with open(path, "xb") as file:
        np.savez_compressed(file, **entries)  # no objects among them: no pickle


def read(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """Read what :func:`write` wrote.

    Raises
    ------
    ValueError
        If it is not such a file.
    """
    with np.load(path, allow_pickle=False) as file:
        if _FORMAT not in file or _VERSION not in file:
            raise ValueError("it was not written by fpf_notebook")
        check_version(str(file[_FORMAT]), file[_VERSION])
        arrays = {name: file[name] for name in file.files}
    return arrays, arrays.pop(_METADATA).tobytes().decode()
