"""Proofs of small networks: tried by themselves, since they cost less than looking further.

Branch and prune (`proof/`) isolates every point of the invariant box. What it finds beyond the
ledger is entered there; where the two agree, the set is proved to be complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.proof import Proof, prove
from fpf_notebook.finder.report import has_box
from fpf_notebook.finder.search import search

if TYPE_CHECKING:
    from fpf_notebook.finder.candidates import Candidates
    from fpf_notebook.finder.ledger import Ledger
    from fpf_notebook.finder.progress import CancelToken

__all__ = ["Proofs"]

_SMALL = 8  # units, up to which a proof takes a tenth of a second, as a rule
# For a proof that nobody asked for: half a second on an idle machine, as a rule. A number of boxes,
# so that a busy machine proves what an idle one does; and seconds for those that are slow.
_BOXES, _SECONDS = 40_000, 5.0
_LONG = 60.0  # for one that was asked for
_MOST_INPUTS = 16


class Proofs:
    """Tries to prove, under each constant input, that no point is missing.

    Parameters
    ----------
    ledger : Ledger
        The points known.
    wanted : bool or None
        True: try in any case, for a minute. None: where it is cheap. False: never.
    """

    def __init__(self, ledger: Ledger, wanted: bool | None) -> None:
        small = ledger.step_map.n_states <= _SMALL and len(ledger.conditions) <= _MOST_INPUTS
        self.tried = bool(wanted) or (wanted is None and small)
        self.tried = self.tried and all(has_box(ledger.step_map, u) for u in ledger.conditions)
        self._seconds = _LONG if wanted else _SECONDS
        self._boxes = None if wanted else _BOXES
        self._ledger = ledger
        self._proofs: list[Proof] = []

    def attempt(self, cancel: CancelToken | None) -> list[Candidates]:
        """Prove what can be proved; return Newton's method from points that were not known."""
        missing = []
        for u in self._ledger.conditions:
            known = self._ledger.states[self._ledger.of_condition(u)]
            proof = prove(
                self._ledger.step_map, u, known, self._seconds, cancel, max_boxes=self._boxes
            )
            self._proofs.append(proof)
            new = proof.points[proof.known < 0]
            if len(new):
                inputs = np.repeat(np.asarray(u)[None], len(new), axis=0)
                missing.append(
                    search(self._ledger.step_map, new, inputs, self._ledger.options, cancel=cancel)
                )
        return missing

    def proved(self, k: int) -> bool:
        """Tell whether the ledger holds all points of the box under input ``k``, and no others."""
        if k >= len(self._proofs) or not self._proofs[k].complete:
            return False
        proof, u = self._proofs[k], self._ledger.conditions[k]
        where = self._ledger.match(proof.points, u)
        n_known = int(self._ledger.of_condition(u).sum())
        return bool((where >= 0).all()) and len(np.unique(where)) == len(where) == n_known

    def whole(self, k: int) -> bool:
        """Tell whether no point lies outside of the box under input ``k``."""
        return k < len(self._proofs) and self._proofs[k].whole

    @property
    def all_proved(self) -> bool:
        """Whether nothing is left to look for."""
        return bool(self._proofs) and all(map(self.proved, range(len(self._ledger.conditions))))
