"""Checksums: of each array, and of a whole file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

import numpy as np

from fpf_notebook.files.errors import FileError
from fpf_notebook.files.input_file import InputFile

__all__ = [
    "SEAL_LENGTH",
    "SEAL_MARK",
    "broken_seal",
    "check_digests",
    "digests_of",
    "missing_seal",
    "seal",
    "seal_state",
    "sha256_of_bytes",
]

SEAL_MARK = b"fpf-sealed"
"""Stands within each sealed file: without its seal, such a file has been cut off or changed."""

_SEAL = re.compile(rb"fpf-sha256 ([0-9a-f]{64})\n")
SEAL_LENGTH = len(b"fpf-sha256 ") + 64 + 1
"""Number of bytes of a seal, which are the last ones of a file."""


def digests_of(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Return the SHA-256 of each array, over its type, its shape and its bytes."""
    return {name: _digest(array) for name, array in arrays.items()}


def check_digests(
    source: InputFile, arrays: Mapping[str, np.ndarray], digests: Mapping[str, str]
) -> None:
    """Compare arrays with the checksums that were saved with them.

    Raises
    ------
    FileError
        Naming the arrays that differ, are missing, or have no checksum.
    """
    missing = sorted(digests.keys() - arrays.keys())
    if missing:
        raise source.error(f"it is damaged: {_listed(missing)} {_are(missing)} missing")
    found = digests_of(arrays)
    wrong = [name for name in found if found[name] != digests.get(name)]
    if wrong:
        raise source.error(
            f"it is damaged: {_listed(wrong)} {_are(wrong)} not what was saved (the SHA-256 "
            "differs)"
        )


def sha256_of_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def seal(image: bytes | bytearray | memoryview) -> bytes:
    """Return the seal of a file: the SHA-256 of all that stands before it."""
    return b"fpf-sha256 " + sha256_of_bytes(image).encode() + b"\n"


def seal_state(data: bytes) -> Literal["whole", "broken", "absent"]:
    """Say whether a file has a seal, and whether it is that of its content."""
    match = _SEAL.fullmatch(data, max(0, len(data) - SEAL_LENGTH))
    if match is None:
        return "absent"
    digest = sha256_of_bytes(memoryview(data)[:-SEAL_LENGTH]).encode()
    return "whole" if digest == match[1] else "broken"


def broken_seal(source: InputFile, damaged: list[str]) -> FileError:
    """Return the error for a file that is not as it was saved, where `damaged` names arrays."""
    if damaged:
        where = f"{_listed(damaged)} {_are(damaged)} damaged"
    else:
        where = "the damage is outside of its arrays"
    return source.error(f"it is not as it was saved (its SHA-256 differs): {where}")


def missing_seal(source: InputFile) -> FileError:
    """Return the error for a file whose seal has been cut off."""
    return source.error(
        "its checksum at the end is missing: it was cut off, or changed by another program"
    )


def _digest(array: np.ndarray) -> str:
    array = np.asarray(array)
    # The same on machines of either byte order.
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{little.dtype.str}{list(array.shape)}".encode())
    if little.nbytes:
        digest.update(little.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
