"""Search in rounds until nothing more is to be expected.

A proof ends it, where one is cheap. Else the index theorem (a map of a box into itself has an index
sum of 1 over all its fixed points; for a flow that enters the box, Poincaré–Hopf), which is
necessary and not sufficient, together with curves: each point must have been reached by some that
started elsewhere (`assurance.py`).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.finder import report
from fpf_notebook.finder.candidates import Candidates
from fpf_notebook.finder.conditions import distinct_inputs
from fpf_notebook.finder.curve_rounds import CurveRounds
from fpf_notebook.finder.cycles import search_images
from fpf_notebook.finder.edge_rounds import EdgeRounds
from fpf_notebook.finder.images import Images
from fpf_notebook.finder.ledger import IMAGES, PROOF, RUNS, SOLVED, Ledger
from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress
from fpf_notebook.finder.proofs import Proofs
from fpf_notebook.finder.proposals.forward_runs import ForwardRuns, RunEnd, run_forward
from fpf_notebook.finder.proposals.linear_step import solve_linear_step
from fpf_notebook.finder.proposals.sampling import START_KINDS
from fpf_notebook.finder.report import InputEvidence
from fpf_notebook.finder.rounds import Rounds, enter
from fpf_notebook.finder.search import search

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options
    from fpf_notebook.finder.request import SearchRequest

__all__ = [
    "Rounds",
    "forward_part",
    "ledger_of",
    "search_in_rounds",
    "solved_part",
    "wants_runs",
]


def wants_runs(request: SearchRequest) -> bool:
    """Tell whether the network is to be run forward."""
    return request.options.n_runs > 0 and request.period == 1


def forward_part(
    request: SearchRequest,
    step_map: StepMap,
    states: np.ndarray,
    inputs: np.ndarray,
    cancel: CancelToken | None,
) -> ForwardRuns:
    """Run the network from some of the starts, spread evenly over them."""
    n = min(request.options.n_runs, len(states))
    some = np.unique(np.linspace(0, len(states) - 1, n).round().astype(int))
    return run_forward(
        step_map,
        states[some],
        inputs[some],
        request.options,
        cancel=cancel,
        pool_of=len(states),
    )


def solved_part(
    request: SearchRequest,
    step_map: StepMap,
    conditions: np.ndarray,
    cancel: CancelToken | None,
    pool_of: int,
) -> Candidates | None:
    """Solve a step that is linear, for a search that has found nothing at all."""
    solved = [(solve_linear_step(step_map, u), u) for u in conditions]
    points = [(x, u) for x, u in solved if x is not None]
    if not points:
        return None
    x, u = (np.array(part) for part in zip(*points, strict=True))
    return search(step_map, x, u, request.options, cancel=cancel, pool_of=pool_of)


def search_in_rounds(
    step_map: StepMap,
    request: SearchRequest,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    single: StepMap | None = None,
    base: StepMap | None = None,
) -> Rounds:
    """Run rounds of searches, each from the states that the last ones suggest.

    Parameters
    ----------
    step_map : StepMap
        The network.
    request : SearchRequest
        Starts of the first round (later ones have as many), tolerances, ends, seed.
    progress, cancel, single
        As for `search`.
    base : StepMap, optional
        One step, where `step_map` is several: for the other points of each cycle.

    Returns
    -------
    Rounds
    """
    progress = progress or SilentProgress()
    deadline = _Deadline(cancel, request.max_seconds)
    starts, u, _, kinds, pool, rng = request.draw(step_map)
    distinct, _ = distinct_inputs(u)
    n = len(starts)
    rounds = Rounds([], Ledger(step_map, request.options, distinct), [])
    idle = 0
    images = Images(rounds.ledger)
    curves = CurveRounds(request, rounds.ledger, pool, images)
    curves.prepare()
    proofs = Proofs(rounds.ledger, request.prove)
    edges = EdgeRounds(rounds.ledger, request.options.random_seed)
    while not rounds.stopped_because:
        watched = _Within(progress, len(rounds.records) * n, len(rounds.ledger))
        part = search(
            step_map, starts, u, request.options, progress=watched, cancel=deadline, single=single
        )
        mine = len(rounds.parts)
        rounds.parts.append((part, kinds))
        try:
            known = len(rounds.ledger)
            n_new = rounds.ledger.enter(part, kinds)
            if request.period > 1 and base is not None and n_new and not part.interrupted:
                n_new += _whole_orbits(
                    rounds, base, request, np.arange(known, known + n_new), deadline
                )
            if len(rounds.parts) == 1 and wants_runs(request) and not part.interrupted:
                n_new += _run(rounds, request, step_map, starts, u, deadline)
            if not (rounds.records or len(rounds.ledger) or part.interrupted):
                solved = solved_part(request, step_map, distinct, deadline, n)
                n_new += 0 if solved is None else enter(rounds, solved, SOLVED)
            if not rounds.records and proofs.tried and not deadline.cancelled:
                for found in proofs.attempt(deadline):
                    n_new += enter(rounds, found, PROOF)
            if rounds.records and not (proofs.all_proved or curves.settled):
                n_new += edges.enter(rounds, deadline)
            if not proofs.all_proved:
                n_new += images.enter_missing(rounds, deadline)
                n_new += curves.follow(rounds, int(part.lanes.n_iters.sum()), deadline)
            rounds.records.append(_record(rounds.ledger, kinds, n_new, part.seconds))
            progress.log(_line(rounds))
        except KeyboardInterrupt:  # between two searches; the ledger may be half written
            rounds.parts[mine] = (replace(part, interrupted=True), kinds)
            rounds.ledger = ledger_of(rounds.parts, step_map, request.options, distinct)
            rounds.stopped_because = "interrupted"
            break
        # A line or a sheet never ends: more samples of it are no news.
        news = rounds.ledger.index[known:] != 0 if curves.mostly_degenerate else n_new
        idle = 0 if np.any(news) else idle + 1
        rounds.stopped_because = _why_stop(rounds, curves, idle, request, deadline)
        if proofs.all_proved and not rounds.stopped_because:
            rounds.stopped_because = "every point of the box is known: proved"
        if not rounds.stopped_because:
            starts, u, kinds = _next_starts(rounds.ledger, pool, n, rng)
    rounds.evidence = [
        _evidence(rounds, proofs, curves, images, k) for k in range(len(rounds.ledger.conditions))
    ]
    return rounds


def _whole_orbits(
    rounds: Rounds, base: StepMap, request: SearchRequest, rows: np.ndarray, cancel: CancelToken
) -> int:
    """Enter the other points of the cycles of new points."""
    ledger, n_starts = rounds.ledger, len(rounds.parts[0][0])
    part = search_images(base, ledger.step_map, ledger, rows, request, cancel, n_starts)
    return enter(rounds, part, IMAGES)


def _evidence(
    rounds: Rounds, proofs: Proofs, curves: CurveRounds, images: Images, k: int
) -> InputEvidence:
    return InputEvidence(
        proved=proofs.proved(k),
        whole=proofs.whole(k),
        hits=curves.hits(k),
        idle_curves=curves.idle(k),
        n_runs_to_unknown=rounds.runs_to_unknown,
        n_images_missing=0 if proofs.proved(k) else images.n_missing(k),
    )


def _run(
    rounds: Rounds,
    request: SearchRequest,
    step_map: StepMap,
    states: np.ndarray,
    inputs: np.ndarray,
    cancel: CancelToken,
) -> int:
    """Run the network forward, and enter where it came to rest."""
    run = forward_part(request, step_map, states, inputs, cancel)
    rounds.runs = run.counts()
    before = len(rounds.ledger.owner)
    n_new = enter(rounds, run.polished, RUNS)
    resting = (run.end == RunEnd.REST) & (run.lane >= 0)
    rounds.runs_to_unknown = int(
        np.count_nonzero(rounds.ledger.owner[before + run.lane[resting]] < 0)
    )
    return n_new


def ledger_of(
    parts: list[tuple[Candidates, np.ndarray]],
    step_map: StepMap,
    options: Options,
    conditions: np.ndarray,
    *,
    exact: bool = True,
) -> Ledger:
    """Enter batches of starts into a new ledger, in order."""
    ledger = Ledger(step_map, options, conditions, exact=exact)
    for part, kinds in parts:
        ledger.enter(part, kinds)
    return ledger


def _record(ledger: Ledger, kinds: np.ndarray, n_new: int, seconds: float) -> JsonObject:
    return {
        "starts": {str(k): int(np.sum(kinds == k)) for k in dict.fromkeys(kinds.tolist())},
        "n_points": len(ledger),
        "new_points": n_new,
        "index_sum": int(report.index_sums(ledger).sum()),
        "coverage": report.coverage(ledger),
        "estimated_unseen": report.unseen(ledger),
        "seconds": round(seconds, 4),
    }


def _line(rounds: Rounds) -> str:
    last = rounds.records[-1]
    return (
        f"round {len(rounds.records)}: {last['n_points']} points, {last['new_points']} new, "
        f"index sum {last['index_sum']}"
    )


def _why_stop(
    rounds: Rounds, curves: CurveRounds, idle: int, request: SearchRequest, deadline: _Deadline
) -> str:
    if deadline.passed:
        return f"max_seconds={request.max_seconds:g} reached"
    if any(part.interrupted for part, _ in rounds.parts[-2:]):
        return "interrupted"
    ledger = rounds.ledger
    boxed = all(report.has_box(ledger.step_map, u) for u in ledger.conditions)
    telling = boxed and not report.undecided(ledger)
    balanced = not telling or bool((report.index_sums(ledger) == 1).all())
    if idle >= request.patience and curves.settled and balanced and len(rounds.records) > 1:
        return f"{idle} rounds found nothing new, {curves.words}" + (
            ", and the index sum is right" if telling else ""
        )
    if len(rounds.records) >= request.max_rounds:
        return f"max_rounds={request.max_rounds} reached"
    return ""


def _next_starts(
    ledger: Ledger, pool: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the starts of a round: every input gets its part, every kind its share of that."""
    states, inputs, kinds = [], [], []
    shares = np.array([share for share, _ in START_KINDS.values()])
    distinct = ledger.conditions
    for k, u in enumerate(distinct):
        mine = ledger.of_condition(u)
        found = ledger.states[mine]
        region, box = _regions(ledger.step_map, u, pool, found)
        visited = pool
        if not mine.all():  # what is there under another input has often a like here
            elsewhere = ledger.states[~mine]
            visited = np.concatenate([rng.choice(pool, len(elsewhere)), elsewhere])
        n_here = n // len(distinct) + (k < n % len(distinct))
        counts = np.floor(shares * n_here).astype(int)
        rest = shares * n_here - counts
        if rest.any():  # so that in the long run each kind gets its share
            counts += rng.multinomial(n_here - counts.sum(), rest / rest.sum())
        for (kind, (_, draw)), count in zip(START_KINDS.items(), counts, strict=True):
            where = box if kind in ("box", "mixtures") else region
            states.append(draw(rng, int(count), visited, found, where))
            inputs.append(np.broadcast_to(u, (int(count), len(u))))
            kinds.append(np.full(int(count), kind, dtype=object))
    return np.concatenate(states), np.concatenate(inputs), np.concatenate(kinds)


def _regions(
    step_map: StepMap, u: np.ndarray, pool: np.ndarray, found: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the surroundings of what is known, and the box that holds all points, to sample both.

    Either alone could miss points. States visited may be few and all near one attractor; and the
    bound of an LSTM's cells, for one, can be hundreds of times wider than the states in use.
    """
    seen = np.concatenate([pool, found])
    low, high = seen.min(axis=0), seen.max(axis=0)
    margin = 0.5 * (high - low) + 1e-3
    low, high = low - margin, high + margin
    edges = step_map.invariant_box(u)
    if edges is None:
        region = np.stack([low, high])
        return region, region
    region = np.stack([np.maximum(low, edges[0]), np.minimum(high, edges[1])])
    empty = region[0] > region[1]  # all states seen lie outside of the box
    box = np.stack(edges).astype(np.float64)
    return np.where(empty, box, region), box


class _Deadline(CancelToken):
    """The caller's token, and a time limit."""

    def __init__(self, outer: CancelToken | None, seconds: float | None) -> None:
        super().__init__()
        self._outer = outer
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    @property
    def cancelled(self) -> bool:
        return self.passed or (self._outer is not None and self._outer.cancelled)


class _Within(SilentProgress):
    """One round's part of the progress of them all."""

    def __init__(self, outer: Progress, done_before: int, n_points: int) -> None:
        self._outer, self._before, self._points = outer, done_before, n_points

    def update(self, done: int, message: str) -> None:
        self._outer.update(self._before + done, f"{self._points} points, {message}")

    def log(self, message: str, *, detail: bool = False) -> None:
        self._outer.log(message, detail=detail)
