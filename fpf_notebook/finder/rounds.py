"""What the rounds of an exhaustive search brought so far."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.finder.candidates import Candidates
from fpf_notebook.finder.ledger import Ledger
from fpf_notebook.finder.report import InputEvidence

__all__ = ["Rounds", "enter"]


@dataclass
class Rounds:
    """What the rounds of an exhaustive search brought so far.

    Attributes
    ----------
    parts : list of (Candidates, array of str)
        The starts of each round, with what each of them was.
    ledger : Ledger
        Every point and start.
    records : list of dict
        For each round its starts, points known, new points, index sum and estimates. The last round
        of an interrupted search may be missing.
    stopped_because : str
        In words.
    """

    parts: list[tuple[Candidates, np.ndarray]]
    ledger: Ledger
    records: list[JsonObject]
    stopped_because: str = ""
    runs: dict[str, int] = field(default_factory=dict)
    runs_to_unknown: int = 0
    evidence: list[InputEvidence] = field(default_factory=list)


def enter(rounds: Rounds, found: Candidates, kind: str) -> int:
    """Enter what was found apart from the starts of a round; return how many points are new."""
    kinds = np.full(len(found), kind, dtype=object)
    rounds.parts.append((found, kinds))
    return rounds.ledger.enter(found, kinds)
