"""Reading pickles of numpy arrays without running anything that they ask for.

A pickle is a program: it names functions and says what to call them with. Here no real function can
be named, not even one of numpy's. The few names that a pickled array consists of lead to builders
of this file, which check what they are given and read the bytes; every other name is refused. (A
list of allowed numpy functions would not do: `numpy.dtype` and `ndarray.__setstate__`, given forged
states, let raw bytes pass for pointers to objects.)
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

_CORES = ("numpy.core", "numpy._core")  # before and from numpy 2 on
_SCALAR_KINDS = "biufc"
_SCALAR_NAMES = frozenset(
    f"{name}{bits}"
    for name, sizes in (
        ("float", (16, 32, 64)),
        ("complex", (64, 128)),
        ("int", (8, 16, 32, 64)),
        ("uint", (8, 16, 32, 64)),
    )
    for bits in sizes
) | {"bool", "bool_"}


class Refused(pickle.UnpicklingError):
    """A pickle asks for something that does not belong in it."""


class Attributes:
    """Stands for an object of the pickle's own class: its attributes, and no behaviour."""

    __slots__ = ("values",)

    values: dict[str, Any]

    def __new__(cls) -> Attributes:  # noqa: D102  # as for any object
        self = super().__new__(cls)
        self.values = {}  # here, since pickles make objects without calling __init__
        return self

    def __setstate__(self, state: Any) -> None:
        # (dict, None) or (None, dict) for classes with slots
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.values.update({str(key): value for key, value in part.items()})
            elif part is not None:
                raise Refused(f"the state of the object is of type {type(part).__name__}")


def load_inert(data: bytes, class_name: str) -> Any:
    """Unpickle numpy arrays, plain values and containers, and one class as bare attributes.

    Parameters
    ----------
    data
        A pickle of any protocol, of Python 2 as well.
    class_name
        Objects of a class of this name, in whatever module, become :class:`Attributes`.

    Returns
    -------
    Any
        The object, with numpy arrays in it where the pickle has them.

    Raises
    ------
    Refused
        If the pickle names anything else.
    Exception
        Of any type, if the pickle is damaged.
    """
    # latin1: how the text strings and the bytes of Python 2 both come through unharmed.
    unpickler = _InertUnpickler(io.BytesIO(data), encoding="latin1")
    unpickler.class_name = class_name
    return _finished(unpickler.load())


class _InertUnpickler(pickle.Unpickler):
    class_name = ""

    def find_class(self, module: str, name: str) -> Any:
        if name == self.class_name:
            # Made anew for each pickle, so that whatever it does to the class is gone with it.
            return type(name, (Attributes,), {"__slots__": ()})
        if module == "numpy" and name in _SCALAR_NAMES:
            return _Name(name.rstrip("_"))
        builder = _BUILDERS.get((module, name))
        if builder is None:
            raise Refused(f"it asks for {module}.{name}, which does not belong in such a file")
        if builder is _Array and name == "ndarray":
            return _NameOfArrays(name)
        return _Name(name) if builder is _never else _Builder(builder)

    def persistent_load(self, pid: Any) -> NoReturn:
        raise Refused("it refers to objects outside of the file")


class _Inert:
    """Something that the pickle may name; it cannot be given attributes."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> NoReturn:
        raise Refused(f"it tries to change {type(self).__name__}")


class _Name(_Inert):
    """A class that is only mentioned, never called."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Builder(_Inert):
    """Stands for a function that the pickle may call."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., Any]) -> None:
        self._build = build

    def __call__(self, *arguments: Any) -> Any:
        return self._build(*arguments)


class _DType:
    """A simple numeric type under construction."""

    __slots__ = ("value",)

    def __init__(self, code: Any, *_: Any) -> None:
        code = code.name if isinstance(code, _Name) else code
        known = isinstance(code, str) and code[:1] in _SCALAR_KINDS and code[1:].isdigit()
        if not (known or code in _SCALAR_NAMES):
            raise Refused(f"it has an array of type {code!r}, expected numbers")
        self.value = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, base, names, fields, ...): all but the byte order is for types with
        # an inner structure, which numbers have not.
        if not isinstance(state, tuple) or len(state) < 5 or any(state[2:5]):
            raise Refused("it has an array of a structured type, expected numbers")
        order = state[1].decode() if isinstance(state[1], bytes) else state[1]
        if order not in ("<", ">", "|", "="):
            raise Refused(f"it has an array with the byte order {order!r}")
        self.value = self.value.newbyteorder(order)


class _Array:
    """An array under construction."""

    __slots__ = ("value",)

    def __init__(self, *_: Any) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        # (version, shape, type, whether in Fortran order, bytes); version 0 had no number.
        if not isinstance(state, tuple) or len(state) not in (4, 5):
            raise Refused("it has a malformed array")
        shape, dtype, fortran, data = state[-4:]
        self.value = _read(data, dtype, shape, "F" if fortran else "C")


class _NameOfArrays(_Name):
    """The class of arrays: mentioned, or called for an empty one that is given its content next."""

    __slots__ = ()

    def __call__(self, *arguments: Any) -> _Array:
        if arguments not in (((0,), "b"), ((0,), b"b")):
            raise Refused("it asks for an array without content")
        return _Array()


def _read(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    """Read an array, in the byte order of this machine."""
    if isinstance(data, str):
        data = data.encode("latin1")  # a byte string of Python 2
    lengths = [shape] if isinstance(shape, int) else shape
    if (
        not isinstance(dtype, _DType)
        or not isinstance(data, bytes | bytearray)
        or not isinstance(lengths, tuple | list)
        or not all(isinstance(length, int) and length >= 0 for length in lengths)
        or order not in ("C", "F")
    ):
        raise Refused("it has a malformed array")
    flat = np.frombuffer(data, dtype=dtype.value) if data else np.empty(0, dtype.value)
    return flat.astype(dtype.value.newbyteorder("=")).reshape(lengths, order=order)  # type: ignore[call-overload]


def _scalar(dtype: Any, data: Any) -> Any:
    return _read(data, dtype, (), "C")[()]


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> _Array:
    array = _Array()
    if order == "K":  # from numpy 2.3 on: in the order of memory, and how the axes lie in it
        array.value = _read(data, dtype, shape, "C").transpose(axes)
    else:
        array.value = _read(data, dtype, shape, order)
    return array


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    # How protocols 0 to 2 write bytes.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise Refused(f"it asks for text in the encoding {encoding!r}")
    return text.encode("latin1")


def _bytes(*arguments: Any) -> bytes:
    # Empty bytes in protocols 0 to 2. With an argument it would be given a size to allocate.
    if arguments:
        raise Refused("it asks for bytes with arguments")
    return b""


def _complex(real: Any, imaginary: Any) -> complex:
    if not isinstance(real, float) or not isinstance(imaginary, float):
        raise Refused("it has a malformed complex number")
    return complex(real, imaginary)


def _set(entries: Any = ()) -> set:
    if not isinstance(entries, list | tuple):
        raise Refused("it has a malformed set")
    return set(entries)


def _reconstructed(cls: Any, *_: Any) -> Attributes:
    # How protocols 0 and 1 make an object.
    if not (isinstance(cls, type) and issubclass(cls, Attributes)):
        raise Refused("it asks for an object of a class that does not belong in such a file")
    return cls()


def _never(*_: Any) -> NoReturn:
    raise AssertionError("only mentioned")


_BUILDERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
}
for _module in (
    "builtins",
    "__builtin__",
):  # the latter is Python 2's, and that of protocols 0 to 2
    _BUILDERS |= {(_module, _name): _never for _name in ("object", "bool", "int", "float")}
    _BUILDERS |= {(_module, "bytes"): _bytes, (_module, "complex"): _complex}
    _BUILDERS |= {(_module, "set"): _set, (_module, "frozenset"): _set}
for _module in ("copyreg", "copy_reg"):
    _BUILDERS[_module, "_reconstructor"] = _reconstructed
for _core in _CORES:
    _BUILDERS[f"{_core}.multiarray", "_reconstruct"] = _Array
    _BUILDERS[f"{_core}.multiarray", "scalar"] = _scalar
    _BUILDERS[f"{_core}.numeric", "_frombuffer"] = _from_buffer


def _finished(value: Any) -> Any:
    """Put the arrays in the place of their builders."""
    match value:
        case _Array():
            if value.value is None:
                raise Refused("it has an array without content")
            return value.value
        case _DType():
            return value.value
        case _Name():
            return value.name
        case _Builder():
            raise Refused("it has a function in the place of a value")
        case Attributes():
            finished = Attributes()
            finished.values = {key: _finished(entry) for key, entry in value.values.items()}
            return finished
        case dict():
            return {key: _finished(entry) for key, entry in value.items()}
        case list() | tuple() | set() | frozenset():
            return type(value)(_finished(entry) for entry in value)
    return value
