"""Branch and prune: every fixed point in a box, isolated, and a proof that there are no others.

A box is cut into smaller and smaller ones. Of each it is shown that there is no fixed point in it
(the step's image misses it, or Krawczyk's operator does), or exactly one (Krawczyk's operator maps
a slightly larger box into its inside), or it is contracted, and cut again where that helps most.
All boxes of a generation are worked on at once. Networks that fall into blocks which do not see
each other are solved block by block; the set is the product.

All statements hold for the real function of the float64 parameters: rounding is bounded throughout.

References
----------
Van Hentenryck, McAllester and Kapur, "Solving polynomial systems using a branch and prune
approach", SIAM J. Numer. Anal. 34 (1997); Neumaier, "Interval methods for systems of equations"
(1990).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.arguments import checks
from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.jaxpr import (
    Inclusion,
    NotCoveredError,
    invariant_box,
    is_whole,
    program_of,
)
from fpf_notebook.dynamics.jaxpr.dependence import dependence
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.proof.boxes import Prune
from fpf_notebook.result.blas_threads import single_threaded

_MAX_POINTS = 100_000
_LANES = 4096
_MAX_STUCK = 300


@dataclass(frozen=True, eq=False)
class Proof:
    """What branch and prune found out.

    Parameters
    ----------
    complete
        Whether every fixed point in the box is among ``points``.
    whole
        Whether it is proven that no fixed point lies outside the box (see
        :meth:`~fpf_notebook.dynamics.StepMap.box_is_whole`).
    points
        Approximations of the fixed points that were proven to exist, each one isolated.
    point_low, point_high
        Boxes around them; each holds exactly one fixed point.
    known
        For each point, the number of the known point that is meant by it, or -1.
    unproven
        Numbers of the known points that are none of these. If ``complete``, they are no fixed
        points in the box.
    low, high
        The box; None if there is none.
    undecided_low, undecided_high
        Boxes about which nothing could be shown.
    n_boxes
        How many boxes were looked at.
    seconds
        How long it took.
    reason
        Why the proof ended, in words.
    """

    complete: bool
    whole: bool
    points: Float[np.ndarray, "n_points n_states"]
    point_low: Float[np.ndarray, "n_points n_states"]
    point_high: Float[np.ndarray, "n_points n_states"]
    known: Int[np.ndarray, "n_points"]
    unproven: Int[np.ndarray, "n_unproven"]
    low: Float[np.ndarray, "n_states"] | None
    high: Float[np.ndarray, "n_states"] | None
    undecided_low: Float[np.ndarray, "n_undecided n_states"]
    undecided_high: Float[np.ndarray, "n_undecided n_states"]
    n_boxes: int
    seconds: float
    reason: str

    @property
    def all_points(self) -> bool:
        """Whether ``points`` are proven to be all fixed points of the network."""
        return self.complete and self.whole


@checks("finder.prove")
@single_threaded
@np.errstate(all="ignore")  # infinite ends are met on purpose
def prove(
    step_map: StepMap,
    u: Float[np.ndarray, "n_inputs"],
    known_points: Float[np.ndarray, "n_known n_states"] | None = None,
    max_seconds: float = 10.0,
    cancel: CancelToken | None = None,
    *,
    box: tuple[np.ndarray, np.ndarray] | None = None,
    max_boxes: int | None = None,
) -> Proof:
    """Find every fixed point in the invariant box, with proof.

    Parameters
    ----------
    step_map
        The map or flow.
    u
        The input.
    known_points
        Points that were found before; they are matched with those that are proven.
    max_seconds
        Time limit.
    cancel
        Stop as soon as it is cancelled; asked between generations of boxes.
    box
        ``(low, high)``, the box to search instead of the invariant one.
    max_boxes
        How many boxes to look at. Unlike a time limit it gives the same result on every machine,
        however busy. Default: as many as the time allows.

    Returns
    -------
    Proof
        What was proven.

    Raises
    ------
    ValueError
        If a shape is wrong.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook.dynamics import as_step_map
    >>> from fpf_notebook.finder import prove
    >>> latches = as_step_map(lambda h, u: jnp.tanh(2 * h), n_states=3, n_inputs=1)
    >>> proof = prove(latches, np.zeros(1))
    >>> len(proof.points), proof.complete, proof.whole
    (27, True, True)
    """
    began = time.monotonic()
    n = step_map.n_states
    inputs = np.asarray(u, dtype=float)
    known = np.empty((0, n)) if known_points is None else np.asarray(known_points, dtype=float)
    if known.ndim != 2 or known.shape[1] != n:
        raise ValueError(
            f"known_points has shape {known.shape}, expected [n_points, n_states={n}]."
        )
    if inputs.shape != (step_map.n_inputs,):
        raise ValueError(f"u has shape {inputs.shape}, expected [n_inputs={step_map.n_inputs}].")
    if box is not None and np.shape(box) != (2, n):
        raise ValueError(f"box has shape {np.shape(box)}, expected (low, high), each [{n}].")
    search = _Search(began, max_seconds, cancel, max_boxes)
    edges, whole, why = _edges(step_map, inputs, box)
    if edges is None:
        return search.proof(n, known, None, False, [], f"there is no box to search: {why}")
    try:
        program = program_of(step_map, u=inputs, fold_arithmetic=False)
        program.require_covered()
    except NotCoveredError as error:
        return search.proof(n, known, edges, whole, [], str(error))
    flow = step_map.time == "continuous"
    blocks = _blocks(dependence(program))
    inclusion = Inclusion(program)
    try:
        parts = [search.block(Prune(inclusion, flow, rows, *edges)) for rows in blocks]
    except NotCoveredError as error:
        return search.proof(n, known, edges, whole, [], str(error))
    return search.proof(n, known, edges, whole, parts, "")


class _Part:
    """What is known of one block."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        m = len(rows)
        self.low, self.high = np.empty((0, m)), np.empty((0, m))  # boxes that hold one point each
        self.undecided_low, self.undecided_high = np.empty((0, m)), np.empty((0, m))


class _Search:
    """One search: its time, its count of boxes, and its result."""

    def __init__(
        self,
        began: float,
        max_seconds: float,
        cancel: CancelToken | None,
        max_boxes: int | None,
    ) -> None:
        self.began, self.max_seconds, self.cancel = began, max_seconds, cancel
        self.max_boxes = max_boxes
        self.n_boxes = 0
        self.reason = ""

    def _stopped(self) -> bool:
        if self.reason:
            return True
        if self.cancel is not None and self.cancel.cancelled:
            self.reason = "cancelled"
        elif time.monotonic() - self.began > self.max_seconds:
            self.reason = f"max_seconds={self.max_seconds:g} reached"
        elif self.max_boxes is not None and self.n_boxes >= self.max_boxes:
            self.reason = f"max_boxes={self.max_boxes} reached"
        return bool(self.reason)

    def block(self, prune: Prune) -> _Part:
        """Work on one block until nothing is left, or until it is time to stop."""
        part = _Part(prune.rows)
        todo_low, todo_high = prune.start()
        undecided: list[tuple[np.ndarray, np.ndarray]] = []
        n_stuck = 0
        while todo_low.shape[1]:
            if self._stopped():
                undecided.append((todo_low, todo_high))
                break
            # The last boxes first: depth before breadth keeps the list short.
            low, high = todo_low[:, -_LANES:], todo_high[:, -_LANES:]
            todo_low, todo_high = todo_low[:, :-_LANES], todo_high[:, :-_LANES]
            self.n_boxes += low.shape[1]
            low, high, stuck = prune.generation(low, high)
            if stuck[0].shape[1]:
                undecided.append(stuck)
                n_stuck += stuck[0].shape[1]
                if n_stuck > _MAX_STUCK:
                    self.reason = (
                        f"more than {_MAX_STUCK} boxes are too small to be cut: there are points "
                        "that are degenerate, or a continuum of them"
                    )
            todo_low = np.concatenate([todo_low, low], axis=1)
            todo_high = np.concatenate([todo_high, high], axis=1)
        empty = np.empty((len(prune.rows), 0))
        left = [
            np.concatenate([empty, *(boxes[side] for boxes in undecided)], axis=1).T
            for side in (0, 1)
        ]
        part.undecided_low, part.undecided_high = left
        if not self.reason:
            part.undecided_low, part.undecided_high = prune.settle(left[0], left[1])
        part.low, part.high, ambiguous = prune.points()
        if ambiguous and not self.reason:
            self.reason = f"{ambiguous} pairs of boxes may hold the same point or two"
        return part

    def proof(
        self,
        n: int,
        known: np.ndarray,
        edges: tuple[np.ndarray, np.ndarray] | None,
        whole: bool,
        parts: list[_Part],
        reason: str,
    ) -> Proof:
        """Put the result together."""
        number = int(np.prod([len(part.low) for part in parts], dtype=object)) if parts else 0
        left = sum(len(part.undecided_low) for part in parts)
        reason = reason or self.reason
        if number > _MAX_POINTS:
            reason = reason or f"there are {number} points, more than {_MAX_POINTS}"
            number = 0
        elif left:
            reason = reason or f"{left} boxes could be neither decided nor cut further"
        complete = bool(parts) and not reason
        point_low, point_high = np.empty((number, n)), np.empty((number, n))
        undecided_low, undecided_high = np.empty((left, n)), np.empty((left, n))
        if parts and number:
            grids = np.meshgrid(*(np.arange(len(part.low)) for part in parts), indexing="ij")
            for part, grid in zip(parts, grids, strict=True):
                point_low[:, part.rows] = part.low[grid.reshape(-1)]
                point_high[:, part.rows] = part.high[grid.reshape(-1)]
        if edges is not None:
            undecided_low[:], undecided_high[:] = edges[0], edges[1]
        at = 0
        for part in parts:
            to = at + len(part.undecided_low)
            undecided_low[at:to, part.rows] = part.undecided_low
            undecided_high[at:to, part.rows] = part.undecided_high
            at = to
        points = point_low / 2 + point_high / 2
        matched, unproven = _matched(known, point_low, point_high)
        return Proof(
            complete=complete,
            whole=whole,
            points=points,
            point_low=point_low,
            point_high=point_high,
            known=matched,
            unproven=unproven,
            low=None if edges is None else edges[0],
            high=None if edges is None else edges[1],
            undecided_low=undecided_low,
            undecided_high=undecided_high,
            n_boxes=self.n_boxes,
            seconds=time.monotonic() - self.began,
            reason=reason or "every box was decided",
        )


def _edges(
    step_map: StepMap, u: np.ndarray, given: tuple[np.ndarray, np.ndarray] | None
) -> tuple[tuple[np.ndarray, np.ndarray] | None, bool, str]:
    """Return the box to search, whether it is whole, and why there is none."""
    n = step_map.n_states
    bounds = given if given is not None else step_map.invariant_box(u)
    if bounds is None:
        found = invariant_box(step_map, u)
        if found.low is None:
            return None, False, found.reason
        return found.widened(), bool(found.whole), ""
    low, high = (np.array(np.broadcast_to(edge, (n,)), dtype=float) for edge in bounds)
    if not (np.all(np.isfinite(low)) and np.all(np.isfinite(high)) and np.all(low <= high)):
        raise ValueError("box has ends that are not finite or in the wrong order.")
    return (low, high), is_whole(step_map, u, low, high), ""


def _blocks(depends: Bool[np.ndarray, "n n"]) -> list[np.ndarray]:
    """Return the components that do not see each other."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    number, labels = connected_components(csr_array(depends), directed=False)
    return [np.flatnonzero(labels == i) for i in range(number)]


def _matched(
    known: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[Int[np.ndarray, "n_points"], Int[np.ndarray, "n_unproven"]]:
    """Match known points with the boxes of proven ones: the nearest, within a known one's error."""
    matched = np.full(len(low), -1)
    for number, point in enumerate(known):
        if not len(low):
            break
        gap = np.maximum(low - point, point - high).max(axis=1)
        nearest = int(np.argmin(gap))
        if gap[nearest] < 1e-6 * max(1.0, float(np.abs(point).max())) and matched[nearest] < 0:
            matched[nearest] = number
    return matched, np.setdiff1d(np.arange(len(known)), matched)
