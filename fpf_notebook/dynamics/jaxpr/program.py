"""Programs: what a step computes, as a list of operations on one flat memory.

A program knows nothing of the kind of number it works on. An *algebra* is a loop over
``program.operations`` with one rule for each name in :data:`OPERATIONS`: numbers
(:mod:`~fpf_notebook.dynamics.jaxpr.plain`, the shortest one and the contract of all), intervals,
tangents, a text for another language.

The memory is one vector of ``program.size`` cells. The first cells are the inputs, then each
operation fills ``operation.cells`` with its result, in order; nothing is written twice, and nothing
is read before it is written. An operation reads its operands through :class:`View` (which cells, in
which order: all that reshapes, slices, transposes, concatenations and gathers do) or has them at
hand as :class:`Constant`. Booleans are the numbers 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int

_UNARY_NAMES = (
    "neg abs sign floor ceil round exp exp2 expm1 log log1p sqrt rsqrt cbrt square tanh "
    "logistic softplus sin cos tan asin acos atan sinh cosh asinh acosh atanh erf erfc not "
    "is_finite"
)
UNARY = frozenset(_UNARY_NAMES.split())
"""Of one operand, element by element. ``softplus`` is log(1 + exp(x)); ``not`` is 1 - x."""

_BINARY_NAMES = "add sub mul div max min pow atan2 rem lt le gt ge eq ne and or xor"
BINARY = frozenset(_BINARY_NAMES.split())
"""Of two operands of equal size, element by element."""

OPERATIONS = (
    UNARY
    | BINARY
    | frozenset(
        ["constant", "power", "select", "matmul", "sum", "product", "maximum", "minimum", "unknown"]
    )
)
"""Every name that an operation may have.

=========== ========================================================================================
constant    ``(values)``: these numbers
power       ``(x)``: x to the integer ``exponent``, element by element
select      ``(condition, if_true, if_false)``, element by element
matmul      ``(a, b)``, ``shape = (batch, rows, inner, columns)``: a of [batch, rows, inner] times b
            of [batch, inner, columns]; of what is known or depends on no input, it is ``a``
sum         ``(x)``, ``shape = (rows, inner)``: the sum over ``inner``, as for product, maximum,
            minimum
unknown     ``(...)``: some numbers, nobody knows which; listed in ``program.uncovered``
=========== ========================================================================================
"""


@dataclass(frozen=True, eq=False)
class View:
    """The cells that an operation reads, in its order.

    Parameters
    ----------
    addresses
        Their addresses in the memory.
    """

    addresses: Int[np.ndarray, "size"]

    @property
    def size(self) -> int:
        """How many cells they are."""
        return len(self.addresses)

    @cached_property
    def run(self) -> slice | None:
        """The same as a slice, where they are consecutive; else None."""
        a = self.addresses
        if len(a) and np.array_equal(a, np.arange(a[0], a[0] + len(a))):
            return slice(int(a[0]), int(a[0]) + len(a))
        return None

    def of(self, memory: np.ndarray) -> np.ndarray:
        """Read from a memory of shape ``[cells, ...]`` (a view of it where possible)."""
        return memory[self.addresses if self.run is None else self.run]


@dataclass(frozen=True, eq=False)
class Constant:
    """An operand that is known.

    Parameters
    ----------
    values
        The numbers, in the order in which the operation reads them.
    """

    values: Float[np.ndarray, "size"]

    @property
    def size(self) -> int:
        """How many numbers they are."""
        return len(self.values)


Operand: TypeAlias = View | Constant


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation.

    Parameters
    ----------
    name
        One of :data:`OPERATIONS`.
    operands
        What it reads.
    start, size
        It fills the cells from ``start`` to ``start + size``.
    source
        The line of the user's code that asked for it, as ``file:line (function)``; may be empty.
    shape
        Of ``matmul``, ``sum``, ``product``, ``maximum`` and ``minimum``, see :data:`OPERATIONS`.
    exponent
        Of ``power``.
    varies
        Whether the result depends on an input. What does not is the same in each evaluation.
    """

    name: str
    operands: tuple[Operand, ...]
    start: int
    size: int
    source: str = ""
    shape: tuple[int, ...] = ()
    exponent: int = 0
    varies: bool = True

    @property
    def cells(self) -> slice:
        """The cells that it fills."""
        return slice(self.start, self.start + self.size)


@dataclass(frozen=True)
class Uncovered:
    """Something in a step that programs cannot say.

    Parameters
    ----------
    operation
        JAX's name for it, with what is the matter.
    source
        The line of the user's code.
    """

    operation: str
    source: str

    def __str__(self) -> str:
        return f"{self.operation} at {self.source}" if self.source else self.operation


class NotCoveredError(ValueError):
    """A program contains something that an algebra cannot evaluate."""


@dataclass(frozen=True, eq=False)
class Program:
    """What a step computes.

    Parameters
    ----------
    inputs
        The cells of each input: ``"h"`` always, ``"u"`` and parameters by their names where they
        were asked to stay symbols.
    operations
        In the order of evaluation.
    output
        Where the result lies.
    size
        Number of cells of the memory.
    uncovered
        What the program cannot say; empty where everything is known.
    """

    inputs: dict[str, slice]
    operations: tuple[Operation, ...]
    output: View
    size: int
    uncovered: tuple[Uncovered, ...] = ()
    _producers: dict[int, Operation] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Note which operation begins where."""
        self._producers.update({op.start: op for op in self.operations if op.size})

    def require_covered(self) -> None:
        """Raise unless every operation is known.

        Raises
        ------
        NotCoveredError
            With the operations and the lines of the user's code.
        """
        if self.uncovered:
            raise NotCoveredError(
                "This step cannot be written as a program: "
                + "; ".join(map(str, self.uncovered))
                + "."
            )

    def producer(self, operand: Operand) -> Operation | None:
        """Return the operation whose whole result, in order, an operand is; else None."""
        if isinstance(operand, Constant) or operand.run is None:
            return None
        operation = self._producers.get(operand.run.start)
        return operation if operation is not None and operation.size == operand.size else None
