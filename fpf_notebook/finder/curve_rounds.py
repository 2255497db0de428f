"""Curves of all inputs of an exhaustive search, in turn with its rounds of starts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder import report
from fpf_notebook.finder.assurance import demands
from fpf_notebook.finder.curve_search import CurveSearch
from fpf_notebook.finder.images import Images
from fpf_notebook.finder.ledger import CURVES, Ledger
from fpf_notebook.finder.proposals.better_equation import better_equation
from fpf_notebook.finder.proposals.curve_host import LEAST_STATES
from fpf_notebook.finder.rounds import Rounds, enter

if TYPE_CHECKING:
    from fpf_notebook.finder.progress import CancelToken
    from fpf_notebook.finder.request import SearchRequest

__all__ = ["NOTHING_TO_EXPECT", "CurveRounds"]

NOTHING_TO_EXPECT = 0.5
"""Points estimated unseen, below which the hit counts alone end a search."""
_CHUNKS = 16  # of curves in a round at least, a tenth of a second each at most
_SHARES = (2.0, 6.0, 9.0)  # steps of curves for each iteration of the starts, round by round
_MOST_UNITS = 512  # following curves factorizes in double precision at each of their steps
_MOST_INPUTS = 16  # with more, each would get too few curves to tell anything


class CurveRounds:
    """Curves of all inputs; without them, the hit counts of starts.

    Parameters
    ----------
    request : SearchRequest
        What is searched for.
    ledger : Ledger
        The points known.
    pool : array, [m, n_states]
        States in use.
    images : Images
        Those of points under symmetries, which are looked for as soon as a point is new.
    """

    def __init__(
        self, request: SearchRequest, ledger: Ledger, pool: np.ndarray, images: Images
    ) -> None:
        self._request, self._ledger, self._pool = request, ledger, pool
        self._images = images
        self._searches: list[CurveSearch] = []
        self._ahead: Future[list[CurveSearch]] | None = None
        n_states = ledger.step_map.n_states
        self.used = (
            request.options.do_follow_curves
            and request.period == 1
            and n_states <= min(request.options.dense_limit, _MOST_UNITS)
            and len(ledger.conditions) <= _MOST_INPUTS
        )

    def prepare(self) -> None:
        """Begin to compile what curves of a larger network need, beside the first round.

        Compiling takes seconds there, and one core of two.
        """
        if self.used and self._ledger.step_map.n_states >= LEAST_STATES:
            self._ahead = Future()
            Thread(target=_resolve, args=(self._ahead, self._made), daemon=True).start()

    def _made(self) -> list[CurveSearch]:
        seed, better = self._request.options.random_seed, better_equation(self._ledger.step_map)
        searches = [
            CurveSearch(self._ledger, u, self._pool, seed + k, better)
            for k, u in enumerate(self._ledger.conditions)
        ]
        searches[0].compile()  # that of one is that of all
        return searches

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be expected."""
        if self.mostly_degenerate:
            return True  # no curve is followed: rounds without an isolated point must do
        if not self.used:
            unseen = report.unseen(self._ledger)
            return unseen is None or unseen < NOTHING_TO_EXPECT
        return bool(self._searches) and all(map(_settled, self._searches))

    @property
    def words(self) -> str:
        """Say so."""
        if not self.used:
            return "the hit counts leave nothing to expect"
        asked = demands(max((len(curves.hits) for curves in self._searches), default=0))
        return (
            f"each point was reached at least {asked.min_hits} times by curves that started "
            f"elsewhere, the last {asked.idle_curves} curves met only known ones"
        )

    def hits(self, k: int) -> tuple[int, ...]:
        """For each point under input ``k`` how many curves from elsewhere reached it."""
        if self._searches:
            return self._searches[k].hits
        return (0,) * int(self._ledger.of_condition(self._ledger.conditions[k]).sum())

    def idle(self, k: int) -> int:
        """Curves under input ``k`` since the last new point."""
        return self._searches[k].idle if self._searches else 0

    def follow(self, rounds: Rounds, n_iters: int, cancel: CancelToken) -> int:
        """Follow curves until nothing more is to be expected, or for a round's share of the work.

        The share is a number of steps, not a time: equal searches give equal results. A step costs
        about as much as an iteration of one start; after the first rounds, curves find nearly all
        that is found, and get nine tenths of the work. As long as they find new points their share
        begins anew.

        Parameters
        ----------
        rounds : Rounds
            Where what is found is entered.
        n_iters : int
            Iterations of all starts of the round.
        cancel : CancelToken
            Ends it.

        Returns
        -------
        int
            How many points are new.
        """
        known = len(self._ledger)
        if not self.used or self.mostly_degenerate:
            return 0
        if not self._searches:
            self._searches = self._made() if self._ahead is None else self._ahead.result()
        share = _SHARES[min(len(rounds.records), len(_SHARES) - 1)] * n_iters
        before, n_chunks = self.n_steps, 0  # the first is moved on by each new point
        while n_chunks < _CHUNKS or self.n_steps - before < share:
            if self.settled or cancel.cancelled:
                break
            n_chunks += 1
            for curves in self._searches:
                if _settled(curves):
                    continue
                part = curves.advance(cancel)
                if part is not None and enter(rounds, part, CURVES):
                    self._images.enter_missing(rounds, cancel)
                    before = self.n_steps
                curves.count()
        return len(self._ledger) - known

    @property
    def n_steps(self) -> int:
        """Steps of all curves so far."""
        return sum(curves.n_steps for curves in self._searches)

    @property
    def mostly_degenerate(self) -> bool:
        """Whether the points lie on lines or sheets: there is no end to following those."""
        return 2 * int((self._ledger.index == 0).sum()) > max(len(self._ledger), 8)


def _settled(curves: CurveSearch) -> bool:
    hits = curves.hits
    asked = demands(len(hits))
    return curves.idle >= asked.idle_curves and min(hits, default=np.inf) >= asked.min_hits


def _resolve(future: Future[list[CurveSearch]], make: Callable[[], list[CurveSearch]]) -> None:
    try:
        future.set_result(make())
    except Exception as error:  # raised where the result is asked for
        future.set_exception(error)
