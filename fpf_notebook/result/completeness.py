"""What is known of the completeness of a set of fixed points."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Completeness:
    """Two witnesses for a set being complete: the index sum, and how often each point was hit.

    For a map of a convex compact set into itself the indices of all fixed points, sign det(I - J),
    add up to 1 if none is degenerate (Lefschetz). A sum of 1 is necessary for completeness, and no
    proof: points may be missing in pairs. The hit counts say how many points are probably still
    unseen: coverage is Good and Turing's, the number of unseen points Chao's lower estimate.

    Parameters
    ----------
    index_sum
        Sum of the indices of the points found.
    expected_sum
        What it should be, or None if that is not known.
    reason
        Where the expected sum comes from, or why there is none.
    consistent
        Whether the sum is as expected; None if that cannot be said.
    coverage
        Estimated probability that the next hit is of a known point; None if not estimated.
    estimated_unseen
        Estimated number of points not seen yet; None if not estimated.
    n_degenerate
        Number of points whose index is not defined.
    rounds
        One record of each round of the search.
    new_points_per_round
        How many points each round found that were not known before.
    stopped_because
        Why the search ended.
    n_points
        Number of points found, or None if not recorded.

    References
    ----------
    .. [1] I. J. Good, "The population frequencies of species and the estimation of population
       parameters", Biometrika 40 (1953).
    .. [2] A. Chao, "Nonparametric estimation of the number of classes in a population",
       Scandinavian Journal of Statistics 11 (1984).
    """

    index_sum: int
    expected_sum: int | None = None
    reason: str = ""
    consistent: bool | None = None
    coverage: float | None = None
    estimated_unseen: float | None = None
    n_degenerate: int = 0
    rounds: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    new_points_per_round: list[int] = dataclasses.field(default_factory=list)
    stopped_because: str = ""
    n_points: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Completeness:
        """Make a report of what :meth:`to_dict` returned; further entries are ignored."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in record.items() if name in names})

    def __str__(self) -> str:
        parts = [] if self.n_points is None else [_counted(self.n_points, "point")]
        parts.append(self._index_text())
        if self.n_degenerate:
            parts.append(f"{self.n_degenerate} degenerate, left out of the sum")
        hits = []
        if self.coverage is not None:
            # Rounded down: 0.9996 must not read as everything.
            hits.append(f"coverage {math.floor(self.coverage * 1000 + 1e-9) / 1000:.3f}")
        if self.estimated_unseen is not None:
            hits.append(f"unseen ≈ {self.estimated_unseen:.1f}")
        if hits:
            parts.append(", ".join(hits))
        if self.rounds:
            parts.append(_counted(len(self.rounds), "round"))
        return "; ".join(parts)

    def _index_text(self) -> str:
        if self.expected_sum is None:
            reason = f" ({self.reason})" if self.reason else ""
            return f"index sum {self.index_sum}, expected sum unknown{reason}"
        verdict = {
            True: "consistent: necessary for completeness, not proof",
            False: "inconsistent: points are missing, or some are not fixed points",
            None: "undecided",
        }[self.consistent]
        return f"index sum {self.index_sum} of expected {self.expected_sum} ({verdict})"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
