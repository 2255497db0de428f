"""Inclusion functions: what a program can reach from a box, rounded outwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.correlation import Correlations
from fpf_notebook.dynamics.jaxpr.program import (
    BINARY,
    UNARY,
    Constant,
    Operand,
    Operation,
    Program,
    View,
)
from fpf_notebook.dynamics.jaxpr.quotients import quotient, rectified_difference, scaled
from fpf_notebook.dynamics.jaxpr.ranges import RANGES, power, select
from fpf_notebook.dynamics.jaxpr.rounding import Interval

ELEMENTWISE = UNARY | BINARY | {"power", "select"}
Reader = Callable[[Operand], Interval]
"""Gives the intervals of an operand, ``[size, lanes]``."""

# What can be unbounded on a bounded box, or grow faster than its operands: worth a mention.
_GROWING_NAMES = (
    "exp exp2 expm1 log log1p sqrt rsqrt square abs max min power pow select softplus div mul "
    "matmul sinh cosh tan product maximum minimum"
)
_GROWING = frozenset(_GROWING_NAMES.split())

_QUICK_RANGES = {
    **RANGES,
    "add": iv.quick_add,
    "sub": lambda x, y: iv.quick_add(x, iv.neg(y)),
    "mul": iv.quick_mul,
}


@dataclass(frozen=True, eq=False)
class Enclosure:
    """What each cell of a program can be.

    Parameters
    ----------
    low, high
        Bounds of each cell, ``[cells, lanes]``.
    """

    low: np.ndarray
    high: np.ndarray

    def of(self, operand: Operand) -> Interval:
        """Return the intervals of an operand, ``[size, lanes]``."""
        if isinstance(operand, Constant):
            return iv.point(operand.values[:, None])
        low = operand.of(self.low)
        return low, operand.of(self.high)


class Inclusion:
    """The inclusion function of a program.

    Parameters
    ----------
    program
        Of :func:`~fpf_notebook.dynamics.jaxpr.program_of` with ``fold_arithmetic=False``, else the
        rounding of what was folded is not bounded. Its only input is ``"h"``.
    """

    def __init__(self, program: Program) -> None:
        if set(program.inputs) != {"h"}:
            raise ValueError(
                f"the program has the inputs {list(program.inputs)}, expected 'h' alone: give "
                "program_of the network's input u."
            )
        self.program = program
        self.n_states = program.inputs["h"].stop
        self._ranges = RANGES
        low = np.full((program.size, 1), -np.inf)
        self._fixed = Enclosure(low, -low)
        self.correlations = Correlations(program, low[:, 0], -low[:, 0])
        for operation in program.operations:
            if not operation.varies:
                self._write(operation, self._fixed, self._apply(operation, self._fixed.of))
        self.correlations = Correlations(program, self._fixed.low[:, 0], self._fixed.high[:, 0])

    def __call__(self, low: np.ndarray, high: np.ndarray) -> Interval:
        """Return bounds of the step on boxes.

        Parameters
        ----------
        low, high
            The boxes, ``[n_states]`` or ``[n_states, lanes]``. Ends may be infinite.

        Returns
        -------
        tuple of numpy.ndarray
            Bounds of the step's result, of the same shape.
        """
        enclosure = self.enclose(low, high)
        out = enclosure.of(self.program.output)
        return (out[0][:, 0], out[1][:, 0]) if np.ndim(low) == 1 else out

    def enclose(self, low: np.ndarray, high: np.ndarray, correlated: bool = True) -> Enclosure:
        """Return bounds of each cell.

        Parameters
        ----------
        low, high
            As for a call.
        correlated
            Whether quantities that occur more than once, as gates do, are bounded jointly: slower
            and tighter.

        Returns
        -------
        Enclosure
            The bounds.
        """
        lanes = 1 if np.ndim(low) == 1 else low.shape[1]
        memory = Enclosure(
            np.empty((self.program.size, lanes)), np.empty((self.program.size, lanes))
        )
        self._ranges = RANGES if correlated else _QUICK_RANGES
        memory.low[: self.n_states] = np.reshape(low, (self.n_states, lanes))
        memory.high[: self.n_states] = np.reshape(high, (self.n_states, lanes))
        with np.errstate(all="ignore"):
            for operation in self.program.operations:
                if not operation.varies:
                    memory.low[operation.cells] = self._fixed.low[operation.cells]
                    memory.high[operation.cells] = self._fixed.high[operation.cells]
                    continue
                bounds = self._apply(operation, memory.of)
                if correlated and self.correlations.repeats(operation):
                    joint = self.correlations.range_of(operation, memory.low, memory.high)
                    bounds = np.maximum(bounds[0], joint[0]), np.minimum(bounds[1], joint[1])
                self._write(operation, memory, bounds)
        return memory

    def unbounded(self, memory: Enclosure) -> list[str]:
        """Return the operations to blame for infinite bounds, with the lines of the user's code."""
        blamed = [str(missing) for missing in self.program.uncovered]
        for operation in self.program.operations:
            c = operation.cells
            varying = sum(isinstance(o, View) for o in operation.operands)
            if operation.name in ("mul", "matmul", "div") and varying < 2:
                continue
            infinite = ~(np.isfinite(memory.low[c]).all() and np.isfinite(memory.high[c]).all())
            if operation.name in _GROWING and infinite:
                place = f" at {operation.source}" if operation.source else ""
                blamed.append(operation.name + place)
        return list(dict.fromkeys(blamed))

    # -- private ---------------------------------------------------------------------------------

    @staticmethod
    def _write(operation: Operation, memory: Enclosure, bounds: Interval) -> None:
        low, high = iv.whole(*bounds)
        memory.low[operation.cells], memory.high[operation.cells] = low, high

    def _apply(self, operation: Operation, read: Reader) -> Interval:
        name = operation.name
        if name in ELEMENTWISE:
            return self.elementwise(operation, operation.operands, read)
        if name == "constant":
            return read(operation.operands[0])
        if name == "unknown":
            return np.full((operation.size, 1), -np.inf), np.full((operation.size, 1), np.inf)
        values = [read(operand) for operand in operation.operands]
        if name == "matmul":
            left = operation.operands[0]
            if isinstance(left, View) and not self._varies(left):  # the same in each lane
                values[0] = self._fixed.of(left)
            return _matmul(operation, values[0], values[1])
        low, high = (end.reshape(*operation.shape, end.shape[1]) for end in values[0])
        if name == "sum":
            return iv.total((low, high), axis=1)
        if name == "product":
            out = low[:, 0], high[:, 0]
            for i in range(1, operation.shape[1]):
                out = iv.mul(out, (low[:, i], high[:, i]))
            return out
        best = np.max if name == "maximum" else np.min
        return best(low, axis=1), best(high, axis=1)

    def _varies(self, view: View) -> bool:
        owners = np.unique(self.correlations.owners(view.addresses))
        return any(i < 0 or self.program.operations[i].varies for i in owners)

    def elementwise(
        self, operation: Operation, operands: tuple[Operand, ...], read: Reader
    ) -> Interval:
        """Return the range of an elementwise operation (or of some elements of it)."""
        if operation.name == "select":
            return self._select(operands, read)
        values = [read(operand) for operand in operands]
        if operation.name == "power":
            return power(values[0], operation.exponent)
        if operation.name == "div":
            special = quotient(self.program, operation, operands, values, read)
            if special is not None:
                return special
        bounds = self._ranges[operation.name](*values)
        joint = None
        if operation.name == "mul":
            joint = scaled(self.program, operands, read)
        elif operation.name == "sub":
            joint = rectified_difference(self.program, operands, read)
        if joint is not None:
            bounds = iv.whole(*bounds)
            return np.maximum(bounds[0], joint[0]), np.minimum(bounds[1], joint[1])
        return bounds

    def _select(self, operands: tuple[Operand, ...], read: Reader) -> Interval:
        """Return what a choice can be, each side on the part of the line where it is chosen.

        ``where(x > c, f(x), g(x))``: f is evaluated where x > c, g where x <= c.
        """
        condition, yes, no = operands
        truth = read(condition)
        sides = self._sides(condition, read)
        if sides is not None and not iv.is_point(truth):
            x, above, below = sides
            yes_value = self._restricted(read, x, above)(yes)
            no_value = self._restricted(read, x, below)(no)
        else:
            yes_value, no_value = read(yes), read(no)
        return select(truth, yes_value, no_value)

    def at_edge(
        self, operation: Operation, enclosure: Enclosure
    ) -> tuple[Interval, Interval] | None:
        """Return both sides of ``where(x > c, f(x), g(x))`` at x = c; None if it is another choice.

        Parameters
        ----------
        operation
            The operation, a ``select``.
        enclosure
            Bounds of what else they depend on.

        Returns
        -------
        tuple or None
            The intervals of f(c) and of g(c).
        """
        condition, yes, no = operation.operands
        found = self.correlations.element(condition)
        if found is None or found[0].name not in ("gt", "ge", "lt", "le"):
            return None
        x, c = found[1]
        if isinstance(x, Constant):
            x, c = c, x
        if isinstance(x, Constant) or not iv.is_point(enclosure.of(c)):
            return None
        edge = enclosure.of(c)
        at = self._restricted(enclosure.of, x, edge)
        return at(yes), at(no)

    def _sides(self, condition: Operand, read: Reader) -> tuple[View, Interval, Interval] | None:
        """Return x, and its intervals where the condition holds and where it does not."""
        found = self.correlations.element(condition)
        if found is None or found[0].name not in ("gt", "ge", "lt", "le"):
            return None
        operation, (x, c) = found
        greater = operation.name in ("gt", "ge")
        if isinstance(x, Constant):
            x, c, greater = c, x, not greater
        if isinstance(x, Constant):
            return None
        (low, high), (c_low, c_high) = read(x), read(c)
        above = np.maximum(low, c_low), high
        below = low, np.minimum(high, c_high)
        sides = []
        for a, b in (above, below) if greater else (below, above):
            empty = a > b  # that side cannot be chosen
            sides.append((np.where(empty, low, a), np.where(empty, high, b)))
        return x, sides[0], sides[1]

    def _restricted(self, read: Reader, x: View, bounds: Interval) -> Reader:
        """Read with x within other bounds: elementwise operations on x are evaluated anew."""

        def restricted(operand: Operand, depth: int = 0) -> Interval:
            if isinstance(operand, Constant):
                return read(operand)
            if np.array_equal(operand.addresses, x.addresses):
                return bounds
            found = self.correlations.element(operand)
            if found is None or depth > 12:
                return read(operand)
            operation, operands = found
            if operation.name not in ELEMENTWISE:
                return read(operand)
            return self.elementwise(operation, operands, lambda o: restricted(o, depth + 1))

        return restricted


def _matmul(operation: Operation, a: Interval, b: Interval) -> Interval:
    batch, rows, inner, columns = operation.shape
    lanes = max(a[0].shape[1], b[0].shape[1])
    if a[0].shape[1] == 1 and batch == 1:  # one matrix for all lanes
        left = a[0].reshape(rows, inner), a[1].reshape(rows, inner)
        if a[0] is a[1]:
            left = iv.point(left[0])
        right = tuple(end.reshape(inner, columns * end.shape[1]) for end in b)
        low, high = iv.matmul(left, (right[0], right[1]))
        return low.reshape(rows * columns, -1), high.reshape(rows * columns, -1)

    def first(end: np.ndarray, *shape: int) -> np.ndarray:
        return np.moveaxis(end.reshape(batch, *shape, end.shape[1]), -1, 0)

    low, high = iv.matmul(
        (first(a[0], rows, inner), first(a[1], rows, inner)),
        (first(b[0], inner, columns), first(b[1], inner, columns)),
    )
    return (
        np.moveaxis(low, 0, -1).reshape(operation.size, lanes),
        np.moveaxis(high, 0, -1).reshape(operation.size, lanes),
    )
