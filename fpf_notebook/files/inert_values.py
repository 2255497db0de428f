"""What stands in an inert pickle: builders of the few values that arrays consist of.

They check what they are given and read the bytes; nothing of numpy is called with a forged state.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from fpf_notebook._types import JsonObject

__all__ = [
    "BUILDERS",
    "CONTAINER",
    "LEAF",
    "PLAIN",
    "SCALAR_NAMES",
    "ArrayBuilder",
    "Attributes",
    "Builder",
    "DTypeBuilder",
    "Name",
    "NameOfArrays",
    "Refused",
    "never",
    "set_of",
]

_CORES = ("numpy.core", "numpy._core")  # before and from numpy 2 on
_SCALAR_KINDS = "biufc"
SCALAR_NAMES = frozenset(
    f"{name}{bits}"
    for name, sizes in (
        ("float", (16, 32, 64)),
        ("complex", (64, 128)),
        ("int", (8, 16, 32, 64)),
        ("uint", (8, 16, 32, 64)),
    )
    for bits in sizes
) | {"bool", "bool_"}


# What a value takes in memory, roughly.
LEAF, CONTAINER = 16, 64
PLAIN = str | bytes | int | float | complex | None


class Refused(pickle.UnpicklingError):
    """A pickle asks for something that does not belong in it."""


class Attributes:
    """Stands for an object of the pickle's own class: its attributes, and no behaviour."""

    __slots__ = ("values",)

    values: JsonObject

    def __new__(cls) -> Attributes:  # noqa: D102  # as for any object
        self = super().__new__(cls)
        self.values = {}  # here, since pickles make objects without calling __init__
        return self

    def __setstate__(self, state: object) -> None:
        # (dict, None) or (None, dict) for classes with slots
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.values.update({str(key): value for key, value in part.items()})
            elif part is not None:
                raise Refused(f"the state of the object is of type {type(part).__name__}")


class _Inert:
    """Something that the pickle may name; it cannot be given attributes."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise Refused(f"it tries to change {type(self).__name__}")


class Name(_Inert):
    """A class that is only mentioned, never called."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Builder(_Inert):
    """Stands for a function that the pickle may call."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., object]) -> None:
        self._build = build

    def __call__(self, *arguments: object) -> object:
        """Build a value, from what the pickle gives."""
        return self._build(*arguments)


class DTypeBuilder:
    """A simple numeric type under construction."""

    __slots__ = ("value",)

    def __init__(self, code: Any, *_: object) -> None:
        code = code.name if isinstance(code, Name) else code
        known = isinstance(code, str) and code[:1] in _SCALAR_KINDS and code[1:].isdigit()
        if not (known or code in SCALAR_NAMES):
            raise Refused(f"it has an array of type {code!r}, expected numbers")
        self.value = np.dtype(code)

    def __setstate__(self, state: object) -> None:
        # (version, byte order, base, names, fields, ...): all but the byte order is for types with
        # an inner structure, which numbers have not.
        if not isinstance(state, tuple) or len(state) < 5 or any(state[2:5]):
            raise Refused("it has an array of a structured type, expected numbers")
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise Refused(f"it has an array with the byte order {order!r}")
        self.value = self.value.newbyteorder(order)


class ArrayBuilder:
    """An array under construction."""

    __slots__ = ("value",)

    def __init__(self, *_: object) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: object) -> None:
        # (version, shape, type, whether in Fortran order, bytes); version 0 had no number.
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Refused("it has a malformed array")
        shape, dtype, fortran, data = state[-4:]
        self.value = _read(data, dtype, shape, "F" if fortran else "C")


class NameOfArrays(Name):
    """The class of arrays: mentioned, or called for an empty one that is given its content next."""

    __slots__ = ()

    def __call__(self, *arguments: object) -> ArrayBuilder:
        """Begin an array, whose content follows as its state."""
        if arguments not in (((0,), "b"), ((0,), b"b")):
            raise Refused("it asks for an array without content")
        return ArrayBuilder()


def _read(data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    """Read an array, in the byte order of this machine."""
    if isinstance(data, str):
        data = data.encode("latin1")  # a byte string of Python 2
    lengths = [shape] if isinstance(shape, int) else shape
    if (
        not isinstance(dtype, DTypeBuilder)
        or not isinstance(data, bytes | bytearray)
        or not isinstance(lengths, tuple | list)
        or not all(isinstance(length, int) and length >= 0 for length in lengths)
        or order not in ("C", "F")
    ):
        raise Refused("it has a malformed array")
    flat = np.frombuffer(data, dtype=dtype.value) if data else np.empty(0, dtype.value)
    return flat.astype(dtype.value.newbyteorder("=")).reshape(lengths, order=order)  # type: ignore[call-overload]


def _scalar(dtype: object, data: object) -> object:
    return _read(data, dtype, (), "C")[()]


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> Any:
    array = ArrayBuilder()
    if order == "K":  # from numpy 2.3 on: in the order of memory, and how the axes lie in it
        array.value = _read(data, dtype, shape, "C").transpose(axes)
    else:
        array.value = _read(data, dtype, shape, order)
    return array


def _encode(text: object, encoding: object = "latin1") -> bytes:
    # How protocols 0 to 2 write bytes.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused(f"it asks for text in the encoding {encoding!r}")
    return text.encode("latin1")


def _bytes(*arguments: object) -> bytes:
    # Empty bytes in protocols 0 to 2. With an argument it would be given a size to allocate.
    if arguments:
        raise Refused("it asks for bytes with arguments")
    return b""


def _complex(real: object, imaginary: object) -> complex:
    if not isinstance(real, float) or not isinstance(imaginary, float):
        raise Refused("it has a malformed complex number")
    return complex(real, imaginary)


def set_of(entries: object = ()) -> set:
    """Return a set of plain values."""
    if not isinstance(entries, list | tuple) or not all(isinstance(e, PLAIN) for e in entries):
        raise Refused("it has a malformed set")
    return set(entries)


def _reconstructed(cls: object, *_: object) -> Attributes:
    # How protocols 0 and 1 make an object.
    if not (isinstance(cls, type) and issubclass(cls, Attributes)):
        raise Refused("it asks for an object of a class that does not belong in such a file")
    return cls()


def never(*_: object) -> NoReturn:
    """Stand for a class that is only mentioned."""
    raise AssertionError("only mentioned")


BUILDERS: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): ArrayBuilder,
    ("numpy", "dtype"): DTypeBuilder,
    ("_codecs", "encode"): _encode,
}
for _module in (
    "builtins",
    "__builtin__",
):  # the latter is Python 2's, and that of protocols 0 to 2
    BUILDERS |= {(_module, _name): never for _name in ("object", "bool", "int", "float")}
    BUILDERS |= {(_module, "bytes"): _bytes, (_module, "complex"): _complex}
    BUILDERS |= {(_module, "set"): set_of, (_module, "frozenset"): set_of}
for _module in ("copyreg", "copy_reg"):
    BUILDERS[_module, "_reconstructor"] = _reconstructed
for _core in _CORES:
    BUILDERS[f"{_core}.multiarray", "_reconstruct"] = ArrayBuilder
    BUILDERS[f"{_core}.multiarray", "scalar"] = _scalar
    BUILDERS[f"{_core}.numeric", "_frombuffer"] = _from_buffer
