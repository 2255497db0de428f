"""The algebra of tangents: a step's Jacobian from its program, with the structure it has.

Forward mode by unit vectors multiplies every weight matrix by a matrix of tangents: n³ operations
for n units. But the tangents that meet the weights are, in most networks, a diagonal (tanh, ReLU,
leaky, LSTM), and a known matrix times a diagonal costs n². So a tangent is kept here as
``full + diagonal``, and only what is full is multiplied in full.

All arithmetic is JAX's, in the type of the state that is given: the Jacobian can be had in single
precision of a step that computes in double. Rules for derivatives of the user's own are not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.jaxpr.program import (
    Constant,
    NotCoveredError,
    Operand,
    Operation,
    Program,
    View,
)

__all__ = ["Tangent", "value_and_jacobian"]

_LARGEST_TANGENT = 64  # times the size of the Jacobian: beyond, unit vectors take less memory

_INVERSE_NAMES = "asin acos atan asinh acosh atanh atan2"
_NAMES = {name: f"arc{name[1:]}" for name in _INVERSE_NAMES.split()} | {
    name: f"logical_{name}" for name in ("not", "and", "or", "xor")
}
_OTHERS: dict[str, Callable[..., Any]] = {
    "neg": jnp.negative,
    "logistic": jax.nn.sigmoid,
    "softplus": lambda x: jnp.logaddexp(x, 0.0),
    "rsqrt": jax.lax.rsqrt,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "is_finite": jnp.isfinite,
    "round": jnp.round,
    "add": jnp.add,
    "sub": jnp.subtract,
    "mul": jnp.multiply,
    "div": jnp.divide,
    "max": jax.lax.max,  # of two equal ones each gets half, as in JAX's own rule
    "min": jax.lax.min,
    "pow": jnp.power,
    "rem": jnp.fmod,
    "lt": jnp.less,
    "le": jnp.less_equal,
    "gt": jnp.greater,
    "ge": jnp.greater_equal,
    "eq": jnp.equal,
    "ne": jnp.not_equal,
}
_FLAT = frozenset(
    [
        "sign",
        "floor",
        "ceil",
        "round",
        "not",
        "is_finite",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "and",
        "or",
        "xor",
    ]
)
_LOGICAL = frozenset(["not", "and", "or", "xor"])
_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": jnp.sum,
    "product": jnp.prod,
    "maximum": jnp.max,
    "minimum": jnp.min,
}


class Tangent(NamedTuple):
    """The derivative of k cells with respect to the n states: ``full + diagonal``.

    Attributes
    ----------
    full : array or None, [k, n]
        Any matrix.
    diagonal : array or None, [k]
        Row i has this number in column ``columns[i]``.
    columns : array of int, [k]
        Known when the function is traced.
    """

    full: jax.Array | None
    diagonal: jax.Array | None
    columns: np.ndarray

    def dense(self, n: int) -> jax.Array:
        """Return it as one matrix."""
        if self.diagonal is None:
            assert self.full is not None
            return self.full
        k = len(self.columns)
        if np.array_equal(self.columns, np.arange(n)):
            # Written as a sum over a mask: that is fused with what makes `full`.
            spread = jnp.where(np.eye(n, dtype=bool), self.diagonal[:, None], 0)
        else:
            spread = jnp.zeros((k, n), self.diagonal.dtype)
            spread = spread.at[np.arange(k), self.columns].set(self.diagonal)
        return spread if self.full is None else self.full + spread

    def scaled(self, factor: jax.Array) -> Tangent:
        """Return diag(factor) times this."""
        return Tangent(
            None if self.full is None else self.full * factor[:, None],
            None if self.diagonal is None else self.diagonal * factor,
            self.columns,
        )


class _Block(NamedTuple):
    """Some consecutive cells: their values and, if they depend on the state, their tangent."""

    start: int
    value: jax.Array
    tangent: Tangent | None


def value_and_jacobian(
    program: Program, inputs: Mapping[str, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """Evaluate a program and its derivative with respect to the state, ``"h"``.

    Parameters
    ----------
    program
        The program; everything that is to stay an argument is one of its inputs.
    inputs
        The value of each input, flat, traced or not; all of the type of ``inputs["h"]``.

    Returns
    -------
    value : array, [n_out]
        Result of the step.
    jacobian : array, [n_out, n_states]
        Its derivative.

    Raises
    ------
    NotCoveredError
        If the program contains something that is not known, or tangents would be too large.
    """
    program.require_covered()
    n = program.inputs["h"].stop - program.inputs["h"].start
    walk = _Walk(n, inputs["h"].dtype)
    for name, cells in program.inputs.items():
        value = inputs[name]
        one = Tangent(None, jnp.ones(n, value.dtype), np.arange(n)) if name == "h" else None
        walk.blocks.append(_Block(cells.start, value, one))
    for operation in program.operations:
        walk.blocks.append(_Block(operation.start, *walk.operate(operation)))
    value, tangent = walk.read(program.output)
    if tangent is None:
        return value, jnp.zeros((len(value), n), value.dtype)
    return value, tangent.dense(n)


class _Walk:
    """One evaluation."""

    def __init__(self, n: int, dtype: Any) -> None:
        self.n, self.dtype = n, dtype
        self.blocks: list[_Block] = []

    def operate(self, operation: Operation) -> tuple[jax.Array, Tangent | None]:
        read = [self.read(operand) for operand in operation.operands]
        values, tangents = [v for v, _ in read], [t for _, t in read]
        name = operation.name
        if name == "constant":
            return values[0], None
        if name == "matmul":
            return self._matmul(operation.shape, values, tangents)
        if name in _REDUCTIONS:
            return self._reduce(_REDUCTIONS[name], operation.shape, values[0], tangents[0])
        if name == "select":
            return self._select(values, tangents)
        function = _function(name, operation.exponent)
        result = function(*values).astype(self.dtype)
        if name in _FLAT or all(tangent is None for tangent in tangents):
            return result, None
        total: Tangent | None = None
        for i, tangent in enumerate(tangents):
            if tangent is not None:
                slope = _slope(function, values, i)
                total = self._plus(total, tangent.scaled(slope))
        return result, total

    # -- reading -----------------------------------------------------------------------------------

    def read(self, operand: Operand) -> tuple[jax.Array, Tangent | None]:
        """Return values and tangent of an operand."""
        if isinstance(operand, Constant):
            return jnp.asarray(operand.values, self.dtype), None
        if not operand.size:
            return jnp.zeros(0, self.dtype), None
        starts = np.array([block.start for block in self.blocks])
        owner = np.searchsorted(starts, operand.addresses, side="right") - 1
        cuts = np.flatnonzero(np.diff(owner)) + 1
        if len(cuts) > len(self.blocks):  # interleaved: one piece for each block, put in order
            order = np.argsort(owner, kind="stable")
            value, tangent = self.read(View(operand.addresses[order]))
            back = np.argsort(order, kind="stable")
            return value[back], None if tangent is None else _rows(tangent, back)
        pieces = []
        for part in np.split(np.arange(operand.size), cuts):
            block = self.blocks[owner[part[0]]]
            rows = operand.addresses[part] - block.start
            tangent = None if block.tangent is None else _rows(block.tangent, rows)
            pieces.append((_picked(block.value, rows), tangent))
        if len(pieces) == 1:
            return pieces[0]
        value = jnp.concatenate([piece for piece, _ in pieces])
        if all(tangent is None for _, tangent in pieces):
            return value, None
        return value, self._joined(pieces)

    def _joined(self, pieces: list[tuple[jax.Array, Tangent | None]]) -> Tangent:
        sizes = [len(value) for value, _ in pieces]
        tangents = [tangent for _, tangent in pieces]
        columns = [
            np.zeros(size, dtype=int) if tangent is None else tangent.columns
            for size, tangent in zip(sizes, tangents, strict=True)
        ]

        def joined(field: str, width: tuple[int, ...]) -> jax.Array | None:
            parts = [None if t is None else getattr(t, field) for t in tangents]
            if all(part is None for part in parts):
                return None
            return jnp.concatenate(
                [
                    jnp.zeros((size, *width), self.dtype) if part is None else part
                    for size, part in zip(sizes, parts, strict=True)
                ]
            )

        return Tangent(joined("full", (self.n,)), joined("diagonal", ()), np.concatenate(columns))

    # -- rules -------------------------------------------------------------------------------------

    def _plus(self, a: Tangent | None, b: Tangent) -> Tangent:
        if a is None:
            return b
        if a.diagonal is None or b.diagonal is None:
            columns = b.columns if a.diagonal is None else a.columns
            return Tangent(_sum(a.full, b.full), _sum(a.diagonal, b.diagonal), columns)
        if np.array_equal(a.columns, b.columns):
            return Tangent(_sum(a.full, b.full), a.diagonal + b.diagonal, a.columns)
        return Tangent(a.dense(self.n) + b.dense(self.n), None, a.columns)

    def _select(
        self, values: list[jax.Array], tangents: list[Tangent | None]
    ) -> tuple[jax.Array, Tangent | None]:
        condition = values[0] != 0
        result = jnp.where(condition, values[1], values[2])
        total = None
        # Not times 0 and 1: where a branch is not taken, its derivative may be infinite.
        for which, tangent in ((condition, tangents[1]), (~condition, tangents[2])):
            if tangent is not None:
                kept = Tangent(
                    None if tangent.full is None else jnp.where(which[:, None], tangent.full, 0),
                    None if tangent.diagonal is None else jnp.where(which, tangent.diagonal, 0),
                    tangent.columns,
                )
                total = self._plus(total, kept)
        return result, total

    def _reduce(
        self,
        function: Callable[..., Any],
        shape: tuple[int, ...],
        value: jax.Array,
        tangent: Tangent | None,
    ) -> tuple[jax.Array, Tangent | None]:
        rows, inner = shape

        def reduced(x: jax.Array) -> jax.Array:
            result: jax.Array = function(x.reshape(rows, inner), axis=1)
            return result

        result, pull = jax.vjp(reduced, value)
        if tangent is None:
            return result, None
        weighted = tangent.scaled(pull(jnp.ones(rows, value.dtype))[0])
        total = jnp.zeros((rows, self.n), value.dtype)
        if weighted.full is not None:
            total = total + weighted.full.reshape(rows, inner, self.n).sum(axis=1)
        if weighted.diagonal is not None:
            row = np.repeat(np.arange(rows), inner)
            total = total.at[row, weighted.columns].add(weighted.diagonal)
        return result, Tangent(total, None, np.zeros(rows, dtype=int))

    def _matmul(
        self, shape: tuple[int, ...], values: list[jax.Array], tangents: list[Tangent | None]
    ) -> tuple[jax.Array, Tangent | None]:
        batch, rows, inner, columns = shape
        a = values[0].reshape(batch, rows, inner)
        b = values[1].reshape(batch, inner, columns)
        size, none = batch * rows * columns, np.zeros(batch * rows * columns, dtype=int)
        total: jax.Array | None = None
        if tangents[0] is not None and batch * rows == 1:  # a vector times a matrix
            turned = jnp.swapaxes(b, 1, 2)
            total = self._right((1, columns, inner, 1), turned, tangents[0])
        elif tangents[0] is not None:
            self._bounded(batch * rows * inner)
            moved = tangents[0].dense(self.n).reshape(batch, rows, inner, self.n)
            total = jnp.einsum("brin,bic->brcn", moved, b).reshape(size, self.n)
        if tangents[1] is not None:
            total = _sum(total, self._right(shape, a, tangents[1]))
        result = (a @ b).reshape(-1)
        return result, None if total is None else Tangent(total, None, none)

    def _right(self, shape: tuple[int, ...], a: jax.Array, tangent: Tangent) -> jax.Array:
        """Return a times the tangent of the right factor."""
        batch, rows, inner, columns = shape
        if batch * columns > 1:
            self._bounded(batch * inner * columns)
            moved = tangent.dense(self.n).reshape(batch, inner, columns, self.n)
            return jnp.einsum("bri,bicn->brcn", a, moved).reshape(-1, self.n)
        total = None if tangent.full is None else a[0] @ tangent.full
        if tangent.diagonal is None:
            assert total is not None
            return total
        scaled, places = a[0] * tangent.diagonal, tangent.columns
        if inner == self.n and np.array_equal(places, np.arange(self.n)):
            return _sum(total, scaled)
        first = int(places[0])
        target = jnp.zeros((rows, self.n), self.dtype) if total is None else total
        if np.array_equal(places, np.arange(first, first + inner)):
            return target.at[:, first : first + inner].add(scaled)
        return target.at[:, places].add(scaled)

    def _bounded(self, cells: int) -> None:
        if cells > _LARGEST_TANGENT * self.n:
            raise NotCoveredError("The tangents of a product are too large to be kept.")


def _sum(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def _function(name: str, exponent: int) -> Callable[..., Any]:
    if name == "power":
        return lambda x: jax.lax.integer_pow(x, exponent)
    known = _OTHERS.get(name)
    function: Callable[..., Any] = known or getattr(jnp, _NAMES.get(name, name))
    if name in _LOGICAL:
        return lambda *values: function(*(value != 0 for value in values))
    return function


def _slope(function: Callable[..., Any], values: list[jax.Array], i: int) -> jax.Array:
    """Return the derivative of an element-wise function by its operand i, element by element."""

    def along(x: jax.Array) -> jax.Array:
        result: jax.Array = function(*values[:i], x, *values[i + 1 :])
        return result

    return jax.jvp(along, (values[i],), (jnp.ones_like(values[i]),))[1]


def _rows(tangent: Tangent, rows: np.ndarray) -> Tangent:
    return Tangent(
        None if tangent.full is None else _picked(tangent.full, rows),
        None if tangent.diagonal is None else _picked(tangent.diagonal, rows),
        tangent.columns[rows],
    )


def _picked(array: jax.Array, rows: np.ndarray) -> jax.Array:
    """Return rows of an array: as a slice or a transposition where it is one, else gathered."""
    k, first = len(rows), int(rows[0])
    if np.array_equal(rows, np.arange(first, first + k)):
        return array if k == len(array) else array[first : first + k]
    if k > 1 and array.ndim == 1:
        # The transpose of a matrix that lies in `k` consecutive cells?
        stride = int(rows[1]) - first
        if stride > 1 and k % stride == 0:
            grid = first + np.arange(k).reshape(-1, stride)
            if np.array_equal(rows, grid.T.reshape(-1)):
                return array[first : first + k].reshape(-1, stride).T.reshape(-1)
    return array[rows]
