"""What is known of the completeness of a set of fixed points."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from fpf_notebook._types import JsonObject
from fpf_notebook.result.audit import in_short
from fpf_notebook.result.demands import demands


@dataclass(frozen=True)
class InputReport:
    """What is known of the points under one constant input, where a search had several.

    Parameters
    ----------
    input
        The constant input.
    n_points
        Number of points known.
    index_sum
        Sum of their indices.
    consistent
        Whether it is 1, as it must be; None if that cannot be said.
    """

    input: list[float]
    n_points: int
    index_sum: int
    consistent: bool | None = None

    def __str__(self) -> str:
        verdict = {True: "", False: " of 1: points are missing", None: ", undecided"}
        where = "[" + ", ".join(f"{value:g}" for value in self.input) + "]"
        points = _counted(self.n_points, "point")
        return f"input {where}: {points}, index sum {self.index_sum}{verdict[self.consistent]}"


@dataclass(frozen=True)
class Completeness:
    """How far a set can be trusted to be complete: a grade, and what it stands on.

    It is about all points known, before any filter. For a map of a convex compact set into itself
    the indices of all fixed points, sign det(I - J), add up to 1 if none is degenerate (Lefschetz).
    A sum of 1 is necessary for completeness, and no proof: points may be missing in pairs. Hit
    counts (coverage is Good and Turing's, the number of unseen points Chao's lower estimate) stay
    in the record, and never make a grade: they know only what the starts can reach.

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
        Number of points whose index is not defined, samples of manifolds included.
    n_sampled
        How many of them are samples of a line, ring or sheet of fixed points.
    manifolds
        The lines, rings and sheets of fixed or slow points, by name.
    rounds
        One record of each round of the search.
    new_points_per_round
        How many points each round found that were not known before.
    stopped_because
        Why the search ended.
    n_points
        Number of points found, whatever filters show of them; samples of a line, ring or sheet are
        no points. None if not recorded.
    n_shown
        Number of fixed points that passed the filters; None where that are all.
    n_starts
        Number of starts, of all rounds; None if not recorded.
    fates
        What became of the starts that ended in no fixed point: reason, and how many.
    inputs
        One report an input, where there were several.
    runs
        How forward runs of the network ended ("came to rest in a fixed point", "cycle of period 2",
        …), and how many did so.
    grade
        "proved" (by branch and prune: no point is missing), "consistent" (nothing speaks against
        the set and enough was tried) or "open".
    scope
        What a grade is about: "everywhere", or "the box" where points outside of it were not looked
        for.
    open_because
        What stands in the way of a better grade.

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
    rounds: list[JsonObject] = dataclasses.field(default_factory=list)
    new_points_per_round: list[int] = dataclasses.field(default_factory=list)
    stopped_because: str = ""
    n_points: int | None = None
    n_shown: int | None = None
    n_starts: int | None = None
    fates: dict[str, int] = dataclasses.field(default_factory=dict)
    inputs: list[InputReport] = dataclasses.field(default_factory=list)
    runs: dict[str, int] = dataclasses.field(default_factory=dict)
    grade: Literal["proved", "consistent", "open"] = "open"
    scope: str = ""
    open_because: list[str] = dataclasses.field(default_factory=list)
    n_sampled: int = 0
    manifolds: list[str] = dataclasses.field(default_factory=list)

    @property
    def n_lost(self) -> int:
        """Number of starts that ended in no fixed point."""
        return sum(self.fates.values())

    @property
    def open_inputs(self) -> list[list[float]]:
        """The constant inputs, of several, whose index sum is not as it must be."""
        return [part.input for part in self.inputs if part.consistent is not True]

    def to_dict(self) -> JsonObject:
        """Return plain values that JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, record: JsonObject) -> Completeness:
        """Make a report of what :meth:`to_dict` returned; further entries are ignored."""
        names = {field.name for field in dataclasses.fields(cls)}
        known = {name: value for name, value in record.items() if name in names}
        known["inputs"] = [InputReport(**part) for part in known.get("inputs", [])]
        return cls(**known)

    def __str__(self) -> str:
        parts = []
        if self.n_points is not None:
            shown = "" if self.n_shown is None else f" known, {self.n_shown} shown"
            lone = "isolated point" if self.n_sampled else "point"
            parts.append(_counted(self.n_points, lone) + shown)
        parts += [
            f"{number} {name if number == 1 else name.replace(' of ', 's of ', 1)}"
            for name, number in Counter(self.manifolds).items()
        ]
        if self.rounds:
            parts.append(self._grade_text())
        parts.append(self._index_text())
        if self.n_degenerate:
            samples = (
                ""
                if not self.n_sampled
                else (
                    " (samples of a continuum)"
                    if self.n_sampled == self.n_degenerate
                    else f" ({self.n_sampled} of them samples of a continuum)"
                )
            )
            parts.append(f"{self.n_degenerate} degenerate, left out of the sum{samples}")
        if self.rounds:
            parts.append(_counted(len(self.rounds), "round"))
        if self.n_lost and self.n_starts:
            share = max(1, round(100 * self.n_lost / self.n_starts))
            parts.append(
                f"{self.n_lost} of {self.n_starts} starts ({share} %) ended in no fixed point: "
                + ", ".join(f"{count} {words}" for words, count in self._short_fates().items())
            )
        if len(self.runs) > 1 or any("fixed point" not in end for end in self.runs):
            ends = ", ".join(f"{count} {end}" for end, count in self.runs.items())
            parts.append(f"of {sum(self.runs.values())} runs of the network {ends}")
        return "\n".join(["; ".join(parts), *(f"  {part}" for part in self.inputs)])

    def _short_fates(self) -> dict[str, int]:
        short: dict[str, int] = {}
        for reason, count in self.fates.items():
            short[in_short(reason)] = short.get(in_short(reason), 0) + count
        return short

    @property
    def in_short(self) -> str:
        """The grade in a few words, for a status line or the title of a figure."""
        if self.grade == "open":
            return "open: there may be more"
        where = "all in the box" if self.scope == "the box" else "all of them"
        return f"{where}, proved" if self.grade == "proved" else f"probably {where}, no proof"

    def _grade_text(self) -> str:
        all_of_them = "all in the invariant box" if self.scope == "the box" else "all of them"
        if self.grade == "proved":
            return f"{all_of_them}, proved"
        if self.grade == "consistent":
            numbers = [part.n_points for part in self.inputs] or [self.n_points or 0]
            asked = demands(min(numbers))
            return (
                f"probably {all_of_them}, no proof: each was reached at least {asked.min_hits} "
                f"times from elsewhere, and the last {asked.idle_curves} curves met only known ones"
            )
        return "cannot say whether more exist: " + ", ".join(self.open_because or ["not tried"])

    def _index_text(self) -> str:
        if self.expected_sum is None:
            reason = f" ({self.reason})" if self.reason else ""
            return f"index sum {self.index_sum}, expected sum unknown{reason}"
        verdict = {
            True: "consistent: necessary for completeness, not proof",
            False: "inconsistent: points are missing, or some are not fixed points",
            None: "undecided",
        }[self.consistent]
        if self.grade == "proved" and self.consistent:
            return f"index sum {self.index_sum} of expected {self.expected_sum}"
        return f"index sum {self.index_sum} of expected {self.expected_sum} ({verdict})"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
