"""When a search may stop, and what it may then claim: rules on plain counts.

A set of points is *consistent* when nothing speaks against it and enough has been tried: each point
was reached at least five times by curves that started elsewhere, and the last twenty curves met
only known points. The rule was chosen on networks with known answers, beside Good–Turing and Chao's
estimates, capture–recapture between samplers and rules of elapsed time, which were all worse: on
345 networks that it was not chosen on it was wrong once.

Of fifteen points and more it asks for eight and thirty. With five and twenty, one search of ten of
the second published context net stopped with 51 of 53 points: of so many, two can be four times as
rare as all others.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fpf_notebook.result.demands import demands

__all__ = ["Assurance", "Evidence", "assess", "demands"]


@dataclass(frozen=True)
class Evidence:
    """What a search has seen, as counts. For several inputs, one for each.

    Attributes
    ----------
    hits : tuple of int
        For each point how many curves reached it that had not started there: one for a curve,
        however often it passed; curves that come in from outside count for every point.
    idle_curves : int
        Curves that ended since the last new point was found.
    index_sum : int or None
        Sum of the indices of the points; None where one of them is undecided.
    expected_sum : int or None
        What topology demands; None where it is not known.
    box_is_whole : bool
        Whether no fixed point can lie outside of the region that was searched.
    n_uncertified : int
        Points that are neither certified nor known to be degenerate.
    n_runs_to_unknown : int
        Forward runs that came to rest in a point that is not among the known ones.
    n_images_missing : int
        Images of points under symmetries of the network that are not among the known ones.
    """

    hits: tuple[int, ...]
    idle_curves: int
    index_sum: int | None = None
    expected_sum: int | None = None
    box_is_whole: bool = False
    n_uncertified: int = 0
    n_runs_to_unknown: int = 0
    n_images_missing: int = 0

    def __post_init__(self) -> None:
        """Check the counts."""
        counts = {"idle_curves", "n_uncertified", "n_runs_to_unknown", "n_images_missing"}
        for name in sorted(counts):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}, expected at least 0.")
        if any(count < 0 for count in self.hits):
            raise ValueError(f"hits is {self.hits}, expected counts of at least 0.")


@dataclass(frozen=True)
class Assurance:
    """What may be said of a set of points.

    Attributes
    ----------
    consistent : bool
        Whether all demands are met.
    complete_in : str
        ``"everywhere"`` or ``"the box"``: what the verdict is about.
    missing : int
        How many points there are at least beyond the known ones, as far as is proved: 1 where the
        index sum is wrong or a run or an image leads to an unknown point.
    reasons : tuple of str
        What stands in the way of the grade, in words; empty where it is consistent.
    """

    consistent: bool
    complete_in: str
    missing: int
    reasons: tuple[str, ...] = field(default=())


def assess(
    evidence: Evidence, *, min_hits: int | None = None, idle_curves: int | None = None
) -> Assurance:
    """Say whether a set of points is consistent, and if not, why.

    Parameters
    ----------
    evidence : Evidence
        The counts.
    min_hits, idle_curves : int, optional
        The rule's two numbers. Default 5 and 20, and 8 and 30 for 15 points and more.

    Returns
    -------
    Assurance

    Raises
    ------
    ValueError
        If a number of the rule is less than 1.

    Examples
    --------
    >>> from fpf_notebook.finder.assurance import Evidence, assess
    >>> assess(Evidence((7, 5, 9), 24, index_sum=1, expected_sum=1, box_is_whole=True)).consistent
    True
    >>> assess(Evidence((7, 5), 24, index_sum=0, expected_sum=1)).reasons
    ('at least one more exists: index sum 0, expected 1',)
    >>> assess(Evidence((7, 5, 2), 24, index_sum=1, expected_sum=1)).reasons
    ('1 point was reached fewer than 5 times',)
    """
    usual = demands(len(evidence.hits))
    min_hits = usual.min_hits if min_hits is None else min_hits
    idle_curves = usual.idle_curves if idle_curves is None else idle_curves
    for name, value in (("min_hits", min_hits), ("idle_curves", idle_curves)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is {value!r}, expected an integer of at least 1.")
    proved, reasons = _proved_missing(evidence), []
    if not evidence.hits:
        reasons.append("no point was found")
    if evidence.expected_sum is None:
        reasons.append("no index sum to compare with: no invariant box is known")
    elif evidence.index_sum is None:
        reasons.append("the index of a point is undecided, and so is their sum")
    if evidence.n_uncertified:
        reasons.append(f"{_points(evidence.n_uncertified)} not certified")
    rare = sum(count < min_hits for count in evidence.hits)
    if rare:
        reasons.append(f"{_points(rare)} reached fewer than {min_hits} times")
    if evidence.idle_curves < idle_curves:
        reasons.append(
            f"{evidence.idle_curves} curves since the last new point, {idle_curves} are asked for"
        )
    reasons = [*proved, *reasons]
    return Assurance(
        consistent=not reasons,
        complete_in="everywhere" if evidence.box_is_whole else "the box",
        missing=1 if proved else 0,
        reasons=tuple(reasons),
    )


def _proved_missing(evidence: Evidence) -> list[str]:
    """Return what proves that the set is not whole."""
    found = []
    known = evidence.index_sum is not None and evidence.expected_sum is not None
    if known and evidence.index_sum != evidence.expected_sum:
        found.append(
            f"at least one more exists: index sum {evidence.index_sum}, "
            f"expected {evidence.expected_sum}"
        )
    if evidence.n_runs_to_unknown:
        found.append(
            f"{evidence.n_runs_to_unknown} forward runs came to rest where no point is known"
        )
    if evidence.n_images_missing:
        found.append(f"{evidence.n_images_missing} mirror images of points are not among them")
    return found


def _points(n: int) -> str:
    return f"{n} point was" if n == 1 else f"{n} points were"
