"""What the explorer computes, as pure functions: it makes a request and has it searched."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import engine
from fpf_notebook.finder.following import Trail, follow, prepare, trail_of
from fpf_notebook.finder.ledger import KNOWN, Ledger
from fpf_notebook.finder.progress import CancelToken, Progress
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = [
    "SEARCH_TOL_Q",
    "Found",
    "Parameters",
    "Tracker",
    "can_follow",
    "find",
    "is_known",
    "only_tolerances",
]

Parameters: TypeAlias = tuple[tuple[str, float], ...]
"""Numbers by name, of the parameters that can be moved."""

# A search is carried a little further than asked, so that the threshold can be moved afterwards
# without another search: the last Newton iteration squares the residual anyhow.
SEARCH_TOL_Q = 1e-24


@dataclass(frozen=True)
class Found:
    """The result of a search, with what is needed to filter it again.

    Attributes
    ----------
    unique, everything : FixedPoints
        As `find_fixed_points` returns them.
    request : SearchRequest
        What was asked for.
    searched : Searched
        Where the starts ended, before anything was judged.
    seconds : float
        Time of the whole.
    is_new : bool
        False when the lanes of an earlier search were judged again.
    following : bool
        Whether known points were followed, and nothing searched.
    parameters : tuple
        Names and numbers of the parameters that can be moved.
    n_known : int
        Points that no start of this search ended in: they were followed to here.
    """

    unique: FixedPoints
    everything: FixedPoints
    request: SearchRequest
    searched: engine.Searched
    seconds: float
    is_new: bool = True
    following: bool = False
    parameters: Parameters = ()
    n_known: int = 0

    @property
    def interrupted(self) -> bool:
        """Whether the search was stopped before its end."""
        return self.searched.interrupted or self.searched.stopped_because == "interrupted"


def find(
    step_map: StepMap,
    request: SearchRequest,
    earlier: Found | None = None,
    *,
    single: StepMap | None = None,
    parameters: Parameters = (),
    known: np.ndarray | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Found:
    """Search, or judge the lanes of an earlier search again where that is enough.

    Parameters
    ----------
    step_map, single
        The network. Only compiled functions with its parameters run: this is safe on a thread.
    request
        What is asked for.
    earlier
        The last result.
    parameters
        What of the network was moved, and where to; `step_map` has these numbers already.
    known
        [n, n_states] Points that were followed to this setting: the search starts from them too,
        so that it shows no fewer than there were while a hand moved.
    progress, cancel
        As for `FixedPointFinder.find_fixed_points`.

    Returns
    -------
    Found
    """
    began = time.perf_counter()
    if earlier is not None and is_known(earlier, request, parameters):
        searched = dataclasses.replace(earlier.searched, ledger=None)
    else:
        earlier = None
        if progress is not None:
            n_rounds = request.max_rounds if request.exhaustive else 1
            progress.start(request.n_inits * n_rounds, "searching")
        searched = engine.run_search(
            request, step_map, single=single, progress=progress, cancel=cancel
        )
        if known is not None:
            searched = engine.with_known(searched, request, step_map, known, cancel=cancel)
    found = engine.finish(searched, request, step_map, cancel=cancel)
    seconds = time.perf_counter() - began
    return Found(
        found.unique, found.everything, request, searched, seconds, is_new=earlier is None,
        parameters=parameters, n_known=_only_known(found.ledger),
    )  # fmt: skip


def _only_known(ledger: Ledger) -> int:
    """Count the points that were followed, and that the search itself has not found."""
    mine = ledger.start_kind == KNOWN
    if not mine.any():
        return 0
    followed, found = (
        np.unique(ledger.owner[rows & (ledger.owner >= 0)]) for rows in (mine, ~mine)
    )
    return len(np.setdiff1d(followed, found))


def is_known(earlier: Found | None, request: SearchRequest, parameters: Parameters = ()) -> bool:
    """Tell whether a request needs no lanes but those of an earlier search."""
    if earlier is None or earlier.interrupted or earlier.following:
        return False
    if parameters != earlier.parameters:
        return False
    return earlier.request.same_search(request)


def only_tolerances(
    earlier: Found | None, request: SearchRequest, parameters: Parameters = ()
) -> bool:
    """Tell whether a request differs from a search with followed points in tolerances alone."""
    if earlier is None or not earlier.n_known or parameters != earlier.parameters:
        return False
    return earlier.request.replace(options=request.options).same_search(request)


class Tracker:
    """Follows the points that are shown, from picture to picture.

    Used by one thread at a time: the explorer's background thread.
    """

    def __init__(self) -> None:
        self._trail: Trail | None = None

    def restart(self, found: Found, n_states: int) -> None:
        """Begin with the points of a search; where others have vanished stays known."""
        fresh = trail_of(found.unique, n_states)
        old = self._trail
        if old is not None:
            fresh = dataclasses.replace(
                fresh, vanished=old.vanished, n_fresh=old.n_fresh, turn=old.turn
            )
        self._trail = fresh

    def places(self, n_states: int) -> np.ndarray:
        """Return where the points are, [n, n_states]."""
        points = FixedPoints() if self._trail is None else self._trail.points
        return points.xstar if len(points) else np.zeros((0, n_states))

    def prepare(self, step_map: StepMap, request: SearchRequest) -> None:
        """Have compiled what following needs, before a hand moves."""
        if self._trail is not None:
            prepare(self._trail, request, step_map)

    def look(
        self,
        step_map: StepMap,
        request: SearchRequest,
        cancel: CancelToken | None = None,
        parameters: Parameters = (),
    ) -> Found | None:
        """Return where the points are at another setting, or None if there are none to follow."""
        trail = self._trail
        if trail is None:
            return None
        began = time.perf_counter()
        searched, found, trail = follow(trail, request, step_map, cancel=cancel)
        if searched.interrupted:
            return None
        self._trail = trail
        seconds = time.perf_counter() - began
        return Found(
            found.unique, found.everything, request, searched, seconds, following=True,
            parameters=parameters,
        )  # fmt: skip


def can_follow(earlier: Found | None, request: SearchRequest, parameters: Parameters = ()) -> bool:
    """Tell whether a request differs from an earlier one in where its points are, and little else.

    Other starts or another method find the same points, if at all others: nothing moves.
    """
    if earlier is None or request.period > 1:
        return False
    before = earlier.request
    if before.inputs is None or request.inputs is None:
        return False
    moved = not np.array_equal(before.inputs, request.inputs) or parameters != earlier.parameters
    return moved and before.replace(inputs=request.inputs).same_search(request)
