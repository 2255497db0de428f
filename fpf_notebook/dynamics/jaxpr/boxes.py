"""Invariant boxes of any step, from its program alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.arguments import checks
from fpf_notebook.dynamics.jaxpr.correlation import Corners
from fpf_notebook.dynamics.jaxpr.inclusion import Enclosure, Inclusion
from fpf_notebook.dynamics.jaxpr.interpreter import program_of
from fpf_notebook.dynamics.jaxpr.program import NotCoveredError, View

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

FAR = 2.0**20
"""A box is whole if no fixed point of size up to this lies outside."""
_LIMIT = 1e7  # boxes are grown up to this size
_MAX_TURNS = 100
_QUICK_WORK = 2_000_000  # numbers at corners of polynomials
_MAX_PEELS = 120
_QUICK_PEELS = 20
# Up to this many states the step's range is taken over parts of h_i: a component that depends on
# its own state by a cubic, say, is bounded well by that alone.
_MAX_CUT_STATES, _PARTS = 4, 64
# Up to this many states each face of a flow's box is a lane of its own: tighter, and 2 n as much.
_MAX_LANES_STATES = 8
_HAIR = 2.0**-40


@dataclass(frozen=True, eq=False)
class InvariantBox:
    """What was found.

    Parameters
    ----------
    low, high
        A box which the map does not leave (on whose faces the field of a flow does not point
        outwards), proven with outward rounding; None if none was found.
    whole
        Whether it is proven that no fixed point of size up to 2^20 lies outside; None
        without a box.
    reason
        How it was found; or why none was, with the operations and the lines of the user's code.
    """

    low: Float[np.ndarray, "n_states"] | None
    high: Float[np.ndarray, "n_states"] | None
    whole: bool | None
    reason: str

    def widened(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the box widened by a hair (2^-40 of its size).

        A saturated unit rests at 1 in floating point, on the face of its box; a hair further out
        it lies inside.
        """
        assert self.low is not None
        assert self.high is not None
        return _widened(self.low, self.high)


@checks("dynamics.invariant_box")
@np.errstate(all="ignore")  # infinite ends are met on purpose
def invariant_box(
    step_map: StepMap,
    u: Float[np.ndarray, "n_inputs"],
    *,
    quick: bool = False,
    max_operations: int = 5_000,
) -> InvariantBox:
    """Find a box which a map or a flow does not leave under the constant input ``u``.

    If the step maps everything into a box, that is it. Else the boxes [-1, 1] and [0, 1] are tried,
    then boxes are grown until F(B) lies in B (until the field points inwards on all faces). A box
    is called whole if slab after slab around it, from far outside, the step is shown to move every
    state inwards.

    Parameters
    ----------
    step_map
        The map or flow.
    u
        The input.
    quick
        Whether to give up early, on boxes and on whether they are whole: about 0.1 s at 128 units.
        :func:`is_whole` can be asked later.
    max_operations
        The longest program to work on.

    Returns
    -------
    InvariantBox
        The box, or the reason why there is none.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook.dynamics import as_step_map
    >>> from fpf_notebook.dynamics import invariant_box
    >>> leaky = as_step_map(lambda h, u: 0.9 * h + 0.1 * jnp.tanh(3 * h), n_states=2, n_inputs=1)
    >>> box = invariant_box(leaky, np.zeros(1))
    >>> box.low.round(9).tolist(), box.high.round(9).tolist(), box.whole
    ([-1.0, -1.0], [1.0, 1.0], True)
    >>> relu = as_step_map(lambda h, u: jnp.maximum(2 * h + 1, 0), n_states=1, n_inputs=1)
    >>> invariant_box(relu, np.zeros(1)).reason.split(" (")[0]
    'every box up to 4e+06 is left'
    """
    try:
        program = program_of(step_map, u=u, fold_arithmetic=False, max_operations=max_operations)
    except NotCoveredError as error:
        return InvariantBox(None, None, None, str(error))
    return _Search(Inclusion(program), step_map.time == "continuous", quick).run()


@checks("dynamics.is_whole")
@np.errstate(all="ignore")  # infinite ends are met on purpose
def is_whole(
    step_map: StepMap,
    u: Float[np.ndarray, "n_inputs"],
    low: Float[np.ndarray, "n_states"],
    high: Float[np.ndarray, "n_states"],
    *,
    max_operations: int = 5_000,
) -> bool:
    """Prove that all fixed points lie in a box, if that can be done.

    Parameters
    ----------
    step_map, u
        The map or flow, and its input.
    low, high
        The box. It need not be invariant.
    max_operations
        The longest program to work on.

    Returns
    -------
    bool
        True if it is proven that no fixed point of size up to 2^20 lies outside. False says
        nothing.
    """
    try:
        program = program_of(step_map, u=u, fold_arithmetic=False, max_operations=max_operations)
    except NotCoveredError:
        return False
    search = _Search(Inclusion(program), step_map.time == "continuous")
    return search.holds_all(np.asarray(low, dtype=float), np.asarray(high, dtype=float))


class _Search:
    """The search for a box of one program."""

    def __init__(self, inclusion: Inclusion, flow: bool, quick: bool = False) -> None:
        self.inclusion = inclusion
        self.flow = flow
        self.quick = quick
        self.n = inclusion.n_states
        self.rows = _grouped(inclusion)
        work = inclusion.correlations.work
        self._turns = (
            int(np.clip(_QUICK_WORK // work, 3, 12 if self.n > 4 else 40)) if quick else _MAX_TURNS
        )

    def run(self) -> InvariantBox:
        n = self.n
        everything = np.full(n, np.inf)
        memory = self.inclusion.enclose(-everything, everything)
        low, high = (end[:, 0] for end in memory.of(self.inclusion.program.output))
        blame = self.inclusion.unbounded(memory)
        known = np.isfinite(low) & np.isfinite(high) & (not self.flow)
        if known.all():
            return InvariantBox(low, high, True, "the step maps everything into this box")
        low, high = np.where(known, low, 0.0), np.where(known, high, 0.0)
        ends = ((0.0, 1.0), (-1.0, 1.0))  # what rates and gates mostly stay in
        tries = [(np.where(known, low, a), np.where(known, high, b)) for a, b in ends]
        exact = [self._holds(*tried) for tried in tries]
        for (a, b), tried, holds in zip(ends, tries, exact, strict=True):
            if holds and self._peel(*tried, *self._far(*tried, known), turns=1)[0]:
                return InvariantBox(*tried, True, f"[{a:g}, {b:g}] is not left")
        for (a, b), tried, holds in reversed(list(zip(ends, tries, exact, strict=True))):
            hair, how = _widened(*tried), f"[{a:g}, {b:g}] is not left"
            if self._holds(*hair):
                return self._found(*hair, known, how)
            if holds:
                return self._found(*tried, known, how)
        few = self.n <= _MAX_CUT_STATES
        grown = self._grow(low, high, known, careful=few)
        if isinstance(grown, list) and few:
            grown = self._grow(low, high, known)
        if isinstance(grown, tuple):
            return self._found(*self._shrunk(*grown), known, "grown until it is not left")
        return InvariantBox(None, None, None, self._why_not(grown, blame))

    def holds_all(self, low: np.ndarray, high: np.ndarray) -> bool:
        """Whether a box is proven to hold all fixed points."""
        everything = np.full(self.n, np.inf)
        a, b = self.inclusion(-everything, everything)
        known = np.isfinite(a) & np.isfinite(b) & (not self.flow)
        if known.all() and np.all(a >= low) and np.all(b <= high):
            return True
        far_low, far_high = np.where(known, a, -FAR), np.where(known, b, FAR)
        return self._peel(low, high, far_low, far_high)[0]

    # -- invariance ------------------------------------------------------------------------------

    def _excess(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return for each face how far beyond it the step reaches (the flow points outwards)."""
        if not self.flow:
            a, b = self.inclusion(low, high)
            if self.n <= _MAX_CUT_STATES and (np.any(a < low) or np.any(b > high)):
                cut = self._cut(low, high)
                a, b = np.maximum(a, cut[0]), np.minimum(b, cut[1])
            return low - a, b - high
        below, above = self._faces(low, high)
        return -below, above

    def _cut(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bound F_i over parts of the range of h_i, one lane each."""
        n, i = self.n, np.arange(self.n)
        ends = np.linspace(low, high, _PARTS + 1)
        ends[-1] = high
        lows = np.tile(low[:, None, None], (1, _PARTS, n))
        highs = np.tile(high[:, None, None], (1, _PARTS, n))
        lows[i, :, i], highs[i, :, i] = ends[:-1].T, ends[1:].T
        a, b = self.inclusion(lows.reshape(n, -1), highs.reshape(n, -1))
        a, b = (end.reshape(n, _PARTS, n)[i, :, i] for end in (a, b))
        return a.min(axis=1), b.max(axis=1)

    def _faces(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the least of dh_i/dt where h_i = low_i, and the greatest where h_i = high_i."""
        n, i = self.n, np.arange(self.n)
        below, above = np.full(n, -np.inf), np.full(n, np.inf)
        memory = self.inclusion.enclose(low, high)
        for face, side in ((low, 0), (high, 1)):
            for rows, corners in self._corners(memory, (face, face), residual=False):
                axes = tuple(range(corners.low.ndim - 2))
                if side == 0:
                    below[rows] = np.maximum(below[rows], corners.low.min(axis=axes)[:, 0])
                else:
                    above[rows] = np.minimum(above[rows], corners.high.max(axis=axes)[:, 0])
        if n <= _MAX_LANES_STATES and (np.any(below < 0) or np.any(above > 0)):
            lows, highs = np.tile(low[:, None], 2 * n), np.tile(high[:, None], 2 * n)
            highs[i, i], lows[i, n + i] = low, high
            a, b = self.inclusion(lows, highs)
            below, above = np.maximum(below, a[i, i]), np.minimum(above, b[i, n + i])
        return below, above

    def _holds(self, low: np.ndarray, high: np.ndarray) -> bool:
        below, above = self._excess(low, high)
        return bool(np.all(below <= 0) and np.all(above <= 0))

    def _grow(
        self, low: np.ndarray, high: np.ndarray, known: np.ndarray, careful: bool = False
    ) -> tuple[np.ndarray, np.ndarray] | list[float]:
        """Grow a box until it is not left; else return the sizes of the last two.

        Carefully in small strides: a cubic holds a box of middle size, and no larger one.
        """
        history: list[tuple[np.ndarray, ...]] = []
        for turn in range(self._turns):
            if turn:
                low, high = _coarse(low - 1e-9, high + 1e-9)
            below, above = self._excess(low, high)
            below, above = (np.where(known, np.minimum(e, 0.0), e) for e in (below, above))
            if np.all(below <= 0) and np.all(above <= 0):
                return low, high
            finite = np.all(np.isfinite(below)) and np.all(np.isfinite(above))
            if not finite or max(np.abs(low).max(), np.abs(high).max()) > _LIMIT:
                break
            stride = 0.5 if careful else 4.0
            if history and careful:
                low0, high0, below0, above0 = history[-1]
                rates = _secant(-low, -low0, below, below0), _secant(high, high0, above, above0)
            else:
                rates = self._rates(low, high, below, above)
            new = (
                -_target(-low, below, rates[0], stride),
                _target(high, above, rates[1], stride),
            )
            if history and not careful:
                width = high - low
                new = (
                    -_overshot(-new[0], -low, -history[-1][0], width),
                    _overshot(new[1], high, history[-1][1], width),
                )
            history.append((low, high, below, above))
            low, high = np.where(known, low, new[0]), np.where(known, high, new[1])
        return [float(np.max(h - a)) for a, h, *_ in history[-2:]]

    def _rates(
        self, low: np.ndarray, high: np.ndarray, below: np.ndarray, above: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return how fast the excess at each face changes as that face alone moves outwards."""
        move = 0.5 * np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
        memory = self.inclusion.enclose(low, high)
        a, b = np.full(self.n, -np.inf), np.full(self.n, np.inf)
        inner = (low - move, low - move) if self.flow else (low - move, high)
        outer = (high + move, high + move) if self.flow else (low, high + move)
        for rows, corners in self._corners(memory, inner, residual=False):
            axes = tuple(range(corners.low.ndim - 2))
            a[rows] = np.maximum(a[rows], corners.low.min(axis=axes)[:, 0])
        for rows, corners in self._corners(memory, outer, residual=False):
            axes = tuple(range(corners.high.ndim - 2))
            b[rows] = np.minimum(b[rows], corners.high.max(axis=axes)[:, 0])
        if not self.flow:
            a, b = a - (low - move), b - (high + move)
        with np.errstate(all="ignore"):
            rates = (-a - below) / move, (b - above) / move
        return tuple(np.where(np.isfinite(r), r, 0.0) for r in rates)  # type: ignore[return-value]

    def _shrunk(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the step's image of the box, which holds the same fixed points, several times."""
        for _ in range(0 if self.flow else 12):
            a, b = self.inclusion(low, high)
            a, b = np.maximum(low, a), np.minimum(high, b)
            gain = np.max((a - low) + (high - b))
            low, high = a, b
            if gain < 1e-3 * np.max(high - low):
                break
        return low, high

    # -- wholeness -------------------------------------------------------------------------------

    @staticmethod
    def _far(low: np.ndarray, high: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.where(known, low, -FAR), np.where(known, high, FAR)

    def _found(
        self,
        low: np.ndarray,
        high: np.ndarray,
        known: np.ndarray,
        how: str,
    ) -> InvariantBox:
        """Return a box that holds, or a larger one that holds too and is whole."""
        far_low, far_high = self._far(low, high, known)
        turns = _QUICK_PEELS if self.quick else _MAX_PEELS
        whole, far_low, far_high = self._peel(low, high, far_low, far_high, turns)
        if not whole and max(np.abs(far_low).max(), np.abs(far_high).max()) < FAR:
            below, above = self._excess(far_low, far_high)  # a larger box, which holds them all
            if np.all(known | (below <= 0)) and np.all(known | (above <= 0)):
                low, high, whole = far_low, far_high, True
        return InvariantBox(low, high, whole, how)

    def _peel(
        self,
        low: np.ndarray,
        high: np.ndarray,
        far_low: np.ndarray,
        far_high: np.ndarray,
        turns: int = _MAX_PEELS,
    ) -> tuple[bool, np.ndarray, np.ndarray]:
        """Peel slabs off a huge box: where the step moves every state inwards, nothing is fixed."""
        share = 0.0
        for _ in range(turns):
            to_low, to_high = low + share * (far_low - low), high + share * (far_high - high)
            below, above = self._empty(far_low, far_high, to_low, to_high)
            gain = np.any(below & (to_low > far_low)) or np.any(above & (to_high < far_high))
            far_low, far_high = np.where(below, to_low, far_low), np.where(above, to_high, far_high)
            if np.all(far_low >= low) and np.all(far_high <= high):
                return True, far_low, far_high
            if not gain:
                share = 0.5 if share == 0 else (1 + share) / 2
            elif share == 0:
                share = 0.5
            if share > 0.98:
                break
            rest = max(np.max(low - far_low), np.max(far_high - high))
            if rest < 1e-3 * np.max(high - low):
                share = 0.0
        return False, far_low, far_high

    def _empty(
        self, low: np.ndarray, high: np.ndarray, to_low: np.ndarray, to_high: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """For each component: no fixed point lies below ``to_low`` or above ``to_high``."""
        n, i = self.n, np.arange(self.n)
        memory = self.inclusion.enclose(low, high)
        out = []
        for a, b, sign in ((low, to_low, -1.0), (to_high, high, 1.0)):
            empty = np.asarray(a >= b)
            for rows, corners in self._corners(memory, (a, b), residual=not self.flow):
                empty[rows] |= _moves_inwards(corners, sign)
            if n <= _MAX_LANES_STATES and not empty.all():
                lows, highs = np.tile(low[:, None], n), np.tile(high[:, None], n)
                lows[i, i], highs[i, i] = a, b
                inner = self.inclusion.enclose(lows, highs)
                for rows, corners in self._corners(inner, (lows, highs), residual=not self.flow):
                    lane = Corners(
                        corners.low[..., np.arange(len(rows)), rows][..., None],
                        corners.high[..., np.arange(len(rows)), rows][..., None],
                        corners.opens,
                        corners.mine,
                    )
                    empty[rows] |= _moves_inwards(lane, sign)
            out.append(empty)
        return out[0], out[1]

    def _corners(
        self, memory: Enclosure, own: tuple[np.ndarray, np.ndarray], residual: bool
    ) -> list[tuple[np.ndarray, Corners]]:
        """Evaluate F (or F - h) at the corners of its atoms, with own bounds for h_i in F_i."""
        found = []
        lanes = memory.low.shape[1]
        for rows, view in self.rows:
            a, b = (end[rows].reshape(len(rows), -1) for end in own)
            a, b = (np.broadcast_to(end, (len(rows), lanes)) for end in (a, b))
            for coarse in (False, True):
                corners = self.inclusion.correlations.corners(
                    view, memory.low, memory.high, coarse, (rows, (a, b)), less_own=residual
                )
                found.append((rows, corners))
        return found

    # -- words -----------------------------------------------------------------------------------

    def _why_not(self, sizes: list[float], blame: list[str]) -> str:
        text = "the step is not bounded on any box that was tried"
        if len(sizes) == 2:
            text = (
                f"every box up to {sizes[1]:.0e} is left (its size grew "
                f"{sizes[1] / max(sizes[0], 1e-300):.3g}-fold in the last turn)"
            )
        causes = "; ".join(blame[:3]) or (
            "the state itself, which passes through linear operations only"
        )
        return f"{text}; not bounded: {causes}"


def _grouped(inclusion: Inclusion) -> list[tuple[np.ndarray, View]]:
    """Cut the output into parts that come from one operation each."""
    addresses = inclusion.program.output.addresses
    owners = inclusion.correlations.owners(addresses)
    parts = []
    for owner in np.unique(owners):
        rows = np.flatnonzero(owners == owner)
        parts.append((rows, View(addresses[rows])))
    return parts


def _moves_inwards(corners: Corners, sign: float) -> np.ndarray:
    """Whether F_i - h_i (times sign) is negative all over a slab, ``[size]``.

    At all corners it is at most 0. It is less than 0 inside if, whatever the closed atoms are, one
    corner is: atoms that stay away from their bounds give weight to both. Of h_i itself the outer
    end has weight everywhere in the slab, which does not contain its inner end.
    """
    worst = (corners.high if sign > 0 else -corners.low)[..., 0]
    some = worst < 0
    for opens, mine in zip(corners.opens, corners.mine, strict=True):
        first, second = some[0], some[1]
        outer = second if sign > 0 else first
        some = np.where(mine, outer, np.where(opens, first | second, first & second))
    axes = tuple(range(worst.ndim - 1))
    return np.asarray(np.all(worst <= 0, axis=axes) & some)


def _secant(x: np.ndarray, x0: np.ndarray, e: np.ndarray, e0: np.ndarray) -> np.ndarray:
    return np.where(x != x0, (e - e0) / np.where(x != x0, x - x0, 1.0), 0.0)


def _target(x: np.ndarray, e: np.ndarray, rate: np.ndarray, stride: float) -> np.ndarray:
    """Return where the excess e of the upper end x should vanish, by its rate of change."""
    good = (rate < 0) & (e > 0)
    jump = np.minimum(-e / np.where(good, rate, -1.0) * 1.001, stride * (np.abs(x) + 1))
    return np.where(e <= 0, x, np.where(good, x + jump, x + (e + 0.1 * np.abs(x))))


def _overshot(new: np.ndarray, x: np.ndarray, x0: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Go on to the limit of a geometric series of which the last two increments are known."""
    step, last = new - x, x - x0
    ratio = np.clip(step / np.where(last > 0, last, np.inf), 0.0, 0.9)
    return np.where(step > 0, x + step / (1 - ratio) + 0.02 * width, new)


def _coarse(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Move ends outwards to short numbers, with which a step makes fewer rounding errors."""
    size = np.maximum(np.maximum(np.abs(low), np.abs(high)), 1e-9)
    grid = _HAIR * np.maximum(1.0, 2.0 ** np.ceil(np.log2(size)))
    return np.floor(low / grid) * grid, np.ceil(high / grid) * grid


def _widened(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    hair = _HAIR * np.maximum(1.0, np.maximum(np.abs(low), np.abs(high)))
    return low - hair, high + hair
