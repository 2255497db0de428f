"""Second searches: from points whose q stands out, and from slow points."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.candidates import Candidates
from fpf_notebook.finder.judge import FIXED, judge
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.search import search
from fpf_notebook.result.dedupe import unique_indices

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.options import Method, Options

__all__ = ["refine_slow", "rerun_q_outliers"]

_SLOW_ITERATIONS = 200


def rerun_q_outliers(
    step_map: StepMap, found: Candidates, options: Options, cancel: CancelToken | None = None
) -> Candidates:
    """Search again, one by one, from unique points whose q is far above the median.

    Parameters
    ----------
    step_map, found, options, cancel
        As for `search`; ``outlier_q_scale`` says how far.

    Returns
    -------
    Candidates
        The same lanes; those of outliers are replaced where the second search came further.
    """
    lanes = found.lanes
    promising = max(options.tol_q, options.final_q_threshold)
    index = np.flatnonzero(lanes.q <= promising)
    if not len(index):
        return found
    places = np.hstack([lanes.x, found.inputs])[index]
    chosen, _ = unique_indices(places, lanes.q[index], options.tol_unique)
    median = float(np.median(lanes.q[index[chosen]]))
    outliers = index[chosen][lanes.q[index[chosen]] > options.outlier_q_scale * median]
    method: Method = "newton" if options.method == "newton" else "sequential"
    tighter = replace(options, method=method, tol_q=min(options.tol_q, median))
    return _continued(step_map, found, outliers, tighter, cancel)


def refine_slow(
    step_map: StepMap, found: Candidates, options: Options, cancel: CancelToken | None = None
) -> Candidates:
    """Move slow points to the minimum of q that they are near to.

    Lanes are retired as soon as q hardly falls, which is before they have quite arrived.

    Parameters
    ----------
    step_map, found, options, cancel
        As for `search`; only points with a q of at most ``final_q_threshold`` are refined.

    Returns
    -------
    Candidates
        The same lanes; those of slow points are further on their way.
    """
    limit = options.final_q_threshold or np.inf
    judgement = judge(found, options)
    slow = np.flatnonzero((judgement.kind != FIXED) & (found.lanes.q <= limit))
    patient = replace(options, method="newton", max_iters=_SLOW_ITERATIONS)
    return _continued(step_map, found, slow, patient, cancel, may_stall=False)


def _continued(
    step_map: StepMap,
    found: Candidates,
    index: np.ndarray,
    options: Options,
    cancel: CancelToken | None,
    may_stall: bool = True,
) -> Candidates:
    if not len(index):
        return found
    again = search(
        step_map,
        found.lanes.x[index],
        found.inputs[index],
        options,
        cancel=cancel,
        may_stall=may_stall,
    )
    better = again.lanes.q <= found.lanes.q[index]
    target, source = index[better], np.flatnonzero(better)
    lanes = found.lanes.take(slice(None))
    lanes = type(lanes)(*(field.copy() for field in lanes))
    used = lanes.n_iters[target]
    lanes.put(target, again.lanes.take(source))
    lanes.n_iters[target] += used
    f_x = found.F_x.copy()
    f_x[target] = again.F_x[source]
    return replace(found, lanes=lanes, F_x=f_x, interrupted=found.interrupted or again.interrupted)
