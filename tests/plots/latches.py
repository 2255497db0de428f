"""A map with 27 known fixed points: three independent latches, seen in rotated axes.

``F(h) = Q tanh(2 Qᵀ h)`` has a fixed point wherever every coordinate of ``Qᵀ h`` is 0, ``X`` or
``−X``, with ``X = tanh(2 X)``. The Jacobian's eigenvalues are 2 for each coordinate at 0 and
``2 (1 − X²)`` for each at ``±X``, with the columns of Q as eigenvectors.
"""

from itertools import product

import numpy as np

from fpf_notebook.result.fixed_points import FixedPoints

X = 0.9575040240772687
Q, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))


def three_latches(**fields) -> FixedPoints:
    """Return the 27 points: 8 stable, 18 saddles, 1 unstable."""
    latent = np.array(list(product([0.0, X, -X], repeat=3)))
    slopes = np.where(latent == 0, 2.0, 2 * (1 - X**2))
    order = np.argsort(-slopes, axis=1, kind="stable")
    n_unstable = (slopes > 1).sum(axis=1)
    stability = np.select([n_unstable == 0, n_unstable == 3], ["stable", "unstable"], "saddle")
    known = {
        "xstar": latent @ Q.T,
        "qstar": np.full(27, 1e-31),
        "eigval_J_xstar": np.take_along_axis(slopes, order, axis=1).astype(complex),
        "eigvec_J_xstar": np.stack([Q[:, columns] for columns in order]).astype(complex),
        "is_stable": n_unstable == 0,
        "stability": stability,
        "kind": np.full(27, "fixed"),
        "n_unstable": n_unstable,
        "index": (-1) ** n_unstable,
    }
    return FixedPoints(**{**known, **fields})


def trajectories(n_batch: int = 40, n_time: int = 25, seed: int = 0) -> np.ndarray:
    """Return noisy runs of the map, ``[n_batch, n_time, 3]``, wider along some axes."""
    rng = np.random.default_rng(seed)
    states = [rng.normal(size=(n_batch, 3)) * [1.5, 1.0, 0.6]]
    for _ in range(n_time - 1):
        noise = 0.1 * rng.normal(size=(n_batch, 3)) * [3, 2, 1]
        states.append(np.tanh(2 * states[-1]) * [1.0, 0.8, 0.5] + noise)
    return np.stack(states, axis=1) @ Q.T
