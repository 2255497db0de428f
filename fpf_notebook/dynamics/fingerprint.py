"""Tell whether a BrainPy model is still what it was when it was traced.

Reading a model anew means tracing it several times, which takes longer than a whole search of a
small network. Between two searches most models have not changed at all.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np

_SIMPLE = (bool, int, float, complex, str, bytes, type(None))
_MAX_DEPTH = 4


class Fingerprint:
    """What a model consisted of: values where they can change in place, identities elsewhere.

    Parameters
    ----------
    model
        A `brainpy.DynamicalSystem`.
    """

    def __init__(self, model: Any) -> None:
        # The objects are kept, so that none of their identities can be given to another.
        self._kept: list[Any] = []
        self._marks = tuple(self._model(model))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fingerprint) and self._marks == other._marks

    __hash__ = None  # type: ignore[assignment]  # compares values that may be large

    def _model(self, model: Any) -> list[Any]:
        import brainpy.math as bm

        # Listing them for the first time makes BrainPy set attributes: list first, mark then.
        nodes, variables = model.nodes(), model.vars()
        marks: list[Any] = [id(model), bm.get_dt(), bm.float_.__name__]
        for name, node in nodes.items():
            marks.append((name, id(node)))
            for key, value in sorted(vars(node).items(), key=lambda item: item[0]):
                marks.append((key, self._mark(value, 0)))
            marks += self._globals(type(node))
        for name, variable in variables.items():
            marks.append((name, self._mark(variable, 0)))
        return marks

    def _mark(self, value: Any, depth: int) -> Any:
        if isinstance(value, _SIMPLE):
            return (type(value).__name__, repr(value))
        if isinstance(value, np.ndarray):  # the only kind of array that can be written to
            return (value.dtype.str, value.shape, value.tobytes())
        self._kept.append(value)
        inner = getattr(value, "_value", None)
        if inner is not None:  # a Variable: its array is replaced, not written to
            return (id(value), self._mark(inner, depth + 1))
        if isinstance(value, list | tuple) and depth < _MAX_DEPTH:
            return (type(value).__name__, *(self._mark(item, depth + 1) for item in value))
        if isinstance(value, dict) and depth < _MAX_DEPTH:
            return tuple((repr(k), self._mark(v, depth + 1)) for k, v in value.items())
        return id(value)

    def _globals(self, kind: type) -> list[Any]:
        """Mark the numbers and arrays that the methods of a user's class read from their module."""
        marks = []
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] in ("brainpy", "brainstate", "builtins"):
                continue
            for attribute in vars(base).values():
                code = getattr(attribute, "__code__", None)
                if not isinstance(attribute, types.FunctionType) or code is None:
                    continue
                for name in code.co_names:
                    found = attribute.__globals__.get(name)
                    if not isinstance(found, types.ModuleType | type):
                        marks.append((name, self._mark(found, 0)))
        return marks


def fingerprint(model: Any) -> Fingerprint | None:
    """Return the fingerprint of a BrainPy model, or None for anything else.

    Parameters
    ----------
    model
        What `as_step_map` was given. Of a plain function there is no way to tell what it reads.
    """
    import sys

    brainpy = sys.modules.get("brainpy")
    if brainpy is None or not isinstance(model, brainpy.DynamicalSystem):
        return None
    return Fingerprint(model)
