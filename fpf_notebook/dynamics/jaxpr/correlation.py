"""Quantities that occur more than once: sums of products, bounded jointly.

(1 - z) n + z h lies between n and h whatever the gate z in [0, 1], but interval arithmetic, which
forgets that both z are one, says [-2, 2]. Here a chain of sums, differences, products and quotients
by numbers is seen as a polynomial in the cells where it begins (its *atoms*: the state, and results
of everything else). If each atom has degree one, its range over a box is that of the corners of the
box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.program import Constant, Operand, Operation, Program, View
from fpf_notebook.dynamics.jaxpr.ranges import RANGES
from fpf_notebook.dynamics.jaxpr.rounding import Interval

MAX_ATOMS = 7
"""A polynomial in more atoms is cut: its parts are atoms then."""
_GRID = 64.0
_LINEAR = ("neg", "add", "sub", "mul", "div")
# Their values never reach the bounds that are computed for them: those were moved outwards, or are
# limits.
_OPEN_NAMES = (
    "tanh logistic exp expm1 softplus erf erfc atan matmul sum sqrt log log1p cbrt sinh asinh "
    "sin cos"
)
_OPEN = frozenset(_OPEN_NAMES.split())


@dataclass(frozen=True, eq=False)
class _Polynomial:
    """What an operation is in terms of atoms, each a cell for each element of the result."""

    atoms: tuple[np.ndarray, ...]
    repeats: bool


class Correlations:
    """Which operations of a program are polynomials, and their ranges.

    Parameters
    ----------
    program
        The program.
    low, high
        Bounds of the cells that do not vary; infinite for the others.
    """

    def __init__(self, program: Program, low: np.ndarray, high: np.ndarray) -> None:
        self.program = program
        self._sure = np.isfinite(low) & (low == high)
        self._values = low
        self._owners = np.full(program.size, -1, dtype=np.intp)
        self._open = np.zeros(program.size, dtype=bool)
        for number, operation in enumerate(program.operations):
            self._owners[operation.cells] = number
            self._open[operation.cells] = operation.name in _OPEN
        self._polynomials: dict[int, _Polynomial] = {}
        for operation in program.operations:
            if operation.varies and operation.name in _LINEAR:
                found = self._polynomial(operation, operation.operands)
                if found is not None:
                    self._polynomials[operation.start] = found
        self._joint = self._bounded_jointly()

    # -- structure -------------------------------------------------------------------------------

    def repeats(self, operation: Operation) -> bool:
        """Whether the joint range is worth computing.

        It is where an atom occurs more than once, and where something that is no polynomial reads
        the result.
        """
        return operation.start in self._joint

    @property
    def work(self) -> int:
        """How many numbers joint ranges take, roughly."""
        sizes = [
            operation.size * 2 ** len(self._polynomials[operation.start].atoms)
            for operation in self.program.operations
            if operation.start in self._joint
        ]
        return 1 + len(sizes) * sum(sizes)

    def _bounded_jointly(self) -> set[int]:
        read = [self.program.output.addresses]
        for operation in self.program.operations:
            if operation.start not in self._polynomials:
                read += [o.addresses for o in operation.operands if isinstance(o, View)]
        owners = np.unique(self._owners[np.concatenate(read)])
        starts = {self.program.operations[owner].start for owner in owners if owner >= 0}
        return {start for start, found in self._polynomials.items() if found.repeats} & starts

    def owners(self, addresses: np.ndarray) -> np.ndarray:
        """Return the number of the operation that makes each cell; -1 for inputs."""
        return self._owners[addresses]

    def element(self, operand: Operand) -> tuple[Operation, tuple[Operand, ...]] | None:
        """Return the operation that makes all cells of an operand, and what it reads for them.

        None for constants, inputs, operands that come from several operations, and operations
        that do not work element by element.
        """
        if isinstance(operand, Constant) or not operand.size:
            return None
        owners = self._owners[operand.addresses]
        if owners[0] < 0 or np.any(owners != owners[0]):
            return None
        operation = self.program.operations[owners[0]]
        if any(o.size != operation.size for o in operation.operands) or operation.shape:
            return None
        index = operand.addresses - operation.start
        return operation, tuple(_taken(o, index) for o in operation.operands)

    def _polynomial(
        self, operation: Operation, operands: tuple[Operand, ...]
    ) -> _Polynomial | None:
        parts = [self.atoms(operand) for operand in operands]
        if operation.name == "div":
            divisor = self._numbers(operands[1])
            if divisor is None or not np.all(divisor != 0):
                return None
        shared = len(parts) == 2 and any(
            np.any(a == b) for a in parts[0].atoms for b in parts[1].atoms
        )
        if operation.name == "mul" and shared:
            return None
        atoms: dict[bytes, np.ndarray] = {}
        for part in parts:
            atoms.update({a.tobytes(): a for a in part.atoms})
        if len(atoms) > MAX_ATOMS:
            return None
        return _Polynomial(tuple(atoms.values()), shared or any(part.repeats for part in parts))

    def atoms(self, operand: Operand) -> _Polynomial:
        """Return the atoms of an operand."""
        if self._numbers(operand) is not None or isinstance(operand, Constant):
            return _Polynomial((), False)
        found = self.element(operand)
        known = None if found is None else self._polynomials.get(found[0].start)
        if found is None or known is None:
            return _Polynomial((operand.addresses,), False)
        index = operand.addresses - found[0].start
        return _Polynomial(tuple(a[index] for a in known.atoms), known.repeats)

    def _numbers(self, operand: Operand) -> np.ndarray | None:
        if isinstance(operand, Constant):
            return operand.values
        if np.all(self._sure[operand.addresses]):
            return self._values[operand.addresses]
        return None

    # -- ranges ----------------------------------------------------------------------------------

    def range_of(self, operation: Operation, low: np.ndarray, high: np.ndarray) -> Interval:
        """Return the joint range of an operation, ``[size, lanes]``.

        Taken twice: with the atoms' own bounds, and with bounds moved outwards to multiples of
        1/64, with which gates in [0, 1] make no rounding error.
        """
        view = View(np.arange(operation.start, operation.start + operation.size))
        best_low = np.full((operation.size, low.shape[1]), -np.inf)
        best_high = -best_low
        for coarse in (False, True):
            corners = self.corners(view, low, high, coarse)
            axes = tuple(range(corners.low.ndim - 2))
            best_low = np.maximum(best_low, np.min(corners.low, axis=axes))
            best_high = np.minimum(best_high, np.max(corners.high, axis=axes))
        return iv.whole(best_low, best_high)

    def corners(
        self,
        operand: Operand,
        low: np.ndarray,
        high: np.ndarray,
        coarse: bool,
        own: tuple[np.ndarray, Interval] | None = None,
        less_own: bool = False,
    ) -> Corners:
        """Evaluate an operand at all corners of its atoms.

        Parameters
        ----------
        operand
            What to evaluate.
        low, high
            Bounds of the cells, ``[cells, lanes]``.
        coarse
            Whether to move the atoms' bounds outwards to multiples of 1/64.
        own
            A cell for each element of the operand, and bounds ``[size, lanes]`` that replace those
            of this cell in this element.
        less_own
            Whether to subtract that cell.

        Returns
        -------
        Corners
            The values.
        """
        atoms = self.atoms(operand).atoms
        if own is not None and less_own and own[0].tobytes() not in {a.tobytes() for a in atoms}:
            atoms = (*atoms, own[0])
        values: dict[bytes, np.ndarray] = {}
        opens, mine = [], []
        k = len(atoms)
        for j, atom in enumerate(atoms):
            a, b = low[atom], high[atom]
            if coarse:
                few = (b - a <= 2) & (np.abs(a) < 1e6)
                a = np.where(few, np.floor(a * _GRID) / _GRID, a)
                b = np.where(few, np.ceil(b * _GRID) / _GRID, b)
            is_mine = np.zeros(len(atom), dtype=bool)
            if own is not None:
                is_mine = atom == own[0]
                a = np.where(is_mine[:, None], own[1][0], a)
                b = np.where(is_mine[:, None], own[1][1], b)
            value = np.stack([a, b]).reshape(*[2 if i == j else 1 for i in range(k)], *a.shape)
            for other in atoms[:j]:  # one cell under two names, in some elements
                alike = (other == atom)[:, None]
                if alike.any():
                    value = np.where(alike, values[other.tobytes()], value)
            values[atom.tobytes()] = value
            opens.append(self._open[atom])
            mine.append(is_mine)
        shape = (*[2] * k, operand.size, low.shape[1])
        a, b = self._at(operand, values, {}, low, high)
        if own is not None and less_own:
            a, b = iv.sub((a, b), iv.point(values[own[0].tobytes()]))
        return Corners(
            np.broadcast_to(a.reshape(*[1] * (len(shape) - a.ndim), *a.shape), shape),
            np.broadcast_to(b.reshape(*[1] * (len(shape) - b.ndim), *b.shape), shape),
            opens,
            mine,
        )

    def _at(
        self,
        operand: Operand,
        values: dict[bytes, np.ndarray],
        memo: dict[bytes, Interval],
        low: np.ndarray,
        high: np.ndarray,
    ) -> Interval:
        numbers = self._numbers(operand)
        if numbers is not None:
            return iv.point(numbers[:, None])
        assert isinstance(operand, View)
        key = operand.addresses.tobytes()
        if key in values:
            return iv.point(values[key])
        if key in memo:
            return memo[key]
        found = self.element(operand)
        if found is None or found[0].start not in self._polynomials:
            raise AssertionError("an atom that was not counted")
        operation, operands = found
        parts = [self._at(o, values, memo, low, high) for o in operands]
        result = RANGES[operation.name](*parts)
        memo[key] = result
        return result


@dataclass(frozen=True, eq=False)
class Corners:
    """Values at all corners.

    Parameters
    ----------
    low, high
        Bounds of the values, ``[2, ..., 2, size, lanes]``: an axis for each atom, its lower bound
        first.
    opens
        For each atom, whether it stays away from both of its bounds, ``[size]``.
    mine
        For each atom, whether its bounds were replaced, ``[size]``.
    """

    low: np.ndarray
    high: np.ndarray
    opens: list[np.ndarray]
    mine: list[np.ndarray]


def _taken(operand: Operand, index: np.ndarray) -> Operand:
    if isinstance(operand, Constant):
        return Constant(operand.values[index])
    return View(operand.addresses[index])
