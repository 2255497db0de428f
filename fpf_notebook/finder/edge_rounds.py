"""Edge states between attractors that runs have reached, in turn with the rounds of a search."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.ledger import EDGES, RUNS, Ledger
from fpf_notebook.finder.proposals.edges import edge_states
from fpf_notebook.finder.rounds import Rounds, enter
from fpf_notebook.finder.search import search

if TYPE_CHECKING:
    from fpf_notebook.finder.progress import CancelToken

__all__ = ["EdgeRounds"]

_PAIRS = 8  # of attractors in a round: a bisection takes some thousand runs
_LEAST_APART = 1e-6  # of two attractors, relative to where they are: nearer ones have no border


class EdgeRounds:
    """Looks for saddles on the borders between basins: each pair of attractors is tried once.

    Parameters
    ----------
    ledger : Ledger
        The points known.
    seed : int
        Of the order in which pairs are tried.
    """

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self._ledger, self._rng = ledger, np.random.default_rng(seed)
        self._tried: set[tuple[int, int]] = set()

    def attractors(self, u: np.ndarray) -> np.ndarray:
        """Return the numbers of the points under an input in which runs came to rest."""
        ledger = self._ledger
        ran = (ledger.start_kind == RUNS) & (ledger.owner >= 0)
        reached = np.unique(ledger.owner[ran])
        return np.intersect1d(reached, np.flatnonzero(ledger.of_condition(u)))

    def enter(self, rounds: Rounds, cancel: CancelToken) -> int:
        """Try some pairs; return how many points are new."""
        ones, others, inputs = self._pairs()
        if not len(ones) or cancel.cancelled:
            return 0
        edge = edge_states(self._ledger.step_map, ones, others, inputs, cancel=cancel)
        x, u = edge.x[edge.found], inputs[edge.found]
        if not len(x) or cancel.cancelled:
            return 0
        options, n_starts = self._ledger.options, len(rounds.parts[0][0])
        part = search(self._ledger.step_map, x, u, options, cancel=cancel, pool_of=n_starts)
        return enter(rounds, part, EDGES)

    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        ledger = self._ledger
        chosen: list[tuple[int, int]] = []
        for u in ledger.conditions:
            rested = self.attractors(u)
            pairs = [(int(i), int(j)) for k, i in enumerate(rested) for j in rested[k + 1 :]]
            pairs = [pair for pair in pairs if pair not in self._tried and self._apart(*pair)]
            order = self._rng.permutation(len(pairs))[: max(1, _PAIRS // len(ledger.conditions))]
            chosen.extend(pairs[k] for k in order)
        self._tried.update(chosen)
        i, j = np.array(chosen, dtype=int).reshape(-1, 2).T
        return ledger.states[i], ledger.states[j], ledger.inputs[i]

    def _apart(self, i: int, j: int) -> bool:
        one, other = self._ledger.states[i], self._ledger.states[j]
        size = max(1.0, float(np.abs(one).max()))
        return float(np.abs(one - other).max()) > _LEAST_APART * size
