"""Curves from known points and from outside, and the account of what they reached.

For each constant input of an exhaustive search: which curves to follow, what they met that the
ledger does not know yet, and the counts by which the report judges the set (`assurance.py`). One
hit a curve, never for the point that it started from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.ledger import Ledger
from fpf_notebook.finder.proposals.directions import CurveSource
from fpf_notebook.finder.proposals.fibers import Crossings, CurveEnd, Tracer
from fpf_notebook.finder.search import search

if TYPE_CHECKING:
    from fpf_notebook.finder.candidates import Candidates
    from fpf_notebook.finder.progress import CancelToken
    from fpf_notebook.finder.proposals.better_equation import BetterEquation

__all__ = ["CurveSearch"]

_SAME = 1e-6  # curves are polished better than that where they pass a point
_SPINES = 0.2  # of the steps: those of curves that come in from outside
_LEAST_SPINES, _MOST_SPINES = 0.1, 0.5  # of the curves
_TELLING = (CurveEnd.CLOSED, CurveEnd.LEFT, CurveEnd.LONG)


class CurveSearch:
    """Follows curves under one constant input.

    Parameters
    ----------
    ledger : Ledger
        The points known; what is met is entered there by the caller.
    u : array, [n_inputs]
        The constant input.
    states : array, [m, n_states]
        States in use.
    seed : int
        Of the random choices.
    better : BetterEquation, optional
        An equation of the network with the same solutions, and fewer turns on the way: curves are
        followed in it.

    Attributes
    ----------
    idle : int
        Curves that have been followed to their end since the last new point; those that got stuck
        or had no start say nothing.
    n_ended : int
        Curves that have ended altogether.
    n_steps : int
        Steps of all lanes so far.
    """

    def __init__(
        self,
        ledger: Ledger,
        u: np.ndarray,
        states: np.ndarray,
        seed: int,
        better: BetterEquation | None = None,
    ) -> None:
        self._ledger, self._u = ledger, np.asarray(u, dtype=np.float64)
        self._rng = np.random.default_rng(seed)
        self._better = better
        step_map = ledger.step_map if better is None else better.step_map
        self._source = CurveSource(step_map, self._u, self._reduced(states), seed=seed)
        self._tracer = Tracer(self._source.step_map, self._source.sigma)
        self._hits: dict[int, int] = {}
        self._traced: dict[int, int] = {}
        self._reached: dict[int, set[int]] = {}
        self._met: Crossings | None = None
        self._n_known = len(self._mine())
        self._n_starts = len(ledger.owner)
        self.idle = 0
        self.n_ended = 0
        self.n_steps = 0
        # Of spines, and of other curves: how many were begun, and their steps.
        self._n_begun, self._steps = np.zeros(2, dtype=int), np.zeros(2)

    def compile(self) -> None:
        """Compile what following curves needs; nothing else changes."""
        self._tracer.compile()

    @property
    def hits(self) -> tuple[int, ...]:
        """For each point under this input how many curves from elsewhere reached it."""
        return tuple(self._hits.get(int(k), 0) for k in self._mine())

    def advance(self, cancel: CancelToken | None) -> Candidates | None:
        """Follow curves for about a tenth of a second.

        Returns
        -------
        Candidates or None
            Newton's method from where a curve met something unknown: to be entered into the ledger
            as `CURVES`, before `count` is called.
        """
        self._look_for_new_points()
        self._add_curves()
        met = self._tracer.advance(cancel)
        if self._better is not None:
            met = replace(met, x=self._better.lift(met.x, self._u[None]))
        self._met = met
        self.n_steps += met.n_steps
        self._steps += met.n_spine_steps, met.n_steps - met.n_spine_steps
        x = met.x
        fresh = self._ledger.match(x, self._u) < 0
        if not fresh.any():
            return None
        # Each place once: many curves may have met it.
        places = np.round(x[fresh] / min(self._ledger.options.tol_unique, _SAME))
        _, first = np.unique(places, axis=0, return_index=True)
        starts = x[fresh][np.sort(first)]
        u = np.repeat(self._u[None], len(starts), axis=0)
        return search(
            self._ledger.step_map,
            starts,
            u,
            self._ledger.options,
            cancel=cancel,
            pool_of=self._n_starts,
        )

    def count(self) -> None:
        """Count what the last curves reached, now that the ledger knows what they met."""
        met, self._met = self._met, None
        if met is None:
            return
        where = self._ledger.match(met.x, self._u)
        for point, curve, source in zip(where, met.curve, met.source, strict=True):
            seen = self._reached.setdefault(int(curve), {int(source)})
            if point >= 0 and int(point) not in seen:
                seen.add(int(point))
                self._hits[int(point)] = self._hits.get(int(point), 0) + 1
        for curve in met.ended:
            self._reached.pop(curve, None)
        self.n_ended += len(met.ended)
        self.idle += sum(end in _TELLING for end in met.ended.values())
        self._look_for_new_points()

    def _look_for_new_points(self) -> None:
        n_known = len(self._mine())
        if n_known > self._n_known:
            self.idle = 0
        self._n_known = n_known

    def _reduced(self, x: np.ndarray) -> np.ndarray:
        return x if self._better is None else self._better.reduce(x)

    def _mine(self) -> np.ndarray:
        return np.flatnonzero(self._ledger.of_condition(self._u))

    def _add_curves(self) -> None:
        """Keep the tracer busy: spines, and curves from the points that had the fewest so far."""
        mine = self._mine()
        known = self._reduced(self._ledger.states[mine])
        while self._tracer.n_waiting < self._tracer.size // 2:
            if not len(mine) or self._rng.random() < self._share_of_spines:
                self._n_begun[0] += 1
                self._tracer.add(self._source.spine())
                continue
            k = min(range(len(mine)), key=lambda place: self._traced.get(int(mine[place]), 0))
            point = int(mine[k])
            self._traced[point] = self._traced.get(point, 0) + 1
            self._n_begun[1] += 1
            self._tracer.add(self._source.from_point(point, known[k], known))

    @property
    def _share_of_spines(self) -> float:
        """The share of the curves by which spines get theirs of the steps: some are very long."""
        if not self._steps.all():
            return _SPINES
        steps_each = self._steps / np.maximum(self._n_begun, 1)
        shares = np.array([_SPINES, 1.0 - _SPINES]) / steps_each
        return float(np.clip(shares[0] / shares.sum(), _LEAST_SPINES, _MOST_SPINES))
