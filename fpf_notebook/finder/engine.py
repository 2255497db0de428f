"""From a request to fixed points: search, what comes after it, the views of the ledger.

Two stages, since the second alone is needed when only tolerances change: `run_search` runs lanes,
`finish` judges them, does the second searches and makes the result.
"""

from __future__ import annotations

import functools
import platform
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.finder.candidates import Candidates
from fpf_notebook.finder.conditions import distinct_inputs
from fpf_notebook.finder.cycles import group_orbits, search_images
from fpf_notebook.finder.exhaustive import (
    forward_part,
    ledger_of,
    search_in_rounds,
    solved_part,
    wants_runs,
)
from fpf_notebook.finder.ledger import CURVES, IMAGES, KNOWN, ON_CONTINUUM, RUNS, SOLVED
from fpf_notebook.finder.manifolds.of_searches import manifolds_of, starts_on, with_manifolds
from fpf_notebook.finder.outliers import refine_slow, rerun_q_outliers
from fpf_notebook.finder.report import InputEvidence, report_completeness
from fpf_notebook.finder.search import search
from fpf_notebook.finder.views import all_starts, unique_points
from fpf_notebook.result.blas_threads import single_threaded
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.manifolds import on_continuum

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.ledger import Ledger
    from fpf_notebook.finder.options import Options
    from fpf_notebook.finder.progress import CancelToken, Progress
    from fpf_notebook.finder.request import SearchRequest
    from fpf_notebook.result.manifolds import Manifold

__all__ = ["Found", "Searched", "finish", "run_search", "with_known"]

_MOST_CERTIFIED = 512  # units


@dataclass
class Searched:
    """What the search itself brought, before anything is filtered.

    Attributes
    ----------
    parts : list of (Candidates, array of str)
        Where the starts ended, batch by batch, and what each start was.
    conditions : array, [n_conditions, n_inputs]
        The different constant inputs.
    ledger : Ledger or None
        That of an exhaustive search, good for the tolerances it was made with.
    records : list of dict or None
        The rounds of an exhaustive search.
    stopped_because : str
        In words.
    runs : dict
        What became of forward runs of the network: how they ended, and how many did so.
    evidence : list of InputEvidence
        What an exhaustive search saw, input by input.
    """

    parts: list[tuple[Candidates, np.ndarray]]
    conditions: np.ndarray
    ledger: Ledger | None
    records: list[JsonObject] | None
    stopped_because: str
    runs: dict[str, int] = field(default_factory=dict)
    evidence: list[InputEvidence] = field(default_factory=list)

    @property
    def interrupted(self) -> bool:
        """Whether some lanes had not ended."""
        return any(part.interrupted for part, _ in self.parts)


@dataclass(frozen=True)
class Found:
    """A finished search.

    Attributes
    ----------
    unique, everything : FixedPoints
        As `FixedPointFinder.find_fixed_points` returns them.
    ledger : Ledger
        Every point and every start.
    """

    unique: FixedPoints
    everything: FixedPoints
    ledger: Ledger


@single_threaded
def run_search(
    request: SearchRequest,
    step_map: StepMap,
    *,
    single: StepMap | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Searched:
    """Run all lanes of a request.

    Parameters
    ----------
    request : SearchRequest
        What is asked for.
    step_map : StepMap
        The network; for cycles, one step of it.
    single : StepMap, optional
        The same in single precision, for ``dtype="float32"``.
    progress, cancel
        See `fpf_notebook.finder.progress`.

    Returns
    -------
    Searched
        After a cancellation or Ctrl-C too, with what was found so far.
    """
    searched_map = _powered(step_map, request)
    single = None if single is None else _powered(single, request)
    if request.exhaustive:
        rounds = search_in_rounds(
            searched_map,
            request,
            progress=progress,
            cancel=cancel,
            single=single,
            base=step_map,
        )
        return Searched(
            rounds.parts,
            rounds.ledger.conditions,
            rounds.ledger,
            rounds.records,
            rounds.stopped_because,
            rounds.runs,
            rounds.evidence,
        )
    starts = request.draw(searched_map)
    found = search(
        searched_map,
        starts.states,
        starts.inputs,
        request.options,
        progress=progress,
        cancel=cancel,
        single=single,
    )
    parts = [(found, starts.kinds)]
    runs: dict[str, int] = {}
    if not found.interrupted and wants_runs(request):
        try:
            run = forward_part(request, searched_map, starts.states, starts.inputs, cancel)
            parts.append((run.polished, np.full(len(run.polished), RUNS, dtype=object)))
            runs = run.counts()
        except KeyboardInterrupt:  # what the search found stays
            parts[0] = (replace(found, interrupted=True), starts.kinds)
    interrupted = any(part.interrupted for part, _ in parts)
    why = "interrupted" if interrupted else "one round was asked for"
    return Searched(parts, distinct_inputs(starts.inputs)[0], None, None, why, runs)


@single_threaded
def with_known(
    searched: Searched,
    request: SearchRequest,
    step_map: StepMap,
    states: np.ndarray,
    *,
    cancel: CancelToken | None = None,
) -> Searched:
    """Start from points known from elsewhere as well, so that none of them is forgotten.

    Where a hand has moved a slider there are points that were followed; a search from fresh starts
    alone may miss some of them. They count as points, and not as starts that were drawn.

    Parameters
    ----------
    searched : Searched
        What `run_search` returned, for one constant input. It is used up.
    request : SearchRequest
        The same.
    step_map : StepMap
        The network.
    states : array, [n, n_states]
        Where the points are, or were under a nearby input.
    cancel : CancelToken, optional
        Ends it early.

    Returns
    -------
    Searched
        With one more batch of lanes.
    """
    if searched.interrupted or not len(states) or request.period > 1:
        return searched
    inputs = np.repeat(searched.conditions[:1], len(states), axis=0)
    options = replace(request.options, method="newton", n_runs=0)
    found = search(
        step_map, states, inputs, options, cancel=cancel, pool_of=request.n_inits
    )  # fmt: skip
    parts = [*searched.parts, (found, np.full(len(found), KNOWN, dtype=object))]
    evidence = searched.evidence
    if searched.ledger is not None:
        n_new = searched.ledger.enter(found, KNOWN)
        if n_new:  # no curve has reached them
            evidence = [
                replace(seen, hits=(*seen.hits, *(0,) * n_new), proved=False) for seen in evidence
            ]
    return replace(searched, parts=parts, evidence=evidence)


@single_threaded
def finish(
    searched: Searched,
    request: SearchRequest,
    step_map: StepMap,
    *,
    cancel: CancelToken | None = None,
    second_searches: bool = True,
    manifolds: bool = True,
) -> Found:
    """Make fixed points of what a search brought.

    Parameters
    ----------
    searched : Searched
        What `run_search` returned. Its ledger, if there is one, is used up.
    request : SearchRequest
        The same, or one with other tolerances.
    step_map : StepMap
        The network; for cycles, one step of it.
    cancel : CancelToken, optional
        Ends second searches.
    second_searches : bool
        Whether to make those that the request asks for (slow points, q outliers, cycles).
    manifolds : bool
        Whether to look for lines, rings and sheets, if the request asks for them.

    Returns
    -------
    Found
        After Ctrl-C too: first without second searches, then without Jacobians.
    """
    base, step_map = step_map, _powered(step_map, request)
    ledger = _entered(searched, request, step_map, base, cancel, second_searches)
    evidence = searched.evidence
    lines: list[Manifold] = []
    if manifolds and request.options.do_find_manifolds and request.period == 1:
        try:
            lines, evidence = _manifolds(ledger, evidence, cancel)
        except KeyboardInterrupt:
            ledger.interrupt()
    try:
        found = _views(ledger, request, True)
    except KeyboardInterrupt:  # what was found is worth more than its Jacobians
        ledger.interrupt()
        found = _views(ledger, request, False)
    one_round = searched.records is None and ledger.interrupted
    stopped_because = "interrupted" if one_round else searched.stopped_because
    report = report_completeness(
        ledger, searched.records, stopped_because, searched.runs, evidence, lines
    )
    unique = with_manifolds(found.unique, lines)
    if report is not None:
        n_shown = int((unique.is_fixed & ~on_continuum(unique)).sum())
        report = replace(report, n_shown=None if n_shown == report.n_points else n_shown)
    unique = unique.update(completeness=report)
    if request.period > 1:
        unique = group_orbits(unique, base, request.period)
    return replace(found, unique=unique)


def _manifolds(
    ledger: Ledger, evidence: list[InputEvidence], cancel: CancelToken | None
) -> tuple[list[Manifold], list[InputEvidence]]:
    """Return the manifolds, and enter the fixed points on them that were not known.

    These have not been reached by any curve: the evidence says so.
    """
    lines = manifolds_of(ledger, cancel)
    for one in lines:
        ledger.note(starts_on(one, ledger), f"{ON_CONTINUUM}{one.name}")
    unknown = [
        (x, one.inputs)
        for one in lines
        for x in one.fixed_points[ledger.match(one.fixed_points, one.inputs) < 0]
    ]
    if not unknown or ledger.interrupted:
        return lines, evidence
    before = [int(ledger.of_condition(u).sum()) for u in ledger.conditions]
    x, u = (np.array(part) for part in zip(*unknown, strict=True))
    n_starts = int(ledger.drawn.sum())
    ledger.enter(
        search(ledger.step_map, x, u, ledger.options, cancel=cancel, pool_of=n_starts), CURVES
    )
    if evidence:
        more = [
            int(ledger.of_condition(u).sum()) - n
            for u, n in zip(ledger.conditions, before, strict=True)
        ]
        evidence = [
            replace(seen, hits=(*seen.hits, *(0,) * n), proved=seen.proved and not n)
            for seen, n in zip(evidence, more, strict=True)
        ]
    return lines, evidence


def _powered(step_map: StepMap, request: SearchRequest) -> StepMap:
    return step_map if request.period == 1 else step_map.power(request.period)


def _entered(
    searched: Searched,
    request: SearchRequest,
    step_map: StepMap,
    base: StepMap,
    cancel: CancelToken | None,
    second_searches: bool,
) -> Ledger:
    """Return the ledger of all starts, those of second searches too. Ctrl-C ends these."""
    ledger, searched.ledger = searched.ledger, None
    try:
        if ledger is None or ledger.options != request.options:
            ledger = _ledger(searched, request, step_map)
        if second_searches and not searched.interrupted:
            _second_searches(ledger, request, base, cancel)
    except KeyboardInterrupt:  # the ledger may be half written
        try:
            ledger = _ledger(searched, request, step_map)
        except KeyboardInterrupt:
            ledger = _ledger(searched, request, step_map, exact=False)
        ledger.interrupt()
    return ledger


def _ledger(
    searched: Searched, request: SearchRequest, step_map: StepMap, *, exact: bool | None = None
) -> Ledger:
    wanted = request.options.do_compute_jacobians if exact is None else exact
    return ledger_of(searched.parts, step_map, request.options, searched.conditions, exact=wanted)


def _second_searches(
    ledger: Ledger, request: SearchRequest, base: StepMap, cancel: CancelToken | None
) -> None:
    """Do what comes after the main search: images along cycles, outliers, slow points."""
    options, step_map = request.options, ledger.step_map
    if not len(ledger) and not request.exhaustive:
        n_starts = len(ledger.owner)
        solved = solved_part(request, step_map, ledger.conditions, cancel, n_starts)
        if solved is not None:
            ledger.enter(solved, SOLVED)
    if request.period > 1 and len(ledger) and not request.exhaustive:
        rows, n_starts = np.arange(len(ledger)), len(ledger.owner)
        part = search_images(base, step_map, ledger, rows, request, cancel, n_starts)
        ledger.enter(part, IMAGES)
    assert ledger.candidates is not None
    if options.do_rerun_q_outliers:
        ledger.amend(rerun_q_outliers(step_map, ledger.candidates, options, cancel))
    if request.include_slow:
        ledger.amend(refine_slow(step_map, ledger.candidates, options, cancel))


def _views(ledger: Ledger, request: SearchRequest, exact: bool) -> Found:
    assert ledger.candidates is not None
    ids = _extended(request.cond_ids, len(ledger.candidates))
    lanes = all_starts(ledger, ids, _provenance(ledger.step_map.name, request.options))
    # An interval Jacobian of thousands of units would cost more than the search.
    dense = ledger.step_map.n_states <= min(request.options.dense_limit, _MOST_CERTIFIED)
    unique = unique_points(
        ledger,
        lanes,
        include_slow=request.include_slow,
        exact=exact,
        certify=dense and (request.exhaustive or request.period > 1),
        near_ones=request.period > 1,
    )
    drawn = np.flatnonzero(ledger.drawn)
    return Found(unique, lanes if len(drawn) == len(lanes) else lanes[drawn], ledger)


def _extended(cond_ids: np.ndarray | None, n: int) -> np.ndarray | None:
    """Give the starts of later rounds, which no one numbered, the condition -1."""
    if cond_ids is None:
        return None
    return np.concatenate([cond_ids, np.full(n - len(cond_ids), -1, dtype=cond_ids.dtype)])


@functools.cache  # reading it from the file takes longer than a small search
def _version(package: str) -> str:
    return metadata.version(package)


def _provenance(model_name: str, options: Options) -> JsonObject:
    settings = options.to_dict()
    if settings["max_n_unique"] == np.inf:
        settings["max_n_unique"] = None  # JSON has no infinity
    return {
        "model": model_name,
        "options": settings,
        "versions": {
            "python": platform.python_version(),
            **{name: _version(name) for name in ("jax", "numpy")},
        },
    }
