"""Images of known points under symmetries of the network: entered as soon as a point is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import residuals
from fpf_notebook.finder.ledger import SYMMETRY, Ledger
from fpf_notebook.finder.proposals.symmetry import images, is_odd, swaps
from fpf_notebook.finder.rounds import Rounds, enter
from fpf_notebook.finder.search import search

if TYPE_CHECKING:
    from fpf_notebook.finder.progress import CancelToken

__all__ = ["Images"]

_MOST_UNITS = 256  # for permutations: all pairs of units are compared
_MOST_INPUTS = 16
_ROUNDING = 1e-6  # of a residual, far above that of any point that was polished
_MOST_PASSES = 8  # images of images: each brings less


class Images:
    """Finds the images of points that are not among the points.

    Parameters
    ----------
    ledger : Ledger
        The points known.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._symmetries: dict[bytes, tuple[bool, list[np.ndarray]]] = {}
        self._n_seen = [0] * len(ledger.conditions)
        self._used = len(ledger.conditions) <= _MOST_INPUTS

    def enter_missing(self, rounds: Rounds, cancel: CancelToken) -> int:
        """Polish and enter the images of new points; return how many are new in turn."""
        total = 0
        for _ in range(_MOST_PASSES):
            n_new = 0
            for k, u in enumerate(self._ledger.conditions):
                if not self._used or cancel.cancelled:
                    return total
                mine = np.flatnonzero(self._ledger.of_condition(u))
                fresh, self._n_seen[k] = mine[self._n_seen[k] :], len(mine)
                found = self._missing(k, fresh)
                if not len(found):
                    continue
                part = search(
                    self._ledger.step_map,
                    found,
                    np.repeat(u[None], len(found), axis=0),
                    self._ledger.options,
                    cancel=cancel,
                    pool_of=len(rounds.parts[0][0]),
                )
                n_new += enter(rounds, part, SYMMETRY)
            total += n_new
            if not n_new:
                break
        return total

    def n_missing(self, k: int) -> int:
        """Return how many images of points under input ``k`` are not among them."""
        if not self._used:
            return 0
        return len(
            self._missing(k, np.flatnonzero(self._ledger.of_condition(self._ledger.conditions[k])))
        )

    def _missing(self, k: int, rows: np.ndarray) -> np.ndarray:
        # Points of lines and sheets are thinned out; their images need not be the ones that stayed.
        rows = rows[self._ledger.index[rows] != 0] if self._ledger.exact else rows
        states, u = self._ledger.states[rows], self._ledger.conditions[k]
        if not len(states):
            return states
        odd, permutations = self._of(u)
        found = images(states, odd, permutations)
        found = found[self._ledger.match(found, u) < 0] if len(found) else found
        # Saturated units hide what tells them apart from the check of a symmetry: an image that is
        # no fixed point is not missing.
        rest = residuals(self._ledger.step_map, found, np.repeat(u[None], len(found), axis=0))
        small = _ROUNDING * np.maximum(1.0, np.abs(found).max(axis=1, initial=0.0))
        fixed: np.ndarray = found[np.abs(rest).max(axis=1, initial=0.0) <= small]
        return fixed

    def _of(self, u: np.ndarray) -> tuple[bool, list[np.ndarray]]:
        key = u.tobytes()
        if key not in self._symmetries:
            step_map = self._ledger.step_map
            scale = max(float(np.abs(self._ledger.states).max(initial=0.0)), 1e-3)
            few = step_map.n_states <= _MOST_UNITS
            self._symmetries[key] = (
                is_odd(step_map, u, scale=scale),
                swaps(step_map, u, scale=scale) if few else [],
            )
        return self._symmetries[key]
