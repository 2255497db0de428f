"""The report on completeness: read from the ledger, before anything is filtered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from fpf_notebook._types import JsonObject
from fpf_notebook.finder.assurance import Evidence, assess
from fpf_notebook.finder.coverage import chao1_unseen, good_turing_coverage
from fpf_notebook.finder.evaluation import jacobians_at
from fpf_notebook.finder.manifolds.of_searches import samples_of
from fpf_notebook.result.completeness import Completeness, InputReport

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.ledger import Ledger
    from fpf_notebook.result.manifolds import Manifold

__all__ = [
    "InputEvidence",
    "coverage",
    "has_box",
    "index_sums",
    "on_boundary",
    "report_completeness",
    "undecided",
    "unseen",
]


@dataclass(frozen=True)
class InputEvidence:
    """What an exhaustive search saw under one constant input.

    Attributes
    ----------
    proved, whole : bool
        Whether all points of the invariant box are proved to be known, and that none lies outside.
    hits : tuple of int
        For each point how many curves from elsewhere reached it.
    idle_curves : int
        Curves since the last new point.
    n_runs_to_unknown : int
        Forward runs that came to rest where no point is known.
    n_images_missing : int
        Images of points under symmetries of the network that are not among the points.
    """

    proved: bool
    whole: bool
    hits: tuple[int, ...]
    idle_curves: int
    n_runs_to_unknown: int
    n_images_missing: int = 0


_TOUCHING = 1e-12  # of the width of the box


def has_box(step_map: StepMap, u: np.ndarray) -> bool:
    """Tell whether an invariant box is known under this constant input."""
    return step_map.box is not None and step_map.invariant_box(u) is not None


def on_boundary(step_map: StepMap, states: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Tell which points lie on the boundary of the invariant box, where the sign may mislead.

    The index of a point of the boundary, with respect to the box, is 0 if the point repels into the
    box, whatever the sign of the determinant is. A map of the box into itself that contracts across
    the faces on which a point lies cannot do that (a saturated unit: tanh is 1 there by rounding
    alone); such a point counts as one inside.

    Parameters
    ----------
    step_map : StepMap
        The network.
    states, u : arrays, [n, n_states] and [n_inputs]
        Points, and their constant input.

    Returns
    -------
    array of bool, [n]
        False everywhere without a box.
    """
    edges = step_map.invariant_box(u) if len(states) else None
    if edges is None:
        return np.zeros(len(states), dtype=bool)
    low, high = (edge.astype(np.float64) for edge in edges)
    touching = np.minimum(states - low, high - states) <= _TOUCHING * (high - low)
    result: np.ndarray = touching.any(axis=1)
    rows = np.flatnonzero(result)
    if len(rows) and step_map.time == "discrete":
        inputs = np.repeat(np.asarray(u)[None], len(rows), axis=0)
        jacobian = np.abs(jacobians_at(step_map, states[rows], inputs)[0])
        # Beyond a face by d, F is beyond it by less than d: no fixed point comes in from there.
        across = np.einsum("lij,lj->li", jacobian, touching[rows].astype(float))
        result[rows] = (touching[rows] & ~(across < 1.0)).any(axis=1)
    return result


def index_sums(ledger: Ledger) -> np.ndarray:
    """Sum of the indices of the points known, for each of the inputs."""
    return np.array(
        [int(ledger.index[ledger.of_condition(u)].sum()) for u in ledger.conditions], dtype=int
    )


def undecided(ledger: Ledger) -> bool:
    """Whether the index of some point is not known, and with it the sum."""
    return any(_why_undecided(ledger, u) for u in ledger.conditions)


def coverage(ledger: Ledger) -> float | None:
    """Probability that one more start ends in a point known (Good–Turing)."""
    return good_turing_coverage(ledger.hits())


def unseen(ledger: Ledger) -> float | None:
    """How many points are probably missing: the most that any kind of start gives to expect.

    The hits of all kinds together have their own estimate; one kind that alone would promise more
    points than all kinds have found counts too.
    """
    pooled = chao1_unseen(ledger.hits())
    if pooled is None:
        return None
    alone = (ledger.hits(kind) for kind in ledger.start_kinds)
    excess = [np.count_nonzero(h) + (chao1_unseen(h) or 0.0) - len(ledger) for h in alone]
    return float(max([pooled, *excess]))


def report_completeness(
    ledger: Ledger,
    rounds: list[JsonObject] | None,
    stopped_because: str,
    runs: dict[str, int] | None = None,
    evidence: list[InputEvidence] | None = None,
    manifolds: list[Manifold] | None = None,
) -> Completeness | None:
    """Say what is known of the completeness of all points of a ledger.

    Parameters
    ----------
    ledger : Ledger
        All points and starts.
    rounds : list of dict or None
        The rounds of an exhaustive search.
    stopped_because : str
        Why the search ended.
    runs : dict, optional
        How forward runs of the network ended, and how many did so.
    evidence : list of InputEvidence, optional
        What an exhaustive search saw, input by input.
    manifolds : list of Manifold, optional
        Lines, rings and sheets: points that are samples of one are not counted as points.

    Returns
    -------
    Completeness or None
        None when the points were not linearized, so that they have no index.
    """
    if not ledger.exact:
        return None
    step_map = ledger.step_map
    sampled = samples_of(manifolds or [], ledger)
    parts = [_report_input(ledger, u, sampled) for u in ledger.conditions]
    doubts = list(dict.fromkeys(_why_undecided(ledger, u) for u in ledger.conditions))
    expected, consistent = None, None
    reason = f"no invariant box: {step_map.box_reason or 'none is known'}"
    if all(has_box(step_map, u) for u in ledger.conditions):
        expected = len(parts)
        reason = f"invariant box: {step_map.box_reason or 'given with the step map'}"
        reason += "".join(
            f"; {doubt}, so that the sum decides nothing" for doubt in doubts if doubt
        )
        consistent = _all_of(part.consistent for part in parts)
    return Completeness(
        index_sum=sum(part.index_sum for part in parts),
        expected_sum=expected,
        reason=reason,
        consistent=consistent,
        coverage=coverage(ledger),
        estimated_unseen=unseen(ledger),
        n_degenerate=int(np.sum(ledger.index == 0)),
        rounds=rounds or [],
        new_points_per_round=[record["new_points"] for record in rounds or []],
        stopped_because=stopped_because,
        n_points=int(np.sum(~sampled)),
        n_sampled=int(np.sum(sampled & (ledger.index == 0))),
        manifolds=[one.name for one in manifolds or []],
        n_starts=int(ledger.drawn.sum()),
        fates=ledger.fates(),
        inputs=parts if len(parts) > 1 else [],
        runs=runs or {},
        **_grade(ledger, evidence or [], stopped_because, sampled),
    )


def _grade(
    ledger: Ledger,
    evidence: list[InputEvidence],
    stopped_because: str,
    sampled: Bool[np.ndarray, "n_points"],
) -> JsonObject:
    """Return the grade, what it is about, and what stands in its way."""
    sizes = [int(ledger.of_condition(u).sum()) for u in ledger.conditions]
    if evidence and sizes != [len(seen.hits) for seen in evidence]:
        why = "tolerances were changed after the search"
        return {"grade": "open", "scope": "", "open_because": [why]}
    if not evidence:
        why = "exhaustive=True looks for what is missing" if not ledger.interrupted else ""
        return {
            "grade": "open",
            "scope": "",
            "open_because": [w for w in (stopped_because, why) if w],
        }
    if all(seen.proved for seen in evidence):
        scope = "everywhere" if all(seen.whole for seen in evidence) else "the box"
        return {"grade": "proved", "scope": scope, "open_because": []}
    verdicts = [
        assess(_counts(ledger, u, seen, sampled))
        for u, seen in zip(ledger.conditions, evidence, strict=True)
        if not seen.proved
    ]
    reasons = list(dict.fromkeys(reason for verdict in verdicts for reason in verdict.reasons))
    if sampled.any():
        reasons = [
            "fixed points form a continuum, which has no index: what else there is cannot be "
            "concluded from a sum",
            *(
                reason
                for reason in reasons
                if not reason.startswith(("the index of a point", "no point was found"))
            ),
        ]
    everywhere = all(verdict.complete_in == "everywhere" for verdict in verdicts)
    return {
        "grade": "open" if reasons else "consistent",
        "scope": "everywhere" if everywhere else "the box",
        "open_because": reasons,
    }


def _counts(
    ledger: Ledger, u: np.ndarray, seen: InputEvidence, sampled: Bool[np.ndarray, "n_points"]
) -> Evidence:
    hits = np.array(seen.hits, dtype=int)[~sampled[ledger.of_condition(u)]]
    mine = ledger.of_condition(u) & ~sampled
    box = has_box(ledger.step_map, u)
    certified, _, _ = ledger.certificates(np.flatnonzero(mine))
    degenerate = ledger.index[mine] == 0
    return Evidence(
        hits=tuple(hits.tolist()),
        idle_curves=seen.idle_curves,
        index_sum=None if _why_undecided(ledger, u) else int(ledger.index[mine].sum()),
        expected_sum=1 if box else None,
        box_is_whole=box and bool(ledger.step_map.box_is_whole(u)),
        n_uncertified=int((~certified & ~degenerate).sum()),
        n_runs_to_unknown=seen.n_runs_to_unknown,
        n_images_missing=seen.n_images_missing,
    )


def _report_input(
    ledger: Ledger, u: np.ndarray, sampled: Bool[np.ndarray, "n_points"]
) -> InputReport:
    index = ledger.index[ledger.of_condition(u) & ~sampled]
    total = int(index.sum())
    telling = has_box(ledger.step_map, u) and not _why_undecided(ledger, u)
    return InputReport(
        input=[float(value) for value in u],
        n_points=len(index),
        index_sum=total,
        consistent=total == 1 if telling else None,
    )


def _why_undecided(ledger: Ledger, u: np.ndarray) -> str:
    """Return why the sum of one input decides nothing, or nothing."""
    mine = ledger.of_condition(u)
    if (ledger.index[mine] == 0).any():
        return "degenerate points have no index"
    if on_boundary(ledger.step_map, ledger.states[mine], u).any():
        return "a point lies on the boundary of the box"
    return ""


def _all_of(verdicts: Any) -> bool | None:
    """Return False if one is False, else None if one is not known, else True."""
    found = set(verdicts)
    return False if False in found else None if None in found else True
