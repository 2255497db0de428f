"""Search in rounds until nothing more is to be expected.

Two witnesses end it. The index theorem: a map of a box into itself has an index sum of 1 over all
its fixed points (Lefschetz; for a flow that enters the box, Poincaré–Hopf). It is necessary for
completeness, not sufficient: points may be missing in pairs. And statistics: how often each point
was hit tells how many were probably never hit (`coverage.py`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook.finder.catalogue import Catalogue
from fpf_notebook.finder.conditions import distinct_inputs
from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress
from fpf_notebook.finder.proposals.sampling import START_KINDS
from fpf_notebook.finder.search import Candidates, concatenate_candidates, search
from fpf_notebook.finder.unique import judge

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Options

__all__ = ["Limits", "Rounds", "search_in_rounds"]

_NOTHING_TO_EXPECT = 0.5  # points, estimated unseen


@dataclass(frozen=True)
class Limits:
    """When an exhaustive search ends at the latest, and how sure it has to be before.

    Attributes
    ----------
    max_rounds : int
        Rounds, the first included.
    max_seconds : float or None
        Time limit.
    patience : int
        Further rounds without a new point that are asked for.
    """

    max_rounds: int
    max_seconds: float | None
    patience: int


@dataclass(frozen=True)
class Rounds:
    """What an exhaustive search brought.

    Attributes
    ----------
    candidates : Candidates
        All lanes of all rounds, in order.
    rounds : list of dict
        For each round its starts, points known, new points, index sum and estimates. The last round
        of an interrupted search may be missing.
    stopped_because : str
        In words.
    """

    candidates: Candidates
    rounds: list[dict[str, Any]]
    stopped_because: str


def search_in_rounds(
    step_map: StepMap,
    x_init: np.ndarray,
    inputs: np.ndarray,
    pool: np.ndarray,
    options: Options,
    limits: Limits,
    rng: np.random.Generator,
    *,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    single: StepMap | None = None,
) -> Rounds:
    """Run rounds of searches, each from the states that the last ones suggest.

    Parameters
    ----------
    step_map : StepMap
        The network.
    x_init, inputs : arrays, [n, n_states] and [n, n_inputs]
        The starts of the first round; later rounds have as many.
    pool : array, [m, n_states]
        States visited by the network.
    options, limits, rng
        Tolerances, ends, randomness.
    progress, cancel, single
        As for `search`.

    Returns
    -------
    Rounds
    """
    progress = progress or SilentProgress()
    deadline = _Deadline(cancel, limits.max_seconds)
    catalogue = Catalogue(step_map, options)
    distinct, _ = distinct_inputs(inputs)
    parts: list[Candidates] = []
    rounds: list[dict[str, Any]] = []
    starts, u, kinds = x_init, inputs, np.full(len(x_init), "initial")
    idle = 0
    while True:
        watched = _Within(progress, len(rounds) * len(x_init), len(catalogue))
        part = search(
            step_map, starts, u, options, progress=watched, cancel=deadline, single=single
        )
        parts.append(part)
        try:
            n_new = catalogue.absorb(part, judge(part, options), kinds)
            sums = catalogue.index_sums(distinct)
            record = {
                "starts": {str(k): int(np.sum(kinds == k)) for k in dict.fromkeys(kinds.tolist())},
                "n_points": len(catalogue),
                "new_points": n_new,
                "index_sum": int(sums.sum()),
                "coverage": catalogue.coverage(),
                "estimated_unseen": catalogue.unseen(),
                "seconds": round(part.seconds, 4),
            }
            rounds.append(record)
            progress.log(
                f"round {len(rounds)}: {len(catalogue)} points, {n_new} new, index sum {sums.sum()}"
            )
        except KeyboardInterrupt:  # between two searches; the catalogue may be half written
            parts[-1] = replace(part, interrupted=True)
            return Rounds(concatenate_candidates(parts), rounds, "interrupted")
        idle = 0 if n_new else idle + 1
        stop = _why_stop(step_map, catalogue, sums, idle, len(rounds), limits, deadline, part)
        if stop:
            return Rounds(concatenate_candidates(parts), rounds, stop)
        starts, u, kinds = _next_starts(step_map, catalogue, pool, distinct, len(x_init), rng)


def _why_stop(
    step_map: StepMap,
    catalogue: Catalogue,
    sums: np.ndarray,
    idle: int,
    n_rounds: int,
    limits: Limits,
    deadline: _Deadline,
    part: Candidates,
) -> str:
    if deadline.passed:
        return f"max_seconds={limits.max_seconds:g} reached"
    if part.interrupted:
        return "interrupted"
    unseen = catalogue.unseen()
    settled = unseen is None or unseen < _NOTHING_TO_EXPECT
    telling = step_map.box is not None and not catalogue.undecided
    balanced = not telling or bool((sums == 1).all())
    if idle >= limits.patience and settled and balanced and n_rounds > 1:
        return f"{idle} rounds found nothing new, the hit counts leave nothing to expect" + (
            ", and the index sum is right" if telling else ""
        )
    if n_rounds >= limits.max_rounds:
        return f"max_rounds={limits.max_rounds} reached"
    return ""


def _next_starts(
    step_map: StepMap,
    catalogue: Catalogue,
    pool: np.ndarray,
    distinct: np.ndarray,
    n: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw the starts of a round: every input gets its part, every kind its share of that."""
    states, inputs, kinds = [], [], []
    shares = np.array([share for share, _ in START_KINDS.values()])
    for k, u in enumerate(distinct):
        mine = (catalogue.inputs == u).all(axis=1)
        found = catalogue.states[mine]
        region, box = _regions(step_map, u, pool, found)
        visited = pool
        if not mine.all():  # what is there under another input has often a like here
            elsewhere = catalogue.states[~mine]
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
            kinds.append(np.full(int(count), kind))
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
