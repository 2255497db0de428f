"""One rule for each operator of ATen: where they are kept, and what they take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import jax
import numpy as np

Value: TypeAlias = jax.Array | np.ndarray
Number: TypeAlias = bool | int | float
Operand: TypeAlias = Value | Number
Sizes: TypeAlias = Sequence[int]
Result: TypeAlias = Value | tuple[Value, ...]
Rule: TypeAlias = Callable[..., Result]
RuleOf = TypeVar("RuleOf", bound=Rule)

_rules: dict[str, Rule] = {}


class NotCoveredError(Exception):
    """A module cannot be read as a program of JAX; the text says why, to follow "because"."""


@dataclass(frozen=True)
class Noise:
    """Random numbers, which no step may depend on: only zero times them is known.

    Parameters
    ----------
    shape
        Their shape.
    """

    shape: tuple[int, ...]


def rule(*operators: str) -> Callable[[RuleOf], RuleOf]:
    """Make a function the rule of operators.

    Parameters
    ----------
    operators
        Their names with the overload, for example ``"add.Tensor"``.
    """

    def register(function: RuleOf) -> RuleOf:
        for operator in operators:
            _rules[operator] = function
        return function

    return register


def rule_of(operator: str) -> Rule:
    """Return the rule of an operator.

    Parameters
    ----------
    operator
        Its name with the overload.

    Returns
    -------
    Callable
        Takes what the operator takes, and returns what it returns, up to the type of its numbers.

    Raises
    ------
    NotCoveredError
        If there is none.
    """
    found = _rules.get(operator)
    if found is None:
        raise NotCoveredError(f"there is no rule for aten.{operator}")
    return found


def covered() -> tuple[str, ...]:
    """Return the names of all operators that have a rule."""
    return tuple(sorted(_rules))


def axis(x: Value, dim: int) -> int:
    """Return a dimension counted from the front."""
    return dim % max(np.ndim(x), 1)


def axes(x: Value, dims: int | Sizes | None) -> tuple[int, ...]:
    """Return dimensions counted from the front; all of them for None or none."""
    if dims is None or (not isinstance(dims, int) and len(dims) == 0):
        return tuple(range(np.ndim(x)))
    return tuple(axis(x, d) for d in ((dims,) if isinstance(dims, int) else dims))
