"""The state as its author keeps it (one array, a pair, a dictionary) and as one flat vector."""

from __future__ import annotations

import itertools
import math
import numbers
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import jax

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.step_map import StateSlice

Shape: TypeAlias = tuple[int, ...]


class Ops(NamedTuple):
    """What is needed of a library of arrays.

    Parameters
    ----------
    is_array
        Whether a value is an array of this library.
    reshape
        ``reshape(array, shape)``.
    join
        Concatenates a sequence of arrays along the last axis.
    swap
        Exchanges the first two axes of an array.
    """

    is_array: Callable[[object], bool]
    reshape: Callable[[Any, Shape], Any]
    join: Callable[[Sequence[Any]], Any]
    swap: Callable[[Any], Any]


@dataclass(frozen=True)
class StateForm:
    """How a flat state is cut into the arrays that a model takes.

    Parameters
    ----------
    slices
        Its arrays.
    structure
        The tree (tuple, dictionary, ...) whose leaves they are, or None for a single bare array.
    places
        Which slice each leaf of the tree is: JAX sorts the keys of a dictionary, its author not.
    n_layers
        With more than one, each array is [layer, batch, unit], as the stacked modules of PyTorch
        have it; the flat state has one layer after the other.
    """

    slices: tuple[StateSlice, ...]
    structure: PyTree = None
    places: tuple[int, ...] = ()
    n_layers: int = 1

    @property
    def n_states(self) -> int:
        """Length of the flat state."""
        return self.slices[-1].stop

    def build(self, ops: Ops, flat: PyTree, lead: Shape) -> PyTree:
        """Return the state as the model takes it.

        Parameters
        ----------
        ops
            Of the arrays.
        flat
            [n_states] or [batch, n_states].
        lead
            The leading axes that each array gets.
        """
        parts = self.parts(ops, flat, lead)
        if self.structure is None:
            return parts[0]
        return jax.tree.unflatten(self.structure, [parts[k] for k in self.places])

    def parts(self, ops: Ops, flat: PyTree, lead: Shape) -> list[PyTree]:
        """Return the arrays of the state, as `build` puts them into the tree."""
        parts = [flat[..., s.start : s.stop] for s in self.slices]
        if self.n_layers > 1:
            return [ops.swap(ops.reshape(x, (*lead, self.n_layers, -1))) for x in parts]
        return [ops.reshape(x, (*lead, *s.shape)) for x, s in zip(parts, self.slices, strict=True)]

    def flat(self, ops: Ops, parts: Sequence[PyTree], lead: Shape) -> PyTree:
        """Join arrays to a flat state, [*lead, n_states]."""
        if self.n_layers > 1:
            parts = [ops.swap(part) for part in parts]
        rows = [
            ops.reshape(part, (*lead, s.stop - s.start))
            for part, s in zip(parts, self.slices, strict=True)
        ]
        return rows[0] if len(rows) == 1 else ops.join(rows)

    def leaves(self, ops: Ops, value: PyTree, lead: Shape) -> list[PyTree] | None:
        """Return the arrays of what a model returned as its state, or None if it is none.

        Axes of length one may have come or gone: what has one time step is a sequence to some.
        """
        if self.structure is None:
            leaves = [self._stacked(ops, value, lead)]
        else:
            leaves, structure = jax.tree.flatten(value, is_leaf=ops.is_array)
            if _loose(structure) != _loose(self.structure):
                return None
            leaves = [leaf for _, leaf in sorted(zip(self.places, leaves, strict=True), key=_first)]
        for leaf, part in zip(leaves, self.slices, strict=True):
            if not ops.is_array(leaf):
                return None
            if self.n_layers > 1:
                n_units = (part.stop - part.start) // self.n_layers
                if tuple(leaf.shape) != (self.n_layers, *lead, n_units):
                    return None
            elif _ones_apart(leaf.shape) != _ones_apart(lead + part.shape):
                return None
        return leaves

    def _stacked(self, ops: Ops, value: PyTree, lead: Shape) -> PyTree:
        """Join the numbers of ``return dv, dw`` to one vector, as integrators of SciPy do."""
        numbers_ = isinstance(value, tuple | list) and len(value) == self.n_states > 1 and not lead
        if numbers_ and all(ops.is_array(item) and item.shape == () for item in value):
            return ops.join([ops.reshape(item, (1,)) for item in value])
        return value

    def describe(self, lead: str = "") -> str:
        """Return for example ``state[4]`` or ``{v[2], w[2]}``."""
        if self.n_layers > 1:
            shown = ", ".join(
                f"{s.name}[{self.n_layers}, {lead}{(s.stop - s.start) // self.n_layers}]"
                for s in self.slices
            )
            return shown if self.structure is None else f"({shown})"
        if self.structure is None:
            return f"state[{lead}{', '.join(map(str, self.slices[0].shape))}]"
        shown = ", ".join(f"{s.name}[{lead}{', '.join(map(str, s.shape))}]" for s in self.slices)
        return f"({shown})" if "{" not in str(self.structure) else f"{{{shown}}}"


def flat_form(n_states: int) -> StateForm:
    """Return the form of a state that is one vector."""
    return StateForm((StateSlice("state", (n_states,), 0, n_states),))


def pair_form(n_states: int) -> StateForm | None:
    """Return the form of a pair (h, c) of equal halves, or None where there are no halves."""
    half = n_states // 2
    if n_states % 2:
        return None
    slices = (StateSlice("h", (half,), 0, half), StateSlice("c", (half,), half, n_states))
    return StateForm(slices, jax.tree.structure((0, 0)), (0, 1))


def form_of(n_states: object) -> StateForm:
    """Return the form that ``n_states`` describes.

    Parameters
    ----------
    n_states
        A number: one vector. A tree of numbers or of arrays, such as ``(64, 64)`` or
        ``{"v": 10, "w": 10}``: a state of this structure, with arrays of these lengths or shapes.

    Returns
    -------
    StateForm
        The form.

    Raises
    ------
    ValueError
        If it is no such thing.
    """
    if isinstance(n_states, numbers.Integral):
        return flat_form(_length(n_states))
    paths, structure = jax.tree_util.tree_flatten_with_path(n_states)
    if not paths:
        raise ValueError(f"n_states is {n_states!r}, expected a number, or a tree of numbers.")
    slices: list[StateSlice] = []
    places = jax.tree.leaves(_numbered(n_states, itertools.count()))
    for _, (path, leaf) in sorted(zip(places, paths, strict=True), key=_first):
        shape = tuple(leaf.shape) if hasattr(leaf, "shape") and leaf.shape else (_length(leaf),)
        start = slices[-1].stop if slices else 0
        slices.append(StateSlice(_name(path), shape, start, start + math.prod(shape)))
    return StateForm(tuple(slices), structure, tuple(places))


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


def _numbered(tree: PyTree, count: Iterator[int]) -> PyTree:
    """Return a tree with its leaves numbered, dictionaries in the order of their keys."""
    if isinstance(tree, dict):
        return {key: _numbered(value, count) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        items = [_numbered(item, count) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return jax.tree.map(lambda _: next(count), tree)


def _length(value: PyTree) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(
            f"n_states is {value!r}, expected an integer of at least 1 (or, for a state of several "
            "arrays, a tuple or a dictionary of such)."
        )
    return int(value)


def _name(path: tuple[PyTree, ...]) -> str:
    text = ""
    for key in path:
        if hasattr(key, "idx"):
            text = f"{text or 'state'}[{key.idx}]"
        else:
            name = str(getattr(key, "key", getattr(key, "name", key)))
            text = f"{text}.{name}" if text else name
    return text or "state"


def _ones_apart(shape: Sequence[int]) -> list[int]:
    return [int(n) for n in shape if n != 1]


def _loose(structure: PyTree) -> str:
    """Return a structure as text in which lists are tuples: models return now these, now those."""
    return str(structure).replace("[", "(").replace("]", ")").replace(",)", ")")
