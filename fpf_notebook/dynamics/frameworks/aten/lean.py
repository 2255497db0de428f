"""Arrays without their leading axes of length one.

A step is exported for a batch of one state. Its axis would be carried along for nothing, and make
what JAX derives of it several times slower: derivatives come out in an order in which they have to
be transposed. So arrays are kept without it, and most operators do not need it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.frameworks.aten.elementwise import ELEMENTWISE
from fpf_notebook.dynamics.frameworks.aten.moves import KEEPING, RESHAPING
from fpf_notebook.dynamics.frameworks.aten.rules import Number, Result, Rule, Value

Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Lean:
    """An array without its leading axes of length one, and its shape with them."""

    value: Value
    shape: Shape


Given: TypeAlias = "Lean | Number | str | tuple[Given, ...] | None"

_VIEWS = {
    *KEEPING,
    *RESHAPING,
    "unsqueeze.default",
    "squeeze.dims",
    "squeeze.dim",
    "squeeze.default",
    "expand.default",
}
_PRODUCTS = {"mm.default", "addmm.default"}
# Where among the arguments the dimension stands.
_DIMENSION = {
    "split_with_sizes.default": 2,
    "slice.Tensor": 1,
    "cat.default": 1,
    "sum.dim_IntList": 1,
    "mean.dim": 1,
    "_softmax.default": 1,
}


def lean_shape(shape: Sequence[int]) -> Shape:
    """Return a shape without the ones that it begins with."""
    sizes = tuple(int(n) for n in shape)
    first = next((k for k, n in enumerate(sizes) if n != 1), len(sizes))
    return sizes[first:]


def lean(value: Value, shape: Shape) -> Lean:
    """Return an array of a shape, up to ones, as a lean one."""
    short = lean_shape(shape)
    return Lean(value if np.shape(value) == short else jnp.reshape(value, short), shape)


def full(array: Lean) -> Value:
    """Return an array with all its axes."""
    same = np.shape(array.value) == array.shape
    return array.value if same else jnp.reshape(array.value, array.shape)


def apply_rule(
    operator: str, rule: Rule, shape: Shape, arguments: Sequence[Given], keywords: dict[str, Given]
) -> Result:
    """Apply the rule of an operator to lean arrays, and give it their axes where it needs them.

    Parameters
    ----------
    operator
        Its name.
    rule
        Its rule.
    shape
        That of its (first) result.
    arguments, keywords
        What it takes.

    Returns
    -------
    Array or tuple of Array
        The result, up to axes of length one that it begins with.
    """
    if operator in ELEMENTWISE:
        return rule(*map(_bare, arguments), **{key: _bare(v) for key, v in keywords.items()})
    first = arguments[0] if arguments else None
    if isinstance(first, Lean) and _is_the_same(operator, first, shape):
        return first.value
    if operator in _PRODUCTS and _is_vector_times_matrix(*arguments[-2:]):
        return rule(*map(_bare, arguments), **keywords)
    if operator in _DIMENSION:
        moved = _counted_from_the_end(_DIMENSION[operator], arguments)
        if moved is not None:
            return rule(*map(_bare, moved), **keywords)
    return rule(*map(_whole, arguments), **{key: _whole(v) for key, v in keywords.items()})


def _is_the_same(operator: str, x: Lean, shape: Shape) -> bool:
    return operator in _VIEWS and np.shape(x.value) == lean_shape(shape)


def _bare(item: Given) -> object:
    if isinstance(item, Lean):
        return item.value
    return [_bare(part) for part in item] if isinstance(item, tuple) else item


def _whole(item: Given) -> object:
    if isinstance(item, Lean):
        return full(item)
    return [_whole(part) for part in item] if isinstance(item, tuple) else item


def _is_vector_times_matrix(x: Given, y: Given) -> bool:
    if not (isinstance(x, Lean) and isinstance(y, Lean)):
        return False
    return np.ndim(x.value) == 1 and len(x.shape) == np.ndim(y.value) == 2


def _counted_from_the_end(place: int, arguments: Sequence[Given]) -> list[Given] | None:
    """Count dimensions from the end, where they are the same without the leading axes."""
    first = arguments[0]
    items = first if isinstance(first, tuple) else (first,)
    arrays = [item for item in items if isinstance(item, Lean)]
    ranks = {(len(item.shape), np.ndim(item.value)) for item in arrays}
    if len(ranks) != 1:
        return None
    rank, kept = ranks.pop()
    dims = arguments[place] if len(arguments) > place else 0
    given = dims if isinstance(dims, tuple) else (dims,)
    last = [d - rank if d >= 0 else d for d in given if isinstance(d, int)]
    if len(last) != len(given) or not last or any(-d > kept for d in last):
        return None
    new: Given = tuple(last) if isinstance(dims, tuple) else last[0]
    rest = list(arguments[:place])
    if len(rest) < place:
        return None
    return [*rest, new, *arguments[place + 1 :]]
