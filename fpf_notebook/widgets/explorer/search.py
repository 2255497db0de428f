"""What the explorer computes, as pure functions: it makes a request and has it searched."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import engine
from fpf_notebook.finder.progress import CancelToken, Progress
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["SEARCH_TOL_Q", "Found", "find"]

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
    """

    unique: FixedPoints
    everything: FixedPoints
    request: SearchRequest
    searched: engine.Searched
    seconds: float
    is_new: bool = True


def find(
    step_map: StepMap,
    request: SearchRequest,
    earlier: Found | None = None,
    *,
    single: StepMap | None = None,
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
    progress, cancel
        As for `FixedPointFinder.find_fixed_points`.

    Returns
    -------
    Found
    """
    began = time.perf_counter()
    if earlier is not None and is_known(earlier, request):
        searched = dataclasses.replace(earlier.searched, ledger=None)
    else:
        earlier = None
        if progress is not None:
            n_rounds = request.max_rounds if request.exhaustive else 1
            progress.start(request.n_inits * n_rounds, "searching")
        searched = engine.run_search(
            request, step_map, single=single, progress=progress, cancel=cancel
        )
    found = engine.finish(searched, request, step_map, cancel=cancel)
    seconds = time.perf_counter() - began
    return Found(found.unique, found.everything, request, searched, seconds, is_new=earlier is None)


def is_known(earlier: Found | None, request: SearchRequest) -> bool:
    """Tell whether a request needs no lanes but those of an earlier search."""
    if earlier is None or earlier.searched.interrupted:
        return False
    return earlier.request.same_search(request)
