"""Arrays from ``.safetensors`` files: a header of JSON, and then bytes.

The format is simple enough to be read here, with the same limits and errors as every other one,
and without a further package: https://huggingface.co/docs/safetensors (format).
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.input_file import JSON_EXPANSION, InputFile

__all__ = ["read_safetensors"]

_TYPES = {
    **{f"F{8 * size}": f"<f{size}" for size in (2, 4, 8)},
    **{f"I{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"U{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    "BOOL": "|b1",
    "BF16": "<u2",  # the upper half of a float32, which NumPy does not know
}


def read_safetensors(source: InputFile) -> dict[str, np.ndarray]:
    """Return all arrays of a file, those of type BF16 as float32.

    Such files carry no checksums: a changed bit in a number goes unnoticed.

    Raises
    ------
    FileError
        If the file is damaged, larger than the limit, or has an array of a type that NumPy does not
        know.
    """
    data = source.data
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise source.error("it is cut off within its header, or not a safetensors file")
    source.claim("the header", JSON_EXPANSION * length)
    with source.guarded():
        header = json.loads(data[8 : 8 + length].decode(), object_pairs_hook=_without_repeats)
        if not isinstance(header, dict):
            raise source.error("its header is not a dictionary")
        header.pop("__metadata__", None)
        content = memoryview(data)[8 + length :]
        source.note_unchecked()
        return {name: _array(source, name, entry, content) for name, entry in header.items()}


def _array(source: InputFile, name: str, entry: Any, content: memoryview) -> np.ndarray:
    code, shape, (start, stop) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if code not in _TYPES:
        raise source.error(f"{name} has the type {code!r}, expected one of {', '.join(_TYPES)}")
    if not all(type(n) is int and n >= 0 for n in (*shape, start, stop)):
        raise source.error(f"it is damaged: the place of {name} is wrong")
    dtype = np.dtype(_TYPES[code])
    n_bytes = math.prod(shape) * dtype.itemsize
    if not start <= stop <= len(content) or stop - start != n_bytes:
        raise source.error(
            f"it is damaged or cut off: {name} declares {n_bytes:,} bytes, at {start:,} to "
            f"{stop:,} of {len(content):,}"
        )
    source.claim(name, 2 * n_bytes if code == "BF16" else n_bytes)
    raw = np.frombuffer(content[start:stop], dtype)
    if code == "BOOL" and (raw.view(np.uint8) > 1).any():
        raise source.error(f"{name} is damaged: it holds what is neither True nor False")
    if code == "BF16":
        return (raw.astype("<u4") << 16).view("<f4").astype(np.float32).reshape(shape)
    return raw.astype(dtype.newbyteorder("=")).reshape(shape)


def _without_repeats(pairs: list[tuple[str, object]]) -> JsonObject:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name stands twice in its header")
    return entries
