"""Tell whether a BrainPy model is still what it was when it was traced.

Reading a model anew means tracing it several times, which takes longer than a whole search of a
small network. Between two searches most models have not changed at all.
"""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

_SIMPLE = (bool, int, float, complex, str, bytes, type(None))
# Of these only the identity counts: their code does not change, and their arrays cannot.
_LIBRARIES = frozenset(
    {*sys.stdlib_module_names, "brainpy", "brainstate", "braintools", "brainunit", "brainevent"}
    | {"jax", "jaxlib", "numpy", "scipy", "matplotlib", "tqdm", "fpf_notebook"}
)

_MAX_OBJECTS = 100_000


class Fingerprint:
    """What a model consisted of: values where they can change in place, identities elsewhere.

    Everything that a step may read is followed: attributes of the model and of the objects in it,
    those of their classes, what functions close over, their defaults, and what they read from the
    module that they are defined in.

    Parameters
    ----------
    model
        A `brainpy.DynamicalSystem`.
    options
        What else the step map is made of.
    """

    def __init__(self, model: Any, options: object = None) -> None:
        import brainpy.math as bm

        # The objects are kept, so that none of their identities can be given to another.
        self._kept: dict[int, object] = {}
        # Listing them for the first time makes BrainPy set attributes: list first, mark then.
        nodes, variables = model.nodes(), model.vars()
        marks: list[object] = [bm.get_dt(), bm.float_.__name__]
        waiting: list[tuple[str, object]] = [("model", model), ("options", options)]
        waiting += [*nodes.items(), *variables.items()]
        while waiting:
            where, value = waiting.pop()
            if isinstance(value, _SIMPLE):
                marks.append((where, type(value).__name__, repr(value)))
                continue
            if isinstance(value, types.MethodType):  # a new object at each access
                marks.append((where, "method"))
                waiting += _inside(value)
                continue
            marks.append((where, id(value)))
            if id(value) in self._kept:
                continue
            if len(self._kept) >= _MAX_OBJECTS:
                marks.append(object())  # equal to nothing: read it anew, to be safe
                break
            self._kept[id(value)] = value
            if isinstance(value, np.ndarray):  # the only kind of array that can be written to
                marks.append((value.dtype.str, value.shape, value.tobytes()))
            waiting += _inside(value)
        self._marks = tuple(marks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._marks == other._marks

    __hash__ = None  # type: ignore[assignment]  # compares values that may be large


def _inside(value: object) -> Iterator[tuple[str, object]]:
    """Yield what a step may read of a value, by name."""
    if isinstance(value, dict):
        yield from ((repr(key), item) for key, item in dict.items(value))
    elif isinstance(value, list | tuple):
        yield from ((str(k), item) for k, item in enumerate(value))
    elif isinstance(value, set | frozenset):
        yield from ((repr(item), item) for item in sorted(value, key=repr))
    elif isinstance(value, types.MethodType):
        yield from (("self", value.__self__), ("function", value.__func__))
    elif isinstance(value, functools.partial):
        yield from (("of", value.func), ("args", value.args), ("keywords", value.keywords))
    elif isinstance(value, property):
        yield "get", value.fget
    elif isinstance(value, staticmethod | classmethod):
        yield "function", value.__func__
    elif isinstance(value, types.FunctionType):
        yield from _read_by(value)
    elif isinstance(value, type):
        if not _of_library(value.__module__):
            yield from ((name, item) for name, item in vars(value).items() if name[:2] != "__")
            yield "bases", value.__bases__
    elif not isinstance(value, types.ModuleType) and not _is_array_of_jax(value):
        inner = getattr(value, "_value", None)
        if inner is not None:  # a Variable: its array is replaced, not written to
            yield "value", inner
        yield from list(getattr(value, "__dict__", {}).items())
        for name in _slots(type(value)):
            yield name, getattr(value, name, None)
        yield "class", type(value)


def _read_by(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    yield "code", function.__code__
    for k, cell in enumerate(function.__closure__ or ()):
        try:
            yield f"cell {k}", cell.cell_contents
        except ValueError:  # not filled yet
            continue
    yield "defaults", function.__defaults__
    yield "keywords", function.__kwdefaults__
    if _of_library(function.__module__):
        return
    names = set(_names(function.__code__))
    for name in sorted(names & function.__globals__.keys()):
        found = function.__globals__[name]
        yield name, found
        # `settings.gain`, where settings is a module of the user's.
        if isinstance(found, types.ModuleType) and not _of_library(found.__name__):
            yield from ((f"{name}.{inner}", getattr(found, inner, None)) for inner in sorted(names))


def _names(code: types.CodeType) -> Iterator[str]:
    """Yield the names that code looks up, also in the functions that are defined in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _slots(kind: type) -> Iterator[str]:
    for base in kind.__mro__:
        if _of_library(base.__module__):
            continue
        names = vars(base).get("__slots__", ())
        yield from (names,) if isinstance(names, str) else names


def _of_library(module: str | None) -> bool:
    return (module or "").partition(".")[0] in _LIBRARIES


def _is_array_of_jax(value: object) -> bool:
    return type(value).__module__.partition(".")[0] in ("jax", "jaxlib")


def fingerprint(model: object, options: object = None) -> Fingerprint | None:
    """Return the fingerprint of a BrainPy model, or None for anything else.

    Parameters
    ----------
    model
        What `as_step_map` was given. Of a plain function there is no way to tell what it reads.
    options
        What else the step map is made of.
    """
    brainpy = sys.modules.get("brainpy")
    if brainpy is None or not isinstance(model, brainpy.DynamicalSystem):
        return None
    return Fingerprint(model, options)
