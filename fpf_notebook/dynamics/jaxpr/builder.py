"""The half-built program: emits operations, folds what is known, keeps equal expressions once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from fpf_notebook.dynamics.jaxpr import plain
from fpf_notebook.dynamics.jaxpr.program import (
    BINARY,
    UNARY,
    Constant,
    Operand,
    Operation,
    Program,
    Uncovered,
    View,
)

_COMMUTATIVE_NAMES = "add mul max min eq ne and or xor"
_COMMUTATIVE = frozenset(_COMMUTATIVE_NAMES.split())
# What rounds nothing: folding it changes no number.
_EXACT_NAMES = (
    "neg abs sign floor ceil round max min not is_finite lt le gt ge eq ne and or xor select "
    "maximum minimum constant"
)
_EXACT = frozenset(_EXACT_NAMES.split())
# x op c is x for this c (and c op x too, where the operation is commutative).
_NEUTRAL = {"add": 0.0, "sub": 0.0, "mul": 1.0, "div": 1.0, "max": -np.inf, "min": np.inf}


@dataclass(frozen=True, eq=False)
class Symbol:
    """An array of which it is known only in which cells it lies.

    Parameters
    ----------
    addresses
        The cells, in the shape of the array.
    kind
        ``"f"`` or, for what is 0 or 1, ``"b"``; ``"i"`` for other whole numbers.
    """

    addresses: np.ndarray
    kind: str = "f"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.addresses.shape


Value: TypeAlias = np.ndarray | Symbol
"""What the interpreter knows of an array: its numbers, or where they lie."""


class TooLongError(Exception):
    """A program has more operations than was allowed."""


class Builder:
    """Collects operations.

    Parameters
    ----------
    fold_arithmetic
        Whether operations on known numbers are carried out at once even where that rounds.
        Without, such operations stay in the program (``varies`` is then False), so that an
        interval algebra can bound their rounding too; what is exact is folded all the same.
    max_operations
        How many there may be.
    """

    def __init__(self, fold_arithmetic: bool = True, max_operations: int = 20_000) -> None:
        self.fold_arithmetic = fold_arithmetic
        self.max_operations = max_operations
        self.source = ""
        self.inputs: dict[str, slice] = {}
        self.operations: list[Operation] = []
        self.uncovered: list[Uncovered] = []
        self.size = 0
        self._known: dict[tuple[object, ...], Symbol] = {}
        self._varies: list[tuple[int, bool]] = []  # (first cell, whether) of each block of cells
        self._producers: dict[int, Operation] = {}

    # -- values ----------------------------------------------------------------------------------

    def input(self, name: str, shape: tuple[int, ...]) -> Symbol:
        """Add an input."""
        size = int(np.prod(shape, dtype=int))
        self.inputs[name] = slice(self.size, self.size + size)
        return self._allocate(size, shape, "f", True)

    def symbol(self, value: Value) -> Symbol:
        """Give a known array cells of its own."""
        if isinstance(value, Symbol):
            return value
        flat = as_numbers(value)
        kind = "b" if np.asarray(value).dtype == bool else "f"
        key = ("constant", _bytes(flat))
        found = self._known.get(key)
        if found is None:
            found = self._append("constant", (Constant(flat),), (flat.size,), kind, False)
            self._known[key] = found
        return Symbol(found.addresses.reshape(np.shape(value)), kind)

    def operand(self, value: Value, shape: tuple[int, ...] | None = None) -> Operand:
        """Return what an operation reads of a value, broadcast to ``shape``."""
        if isinstance(value, Symbol):
            a = value.addresses if shape is None else np.broadcast_to(value.addresses, shape)
            return View(np.ascontiguousarray(a).reshape(-1))
        return Constant(as_numbers(value if shape is None else np.broadcast_to(value, shape)))

    def varies(self, operand: Operand) -> bool:
        """Whether an operand depends on an input."""
        if isinstance(operand, Constant) or not operand.size:
            return False
        starts = np.array([start for start, _ in self._varies])
        blocks = np.unique(np.searchsorted(starts, operand.addresses, side="right") - 1)
        return any(self._varies[block][1] for block in blocks)

    def producer(self, value: Value) -> Operation | None:
        """Return the operation of which a value is the whole result, in order; else None."""
        if not isinstance(value, Symbol) or not value.addresses.size:
            return None
        flat = value.addresses.reshape(-1)
        found = self._producers.get(int(flat[0]))
        if found is None or found.size != flat.size:
            return None
        return (
            found
            if np.array_equal(flat, np.arange(found.start, found.start + found.size))
            else None
        )

    # -- operations ------------------------------------------------------------------------------

    def elementwise(self, name: str, *values: Value, kind: str = "f") -> Value:
        """Emit an operation that works element by element; shapes broadcast."""
        shape = np.broadcast_shapes(*(np.shape(_shaped(value)) for value in values))
        same = self._neutral(name, values, shape)
        if same is not None:
            return same
        operands = tuple(self.operand(value, shape) for value in values)
        return self.emit(name, operands, shape, kind=kind)

    def emit(
        self,
        name: str,
        operands: tuple[Operand, ...],
        result_shape: tuple[int, ...],
        *,
        shape: tuple[int, ...] = (),
        exponent: int = 0,
        kind: str = "f",
    ) -> Value:
        """Emit an operation, or fold it, or find that it is there already."""
        if all(isinstance(operand, Constant) for operand in operands):
            folded = self._fold(name, operands, shape, exponent)
            if folded is not None:
                folded = folded.reshape(result_shape)
                return folded != 0 if kind == "b" else folded
        parts = [_key(operand) for operand in operands]
        key = (name, shape, exponent, *(sorted(parts) if name in _COMMUTATIVE else parts))
        found = self._known.get(key)
        if found is None:
            varies = any(self.varies(operand) for operand in operands)
            found = self._append(name, operands, result_shape, kind, varies, shape, exponent)
            self._known[key] = found
        return Symbol(found.addresses.reshape(result_shape), kind)

    def unknown(
        self, name: str, shapes: Sequence[tuple[int, ...]], kinds: Sequence[str]
    ) -> list[Value]:
        """Note that something is not covered, and go on with numbers that nobody knows."""
        self.uncovered.append(Uncovered(name, self.source))
        return [
            self._append("unknown", (), shape, kind, True)
            for shape, kind in zip(shapes, kinds, strict=True)
        ]

    def finish(self, result: Value) -> Program:
        """Return the program, without the operations that the result does not need."""
        output = View(self.symbol(result).addresses.reshape(-1))
        needed = np.zeros(self.size, dtype=bool)
        needed[output.addresses] = True
        kept = []
        for operation in reversed(self.operations):
            if needed[operation.cells].any():
                kept.append(operation)
                for operand in operation.operands:
                    if isinstance(operand, View):
                        needed[operand.addresses] = True
        n_inputs = max((cells.stop for cells in self.inputs.values()), default=0)
        moved = np.full(self.size, -1, dtype=np.intp)
        moved[:n_inputs] = np.arange(n_inputs)
        size, operations = n_inputs, []
        for operation in reversed(kept):
            operands = tuple(
                View(moved[o.addresses]) if isinstance(o, View) else o for o in operation.operands
            )
            moved[operation.cells] = np.arange(size, size + operation.size)
            operations.append(replace(operation, operands=operands, start=size))
            size += operation.size
        sources = {operation.source for operation in operations if operation.name == "unknown"}
        return Program(
            inputs=dict(self.inputs),
            operations=tuple(operations),
            output=View(moved[output.addresses]),
            size=size,
            uncovered=tuple(dict.fromkeys(u for u in self.uncovered if u.source in sources)),
        )

    # -- private ---------------------------------------------------------------------------------

    def _allocate(self, size: int, shape: tuple[int, ...], kind: str, varies: bool) -> Symbol:
        start = self.size
        self.size += size
        if size:
            self._varies.append((start, varies))
        return Symbol(np.arange(start, start + size, dtype=np.intp).reshape(shape), kind)

    def _append(
        self,
        name: str,
        operands: tuple[Operand, ...],
        result_shape: tuple[int, ...],
        kind: str,
        varies: bool,
        shape: tuple[int, ...] = (),
        exponent: int = 0,
    ) -> Symbol:
        if len(self.operations) >= self.max_operations:
            raise TooLongError
        size = int(np.prod(result_shape, dtype=int))
        operation = Operation(name, operands, self.size, size, self.source, shape, exponent, varies)
        self.operations.append(operation)
        self._producers[self.size] = operation
        return self._allocate(size, result_shape, kind, varies)

    def _fold(
        self, name: str, operands: tuple[Operand, ...], shape: tuple[int, ...], exponent: int
    ) -> np.ndarray | None:
        values = [operand.values for operand in operands if isinstance(operand, Constant)]
        with np.errstate(all="ignore"):
            if not self.fold_arithmetic and not _is_exact(name, values):
                return None
            return np.asarray(plain.apply(name, values, shape, exponent), dtype=float)

    def _neutral(
        self, name: str, values: tuple[Value, ...], shape: tuple[int, ...]
    ) -> Value | None:
        if name not in _NEUTRAL or len(values) != 2:
            return None
        for x, c in (values, values[::-1])[: 2 if name in _COMMUTATIVE else 1]:
            whole = isinstance(x, Symbol) and not isinstance(c, Symbol) and x.shape == shape
            if whole and np.all(np.asarray(c) == _NEUTRAL[name]):
                return x
        return None


def as_numbers(value: np.ndarray) -> np.ndarray:
    """Return an array as a flat vector of float64."""
    return np.ascontiguousarray(np.asarray(value).astype(np.float64)).reshape(-1)


def _shaped(value: Value) -> np.ndarray:
    return value.addresses if isinstance(value, Symbol) else value


def _bytes(array: np.ndarray) -> bytes:
    data = np.ascontiguousarray(array)
    if data.nbytes <= 64:
        return data.tobytes() + bytes([data.size])
    return hashlib.blake2b(data.data.cast("B"), digest_size=16).digest() + str(data.size).encode()


def _key(operand: Operand) -> tuple[str, bytes]:
    if isinstance(operand, Constant):
        return "known", _bytes(operand.values)
    return "cells", _bytes(operand.addresses)


def _is_exact(name: str, values: list[np.ndarray]) -> bool:
    """Whether an operation on these numbers rounds nothing."""
    if name in _EXACT:
        return True
    if name in ("add", "sub", "mul", "div", "square"):
        a, b = (values[0], values[-1])
        if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
            return True  # infinities and NaN are no rounding
        if name in ("add", "sub"):
            b = -b if name == "sub" else b
            s = a + b
            t = s - a
            return bool(np.all((a - (s - t)) + (b - t) == 0) and np.all(np.isfinite(s)))
        if name == "div":
            q = a / b
            return bool(np.all(b != 0) and _product_is_exact(q, b) and np.all(q * b == a))
        return _product_is_exact(a, b)
    if name in ("sum", "matmul"):  # small whole numbers
        whole = all(np.all(v == np.round(v)) and np.all(np.abs(v) < 2.0**20) for v in values)
        return whole and all(v.size < 4096 for v in values)
    return False


def _product_is_exact(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the significands are short enough for the product to be exact."""

    def bits(x: np.ndarray) -> np.ndarray:
        whole = np.abs(np.ldexp(np.frexp(x)[0], 53)).astype(np.int64)
        lowest = whole & -whole
        return np.where(whole == 0, 0, 54 - np.log2(np.maximum(lowest, 1)).astype(int) - 1)

    product = np.abs(a * b)
    normal = (product == 0) & ((a == 0) | (b == 0)) | (product > 1e-290) & (product < 1e300)
    m, n = bits(a), bits(b)
    return bool(np.all((m + n <= 53) | (m <= 1) | (n <= 1)) and np.all(normal))


assert UNARY.isdisjoint(BINARY)
