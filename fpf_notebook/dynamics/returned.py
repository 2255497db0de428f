"""Which of the values that a step returns is the next state."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import jax

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.parameter_names import (
    Convention,
    likeness_to_state,
    names_of_pair,
    names_of_returned,
)
from fpf_notebook.dynamics.state_form import Ops, Shape, StateForm

BY_CONVENTION = "the second of two that could be it"
"""How the state is found where shapes and names do not tell it."""


class ReadReturn(NamedTuple):
    """The parts of what a step returned.

    Parameters
    ----------
    leaves
        The arrays of the next state.
    output
        The output of the network, or None.
    where
        Which of the returned values the next state is, in words.
    """

    leaves: list[PyTree]
    output: PyTree
    where: str


class Names(NamedTuple):
    """What the author of a step calls things.

    Parameters
    ----------
    arguments
        The names of its two arguments, if they are known.
    returned
        The names of the values that it returns side by side; empty where they have none.
    """

    arguments: tuple[str, str] | None = None
    returned: tuple[str, ...] = ()

    def likeness(self, name: str, order: Convention) -> int:
        """Say how clearly a returned value of this name is the state."""
        own = None
        if self.arguments is not None:
            own = self.arguments[1 if order == "input_state" else 0]
        return likeness_to_state(name, own)


NO_NAMES = Names()


def names_of(function: Callable[..., PyTree], n_before: int = 0) -> Names:
    """Return what the author of a function calls its arguments and its results."""
    called = function
    if not inspect.isroutine(function) and not hasattr(function, "__wrapped__"):
        called = type(function).__call__
    return Names(names_of_pair(function, n_before), names_of_returned(called))


class WrongReturnError(Exception):
    """What the step returned holds no state, or holds several that could be it."""

    def __init__(self, message: str, places: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.places = tuple(places)
        """Where the possible states stand, if there are several."""


def find_state(
    ops: Ops,
    result: PyTree,
    form: StateForm,
    lead: Shape,
    order: Convention,
    arguments: Sequence[PyTree],
    names: Names,
    spread: bool,
) -> ReadReturn:
    """Find the next state in what a step returned.

    Parameters
    ----------
    ops
        Of the arrays.
    result
        What was returned.
    form
        The form of the state.
    lead
        Leading axes of each array.
    order
        Of the arguments. ``(input, state) -> (output, next_state)`` is how it is documented; a pair
        of two possible states is read so.
    arguments
        What the step was called with: an argument that stands beside another value, returned as it
        came, is not the next state.
    names
        Names decide between values that could all be the state.
    spread
        Whether the arrays of the state are arguments of their own, and so are returned side by
        side.

    Returns
    -------
    ReadReturn
        The state and the output.

    Raises
    ------
    WrongReturnError
        If there is no state, or more than one.
    """
    own = _with_more(result, form.structure)
    if own is not None:
        leaves, rest = form.leaves(ops, own[0], lead), [x for x in own[1] if ops.is_array(x)]
        if leaves is not None:
            return ReadReturn(leaves, rest[0] if rest else None, "its keys, among others")
    items = _items(result, names.returned)
    if spread and items is not None:
        return _side_by_side(ops, items, form, lead)
    whole = form.leaves(ops, result, lead)
    if whole is not None and not (len(whole) > 1 and any(_is_given(x, arguments) for x in whole)):
        return ReadReturn(whole, None, "all that is returned")
    found = [(k, form.leaves(ops, item, lead)) for k, (_, item) in enumerate(items or ())]
    fitting = [(k, leaves) for k, leaves in found if leaves is not None]
    if items is not None and len(items) > 1:
        # The carry of before, handed out beside the next one, is not the next state. (It is where
        # nothing else can be: a state that stays as it is, in its documented place.)
        moved = [(k, x) for k, x in fitting if not _is_given(items[k][1], arguments)]
        fitting = moved or [(k, x) for k, x in fitting if k == 1]
    if items is None or not fitting:
        raise WrongReturnError(_wrong(ops, result, form, lead))
    likeness = [names.likeness(items[k][0], order) for k, _ in fitting]
    named = [pair for pair, like in zip(fitting, likeness, strict=True) if like == max(likeness)]
    if len(fitting) > 1 and len(named) == 1:
        fitting = named
    how = "by its shape and place"
    if len(fitting) > 1 and _all_the_same([leaves for _, leaves in fitting]):
        fitting = fitting[-1:]
    if len(fitting) > 1 and order == "input_state" and len(items) == 2:
        fitting, how = fitting[1:], BY_CONVENTION  # (output, next_state), as it is documented
    if len(fitting) > 1:
        keyed = isinstance(result, Mapping)
        places = [items[k][0] if keyed else f"value {k}" for k, _ in fitting]
        raise WrongReturnError(
            f"returned {describe(ops, result)}, of which {' and '.join(places)} could be the next "
            "state",
            places,
        )
    place, leaves = fitting[0]
    others = [item for k, (_, item) in enumerate(items) if k != place and ops.is_array(item)]
    label = items[place][0] or f"value {place} of {len(items)}"
    return ReadReturn(leaves, others[0] if others else None, f"{label}, {how}")


def _items(result: PyTree, returned: tuple[str, ...]) -> list[tuple[str, PyTree]] | None:
    """Return the values of a tuple, a list or a dictionary, with their names, if they have any."""
    if isinstance(result, Mapping):
        return [(str(key), value) for key, value in result.items()]
    if isinstance(result, tuple | list):
        unnamed = returned if len(returned) == len(result) else ("",) * len(result)
        names = getattr(result, "_fields", unnamed)
        return list(zip(names, result, strict=True))
    return None


def _with_more(result: PyTree, structure: PyTree) -> tuple[PyTree, list[PyTree]] | None:
    """Split a dictionary that has the keys of the state, and others, into these two parts."""
    like = None if structure is None else jax.tree.unflatten(structure, range(structure.num_leaves))
    if not isinstance(like, dict) or not isinstance(result, Mapping) or not set(like) < set(result):
        return None
    rest = [value for key, value in result.items() if key not in like]
    return {key: result[key] for key in like}, rest


def _side_by_side(
    ops: Ops, items: list[tuple[str, PyTree]], form: StateForm, lead: Shape
) -> ReadReturn:
    values = [value for _, value in items]
    n = len(form.slices)
    each = [StateForm((part,)) for part in form.slices]
    places = [
        k
        for k in range(len(values) - n + 1)
        if all(each[i].leaves(ops, values[k + i], lead) is not None for i in range(n))
    ]
    if not places:
        raise WrongReturnError(_wrong(ops, values, form, lead))
    # Where the names of the arguments come back (h, c as h_new, c_new), they tell the place.
    named = [
        k
        for k in places
        if all(likeness_to_state(items[k + i][0], form.slices[i].name) == 2 for i in range(n))
    ]
    start = named[0] if len(named) == 1 else places[-1]
    if len(places) > 1 and len(named) != 1:
        raise WrongReturnError(
            f"returned {describe(ops, values)}, in which the state could begin at values "
            f"{', '.join(map(str, places))}",
            [f"value {k}" for k in places],
        )
    others = [v for k, v in enumerate(values) if not start <= k < start + n and ops.is_array(v)]
    return ReadReturn(
        values[start : start + n],
        others[0] if others else None,
        f"values {start} to {start + n - 1} of {len(values)}",
    )


def _is_given(value: PyTree, arguments: Sequence[PyTree]) -> bool:
    return any(value is argument for argument in arguments)


def _all_the_same(candidates: list[list[PyTree]]) -> bool:
    first = candidates[0]
    return all(a is b for other in candidates[1:] for a, b in zip(first, other, strict=True))


def _wrong(ops: Ops, result: PyTree, form: StateForm, lead: Shape) -> str:
    last = result[-1] if isinstance(result, tuple | list) and len(result) == 2 else result
    if form.structure is None and ops.is_array(last):
        expected = (*lead, *form.slices[0].shape)
        return f"returned a next state of shape {tuple(last.shape)}, expected {expected}"
    wanted = "one array" if form.structure is None else form.describe("batch, " if lead else "")
    return f"returned {describe(ops, result)}, expected {wanted} or a pair (output, next_state)"


def describe(ops: Ops, value: PyTree) -> str:
    """Return the types and shapes of a value, in words."""
    if ops.is_array(value):
        return f"array{list(value.shape)}"
    if isinstance(value, Mapping):
        return f"dict of ({', '.join(f'{k}: {describe(ops, v)}' for k, v in value.items())})"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of ({', '.join(describe(ops, item) for item in value)})"
    return type(value).__name__
