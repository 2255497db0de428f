"""The ledger of a search: every start with its fate, every point once.

Counts, audits, reports and results are read from here; nobody else counts. What is entered stays:
filters make views of it (`views.py`), and the report on completeness (`report.py`) is about all of
it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from fpf_notebook.finder.balls import Balls, ended_together
from fpf_notebook.finder.candidates import Candidates, concatenate_candidates
from fpf_notebook.finder.degenerate import not_settled, settle
from fpf_notebook.finder.evaluation import evaluate, jacobians_at, residual_of
from fpf_notebook.finder.judge import FIXED, SLOW, TOO_FAR, Judgement, judge
from fpf_notebook.finder.proposals.linear_step import solve_linear_step
from fpf_notebook.finder.rounding import residual_noise
from fpf_notebook.result import newton_step
from fpf_notebook.result.dedupe import unique_indices

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = [
    "CURVES",
    "EDGES",
    "IMAGES",
    "KNOWN",
    "ON_CONTINUUM",
    "PROOF",
    "RUNS",
    "SOLVED",
    "SYMMETRY",
    "Ledger",
]

RUNS = "forward runs"
IMAGES = "images along cycles"
CURVES = "curves"
PROOF = "proof"
SOLVED = "exact solution"
SYMMETRY = "symmetric images"
ON_CONTINUUM = "on a "  # and its name: what became of a start that ended on a line or a sheet
EDGES = "edge states"
KNOWN = "known before"
_NOT_DRAWN = (RUNS, CURVES, PROOF, SOLVED, SYMMETRY, EDGES, KNOWN)
_BLOCK = 4_000_000  # numbers in Jacobians at once


class Ledger:
    """Grows from batch to batch of starts; a point is entered once, in the order of discovery.

    Parameters
    ----------
    step_map : StepMap
        The network.
    options : Options
        Tolerances. Those that only filter (``max_n_unique``, ``final_q_threshold``, …) are not
        looked at here.
    conditions : array, [n_conditions, n_inputs]
        The different constant inputs that were asked for.
    exact : bool
        Whether points are linearized when they are entered, which gives their index and the exact
        forward error. Default True.

    Attributes
    ----------
    candidates : Candidates or None
        Where every start ended, in order.
    start_kind : array of str, [n]
        What each start was: "initial", "segments", ….
    kind : array of int, [n]
        FIXED, SLOW or UNCONVERGED.
    reason : array of str, [n]
        Why it is not fixed, or why it stopped.
    owner : array of int, [n]
        The point that a start ended in, by its number, or -1.
    states, inputs, F_x, q : arrays, [n_points, …]
        The points.
    lane : array of int, [n_points]
        The start that stands for a point.
    index : array of int, [n_points]
        Sign of det(I - J) or det(-J), 0 where it is not decided.
    forward_error : array, [n_points]
        Length of the exact Newton step.
    """

    def __init__(
        self,
        step_map: StepMap,
        options: Options,
        conditions: Float[np.ndarray, "n_conditions n_inputs"],
        *,
        exact: bool = True,
    ) -> None:
        self.step_map = step_map
        self.options = options
        self.conditions = conditions
        self.exact = exact
        self.candidates: Candidates | None = None
        self.start_kind: Shaped[np.ndarray, "n"] = np.empty(0, dtype=object)
        self.kind: Int[np.ndarray, "n"] = np.empty(0, dtype=np.intp)
        self.reason: Shaped[np.ndarray, "n"] = np.empty(0, dtype=object)
        self._batches: list[Int[np.ndarray, "n_lanes"]] = []
        self._balls = Balls(step_map)
        self._linear: dict[bytes, np.ndarray | None] = {}  # exact solutions of linear steps
        self._forget_points()

    def _forget_points(self) -> None:
        n_states, n_inputs = self.step_map.n_states, self.step_map.n_inputs
        self.owner: Int[np.ndarray, "n"] = np.full(len(self.kind), -1)
        self.states: Float[np.ndarray, "n_points n_states"] = np.empty((0, n_states))
        self.inputs: Float[np.ndarray, "n_points n_inputs"] = np.empty((0, n_inputs))
        self.F_x: Float[np.ndarray, "n_points n_states"] = np.empty((0, n_states))
        self.q: Float[np.ndarray, "n_points"] = np.empty(0)
        self.lane: Int[np.ndarray, "n_points"] = np.empty(0, dtype=np.intp)
        self.index: Int[np.ndarray, "n_points"] = np.empty(0, dtype=int)
        self.forward_error: Float[np.ndarray, "n_points"] = np.empty(0)
        self._jacobians: list[tuple[np.ndarray, np.ndarray]] | None = []
        self._balls.forget()
        self._batches = []

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.states)

    # -- entering ----------------------------------------------------------------------------------

    def enter(self, found: Candidates, start_kind: Shaped[np.ndarray, "n"] | str) -> int:
        """Enter a batch of starts that have ended; return how many points were new."""
        known = 0 if self.candidates is None else len(self.candidates)
        self.candidates = (
            found if self.candidates is None else concatenate_candidates([self.candidates, found])
        )
        kinds = np.broadcast_to(np.asarray(start_kind, dtype=object), len(found))
        self.start_kind = np.concatenate([self.start_kind, kinds])
        judged = judge(found, self.options)
        self.kind = np.concatenate([self.kind, judged.kind])
        self.reason = np.concatenate([self.reason, judged.reason])
        self.owner = np.concatenate([self.owner, np.full(len(found), -1)])
        return self._absorb(np.arange(known, known + len(found)))

    def amend(self, found: Candidates) -> None:
        """Take over candidates some of which have been moved on since they were entered."""
        assert self.candidates is not None
        assert len(found) == len(self.candidates)
        moved = (found.lanes.x != self.candidates.lanes.x).any(axis=1)
        moved |= found.lanes.step != self.candidates.lanes.step
        batches = self._batches
        self.candidates = found
        judged = judge(found, self.options)
        if (moved & (self.owner >= 0)).any():  # a point stood on it: from the beginning
            self.kind, self.reason = judged.kind, judged.reason
            self._forget_points()
            for rows in batches:
                self._absorb(rows)
            return
        rows = np.flatnonzero(moved)
        self._batches = [batch[~moved[batch]] for batch in batches]
        self.kind[rows], self.reason[rows] = judged.kind[rows], judged.reason[rows]
        self._absorb(rows)

    def note(self, rows: Int[np.ndarray, "m"], reason: str) -> None:
        """Say of starts that ended in no point what became of them."""
        self.reason[rows] = reason

    def judged_again(self, options: Options, *, exact: bool | None = None) -> Ledger:
        """Return the same starts, batch by batch, under other tolerances. Searches nothing."""
        exact = self.exact if exact is None else exact
        other = Ledger(self.step_map, options, self.conditions, exact=exact)
        if self.candidates is None:
            return other
        other.candidates, other.start_kind = self.candidates, self.start_kind
        judged: Judgement = judge(self.candidates, options)
        other.kind, other.reason = judged.kind, judged.reason
        other.owner = np.full(len(self.candidates), -1)
        for rows in self._batches:
            other._absorb(rows)
        return other

    def _absorb(self, rows: Int[np.ndarray, "n_rows"]) -> int:
        """Assign lanes to points known, and enter what is new."""
        self._batches.append(rows)
        assert self.candidates is not None
        known = len(self)
        lanes = rows[self.kind[rows] == FIXED]
        x, u = np.array(self.candidates.lanes.x[lanes]), self.candidates.inputs[lanes]
        q = self.candidates.lanes.q[lanes]
        owner, _ = self._assign(x, u)
        pending = np.flatnonzero(owner < 0)
        while len(pending):
            places = np.hstack([x, u])[pending]
            chosen, labels = unique_indices(places, q[pending], self.options.tol_unique)
            entered = self._add(lanes[pending[chosen]], x[pending[chosen]])
            number = entered[labels]
            apart = np.linalg.norm(places - places[chosen[labels]], axis=1)
            # Those of a point that was refused are refused with it.
            same = (number < 0) | ended_together(self.step_map, x[pending], apart)
            same |= not self.exact
            owner[pending[same]] = number[same]
            pending = pending[~same]
            xs = x[pending]
            owner[pending], _ = self._assign(xs, u[pending])
            x[pending] = xs
            pending = pending[owner[pending] < 0]
        self.owner[lanes] = owner
        # The step of the search is damped and, at the end of a lane's iterations, one iteration
        # old; that of the point itself told that there is none.
        self.kind[lanes[owner < 0]] = SLOW
        self.reason[lanes[owner < 0]] = TOO_FAR
        return len(self) - known

    def match(
        self, x: Float[np.ndarray, "n n_states"], u: Float[np.ndarray, "n_inputs"]
    ) -> Int[np.ndarray, "n"]:
        """Return which known point each state is, under a constant input, or -1."""
        inputs = np.broadcast_to(np.asarray(u, dtype=np.float64), (len(x), len(u)))
        return self._assign(np.array(x, dtype=np.float64), inputs)[0]

    def _assign(
        self, x: Float[np.ndarray, "n n_states"], u: Float[np.ndarray, "n n_inputs"]
    ) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"]]:
        """Return which known point each state is, or -1; and which one is within ``tol_unique``.

        States that are near to a point, but not as near as lanes that end in it, are polished: `x`
        is changed. If that does not bring them there, the point's certificate decides. Without one
        they are the same.
        """
        nearest, distance = self._nearest(x, u)
        if not self.exact:
            return nearest, nearest
        doubtful = self._doubtful(x, nearest, distance)
        if not len(doubtful):
            return nearest, nearest
        x[doubtful] = self._polished(x[doubtful], u[doubtful])
        nearest[doubtful], distance[doubtful] = self._nearest(x[doubtful], u[doubtful])
        owner = nearest.copy()
        doubtful = self._doubtful(x, nearest, distance)
        if len(doubtful):
            certified, _, radius = self._balls.of_points(
                nearest[doubtful], self.states, self.inputs
            )
            gap = np.abs(x[doubtful] - self.states[nearest[doubtful]]).max(axis=1)
            owner[doubtful[certified & (gap > radius)]] = -1
        return owner, nearest

    def _nearest(
        self, x: Float[np.ndarray, "n n_states"], u: Float[np.ndarray, "n n_inputs"]
    ) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """Return the nearest known point, or -1 beyond ``tol_unique``, and how far it is."""
        if not len(self) or not len(x):
            return np.full(len(x), -1), np.full(len(x), np.inf)
        from scipy.spatial import cKDTree

        tree = cKDTree(np.hstack([self.states, self.inputs]))
        distance, nearest = tree.query(
            np.hstack([x, u]), distance_upper_bound=self.options.tol_unique
        )
        return np.where(nearest < len(self), nearest, -1), distance

    def _doubtful(
        self, x: np.ndarray, nearest: np.ndarray, distance: np.ndarray
    ) -> Int[np.ndarray, "m"]:
        """Return which states are near to a point that can have a certificate, but not at it."""
        near = (nearest >= 0) & ~ended_together(self.step_map, x, distance)
        near[near] &= self.index[nearest[near]] != 0
        return np.flatnonzero(near)

    def _polished(self, x: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Return where Newton's method leads from states, a block at a time."""
        block = max(1, _BLOCK // self.step_map.n_states**2)
        parts = [
            settle(self.step_map, x[k : k + block], u[k : k + block])[0]
            for k in range(0, len(x), block)
        ]
        return np.concatenate(parts)

    def _add(
        self, lanes: Int[np.ndarray, "n"], x: Float[np.ndarray, "n n_states"]
    ) -> Int[np.ndarray, "n"]:
        """Enter those that pass the exact test; return their numbers, or -1."""
        if not len(lanes):
            return np.empty(0, dtype=np.intp)
        assert self.candidates is not None
        u = self.candidates.inputs[lanes]
        f_x, q = np.array(self.candidates.F_x[lanes]), np.array(self.candidates.lanes.q[lanes])
        if not self.exact:
            unknown = np.zeros(len(lanes), dtype=int)
            error = np.array(self.candidates.lanes.step[lanes])
            return self._append(x, u, f_x, q, lanes, unknown, error, None)
        moved = np.flatnonzero((x != self.candidates.lanes.x[lanes]).any(axis=1))
        self._evaluate(moved, x, u, f_x, q)
        jacobians, error = self._linearize(x, u, f_x)
        index = newton_step.fixed_point_index(jacobians[0], self.step_map.time)
        good = error <= self.options.tol_unique
        moving = np.flatnonzero(good & not_settled(self.step_map, x, error))
        if len(moving):
            x[moving], undecided, lost = settle(self.step_map, x[moving], u[moving])
            self._evaluate(moving, x, u, f_x, q)
            parts, error[moving] = self._linearize(x[moving], u[moving], f_x[moving])
            for whole, part in zip(jacobians, parts, strict=True):
                whole[moving] = part
            decided = newton_step.fixed_point_index(parts[0], self.step_map.time)
            index[moving] = np.where(undecided, 0, decided)
            good[moving] = ~lost & (error[moving] <= self.options.tol_unique)
        solved = self._solved(x, u, np.flatnonzero(good & (index == 0)))
        self._evaluate(solved, x, u, f_x, q)
        error[solved] = 0.0
        numbers = np.full(len(lanes), -1)
        pending = np.flatnonzero(good)
        while len(pending):  # where a point was led on it may have met another
            numbers[pending] = self._known(x[pending], u[pending])
            pending = pending[numbers[pending] < 0]
            if not len(pending):
                break
            places = np.hstack([x, u])[pending]
            chosen, _ = unique_indices(places, q[pending], self.options.tol_unique)
            rows = pending[chosen]
            parts = (jacobians[0][rows], jacobians[1][rows])
            numbers[rows] = self._append(
                x[rows], u[rows], f_x[rows], q[rows], lanes[rows], index[rows], error[rows], parts
            )
            pending = np.delete(pending, chosen)
        return numbers

    def _known(self, x: np.ndarray, u: np.ndarray) -> Int[np.ndarray, "n"]:
        """Return which known points these are; what is near to one is another if it is proved."""
        owner, nearest = self._assign(x.copy(), u)
        rows = np.flatnonzero((owner < 0) & (nearest >= 0))
        if len(rows):
            mine = self._balls.of_states(x[rows], u[rows])
            _, enclosure, _ = self._balls.of_points(nearest[rows], self.states, self.inputs)
            gap = np.abs(x[rows] - self.states[nearest[rows]]).max(axis=1)
            two = mine.certified & (gap > mine.enclosure_radius + enclosure)
            owner[rows[~two]] = nearest[rows[~two]]
        return owner

    def _solved(self, x: np.ndarray, u: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Put the exact solution of a linear step in place of points that rounding blurs."""
        moved = []
        for row in rows:
            key = u[row].tobytes()
            if key not in self._linear:
                self._linear[key] = solve_linear_step(self.step_map, u[row])
            exact = self._linear[key]
            if exact is not None:
                x[row] = exact
                moved.append(row)
        return np.array(moved, dtype=np.intp)

    def _evaluate(
        self, rows: np.ndarray, x: np.ndarray, u: np.ndarray, f_x: np.ndarray, q: np.ndarray
    ) -> None:
        """Bring the next states, and q, of points that were moved up to date."""
        if len(rows):
            f_x[rows] = evaluate(self.step_map, x[rows], u[rows])
            residual = residual_of(f_x[rows], x[rows], self.step_map.time)
            q[rows] = 0.5 * np.sum(residual**2, axis=1)

    def _append(
        self,
        x: np.ndarray,
        u: np.ndarray,
        f_x: np.ndarray,
        q: np.ndarray,
        lanes: np.ndarray,
        index: np.ndarray,
        error: np.ndarray,
        jacobians: tuple[np.ndarray, np.ndarray] | None,
    ) -> Int[np.ndarray, "n"]:
        known = len(self)
        for name, rows in (
            ("states", x), ("inputs", u), ("F_x", f_x), ("q", q),
            ("lane", lanes), ("index", index), ("forward_error", error),
        ):  # fmt: skip
            setattr(self, name, np.concatenate([getattr(self, name), rows]))
        n_states = self.step_map.n_states
        if jacobians is None or 8 * len(self) * n_states**2 > self.options.max_memory // 4:
            self._jacobians = None
        elif self._jacobians is not None:
            self._jacobians.append(jacobians)
        return np.arange(known, len(self))

    def _linearize(
        self, x: np.ndarray, u: np.ndarray, f_x: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Return Jacobians (state, input) and lengths of the exact Newton steps."""
        jacobian, input_jacobian = jacobians_at(self.step_map, x, u)
        time = self.step_map.time
        noise = residual_noise(self.step_map.precision, x)
        error = newton_step.forward_error(jacobian, residual_of(f_x, x, time), time, noise=noise)
        return (np.array(jacobian), np.array(input_jacobian)), error

    # -- reading -----------------------------------------------------------------------------------

    @property
    def jacobians(self) -> tuple[np.ndarray, np.ndarray] | None:
        """dF/dx and dF/du of all points, or None where they were too large to be kept."""
        if self._jacobians is None or not self.exact:
            return None
        if not self._jacobians:
            n, m = self.step_map.n_states, self.step_map.n_inputs
            return np.empty((0, n, n)), np.empty((0, n, m))
        if len(self._jacobians) > 1:
            self._jacobians = [
                tuple(map(np.concatenate, zip(*self._jacobians, strict=True)))  # type: ignore[list-item]
            ]
        return self._jacobians[0]

    def certificates(
        self, rows: Int[np.ndarray, "m"] | None = None
    ) -> tuple[Bool[np.ndarray, "m"], Float[np.ndarray, "m"], Float[np.ndarray, "m"]]:
        """Return of points (default: all) whether they are certified, and the radii of the balls.

        Each certificate is made once, when it is first asked for. The first radius is that within
        which the true point lies, the second that within which there is no other, both in the
        maximum norm and NaN without a certificate.
        """
        rows = np.arange(len(self)) if rows is None else np.asarray(rows)
        return self._balls.of_points(rows, self.states, self.inputs)

    @property
    def interrupted(self) -> bool:
        """Whether some search was stopped before its end."""
        return self.candidates is not None and self.candidates.interrupted

    def interrupt(self) -> None:
        """Remember that what came after the searches was stopped."""
        if self.candidates is not None:
            self.candidates = replace(self.candidates, interrupted=True)

    @property
    def drawn(self) -> Bool[np.ndarray, "n"]:
        """Which lanes began in starts that were drawn, not where a run ended or a curve passed."""
        return ~np.isin(self.start_kind.astype(str), _NOT_DRAWN)

    def hits(self, start_kind: str | None = None) -> Int[np.ndarray, "n_points"]:
        """Return how many starts, of all drawn ones or of one kind, ended in each point.

        Images along cycles were made of points already found, and tell nothing of how rare these
        are: they count only if they are asked for.
        """
        mine = self.start_kind == start_kind
        if start_kind is None:
            mine = self.drawn & (self.start_kind != IMAGES)
        ended = (self.owner >= 0) & mine
        return np.bincount(self.owner[ended], minlength=len(self))

    @property
    def start_kinds(self) -> list[str]:
        """The kinds of starts drawn so far, in the order of their first use."""
        return [k for k in dict.fromkeys(self.start_kind[self.drawn].tolist()) if k != IMAGES]

    def of_condition(self, u: Float[np.ndarray, "n_inputs"]) -> Bool[np.ndarray, "n_points"]:
        """Tell which points belong to a constant input."""
        return np.asarray((self.inputs == u).all(axis=1))

    def fates(self) -> dict[str, int]:
        """Return what became of the starts that ended in no fixed point: reason and number."""
        lost = (self.owner < 0) & self.drawn
        reasons = [why for why in self.reason[lost].tolist() if not why.startswith(ON_CONTINUUM)]
        return dict(Counter(reasons).most_common())
