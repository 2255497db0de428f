"""What the explorer computes, as pure functions: searching, filtering again, launching."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.exhaustive import Limits, Rounds, search_in_rounds
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.finder.outliers import refine_slow
from fpf_notebook.finder.progress import CancelToken, Progress
from fpf_notebook.finder.proposals.sampling import sample_states
from fpf_notebook.finder.search import Candidates
from fpf_notebook.finder.witness import report_completeness
from fpf_notebook.result.fixed_points import FixedPoints

# A search is carried a little further than asked, so that the threshold can be moved afterwards
# without another search: the last Newton iteration squares the residual anyhow.
_SEARCH_TOL_Q = 1e-24


@dataclass(frozen=True)
class SearchSettings:
    """What needs a search when it changes.

    Attributes
    ----------
    n_inits, noise_scale, method, exhaustive, random_seed
        As for `FixedPointFinder.find_fixed_points`.
    input : tuple of float
        The constant input.
    """

    n_inits: int = 1024
    noise_scale: float = 0.0
    method: str = "newton"
    exhaustive: bool = False
    random_seed: int = 0
    input: tuple[float, ...] = ()


@dataclass(frozen=True)
class FilterSettings:
    """What only decides which candidates are reported, and as what."""

    tol_q: float = 1e-12
    tol_unique: float = 1e-3
    final_q_threshold: float = 1e-8


@dataclass(frozen=True)
class Found:
    """The result of a search, with what is needed to filter it again.

    Attributes
    ----------
    unique, everything : FixedPoints
        As `find_fixed_points` returns them.
    search, filters
        The settings that led to them.
    candidates : Candidates
        Where all starts ended.
    rounds : Rounds or None
        Of an exhaustive search.
    seconds : float
        Time of the whole.
    searched : bool
        False when the candidates of an earlier search were filtered again.
    """

    unique: FixedPoints
    everything: FixedPoints
    search: SearchSettings
    filters: FilterSettings
    candidates: Candidates
    rounds: Rounds | None
    seconds: float
    searched: bool = True


def find(
    step_map: StepMap,
    state_traj: np.ndarray,
    search: SearchSettings,
    filters: FilterSettings,
    options: dict[str, Any],
    *,
    valid_bxt: np.ndarray | None = None,
    max_rounds: int = 30,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> Found:
    """Search, then select.

    Parameters
    ----------
    step_map
        The network. Only compiled functions with its parameters run: this is safe on a thread.
    state_traj
        [n_batch, n_time, n_states] Trajectories to draw initial states from.
    search, filters
        Settings.
    options
        Further options of `FixedPointFinder`.
    valid_bxt, max_rounds, progress, cancel
        As for `FixedPointFinder.find_fixed_points`.

    Returns
    -------
    Found
    """
    began = time.perf_counter()
    further = search.method == "newton" and not search.exhaustive
    tol_q = min(filters.tol_q, _SEARCH_TOL_Q) if further else filters.tol_q
    finder = _finder(step_map, search, replace(filters, tol_q=tol_q), options)
    rng = np.random.default_rng(search.random_seed)
    starts = sample_states(state_traj, search.n_inits, rng, search.noise_scale, valid_bxt)
    u = np.asarray(search.input, dtype=np.float64)[None]
    rounds = None
    if search.exhaustive:
        pool = state_traj.reshape(-1, step_map.n_states)
        limits = Limits(max_rounds=max_rounds, max_seconds=None, patience=2)
        each = np.broadcast_to(u, (len(starts), u.shape[1]))
        if progress is not None:
            progress.start(len(starts) * max_rounds, "searching")
        rounds = search_in_rounds(
            step_map, starts, each, pool, finder.options, limits, rng,
            progress=progress, cancel=cancel,
        )  # fmt: skip
        candidates = rounds.candidates
    else:
        candidates = finder.search(starts, u, progress=progress, cancel=cancel, step_map=step_map)
    if not candidates.interrupted:
        candidates = refine_slow(step_map, candidates, finder.options, cancel)
    return _select(step_map, search, filters, options, candidates, rounds, began, True)


def filter_again(
    step_map: StepMap, found: Found, filters: FilterSettings, options: dict[str, Any]
) -> Found:
    """Apply other tolerances to the candidates of an earlier search. Searches nothing."""
    began = time.perf_counter()
    return _select(
        step_map, found.search, filters, options, found.candidates, found.rounds, began, False
    )


def _finder(
    step_map: StepMap, search: SearchSettings, filters: FilterSettings, options: dict[str, Any]
) -> FixedPointFinder:
    return FixedPointFinder(
        step_map,
        method=search.method,  # type: ignore[arg-type]  # checked by the finder
        random_seed=search.random_seed,
        tol_q=filters.tol_q,
        tol_unique=filters.tol_unique,
        final_q_threshold=filters.final_q_threshold,
        **options,
    )


def _select(
    step_map: StepMap,
    search: SearchSettings,
    filters: FilterSettings,
    options: dict[str, Any],
    candidates: Candidates,
    rounds: Rounds | None,
    began: float,
    searched: bool,
) -> Found:
    finder = _finder(step_map, search, filters, options)
    unique, everything = finder.select(candidates, step_map=step_map, include_slow=True)
    if rounds is not None:
        u = np.asarray(search.input, dtype=np.float64)[None]
        unique = unique.update(
            completeness=report_completeness(unique, step_map, u, rounds, rounds.stopped_because)
        )
    seconds = time.perf_counter() - began
    return Found(unique, everything, search, filters, candidates, rounds, seconds, searched)


def launch(step_map: StepMap, states: np.ndarray, u: np.ndarray, n_steps: int) -> np.ndarray:
    """Run the network from some states under a constant input.

    Parameters
    ----------
    step_map
        The network.
    states
        [n, n_states] Where to start.
    u
        [n_inputs] The input.
    n_steps
        How long.

    Returns
    -------
    numpy.ndarray
        [n, n_steps + 1, n_states], the starts included.
    """
    states = np.asarray(states, dtype=np.float64)
    inputs = np.broadcast_to(np.asarray(u, np.float64), (len(states), n_steps, step_map.n_inputs))
    return np.concatenate([states[:, None], step_map.trajectory(states, inputs)], axis=1)


def pushes(points: FixedPoints, index: int, size: float, n_modes: int = 2) -> np.ndarray:
    """States on both sides of a point, along its leading modes.

    Parameters
    ----------
    points, index
        The point.
    size
        Distance from the point.
    n_modes
        How many modes; of a complex pair, the real part of the eigenvector is one direction.

    Returns
    -------
    numpy.ndarray
        [2 * n_modes, n_states].
    """
    assert points.eigvec_J_xstar is not None
    assert points.eigval_J_xstar is not None
    values = points.eigval_J_xstar[index]
    single = np.flatnonzero(values.imag >= -1e-12)  # one of each complex pair
    unstable = [k for k in single if _grows(values[k], points.time)]
    chosen = (unstable or list(single))[:n_modes]
    directions = np.real(points.eigvec_J_xstar[index][:, chosen]).T
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    steps = np.concatenate([directions, -directions])
    return np.asarray(points.xstar[index] + size * steps)


def pulse(
    step_map: StepMap,
    state: np.ndarray,
    base: np.ndarray,
    pulse_input: np.ndarray,
    n_pulse: int,
    n_after: int,
) -> np.ndarray:
    """Run the network through a pulse of input and on under the constant one.

    Returns
    -------
    numpy.ndarray
        [1 + n_pulse + n_after, n_states], the start included.
    """
    inputs = np.concatenate(
        [np.tile(pulse_input, (n_pulse, 1)), np.tile(base, (n_after, 1))]
    ).astype(np.float64)
    start = np.asarray(state, np.float64)[None]
    return np.concatenate([start, step_map.trajectory(start, inputs[None])[0]])


def destination(points: FixedPoints, state: np.ndarray, tol: float = 0.05) -> int | None:
    """Return which point a trajectory has reached, or None if it is near none."""
    if not len(points):
        return None
    index = points.nearest(state)
    scale = max(1.0, float(np.linalg.norm(points.xstar[index])))
    near = float(np.linalg.norm(points.xstar[index] - state)) <= tol * scale
    return index if near else None


def _grows(value: complex, time_kind: str) -> bool:
    return abs(value) > 1 if time_kind == "discrete" else value.real > 0
