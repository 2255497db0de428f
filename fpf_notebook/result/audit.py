"""What became of each initial state."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Shaped

from fpf_notebook._types import JsonObject


@dataclass(frozen=True, eq=False)
class Audit:
    """For each initial state: which unique point it led to, or why to none.

    Parameters
    ----------
    outcome
        [n_inits] Position of the unique point in the set that was returned, or -1.
    reason
        [n_inits] What became of it, in words.

    Raises
    ------
    ValueError
        If the lengths differ, or an outcome is below -1.
    """

    outcome: Int[np.ndarray, "n_inits"]
    reason: Shaped[np.ndarray, "n_inits"]

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        outcome = np.array(self.outcome, dtype=np.int64)
        reason = np.array(self.reason, dtype=str)
        if outcome.ndim != 1 or reason.shape != outcome.shape:
            raise ValueError(
                f"outcome and reason have the shapes {outcome.shape} and {reason.shape}, expected "
                "[n_inits] for both."
            )
        if (outcome < -1).any():
            raise ValueError(
                f"outcome contains {outcome.min()}, expected the position of a point, or -1."
            )
        for name, array in (("outcome", outcome), ("reason", reason)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def n_rejected(self) -> int:
        """Number of initial states that led to no unique point."""
        return int(np.count_nonzero(self.outcome < 0))

    def counts(self) -> dict[str, int]:
        """Return how often each reason occurs, the most frequent first."""
        return dict(Counter(self.reason.tolist()).most_common())

    def to_dict(self) -> JsonObject:
        """Return plain lists that JSON can hold; each reason is written once."""
        reasons, codes = np.unique(self.reason, return_inverse=True)
        return {
            "outcome": self.outcome.tolist(),
            "reasons": reasons.tolist(),
            "reason_codes": codes.tolist(),
        }

    @classmethod
    def from_dict(cls, record: JsonObject) -> Audit:
        """Make an audit of what :meth:`to_dict` returned."""
        reasons = np.array(record["reasons"], dtype=str)
        codes = np.array(record["reason_codes"], dtype=np.int64)
        return cls(
            outcome=np.array(record["outcome"], dtype=np.int64),
            reason=reasons[codes] if len(codes) else np.empty(0, dtype=str),
        )

    def __str__(self) -> str:
        parts = ", ".join(f"{count} {reason}" for reason, count in self.counts().items())
        return f"{len(self)} initial states" + (f": {parts}" if parts else "")

    def __repr__(self) -> str:
        return f"<Audit: {self}>"


def in_short(reason: str) -> str:
    """Return a reason in two or three words, for a line that has room for no more."""
    for key, words in {
        "invariant box": "outside the box",
        "Newton step": "with too long a Newton step",
        "final_q_threshold": "above final_q_threshold",
        "local minimum": "stalled at a minimum of q",
        "slow": "slow",
        "diverged": "diverged",
        "max_iters": "at max_iters",
        "interrupted": "interrupted",
        "converged": "with q above tol_q",
    }.items():
        if key in reason:
            return words
    return reason
