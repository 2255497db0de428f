"""Fixed points through training: found at each moment, followed from one moment to the next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Complex, Float, Int

from fpf_notebook.arguments import checks
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import engine
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["Snapshot", "count_changes", "eigenvalue_paths", "mutual_nearest", "take_snapshot"]

_KEPT_TRAJECTORIES = 10


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One moment of training.

    Attributes
    ----------
    epoch : int
        When.
    points : FixedPoints
        What the search found, without Jacobians and eigenvectors.
    trajectories : array, [n, time, n_states]
        Some trajectories of the network at that moment.
    seconds : float
        What the search cost.
    """

    epoch: int
    points: FixedPoints
    trajectories: Float[np.ndarray, "n time n_states"]
    seconds: float


def take_snapshot(
    step_map: StepMap,
    params: object,
    epoch: int,
    h0: Float[np.ndarray, "n n_states"],
    inputs: Float[np.ndarray, "n time n_inputs"],
    constant: Float[np.ndarray, " n_inputs"],
    known: Float[np.ndarray, "n_known n_states"] | None = None,
    *,
    n_inits: int = 384,
    cancel: CancelToken | None = None,
) -> Snapshot:
    """Search with the weights of one moment of training.

    Compiles nothing after the first time, and takes equal weights to equal snapshots.

    Parameters
    ----------
    step_map : StepMap
        The network.
    params : pytree of arrays
        Its weights at that moment, in the form of ``step_map.params``.
    epoch : int
        When.
    h0 : array, [n, n_states]
        Initial states of the trials whose states the search starts from; the first ten
        trajectories are kept.
    inputs : array, [n, time, n_inputs]
        Inputs of these trials.
    constant : array, [n_inputs]
        The constant input under which fixed points are sought.
    known : array, [n_known, n_states], optional
        Points of the snapshot before, where the search starts too.
    n_inits : int
        Number of starts. Default 384: a network of 100 units takes well under a second.
    cancel : CancelToken, optional
        Ends the search early.

    Returns
    -------
    Snapshot

    Raises
    ------
    TypeError, ValueError
        If an array does not fit the network.

    Examples
    --------
    A self-connection through the pitchfork at 1: one fixed point becomes three.

    >>> import numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.analysis import count_changes, take_snapshot
    >>> def step(params, h, u):
    ...     import jax.numpy as jnp
    ...     return jnp.tanh(params["w"] * h)
    >>> net = as_step_map(step, params={"w": np.array(0.5)}, n_states=1, n_inputs=0)
    >>> snapshots = [
    ...     take_snapshot(net, {"w": np.array(w)}, epoch, np.array([[1.0], [-1.0], [0.1]]),
    ...                   np.zeros((3, 20, 0)), np.zeros(0), n_inits=32)
    ...     for epoch, w in enumerate([0.5, 0.8, 1.5])
    ... ]
    >>> [len(snapshot.points) for snapshot in snapshots]
    [1, 1, 3]
    >>> count_changes(snapshots)
    [(2, 2)]
    """
    constant = np.asarray(constant, dtype=np.float64)
    if constant.shape != (step_map.n_inputs,):
        raise ValueError(
            f"constant has shape {constant.shape}, expected [n_inputs={step_map.n_inputs}]."
        )
    if known is None:
        known = np.zeros((0, step_map.n_states))
    began = time.perf_counter()
    now = step_map.with_params(params)
    states = now.trajectory(h0, inputs)
    request = SearchRequest(
        options=Options(n_runs=0),  # the trajectories are runs already
        state_traj=states,
        inputs=constant[None],
        n_inits=n_inits,  # one size, one compilation
        known_states=known,
    )  # one seed: equal weights give equal snapshots
    searched = engine.run_search(request, now, cancel=cancel)
    points = engine.finish(searched, request, now, cancel=cancel).unique
    lean = points.update(
        J_xstar=None, dFdu=None, eigvec_J_xstar=None, eigvec_left_J_xstar=None, audit=None
    )
    kept = states[:_KEPT_TRAJECTORIES].astype(np.float32)
    return Snapshot(epoch, lean, kept, time.perf_counter() - began)


@checks("analysis.count_changes")
def count_changes(snapshots: Sequence[Snapshot]) -> list[tuple[int, int]]:
    """Return the moments at which points were born or lost.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        By epoch.

    Returns
    -------
    list of (int, int)
        The epoch of the first snapshot with another number of points than the one before, and how
        many more there are; a negative number where points were lost.
    """
    counts = [(snapshot.epoch, len(snapshot.points)) for snapshot in snapshots]
    return [
        (epoch, now - before) for (_, before), (epoch, now) in pairwise(counts) if now != before
    ]


@checks("analysis.mutual_nearest")
def mutual_nearest(
    before: Float[np.ndarray, "n n_states"], after: Float[np.ndarray, "m n_states"]
) -> Int[np.ndarray, "n_pairs 2"]:
    """Pair the states of two sets where each is the other's nearest.

    Parameters
    ----------
    before, after : array, [n, n_states] and [m, n_states]
        Points of one moment and of another.

    Returns
    -------
    array of int, [n_pairs, 2]
        Rows of `before` and of `after`, in the order of `before`. A point that was born or lost
        is in no pair.

    Examples
    --------
    >>> import numpy as np
    >>> mutual_nearest(np.array([[0.0], [1.0]]), np.array([[1.1], [5.0]])).tolist()
    [[1, 0]]
    """
    if not len(before) or not len(after):
        return np.zeros((0, 2), dtype=np.intp)
    distance = np.linalg.norm(before[:, None] - after[None], axis=2)
    there, back = distance.argmin(axis=1), distance.argmin(axis=0)
    mutual = np.flatnonzero(back[there] == np.arange(len(before)))
    return np.stack([mutual, there[mutual]], axis=1)


@checks("analysis.eigenvalue_paths")
def eigenvalue_paths(
    snapshots: Sequence[Snapshot], *, max_jump: float = 0.5
) -> Complex[np.ndarray, "n_pieces 2"]:
    """Follow the eigenvalues of each point from one moment of training to the next.

    Points are followed as `mutual_nearest` pairs them, their eigenvalues in the order of their
    magnitude.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        By epoch.
    max_jump : float
        Two eigenvalues that are farther apart are no path but a swap of their order, and are left
        out. Default 0.5, half the radius of the unit circle.

    Returns
    -------
    array of complex, [n_pieces, 2]
        From where to where, in the order of the snapshots.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> from fpf_notebook.analysis import Snapshot, eigenvalue_paths
    >>> def moment(epoch, value):
    ...     points = FixedPoints(np.zeros((1, 1)), eigval_J_xstar=np.array([[value]]))
    ...     return Snapshot(epoch, points, np.zeros((1, 2, 1)), 0.0)
    >>> eigenvalue_paths([moment(0, 0.5 + 0j), moment(1, 0.75 + 0j), moment(2, -2 + 0j)])
    array([[0.5 +0.j, 0.75+0.j]])
    """
    pieces: list[np.ndarray] = [np.zeros((0, 2), complex)]
    for before, after in pairwise(snapshots):
        old, new = before.points.eigval_J_xstar, after.points.eigval_J_xstar
        if old is None or new is None:
            continue
        pairs = mutual_nearest(before.points.xstar, after.points.xstar)
        piece = np.stack([old[pairs[:, 0]].ravel(), new[pairs[:, 1]].ravel()], axis=1)
        pieces.append(piece[np.abs(piece[:, 0] - piece[:, 1]) < max_jump])
    return np.concatenate(pieces)
