"""A function that works on copies of the NumPy arrays which it closes over.

JAX 0.12 remembers, for each NumPy array that it has met, in which precision that was. Had it met
the user's own array while we trace in double precision, the user's next call in single precision
would fail.
"""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from fpf_notebook._types import AnyFunction

__all__ = ["with_copied_arrays"]


def with_copied_arrays(function: AnyFunction) -> AnyFunction:
    """Return the function with copies in place of the arrays that it holds.

    Parameters
    ----------
    function
        A function or a `functools.partial` of one; anything else is returned as it is.

    Returns
    -------
    Callable
        Does the same. Arrays in the closure, among the defaults and in the globals are copies, also
        within tuples, lists and dicts and in the functions that it refers to.
    """
    copy: AnyFunction = _copy(function, {})
    return copy


def _copy(value: Any, known: dict[int, object]) -> Any:
    """Return a copy if there is an array in it, else the value itself."""
    if id(value) in known:
        return known[id(value)]
    if type(value) is np.ndarray:
        known[id(value)] = value.copy()
        return known[id(value)]
    known[id(value)] = value  # whatever refers to itself
    if isinstance(value, types.FunctionType):
        known[id(value)] = _function(value, known)
    elif isinstance(value, functools.partial):
        parts = (value.func, value.args, value.keywords)
        func, args, keywords = (_copy(part, known) for part in parts)
        if any(new is not old for new, old in zip((func, args, keywords), parts, strict=True)):
            known[id(value)] = functools.partial(func, *args, **keywords)
    elif type(value) in (list, tuple):
        items = [_copy(item, known) for item in value]
        if any(new is not old for new, old in zip(items, value, strict=True)):
            known[id(value)] = type(value)(items)
    elif type(value) is dict:
        entries = {key: _copy(item, known) for key, item in value.items()}
        if any(entries[key] is not value[key] for key in value):
            known[id(value)] = entries
    return known[id(value)]


def _function(function: types.FunctionType, known: dict[int, object]) -> types.FunctionType:
    cells = function.__closure__ or ()
    closure = tuple(_cell(cell, known) for cell in cells)
    names = _names(function.__code__) & function.__globals__.keys()
    changed = {}
    for name in names:
        value = function.__globals__[name]
        # Functions of other modules are libraries'.
        if isinstance(value, types.FunctionType) and value.__module__ != function.__module__:
            continue
        new = _copy(value, known)
        if new is not value:
            changed[name] = new
    defaults = _copy(function.__defaults__, known)
    keywords = _copy(function.__kwdefaults__, known)
    old = (*cells, function.__defaults__, function.__kwdefaults__)
    new_ones = (*closure, defaults, keywords)
    if not changed and all(new is before for new, before in zip(new_ones, old, strict=True)):
        return function
    scope = {**function.__globals__, **changed} if changed else function.__globals__
    copy = types.FunctionType(
        function.__code__, scope, function.__name__, defaults, closure if cells else None
    )
    copy.__kwdefaults__ = keywords
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    copy.__dict__.update(function.__dict__)
    return copy


def _cell(cell: types.CellType, known: dict[int, object]) -> types.CellType:
    try:
        value = cell.cell_contents
    except ValueError:  # not filled yet
        return cell
    new = _copy(value, known)
    return cell if new is value else types.CellType(new)


def _names(code: types.CodeType) -> set[str]:
    """Return the names that code may look up among the globals, also in functions defined in it."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return set(code.co_names).union(*(_names(each) for each in inner))
