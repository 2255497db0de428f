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

from fpf_notebook.finder.candidates import Candidates, concatenate_candidates
from fpf_notebook.finder.degenerate import not_settled, settle
from fpf_notebook.finder.evaluation import evaluate, jacobians_at, residual_of
from fpf_notebook.finder.judge import FIXED, SLOW, TOO_FAR, Judgement, judge
from fpf_notebook.finder.rounding import residual_noise
from fpf_notebook.result import spectrum
from fpf_notebook.result.dedupe import unique_indices

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["CURVES", "IMAGES", "PROOF", "RUNS", "Ledger"]

RUNS = "forward runs"
IMAGES = "images along cycles"
CURVES = "curves"
PROOF = "proof"
_NOT_DRAWN = (RUNS, CURVES, PROOF)


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
        places = self._places(lanes)
        owner = self._match(places)
        fresh = np.flatnonzero(owner < 0)
        chosen, labels = unique_indices(
            places[fresh], self.candidates.lanes.q[lanes[fresh]], self.options.tol_unique
        )
        entered = self._add(lanes[fresh[chosen]])
        owner[fresh] = entered[labels]
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
        return self._match(np.hstack([x, np.broadcast_to(u, (len(x), len(u)))]))

    def _places(self, lanes: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n d"]:
        assert self.candidates is not None
        return np.hstack([self.candidates.lanes.x[lanes], self.candidates.inputs[lanes]])

    def _match(self, places: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
        """Return which known point each place is, or -1."""
        if not len(self) or not len(places):
            return np.full(len(places), -1)
        from scipy.spatial import cKDTree

        tree = cKDTree(np.hstack([self.states, self.inputs]))
        _, nearest = tree.query(places, distance_upper_bound=self.options.tol_unique)
        return np.where(nearest < len(self), nearest, -1)

    def _add(self, lanes: Int[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
        """Enter those that pass the exact test; return their numbers, or -1."""
        if not len(lanes):
            return np.empty(0, dtype=np.intp)
        assert self.candidates is not None
        x, u = np.array(self.candidates.lanes.x[lanes]), self.candidates.inputs[lanes]
        f_x, q = np.array(self.candidates.F_x[lanes]), np.array(self.candidates.lanes.q[lanes])
        if not self.exact:
            unknown = np.zeros(len(lanes), dtype=int)
            error = np.array(self.candidates.lanes.step[lanes])
            return self._append(x, u, f_x, q, lanes, unknown, error, None)
        jacobians, error = self._linearize(x, u, f_x)
        index = spectrum.fixed_point_index(jacobians[0], self.step_map.time)
        good = error <= self.options.tol_unique
        moving = np.flatnonzero(good & not_settled(self.step_map, x, error))
        if len(moving):
            x[moving], undecided, lost = settle(self.step_map, x[moving], u[moving])
            f_x[moving] = evaluate(self.step_map, x[moving], u[moving])
            residual = residual_of(f_x[moving], x[moving], self.step_map.time)
            q[moving] = 0.5 * np.sum(residual**2, axis=1)
            parts, error[moving] = self._linearize(x[moving], u[moving], f_x[moving])
            for whole, part in zip(jacobians, parts, strict=True):
                whole[moving] = part
            decided = spectrum.fixed_point_index(parts[0], self.step_map.time)
            index[moving] = np.where(undecided, 0, decided)
            good[moving] = ~lost & (error[moving] <= self.options.tol_unique)
        numbers = np.full(len(lanes), -1)
        # Where a point was led on it may have met another.
        numbers[good] = self._match(np.hstack([x, u])[good])
        fresh = np.flatnonzero(good & (numbers < 0))
        chosen, labels = unique_indices(np.hstack([x, u])[fresh], q[fresh], self.options.tol_unique)
        rows = fresh[chosen]
        parts = (jacobians[0][rows], jacobians[1][rows])
        new = self._append(
            x[rows], u[rows], f_x[rows], q[rows], lanes[rows], index[rows], error[rows], parts
        )
        numbers[fresh] = new[labels]
        return numbers

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
        error = spectrum.forward_error(jacobian, residual_of(f_x, x, time), time, noise=noise)
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
        """Return how many starts, of all drawn ones or of one kind, ended in each point."""
        mine = self.drawn if start_kind is None else self.start_kind == start_kind
        ended = (self.owner >= 0) & mine
        return np.bincount(self.owner[ended], minlength=len(self))

    @property
    def start_kinds(self) -> list[str]:
        """The kinds of starts drawn so far, in the order of their first use."""
        return list(dict.fromkeys(self.start_kind[self.drawn].tolist()))

    def of_condition(self, u: Float[np.ndarray, "n_inputs"]) -> Bool[np.ndarray, "n_points"]:
        """Tell which points belong to a constant input."""
        return np.asarray((self.inputs == u).all(axis=1))

    def fates(self) -> dict[str, int]:
        """Return what became of the starts that ended in no fixed point: reason and number."""
        lost = (self.owner < 0) & self.drawn
        return dict(Counter(self.reason[lost].tolist()).most_common())
