"""Reading pickles of numpy arrays without running anything that they ask for.

A pickle is a program: it names functions and says what to call them with. Here no real function can
be named, not even one of numpy's. The few names that a pickled array consists of lead to builders
of this file, which check what they are given and read the bytes; every other name is refused. (A
list of allowed numpy functions would not do: `numpy.dtype` and `ndarray.__setstate__`, given forged
states, let raw bytes pass for pointers to objects.)

Nor can a pickle take more time or memory than its size allows. One object may stand in a thousand
places: it is made once, and counted a thousand times against a limit before anybody walks through
the result.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Sized
from typing import Any, ClassVar, NoReturn

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.input_file import InputFile

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


_DEEPEST = 100
# What a value takes in memory, roughly.
_LEAF, _CONTAINER = 16, 64
_PLAIN = str | bytes | int | float | complex | None


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


def load_inert(source: InputFile, class_name: str) -> object:
    """Unpickle numpy arrays, plain values and containers, and one class as bare attributes.

    Parameters
    ----------
    source
        A pickle of any protocol, of Python 2 as well. Its limit bounds what comes out, with shared
        objects counted at each place where they stand.
    class_name
        Objects of a class of this name, in whatever module, become :class:`Attributes`.

    Returns
    -------
    Any
        The object, with numpy arrays in it where the pickle has them.

    Raises
    ------
    FileError
        If the pickle names anything else, is damaged, or comes to more than the limit.
    """
    # latin1: how the text strings and the bytes of Python 2 both come through unharmed.
    unpickler = InertUnpickler(io.BytesIO(source.data), encoding="latin1")
    unpickler.class_name = class_name
    return load_with(unpickler, source)


def load_with(unpickler: InertUnpickler, source: InputFile) -> object:
    """Return what an unpickler finds, with arrays in it where the pickle has them.

    Raises
    ------
    FileError
        As for `load_inert`.
    """
    unpickler.left = source.limit
    with source.guarded():
        try:
            return _Finisher(source).finished(unpickler.load())
        except Refused as error:
            raise source.error(f"it was refused: {error}") from error


class InertUnpickler(pickle._Unpickler):
    """The unpickler in Python, not the one in C.

    In C a damaged number of the memo allocates 32 GB, and a dictionary's key of nested tuples can
    take for ever to be hashed. Its table of opcodes cannot be changed; this one's can.
    """

    class_name = ""
    stack: list[Any]
    append: Callable[[Any], None]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]
    left = 0  # how many bytes its arrays and texts may still have
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> object:
        """Return what stands for a name that the pickle gives."""
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

    def persistent_load(self, pid: object) -> NoReturn:
        """Refuse what is kept elsewhere."""
        raise Refused("it refers to objects outside of the file")

    def get_extension(self, code: int) -> NoReturn:
        """Refuse what is registered elsewhere."""
        # A registry of the process, and a cache of real objects.
        raise Refused("it refers to objects outside of the file")

    def _call(self) -> None:
        # A text in the memo may be given to a thousand calls, each of which copies it.
        self._spend(self.stack[-1])
        pickle._Unpickler.load_reduce(self)  # type: ignore[attr-defined]

    dispatch[pickle.REDUCE[0]] = _call

    def _build(self) -> None:
        self._spend(self.stack[-1])
        pickle._Unpickler.load_build(self)  # type: ignore[attr-defined]

    dispatch[pickle.BUILD[0]] = _build

    def _spend(self, arguments: object) -> None:
        parts = arguments if isinstance(arguments, tuple | list) else (arguments,)
        self.left -= sum(_LEAF + len(part) for part in parts if isinstance(part, Sized))
        if self.left < 0:
            raise Refused("it makes more copies of its texts than its limit allows")

    def _load_dictionary(self) -> None:
        items = self.pop_mark()
        self.append(_filled({}, items))

    dispatch[pickle.DICT[0]] = _load_dictionary

    def _load_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _filled(self.stack[-1], [key, value])

    dispatch[pickle.SETITEM[0]] = _load_item

    def _load_items(self) -> None:
        items = self.pop_mark()
        _filled(self.stack[-1], items)

    dispatch[pickle.SETITEMS[0]] = _load_items

    def _load_members(self) -> None:
        members = self.pop_mark()
        if not isinstance(self.stack[-1], set):
            raise Refused("it adds members to something else than a set")
        self.stack[-1].update(_set(members))

    dispatch[pickle.ADDITEMS[0]] = _load_members

    def _load_frozen_set(self) -> None:
        members = self.pop_mark()  # first: it exchanges the stack
        self.append(frozenset(_set(members)))

    dispatch[pickle.FROZENSET[0]] = _load_frozen_set

    def _load_bytearray(self) -> None:
        # Not allocated first and filled then: the pickle says how long it is.
        length = int.from_bytes(self.read(8), "little")
        data = self.read(length) if length <= sys.maxsize else b""
        if len(data) != length:
            raise Refused("it is cut off")
        self.append(bytearray(data))

    dispatch[pickle.BYTEARRAY8[0]] = _load_bytearray


def _filled(container: object, items: list[object]) -> dict[object, object]:
    if type(container) is not dict:
        raise Refused(f"it sets an item of {type(container).__name__}")
    if len(items) % 2:
        raise Refused("it has a dictionary with a key and no value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # A tuple of shared tuples takes for ever to be hashed.
        if not isinstance(key, _PLAIN):
            raise Refused(f"it has a dictionary with a key of type {type(key).__name__}")
        container[key] = value
    return container


class _Inert:
    """Something that the pickle may name; it cannot be given attributes."""

    __slots__ = ()

    def __setstate__(self, state: object) -> NoReturn:
        raise Refused(f"it tries to change {type(self).__name__}")


class _Name(_Inert):
    """A class that is only mentioned, never called."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class _Builder(_Inert):
    """Stands for a function that the pickle may call."""

    __slots__ = ("_build",)

    def __init__(self, build: Callable[..., object]) -> None:
        self._build = build

    def __call__(self, *arguments: object) -> object:
        return self._build(*arguments)


class _DType:
    """A simple numeric type under construction."""

    __slots__ = ("value",)

    def __init__(self, code: Any, *_: object) -> None:
        code = code.name if isinstance(code, _Name) else code
        known = isinstance(code, str) and code[:1] in _SCALAR_KINDS and code[1:].isdigit()
        if not (known or code in _SCALAR_NAMES):
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


class _Array:
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


class _NameOfArrays(_Name):
    """The class of arrays: mentioned, or called for an empty one that is given its content next."""

    __slots__ = ()

    def __call__(self, *arguments: object) -> _Array:
        if arguments not in (((0,), "b"), ((0,), b"b")):
            raise Refused("it asks for an array without content")
        return _Array()


def _read(data: Any, dtype: Any, shape: Any, order: Any) -> Any:
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


def _scalar(dtype: object, data: object) -> object:
    return _read(data, dtype, (), "C")[()]


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> Any:
    array = _Array()
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


def _set(entries: object = ()) -> set:
    if not isinstance(entries, list | tuple) or not all(isinstance(e, _PLAIN) for e in entries):
        raise Refused("it has a malformed set")
    return set(entries)


def _reconstructed(cls: object, *_: object) -> Attributes:
    # How protocols 0 and 1 make an object.
    if not (isinstance(cls, type) and issubclass(cls, Attributes)):
        raise Refused("it asks for an object of a class that does not belong in such a file")
    return cls()


def _never(*_: object) -> NoReturn:
    raise AssertionError("only mentioned")


_BUILDERS: dict[tuple[str, str], Callable[..., object]] = {
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


class _Finisher:
    """Puts the arrays in the place of their builders, each once, however often it stands there."""

    def __init__(self, source: InputFile) -> None:
        self._source = source
        self._done: dict[int, tuple[object, int]] = {}  # by identity: the value and its size
        self._open: set[int] = set()

    def finished(self, value: object) -> object:
        """Return a value with arrays in it, if it is not larger than the file's limit."""
        finished, size = self._made(value, 0)
        self._source.claim("its pickled objects", size)
        return finished

    def _made(self, value: object, depth: int) -> tuple[object, int]:
        if isinstance(value, _PLAIN | bytearray):
            return value, _LEAF + (len(value) if isinstance(value, str | bytes | bytearray) else 0)
        known = self._done.get(id(value))
        if known is not None:
            return known
        if id(value) in self._open:
            raise Refused("it has an object that contains itself")
        if depth > _DEEPEST:
            raise Refused(f"it has objects nested more than {_DEEPEST} deep")
        self._open.add(id(value))
        made = self._make(value, depth + 1)
        self._open.discard(id(value))
        # What was pickled is alive until all is done, so that nothing else gets its identity.
        self._done[id(value)] = made
        return made

    def _make(self, value: object, depth: int) -> tuple[object, int]:
        match value:
            case _Array():
                if value.value is None:
                    raise Refused("it has an array without content")
                return value.value, _CONTAINER + value.value.nbytes
            case _DType():
                return value.value, _LEAF
            case _Name():
                return value.name, _LEAF
            case _Builder():
                raise Refused("it has a function in the place of a value")
            case Attributes():
                finished = Attributes()
                finished.values, size = self._dictionary(value.values, depth)
                return finished, size
            case dict():
                return self._dictionary(value, depth)
            case list() | tuple() | set() | frozenset():
                made = [self._made(entry, depth) for entry in value]
                size = _CONTAINER + sum(size for _, size in made)
                return type(value)(entry for entry, _ in made), size
        return value, _LEAF  # a number of NumPy's

    def _dictionary(self, entries: dict[Any, Any], depth: int) -> tuple[dict[Any, Any], int]:
        made = {key: self._made(entry, depth) for key, entry in entries.items()}
        size = _CONTAINER + sum(_LEAF + size for _, size in made.values())
        return {key: entry for key, (entry, _) in made.items()}, size
