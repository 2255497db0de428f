"""Reading pickles of numpy arrays without running anything that they ask for.

A pickle is a program: it names functions and says what to call them with. Here no real function can
be named, not even one of numpy's. The few names that a pickled array consists of lead to the
builders of `inert_values`, which check what they are given and read the bytes; every other name is
refused. (A list of allowed numpy functions would not do: `numpy.dtype` and `ndarray.__setstate__`,
given forged states, let raw bytes pass for pointers to objects.)

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

from fpf_notebook.files.inert_values import (
    BUILDERS,
    CONTAINER,
    LEAF,
    PLAIN,
    SCALAR_NAMES,
    ArrayBuilder,
    Attributes,
    Builder,
    DTypeBuilder,
    Name,
    NameOfArrays,
    Refused,
    never,
    set_of,
)
from fpf_notebook.files.input_file import InputFile

_DEEPEST = 100


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
        if module == "numpy" and name in SCALAR_NAMES:
            return Name(name.rstrip("_"))
        builder = BUILDERS.get((module, name))
        if builder is None:
            raise Refused(f"it asks for {module}.{name}, which does not belong in such a file")
        if builder is ArrayBuilder and name == "ndarray":
            return NameOfArrays(name)
        return Name(name) if builder is never else Builder(builder)

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
        self.left -= sum(LEAF + len(part) for part in parts if isinstance(part, Sized))
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
        self.stack[-1].update(set_of(members))

    dispatch[pickle.ADDITEMS[0]] = _load_members

    def _load_frozen_set(self) -> None:
        members = self.pop_mark()  # first: it exchanges the stack
        self.append(frozenset(set_of(members)))

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
        if not isinstance(key, PLAIN):
            raise Refused(f"it has a dictionary with a key of type {type(key).__name__}")
        container[key] = value
    return container


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
        if isinstance(value, PLAIN | bytearray):
            return value, LEAF + (len(value) if isinstance(value, str | bytes | bytearray) else 0)
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
            case ArrayBuilder():
                if value.value is None:
                    raise Refused("it has an array without content")
                return value.value, CONTAINER + value.value.nbytes
            case DTypeBuilder():
                return value.value, LEAF
            case Name():
                return value.name, LEAF
            case Builder():
                raise Refused("it has a function in the place of a value")
            case Attributes():
                finished = Attributes()
                finished.values, size = self._dictionary(value.values, depth)
                return finished, size
            case dict():
                return self._dictionary(value, depth)
            case list() | tuple() | set() | frozenset():
                made = [self._made(entry, depth) for entry in value]
                size = CONTAINER + sum(size for _, size in made)
                return type(value)(entry for entry, _ in made), size
        return value, LEAF  # a number of NumPy's

    def _dictionary(self, entries: dict[Any, Any], depth: int) -> tuple[dict[Any, Any], int]:
        made = {key: self._made(entry, depth) for key, entry in entries.items()}
        size = CONTAINER + sum(LEAF + size for _, size in made.values())
        return {key: entry for key, (entry, _) in made.items()}, size
