"""Call a BrainPy object and leave no trace of the call in it, nor in BrainPy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import CellType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import brainpy.math as bm
import brainstate
import jax.numpy as jnp
from brainpy.math.defaults import env as brainpy_environment

if TYPE_CHECKING:
    import brainpy.math as bm


# What a step needs in `bp.share` beside the time step: dropout and the like are off while fixed
# points are sought, and equations that depend on time are taken at time zero.
_SHARED = {"t": 0.0, "i": 0, "fit": False}

_OPAQUE = ("builtins", "collections", "functools", "jax", "jaxlib", "numpy", "types", "typing")


@contextmanager
def untouched(*objects: object) -> Iterator[brainstate.StateTraceStack]:
    """Restore at the end everything that a call of a model may have changed.

    Restored are: all attributes of the model and of the objects in it, the contents of their lists
    and dictionaries, the value and the bookkeeping of every Variable that the model holds or that
    the call touches, BrainPy's random generator, and everything in ``bp.share`` and in BrainPy's
    settings. Inside, ``bp.share`` holds ``t=0``, ``i=0``, ``fit=False`` (and its own ``dt``), and
    BrainPy's floating-point type follows that of JAX.

    Parameters
    ----------
    objects
        The model, and Variables that it uses but does not hold.

    Yields
    ------
    brainstate.StateTraceStack
        Its ``states`` are the Variables that were read or written, in order, and ``been_writen``
        says which of them were written.
    """
    saved = _Saved()
    for item in objects:
        saved.visit(item)
    saved.visit(bm.random.DEFAULT)
    settings = dict(brainpy_environment.settings)
    contexts = {key: list(stack) for key, stack in brainpy_environment.contexts.items()}
    with brainstate.StateTraceStack() as touched:
        try:
            brainpy_environment.settings.update(_SHARED, float_=jnp.zeros(()).dtype.type)
            yield touched
        finally:
            for state, value in zip(touched.states, touched.original_state_values, strict=True):
                if not saved.has(state):  # found by the call only: in a closure, say
                    state._value = value
            saved.restore()
            _refill(brainpy_environment.settings, settings)
            _refill(brainpy_environment.contexts, contexts)


def _refill(current: bm.Variable, old: dict[Any, Any]) -> None:
    current.clear()
    current.update(old)


def objects_in(root: object) -> list[object]:
    """Return everything that hangs on an object, itself included."""
    saved = _Saved()
    saved.visit(root)
    return saved.objects


class _Saved:
    """Shallow copies of everything that hangs on an object."""

    def __init__(self) -> None:
        self._seen: dict[int, object] = {}  # the object itself stays alive with its address
        self._values: list[tuple[brainstate.State, object]] = []
        self._attributes: list[tuple[dict[str, object], dict[str, object]]] = []
        self._lists: list[tuple[list[object], list[object]]] = []
        self._dicts: list[tuple[dict[object, object], dict[object, object]]] = []

    @property
    def objects(self) -> list[object]:
        return list(self._seen.values())

    def has(self, item: object) -> bool:
        return id(item) in self._seen

    def visit(self, root: object) -> None:
        waiting = [root]
        while waiting:
            item = waiting.pop()
            if id(item) in self._seen or item is None or isinstance(item, str | int | float):
                continue
            self._seen[id(item)] = item
            waiting.extend(self._save(item))

    def _save(self, item: object) -> list[object]:
        """Save one object and return what hangs on it."""
        found: list[object] = []
        if isinstance(item, dict):
            # `dict.items`, not the object's own: BrainPy's collections are dictionaries too.
            self._dicts.append((item, dict(dict.items(item))))
            found += dict.values(item)
        elif isinstance(item, list):
            self._lists.append((item, list(item)))
            found += item
        elif isinstance(item, tuple | set | frozenset):
            found += item
        elif isinstance(item, MethodType):
            found.append(item.__self__)
        elif isinstance(item, FunctionType):
            found += [cell.cell_contents for cell in item.__closure__ or () if _is_filled(cell)]
        if _has_state(item):
            attributes = item.__dict__
            self._attributes.append((attributes, dict(attributes)))
            if isinstance(item, brainstate.State):
                # A slot in a Variable: it is not among the attributes in `__dict__`.
                self._values.append((item, item._value))
            else:
                found += attributes.values()
        return found

    def restore(self) -> None:
        for attributes, old in self._attributes:
            # In place, and only where there is a difference: other threads may be reading.
            for key in [key for key in attributes if key not in old]:
                del attributes[key]
            for key, value in old.items():
                if attributes.get(key, self) is not value:
                    attributes[key] = value
        for state, value in self._values:
            state._value = value
        for current, items in self._lists:
            if not _same(current, items):
                list.__setitem__(current, slice(None), items)
        for mapping, entries in self._dicts:
            if not _same(dict.values(mapping), entries.values()) or list(mapping) != list(entries):
                dict.clear(mapping)
                dict.update(mapping, entries)


def _same(first: Any, second: Any) -> bool:
    return len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))


def _is_filled(cell: CellType) -> bool:
    try:
        cell.cell_contents  # noqa: B018  (raises when the cell is empty)
    except ValueError:
        return False
    return True


def _has_state(item: object) -> bool:
    if isinstance(item, type | FunctionType | MethodType) or not hasattr(item, "__dict__"):
        return False
    return isinstance(item.__dict__, dict) and (
        type(item).__module__.split(".")[0] not in _OPAQUE or isinstance(item, dict | list)
    )
