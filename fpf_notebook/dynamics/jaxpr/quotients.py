"""Quotients and differences whose parts know of each other: intervals alone would forget that."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.program import Constant, Operand, Operation, Program, View
from fpf_notebook.dynamics.jaxpr.rounding import Interval

Reader = Callable[[Operand], Interval]


def quotient(
    program: Program,
    operation: Operation,
    operands: tuple[Operand, ...],
    values: list[Interval],
    read: Reader,
) -> Interval | None:
    """Return the range of one of four quotients, or None if it is another.

    ``x / (c + |x|)``, ``x / (c + sum(x))`` for x >= 0 (divisive normalization, softmax),
    ``x / sqrt(c + s * sum(x^2))`` (layer norm), and ``x / (1 - exp(-k x))`` (the transfer function
    of Wong and Wang).
    """
    x, y = operands
    if isinstance(x, Constant) or isinstance(y, Constant):
        return None
    for rule in (_soft_sign, _normalized, _layer_norm, _wong_wang):
        found = rule(program, x, y, values, read)
        if found is not None:
            low, high = iv.div(values[0], values[1])
            low, high = iv.whole(low, high)
            return np.maximum(low, found[0]), np.minimum(high, found[1])
    return None


def scaled(program: Program, operands: tuple[Operand, ...], read: Reader) -> Interval | None:
    """Return the range of ``x_i * rsqrt(c + s * sum of x_j^2)`` (layer norm), else None."""
    for x, y in (operands, operands[::-1]):
        if isinstance(x, View) and isinstance(y, View):
            owner = _owner(program, y)
            if owner is not None and owner[0].name == "rsqrt":
                return _by_root(program, x, owner, read)
    return None


def rectified_difference(
    program: Program, operands: tuple[Operand, ...], read: Reader
) -> Interval | None:
    """Return the range of ``max(x + d, c) - max(x, c)``: between 0 and d; else None."""
    first, second = (_made(program, operand) for operand in operands)
    if first is None or second is None or first.name != second.name:
        return None
    if first.name not in ("max", "min"):
        return None
    for p, c in (first.operands, first.operands[::-1]):
        for q, e in (second.operands, second.operands[::-1]):
            both = isinstance(c, Constant) and isinstance(e, Constant)
            if not both or not np.array_equal(read(c)[0], read(e)[0]):
                continue
            for shifted, other, sign in ((p, q, 1.0), (q, p, -1.0)):
                made = _made(program, shifted)
                if made is None or made.name != "add":
                    continue
                for x, d in (made.operands, made.operands[::-1]):
                    if _same(x, other):
                        low, high = read(d)
                        low, high = (low, high) if sign > 0 else (-high, -low)
                        return np.minimum(low, 0.0), np.maximum(high, 0.0)
    return None


def _by_root(
    program: Program, x: View, root: tuple[Operation, np.ndarray], read: Reader
) -> Interval | None:
    """x_i over the square root of c + s * sum over j of x_j^2: at most 1 / sqrt(s) in size."""
    operation, index = root
    total, scale = operation.operands[0], np.ones(1)
    for _ in range(4):
        if not isinstance(total, View):
            return None
        owner = _owner(program, View(total.addresses[index]))
        if owner is None:
            return None
        operation, index = owner
        if operation.name == "sum":
            break
        if operation.name not in ("add", "div", "mul"):
            return None
        parts = operation.operands
        if operation.name != "div" and not isinstance(parts[1], Constant):
            parts = parts[::-1]
        total, c = parts
        if not isinstance(c, Constant):
            return None
        number = c.values[index]
        if operation.name == "add" and not np.all(number >= 0):
            return None
        if operation.name != "add":
            if not np.all(number > 0):
                return None
            scale = scale / number if operation.name == "div" else scale * number
    if operation.name != "sum" or not isinstance(operation.operands[0], View):
        return None
    rows = View(operation.operands[0].addresses.reshape(operation.shape)[index].reshape(-1))
    squares = _owner(program, rows)
    if squares is None or squares[0].name != "square":
        return None
    squared = squares[0].operands[0]
    if not isinstance(squared, View):
        return None
    inner = squared.addresses[squares[1]].reshape(len(index), -1)
    if not np.all((inner == x.addresses[:, None]).any(axis=1)):
        return None
    size = (1.0 / np.sqrt(scale) * (1 + 1e-12))[:, None]
    return np.broadcast_to(-size, (x.size, 1)), np.broadcast_to(size, (x.size, 1))


def _layer_norm(
    program: Program, x: View, y: View, values: list[Interval], read: Reader
) -> Interval | None:
    owner = _owner(program, y)
    if owner is None or owner[0].name != "sqrt":
        return None
    return _by_root(program, x, owner, read)


def _made(program: Program, view: Operand) -> Operation | None:
    return program.producer(view) if isinstance(view, View) else None


def _same(a: Operand, b: Operand) -> bool:
    return isinstance(a, View) and isinstance(b, View) and np.array_equal(a.addresses, b.addresses)


def _soft_sign(
    program: Program, x: View, y: View, values: list[Interval], read: Reader
) -> Interval | None:
    total = _made(program, y)
    if total is None or total.name != "add":
        return None
    for c, size in (total.operands, total.operands[::-1]):
        made = _made(program, size)
        if made is None or made.name != "abs" or not _same(made.operands[0], x):
            continue
        c_low, c_high = read(c)
        if not (np.all(c_low > 0) and iv.is_point((c_low, c_high))):
            continue
        ends = []
        for end, side in ((values[0][0], -1.0), (values[0][1], 1.0)):
            q = end / (c_low + np.abs(end))
            low, high = iv.widen(q, q, 4)
            ends.append(np.where(np.isinf(end), side, low if side < 0 else high))
        return np.maximum(ends[0], -1.0), np.minimum(ends[1], 1.0)
    return None


def _normalized(
    program: Program, x: View, y: View, values: list[Interval], read: Reader
) -> Interval | None:
    """x_i / (c + sum over j of x_j): between 0 and 1 where c >= 0, all x_j >= 0 and i is a j."""
    owner = _owner(program, y)
    if owner is None:
        return None
    operation, index = owner
    if operation.name == "add":
        for c, rest in (operation.operands, operation.operands[::-1]):
            inner = _owner(program, View(rest.addresses[index])) if isinstance(rest, View) else None
            if inner is not None and inner[0].name == "sum" and np.all(read(c)[0] >= 0):
                operation, index = inner
                break
    if operation.name != "sum" or not isinstance(operation.operands[0], View):
        return None
    rows = operation.operands[0].addresses.reshape(operation.shape)[index]
    if not np.all((rows == x.addresses[:, None]).any(axis=1)):
        return None
    if not np.all(read(operation.operands[0])[0] >= 0):
        return None
    size = np.shape(values[0][0])
    return np.zeros(size), np.ones(size)


def _owner(program: Program, view: View) -> tuple[Operation, np.ndarray] | None:
    """Return the operation from which all cells come, and which of its elements they are."""
    for operation in program.operations:
        if operation.start <= view.addresses[0] < operation.start + operation.size:
            index = view.addresses - operation.start
            return (operation, index) if np.all((index >= 0) & (index < operation.size)) else None
    return None


def _wong_wang(
    program: Program, x: View, y: View, values: list[Interval], read: Reader
) -> Interval | None:
    """X / (1 - exp(-k x)), k > 0, increases from 0 to x; by Cauchy's theorem near 0."""
    difference = _made(program, y)
    if difference is None or difference.name != "sub":
        return None
    one, growth = difference.operands
    made = _made(program, growth)
    if not (isinstance(one, Constant) and np.all(one.values == 1)) or made is None:
        return None
    if made.name != "exp":
        return None
    argument, sign = _made(program, made.operands[0]), 1.0
    if argument is not None and argument.name == "neg":
        argument, sign = _made(program, argument.operands[0]), -1.0
    if argument is None or argument.name != "mul":
        return None
    for factor, other in (argument.operands, argument.operands[::-1]):
        if not _same(other, x):
            continue
        k = read(factor)
        if not iv.is_point(k) or not np.all(sign * k[0] < 0):
            continue
        rate = -sign * k[0]
        ends = []
        for end, pick in ((values[0][0], 0), (values[0][1], 1)):
            near = np.abs(end * rate) < 1e-3
            far = np.where(near | np.isinf(end), 1.0, end)
            q = -far / np.expm1(-rate * far)
            bounds = iv.widen(q, q, 64)
            # The ratio of the derivatives, exp(k y) / k, at some y between 0 and x.
            ratio = np.exp(rate * end)
            edge = iv.widen(np.minimum(ratio, 1) / rate, np.maximum(ratio, 1) / rate, 64)
            value = np.where(near, edge[pick], bounds[pick])
            value = np.where(end == -np.inf, 0.0, value)
            ends.append(np.where(end == np.inf, (np.finfo(float).max, np.inf)[pick], value))
        return np.maximum(ends[0], 0.0), ends[1]
    return None
