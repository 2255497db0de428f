"""Jacobians of a program on boxes: every slope that the step can have there, rounded outwards.

Forward mode. The tangent of a cell is a row of ``n_states`` slopes, midpoint and radius; of cells
that depend on one state each (the state itself, its nonlinearities), only that one slope is kept.
Where a step has a kink (max, abs, where), slopes of both sides are held: the mean-value theorem
holds with these (Clarke's generalized Jacobian) as long as the step is continuous.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.inclusion import Enclosure, Inclusion
from fpf_notebook.dynamics.jaxpr.program import Constant, NotCoveredError, Operand, Operation
from fpf_notebook.dynamics.jaxpr.ranges import RANGES, power
from fpf_notebook.dynamics.jaxpr.rounding import Interval, U

_G = 1 + 16 * U  # covers the rounding of a few sums of radii
_TINY = iv.TINY


@dataclass(frozen=True, eq=False)
class Tangent:
    """Slopes of cells by the states, of shape ``[lanes, size, n_states]`` or less.

    Parameters
    ----------
    middle, radius
        Midpoints and radii; ``[lanes, size]`` where ``columns`` is given.
    columns
        The one state on which each cell depends; None if they may depend on all.
    """

    middle: np.ndarray
    radius: np.ndarray
    columns: np.ndarray | None = None

    def dense(self, n: int) -> Tangent:
        """Return all slopes."""
        if self.columns is None:
            return self
        lanes, size = self.middle.shape
        out = []
        for part in (self.middle, self.radius):
            full = np.zeros((lanes, size, n))
            full[:, np.arange(size), self.columns] = part
            out.append(full)
        return Tangent(out[0], out[1])

    def take(self, index: np.ndarray) -> Tangent:
        """Return the tangents of some cells."""
        columns = None if self.columns is None else self.columns[index]
        return Tangent(self.middle[:, index], self.radius[:, index], columns)


class Slopes:
    """The Jacobian of an inclusion function.

    Parameters
    ----------
    inclusion
        The inclusion function.
    """

    def __init__(self, inclusion: Inclusion) -> None:
        inclusion.program.require_covered()
        self.inclusion = inclusion
        self.program = inclusion.program
        self.n = inclusion.n_states

    def __call__(self, enclosure: Enclosure) -> tuple[np.ndarray, np.ndarray]:
        """Return midpoints and radii of all Jacobians on boxes.

        Parameters
        ----------
        enclosure
            Of :meth:`Inclusion.enclose`.

        Returns
        -------
        tuple of numpy.ndarray
            Midpoints and radii, ``[lanes, n_states, n_states]``. Infinite radii where a slope is
            not bounded.

        Raises
        ------
        NotCoveredError
            Where the step jumps, or has no slopes that are known; with the line of the code.
        """
        lanes = enclosure.low.shape[1]
        one = np.ones((lanes, self.n))
        state = Tangent(one, np.zeros_like(one), np.arange(self.n))
        made: dict[int, Tangent] = {-1: state}
        with np.errstate(all="ignore"):
            for number, operation in enumerate(self.program.operations):
                if operation.varies:
                    found = self._operation(operation, enclosure, made)
                    if found is not None:
                        made[number] = found
            out = self._read(self.program.output, made, lanes)
            if out is None:
                zero = np.zeros((lanes, self.n, self.n))
                return zero, zero
            full = out.dense(self.n)
            wild = ~(np.isfinite(full.middle) & np.isfinite(full.radius))
            return np.where(wild, 0.0, full.middle), np.where(wild, np.inf, full.radius)

    # -- reading ---------------------------------------------------------------------------------

    def _read(self, operand: Operand, made: dict[int, Tangent], lanes: int) -> Tangent | None:
        if isinstance(operand, Constant):
            return None
        owners = self.inclusion.correlations.owners(operand.addresses)
        numbers = [int(owner) for owner in np.unique(owners)]
        starts = {i: 0 if i < 0 else self.program.operations[i].start for i in numbers}
        if len(numbers) == 1:
            found = made.get(numbers[0])
            if found is None:
                return None
            index = operand.addresses - starts[numbers[0]]
            size = found.middle.shape[1]
            if len(index) == size and np.array_equal(index, np.arange(size)):
                return found
            return found.take(index)
        parts = [
            (np.flatnonzero(owners == i), made[i].take(operand.addresses[owners == i] - starts[i]))
            for i in numbers
            if i in made
        ]
        if not parts:
            return None
        sparse = all(part.columns is not None for _, part in parts)
        shape = (lanes, operand.size) if sparse else (lanes, operand.size, self.n)
        middle, radius = np.zeros(shape), np.zeros(shape)
        columns = np.zeros(operand.size, dtype=np.intp) if sparse else None
        for rows, part in parts:
            whole = part if sparse else part.dense(self.n)
            middle[:, rows], radius[:, rows] = whole.middle, whole.radius
            if columns is not None and whole.columns is not None:
                columns[rows] = whole.columns
        return Tangent(middle, radius, columns)

    # -- operations ------------------------------------------------------------------------------

    def _operation(
        self, operation: Operation, enclosure: Enclosure, made: dict[int, Tangent]
    ) -> Tangent | None:
        lanes = enclosure.low.shape[1]
        tangents = [self._read(operand, made, lanes) for operand in operation.operands]
        if all(t is None for t in tangents):
            return None
        values = [enclosure.of(operand) for operand in operation.operands]
        result = enclosure.low[operation.cells], enclosure.high[operation.cells]
        name = operation.name
        if name == "matmul":
            return self._matmul(operation, values, tangents, lanes)
        if name == "sum":
            assert tangents[0] is not None
            return _summed(tangents[0].dense(self.n), operation.shape)
        if name in ("maximum", "minimum"):
            assert tangents[0] is not None
            return _of_one_of(tangents[0].dense(self.n), operation.shape)
        if name in ("add", "sub"):
            second = tangents[1] if name == "add" else _negative(tangents[1])
            return self._sum(tangents[0], second)
        if name == "neg":
            return _negative(tangents[0])
        if name == "mul":
            return self._sum(_scaled(tangents[0], values[1]), _scaled(tangents[1], values[0]))
        if name == "div":
            inverse = iv.reciprocal(values[1])
            first = _scaled(tangents[0], inverse)
            if tangents[1] is None:
                return first
            return self._sum(first, _scaled(tangents[1], iv.neg(iv.quick_mul(result, inverse))))
        if name == "max":
            x, y = values
            return self._chosen(x[0] > y[1], x[1] < y[0], tangents[0], tangents[1])
        if name == "min":
            x, y = values
            return self._chosen(x[1] < y[0], x[0] > y[1], tangents[0], tangents[1])
        if name == "select":
            return self._select(operation, enclosure, values, tangents)
        if name == "pow":
            return self._pow(operation, values, result, tangents)
        if name == "power":
            k = operation.exponent
            factor = iv.quick_mul(iv.point(np.full((1, 1), float(k))), power(values[0], k - 1))
            return _scaled(tangents[0], factor)
        if name in ("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "xor", "not", "is_finite"):
            return None  # what follows from them is the business of select
        rule = _DERIVATIVES.get(name)
        if rule is None:
            raise NotCoveredError(f"{name} has no slope that is known (at {operation.source})")
        return _scaled(tangents[0], rule(values[0], result))

    def _sum(self, a: Tangent | None, b: Tangent | None) -> Tangent | None:
        if a is None or b is None:
            return b if a is None else a
        columns = a.columns
        same = columns is not None and b.columns is not None and np.array_equal(columns, b.columns)
        if not same:
            a, b, columns = a.dense(self.n), b.dense(self.n), None
        middle = a.middle + b.middle
        return Tangent(middle, (a.radius + b.radius + 2 * U * np.abs(middle)) * _G, columns)

    def _chosen(
        self, first: np.ndarray, second: np.ndarray, a: Tangent | None, b: Tangent | None
    ) -> Tangent | None:
        """Return the tangent of the first or the second, or the hull where either may be it."""
        if a is None and b is None:
            return None
        known = a if a is not None else b
        assert known is not None
        lanes = known.middle.shape[0]
        size = known.middle.shape[1]
        columns = known.columns
        both = a is not None and b is not None
        if both and not (
            columns is not None and b.columns is not None and np.array_equal(columns, b.columns)  # type: ignore[union-attr]
        ):
            columns = None
        shape = (lanes, size) if columns is not None else (lanes, size, self.n)
        zero = Tangent(np.zeros(shape), np.zeros(shape), columns)

        def full(t: Tangent | None) -> Tangent:
            if t is None:
                return zero
            return t if columns is not None else t.dense(self.n)

        x, y = full(a), full(b)
        low = np.minimum(x.middle - x.radius, y.middle - y.radius)
        high = np.maximum(x.middle + x.radius, y.middle + y.radius)
        middle = low / 2 + high / 2
        radius = np.maximum(high - middle, middle - low) + 4 * U * (np.abs(low) + np.abs(high))
        one, two = (
            np.broadcast_to(which.T.reshape(-1, size), (lanes, size)) for which in (first, second)
        )
        if columns is None:
            one, two = one[..., None], two[..., None]
        return Tangent(
            np.where(one, x.middle, np.where(two, y.middle, middle)),
            np.where(one, x.radius, np.where(two, y.radius, radius * _G + _TINY)),
            columns,
        )

    def _select(
        self,
        operation: Operation,
        enclosure: Enclosure,
        values: list[Interval],
        tangents: list[Tangent | None],
    ) -> Tangent | None:
        sure, never = values[0][0] > 0, values[0][1] == 0
        open_ = ~(sure | never)
        if open_.any() and not self._continuous(operation, enclosure, open_):
            raise NotCoveredError(f"the step may jump where it chooses (at {operation.source})")
        return self._chosen(sure, never, tangents[1], tangents[2])

    def _continuous(self, operation: Operation, enclosure: Enclosure, open_: np.ndarray) -> bool:
        """Whether both sides of ``where(x > c, ...)`` agree at x = c."""
        edge = self.inclusion.at_edge(operation, enclosure)
        if edge is None:
            return False
        (a_low, a_high), (b_low, b_high) = edge
        gap = np.maximum(np.abs(a_high - b_low), np.abs(b_high - a_low))
        return bool(np.all(~open_ | (gap <= 1e-250)))

    def _pow(
        self,
        operation: Operation,
        values: list[Interval],
        result: Interval,
        tangents: list[Tangent | None],
    ) -> Tangent | None:
        x, y = values
        out = None
        if tangents[0] is not None:  # y x^(y - 1)
            one = iv.point(np.ones((1, 1)))
            out = _scaled(tangents[0], iv.quick_mul(y, RANGES["pow"](x, iv.sub(y, one))))
        if tangents[1] is not None:
            out = self._sum(out, _scaled(tangents[1], iv.quick_mul(result, RANGES["log"](x))))
        return out

    def _matmul(
        self,
        operation: Operation,
        values: list[Interval],
        tangents: list[Tangent | None],
        lanes: int,
    ) -> Tangent:
        batch, rows, inner, columns = operation.shape
        right = tangents[1]
        if tangents[0] is not None or right is None or batch != 1:
            raise NotCoveredError(
                f"the slopes of a product of two arrays that depend on the state (at "
                f"{operation.source})"
            )
        # What does not depend on the state is the same in each lane.
        left = iv.middle_radius(tuple(end[:, :1] for end in values[0]))  # type: ignore[arg-type]
        middle, radius = (part.reshape(rows, inner) for part in left)
        size = np.abs(middle)
        sparse = right.columns
        if sparse is not None and columns == 1 and len(np.unique(sparse)) == inner:
            # One column of slopes for each column of the matrix.
            m, r = right.middle[:, None, :], right.radius[:, None, :]
            c = middle * m
            e = (size + radius) * r + radius * np.abs(m) + 2 * U * np.abs(c)
            out = []
            for part in (c, e * _G + _TINY):
                full = np.zeros((lanes, rows, self.n))
                full[:, :, sparse] = part
                out.append(full)
            return Tangent(out[0], out[1])
        t = right.dense(self.n)
        m = t.middle.reshape(lanes, inner, columns * self.n)
        r = t.radius.reshape(lanes, inner, columns * self.n)
        gamma = iv.dot_error(inner)
        c = middle @ m
        e = size @ (r + gamma * np.abs(m))
        if radius.any():
            e = e + radius @ (np.abs(m) + r)
        shape = (lanes, rows * columns, self.n)
        return Tangent(c.reshape(shape), (e * (1 + 8 * gamma) + _TINY).reshape(shape))


# -- rules -----------------------------------------------------------------------------------------


def _scaled(t: Tangent | None, factor: Interval) -> Tangent | None:
    """Multiply tangents by intervals ``[size, lanes]``."""
    if t is None:
        return None
    m, r = (part.T for part in iv.middle_radius(factor))
    if t.columns is None:
        m, r = m[..., None], r[..., None]
    middle = t.middle * m
    radius = np.abs(m) * t.radius + r * (np.abs(t.middle) + t.radius) + 2 * U * np.abs(middle)
    return Tangent(middle, radius * _G + _TINY, t.columns)


def _negative(t: Tangent | None) -> Tangent | None:
    return None if t is None else Tangent(-t.middle, t.radius, t.columns)


def _summed(t: Tangent, shape: tuple[int, ...]) -> Tangent:
    lanes, _, n = t.middle.shape
    gamma = iv.dot_error(shape[1])
    m, r = (part.reshape(lanes, *shape, n) for part in (t.middle, t.radius))
    radius = (r.sum(axis=2) + gamma * np.abs(m).sum(axis=2)) * (1 + 8 * gamma)
    return Tangent(m.sum(axis=2), radius + _TINY)


def _of_one_of(t: Tangent, shape: tuple[int, ...]) -> Tangent:
    lanes, _, n = t.middle.shape
    m, r = (part.reshape(lanes, *shape, n) for part in (t.middle, t.radius))
    low, high = (m - r).min(axis=2), (m + r).max(axis=2)
    middle = low / 2 + high / 2
    radius = np.maximum(high - middle, middle - low) + 4 * U * (np.abs(low) + np.abs(high))
    return Tangent(middle, radius * _G + _TINY)


_ONE = iv.point(np.ones((1, 1)))
Derivative = Callable[[Interval, Interval], Interval]


def _clipped(x: Interval, low: float, high: float) -> Interval:
    return np.clip(x[0], low, high), np.clip(x[1], low, high)


def _bump(y: Interval) -> Interval:
    """Y (1 - y): increases up to 1/2, where it is 1/4."""
    ends = [iv.quick_mul(iv.point(end), iv.sub(_ONE, iv.point(end))) for end in y]
    low = np.minimum(ends[0][0], ends[1][0])
    high = np.maximum(ends[0][1], ends[1][1])
    return np.maximum(low, 0.0), np.where((y[0] <= 0.5) & (y[1] >= 0.5), 0.25, high)


def _times(c: float, x: Interval) -> Interval:
    return iv.quick_mul(iv.widen(np.full((1, 1), c), np.full((1, 1), c), 1), x)


def _sech2(x: Interval, y: Interval) -> Interval:
    """Return 1 - tanh^2, from y where that is exact, from exp where y is near 1 in size."""
    plain = _clipped(iv.sub(_ONE, power(y, 2)), 0.0, 1.0)
    size = RANGES["abs"](x)
    # sech^2 <= 4 exp(-2 |x|), and >= that times (1 - 2 exp(-2 |x|)).
    e = RANGES["exp"](_times(-2.0, size))
    high = _times(4.0, e)[1]
    low = iv.quick_mul(_times(4.0, e), iv.sub(_ONE, _times(2.0, e)))[0]
    return np.maximum(plain[0], np.where(size[0] > 2, low, 0.0)), np.minimum(plain[1], high)


def _d_logistic(x: Interval, y: Interval) -> Interval:
    plain = _clipped(_bump(y), 0.0, 0.25)
    high = RANGES["exp"](iv.neg(RANGES["abs"](x)))[1]  # y (1 - y) <= exp(-|x|)
    return plain[0], np.minimum(plain[1], high)


_DERIVATIVES: dict[str, Derivative] = {
    "tanh": _sech2,
    "logistic": _d_logistic,
    "softplus": lambda x, y: RANGES["logistic"](x),
    "exp": lambda x, y: y,
    "exp2": lambda x, y: _times(float(np.log(2)), y),
    "expm1": lambda x, y: RANGES["exp"](x),
    "log": lambda x, y: iv.reciprocal(x),
    "log1p": lambda x, y: iv.reciprocal(iv.quick_add(_ONE, x)),
    "sqrt": lambda x, y: iv.reciprocal(_times(2.0, y)),
    "rsqrt": lambda x, y: _times(-0.5, power(y, 3)),
    "cbrt": lambda x, y: iv.reciprocal(_times(3.0, power(y, 2))),
    "square": lambda x, y: _times(2.0, x),
    "abs": lambda x, y: (np.where(x[0] >= 0, 1.0, -1.0), np.where(x[1] <= 0, -1.0, 1.0)),
    "sin": lambda x, y: RANGES["cos"](x),
    "cos": lambda x, y: iv.neg(RANGES["sin"](x)),
    "tan": lambda x, y: iv.quick_add(_ONE, power(y, 2)),
    "asin": lambda x, y: RANGES["rsqrt"](iv.sub(_ONE, power(x, 2))),
    "acos": lambda x, y: iv.neg(RANGES["rsqrt"](iv.sub(_ONE, power(x, 2)))),
    "atan": lambda x, y: iv.reciprocal(iv.quick_add(_ONE, power(x, 2))),
    "sinh": lambda x, y: RANGES["cosh"](x),
    "cosh": lambda x, y: RANGES["sinh"](x),
    "asinh": lambda x, y: RANGES["rsqrt"](iv.quick_add(_ONE, power(x, 2))),
    "acosh": lambda x, y: RANGES["rsqrt"](iv.sub(power(x, 2), _ONE)),
    "atanh": lambda x, y: iv.reciprocal(iv.sub(_ONE, power(x, 2))),
    "erf": lambda x, y: _times(float(2 / np.sqrt(np.pi)), RANGES["exp"](iv.neg(power(x, 2)))),
    "erfc": lambda x, y: _times(float(-2 / np.sqrt(np.pi)), RANGES["exp"](iv.neg(power(x, 2)))),
}
"""The derivative of each function from its argument and value."""
