"""Arrays on their way to the browser: `{view, dtype, shape}`, compared by their contents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import traitlets

_SENT_AS = {"f": "float32", "i": "int32", "u": "uint8", "b": "uint8"}


def pack(value: Any) -> Any:
    """Replace every numpy array in a nested value by its buffer, element type and shape.

    Parameters
    ----------
    value
        Mappings, sequences, numbers, text and numpy arrays. Floating-point arrays become
        float32, whole numbers int32, booleans and unsigned numbers uint8, all contiguous.

    Returns
    -------
    object
        The same with ``{"view": memoryview, "dtype": str, "shape": list}`` in place of arrays,
        and Python numbers in place of numpy scalars.

    Raises
    ------
    TypeError
        For an array whose elements have no binary form, such as text.
    """
    if isinstance(value, np.ndarray):
        dtype = _SENT_AS.get(value.dtype.kind)
        if dtype is None:
            raise TypeError(f"an array of {value.dtype} cannot be sent, expected numbers")
        array = np.ascontiguousarray(value, dtype=dtype)
        view = memoryview(array.reshape(-1).view(np.uint8).data)
        return {"view": view, "dtype": dtype, "shape": list(value.shape)}
    if isinstance(value, Mapping):
        return {str(key): pack(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [pack(entry) for entry in value]
    return value.item() if isinstance(value, np.generic) else value


def same(first: Any, second: Any) -> bool:
    """Whether two nested values are equal, arrays by type, shape and contents (NaN equals NaN)."""
    if first is second:
        return True
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        if not (isinstance(first, np.ndarray) and isinstance(second, np.ndarray)):
            return False
        if first.dtype != second.dtype or first.shape != second.shape:
            return False
        return bool(np.array_equal(first, second, equal_nan=first.dtype.kind in "fc"))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return bool(first == second)


class ArrayDict(traitlets.Dict):  # type: ignore[type-arg]
    """A dictionary trait that may hold numpy arrays at any depth; an equal value is no change.

    It is read-only: the widget sets it by `set_trait`.
    """

    def __init__(self, **metadata: Any) -> None:
        super().__init__(allow_none=True, read_only=True)
        self.tag(sync=True, to_json=lambda value, _: pack(value), **metadata)

    def set(self, obj: Any, value: Any) -> None:
        """Assign, and tell observers, only what differs."""
        if same(obj._trait_values.get(self.name), value):
            return
        super().set(obj, value)
