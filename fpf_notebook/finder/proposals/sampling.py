"""Where searches start: trajectories with noise, segments between points, the invariant box."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = [
    "START_KINDS",
    "box_starts",
    "mixture_starts",
    "sample_states",
    "sample_steps",
    "segment_starts",
    "trajectory_starts",
    "warm_starts",
]


def sample_states(
    state_traj: np.ndarray,
    n_inits: int,
    rng: np.random.Generator,
    noise_scale: float = 0.0,
    valid_bxt: np.ndarray | None = None,
) -> np.ndarray:
    """Draw initial states from trajectories.

    Parameters
    ----------
    state_traj : array, [n_batch, n_time, n_states]
        Trajectories of the network.
    n_inits : int
        How many states to draw: without replacement while there are enough of them.
    rng : numpy.random.Generator
        Source of randomness.
    noise_scale : float
        Standard deviation of the Gaussian noise added to each state, in units of the state.
    valid_bxt : array of bool, [n_batch, n_time], optional
        Only states where this is True are drawn.

    Returns
    -------
    array, [n_inits, n_states], float64
    """
    states, _ = sample_steps(state_traj, None, n_inits, rng, noise_scale, valid_bxt)
    return states


def sample_steps(
    state_traj: np.ndarray,
    inputs: np.ndarray | None,
    n_inits: int,
    rng: np.random.Generator,
    noise_scale: float = 0.0,
    valid_bxt: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw initial states from trajectories, each with the input that it has there.

    Parameters
    ----------
    inputs : array, [n_batch, n_time, n_inputs], or None
        The inputs under which the trajectories ran; they get no noise.
    state_traj, n_inits, rng, noise_scale, valid_bxt
        As for `sample_states`, which draws the same states.

    Returns
    -------
    states : array, [n_inits, n_states], float64
    inputs : array, [n_inits, n_inputs], or None
    """
    n_steps = state_traj.shape[0] * state_traj.shape[1]
    pool = np.arange(n_steps) if valid_bxt is None else np.flatnonzero(valid_bxt)
    chosen = pool[rng.choice(len(pool), size=n_inits, replace=n_inits > len(pool))]
    states = state_traj.reshape(n_steps, state_traj.shape[2])[chosen].astype(np.float64)
    if noise_scale > 0:
        states += noise_scale * rng.standard_normal(states.shape)
    return states, None if inputs is None else inputs.reshape(n_steps, inputs.shape[2])[chosen]


def trajectory_starts(
    rng: np.random.Generator, n: int, pool: np.ndarray, found: np.ndarray, box: np.ndarray
) -> np.ndarray:
    """States of the pool with noise at scales between 1 and 100 % of their spread."""
    states = pool[rng.integers(len(pool), size=n)].astype(np.float64)
    spread = pool.std(axis=0) + 1e-3 * (box[1] - box[0])
    scale = 10.0 ** rng.uniform(-2.0, 0.0, size=(n, 1))
    return states + scale * spread * rng.standard_normal(states.shape)


def segment_starts(
    rng: np.random.Generator, n: int, pool: np.ndarray, found: np.ndarray, box: np.ndarray
) -> np.ndarray:
    """States on segments between two points found, and a little beyond their ends.

    Between two attractors lies a saddle: this is what finds the points that trajectories, which
    stay near the attractors, never reach.
    """
    if len(found) < 2:
        return trajectory_starts(rng, n, pool, found, box)
    first = rng.integers(len(found), size=n)
    other = (first + rng.integers(1, len(found), size=n)) % len(found)
    along = rng.uniform(-0.25, 1.25, size=(n, 1))
    states = found[first] + along * (found[other] - found[first])
    return states + 0.01 * (box[1] - box[0]) * rng.standard_normal(states.shape)


def mixture_starts(
    rng: np.random.Generator, n: int, pool: np.ndarray, found: np.ndarray, box: np.ndarray
) -> np.ndarray:
    """Weighted means of a few points found: where saddles with many unstable directions lie."""
    if len(found) < 3:
        return box_starts(rng, n, pool, found, box)
    n_members = min(len(found), 8)
    members = rng.integers(len(found), size=(n, n_members))
    weights = rng.dirichlet(np.full(n_members, 0.5), size=n)
    return np.einsum("nk,nkd->nd", weights, found[members])


def box_starts(
    rng: np.random.Generator, n: int, pool: np.ndarray, found: np.ndarray, box: np.ndarray
) -> np.ndarray:
    """States anywhere in the box, uniformly, half of them drawn towards its middle.

    In many dimensions nearly all of a box lies near its corners, so that a uniform sample alone
    would never visit the middle.
    """
    middle, half = box.mean(axis=0), 0.5 * (box[1] - box[0])
    shrink = np.where(rng.random(n) < 0.5, 1.0, rng.random(n))
    return middle + shrink[:, None] * half * rng.uniform(-1.0, 1.0, size=(n, len(middle)))


StartKind = Callable[[np.random.Generator, int, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

START_KINDS: dict[str, tuple[float, StartKind]] = {
    "segments": (0.4, segment_starts),
    "mixtures": (0.2, mixture_starts),
    "trajectories": (0.2, trajectory_starts),
    "surroundings": (0.1, box_starts),
    "box": (0.1, box_starts),
}
"""Kinds of starts of an exhaustive round, each with its share of them.

Every function takes ``(rng, n, pool[P, N], found[K, N], box[2, N])`` and returns ``[n, N]``; the
last is a box around the states in use, but for ``"box"`` and ``"mixtures"`` (of nothing, as long as
nothing is found) the one that holds all fixed points.
"""


def warm_starts(
    rng: np.random.Generator,
    n: int,
    pool: np.ndarray,
    known: np.ndarray,
    edges: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Start from what is known of a like network, and around it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    n : int
        Number of starts: always the same, whatever is known, so that nothing is compiled anew.
    pool, known : arrays, [m, n_states] and [n_known, n_states]
        States visited, and points known.
    edges : tuple of arrays or None
        The invariant box.

    Returns
    -------
    starts : array, [n, n_states]
    kinds : array of str, [n]
    """
    seen = np.concatenate([pool, known]) if len(known) else pool
    box = np.stack([seen.min(axis=0) - 0.1, seen.max(axis=0) + 0.1])
    if edges is not None:
        box = np.stack([np.maximum(edges[0], box[0] - 1), np.minimum(edges[1], box[1] + 1)])
    kept = known[: n // 4]
    third = max(1, (n - len(kept)) // 3)
    parts = {
        "known": kept,
        "trajectories": trajectory_starts(rng, third, pool, known, box),
        "segments": segment_starts(rng, third, pool, known, box),
        "surroundings": box_starts(rng, third, pool, known, box),
    }
    starts = np.concatenate(list(parts.values()))
    kinds = np.repeat(np.array(list(parts), dtype=object), [len(part) for part in parts.values()])
    again = rng.integers(len(starts), size=max(0, n - len(starts)))
    starts, kinds = np.concatenate([starts, starts[again]]), np.concatenate([kinds, kinds[again]])
    return starts[:n], kinds[:n]
