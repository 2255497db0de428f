"""Symmetries of a network: the images of its fixed points are fixed points, and cost nothing.

Checked, not believed: a symmetry is one only if it holds at random states, to rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.finder.evaluation import evaluate, jacobians_at

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["images", "is_odd", "swaps"]

_N_PROBES = 8
_ROUNDING = 64.0  # times the precision of the step


def is_odd(step_map: StepMap, u: np.ndarray, *, scale: float = 1.0, seed: int = 0) -> bool:
    """Tell whether F(-x) = -F(x) under a constant input, for a flow f(-x) = -f(x).

    Parameters
    ----------
    step_map : StepMap
        The network.
    u : array, [n_inputs]
        The constant input.
    scale : float
        Size of the states at which it is checked. Default 1.
    seed : int
        Of these states.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.symmetry import is_odd
    >>> net = as_step_map(
    ...     lambda h, u: jnp.tanh(2 * h + u), n_states=1, n_inputs=1, batched=False
    ... )
    >>> is_odd(net, np.zeros(1)), is_odd(net, np.array([0.1]))
    (True, False)
    """
    x = _probes(step_map, scale, seed)
    inputs = np.repeat(np.asarray(u, dtype=np.float64)[None], len(x), axis=0)
    both = evaluate(step_map, np.concatenate([x, -x]), np.concatenate([inputs, inputs]))
    return _equal(step_map, both[: len(x)], -both[len(x) :])


def swaps(
    step_map: StepMap, u: np.ndarray, *, scale: float = 1.0, seed: int = 0, max_found: int = 64
) -> list[np.ndarray]:
    """Find permutations of two units, or of two groups of units, that commute with the step.

    Candidates are pairs of units whose couplings have the same values in another order, extended
    from pair to pair along the strongest couplings until every unit has its partner.

    Parameters
    ----------
    step_map, u, scale, seed
        As for `is_odd`.
    max_found : int
        Stop after so many. Default 64: each is a generator, and few are needed.

    Returns
    -------
    list of arrays of int, [n_states]
        Permutations p with ``F(x[p]) = F(x)[p]`` at random states; the identity is not among them.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.symmetry import swaps
    >>> w = np.array([[0.0, -2.0, 0.5], [-2.0, 0.0, 0.5], [1.0, 1.0, 0.0]])
    >>> net = as_step_map(lambda h: jnp.tanh(w @ h), n_states=3, n_inputs=0, batched=False)
    >>> [p.tolist() for p in swaps(net, np.zeros(0))]
    [[1, 0, 2]]
    """
    n = step_map.n_states
    u = np.asarray(u, dtype=np.float64)
    # At a state that every permutation leaves as it is, couplings can be compared.
    jacobian, _ = jacobians_at(step_map, np.full((1, n), 0.37 * scale), u[None])
    moved = evaluate(step_map, np.full((1, n), 0.37 * scale), u[None])[0]
    weights = np.round(jacobian[0] / max(float(np.abs(jacobian).max()), 1e-300), 9)
    kinds = _kinds(weights, np.round(moved / scale, 9))
    found: list[np.ndarray] = []
    x = _probes(step_map, scale, seed)
    inputs = np.repeat(u[None], len(x), axis=0)
    base = evaluate(step_map, x, inputs)
    for i in range(n):
        for j in range(i + 1, n):
            if kinds[i] != kinds[j] or len(found) >= max_found:
                continue
            p = _extend(weights, kinds, i, j)
            if p is None or any(np.array_equal(p, other) for other in found):
                continue
            if _equal(step_map, evaluate(step_map, x[:, p], inputs), base[:, p]):
                found.append(p)
    return found


def images(points: np.ndarray, odd: bool, permutations: list[np.ndarray]) -> np.ndarray:
    """Return the images of points under each of the symmetries, the points themselves left out.

    Parameters
    ----------
    points : array, [n, n_states]
        Fixed points.
    odd : bool
        Whether -x is a fixed point if x is.
    permutations : list of arrays of int
        What `swaps` returned.

    Returns
    -------
    array, [m, n_states]
        One image for each point and each symmetry, where it differs from the point.
    """
    made = [points[:, p] for p in permutations] + ([-points] if odd else [])
    if not made:
        return points[:0]
    every, origin = np.concatenate(made), np.concatenate([points] * len(made))
    differs = np.abs(every - origin).max(axis=1) > 1e-9 * (1 + np.abs(origin).max(axis=1))
    return every[differs]


def _probes(step_map: StepMap, scale: float, seed: int) -> np.ndarray:
    if not (np.isfinite(scale) and scale > 0):
        raise ValueError(f"scale is {scale!r}, expected a positive number.")
    rng = np.random.default_rng(seed)
    return scale * rng.uniform(-1, 1, (_N_PROBES, step_map.n_states))


def _equal(step_map: StepMap, one: np.ndarray, two: np.ndarray) -> bool:
    size = np.abs(one).max(initial=0.0) + np.abs(two).max(initial=0.0)
    tol = _ROUNDING * np.finfo(step_map.precision).eps * max(float(size), 1e-300)
    return bool(np.isfinite(size) and (np.abs(one - two) <= tol).all())


def _kinds(weights: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Return a number for each unit, by its couplings in any order: partners have the same."""
    labels: dict[tuple[bytes, ...], int] = {}
    own = np.diag(weights)
    keys = [
        (np.sort(weights[k]).tobytes(), np.sort(weights[:, k]).tobytes(), own[k].tobytes(),
         moved[k].tobytes())
        for k in range(len(weights))
    ]  # fmt: skip
    return np.array([labels.setdefault(key, len(labels)) for key in keys])


def _extend(weights: np.ndarray, kinds: np.ndarray, i: int, j: int) -> np.ndarray | None:
    """Extend i <-> j to an exchange of all units, or return None."""
    n = len(weights)
    p = np.full(n, -1)
    p[i], p[j] = j, i
    for _ in range(n):
        fixed = np.flatnonzero(p >= 0)
        free = np.flatnonzero(p < 0)
        if not len(free):
            return p
        # The free unit that is coupled most strongly to those that have their partners.
        couplings = np.abs(weights[np.ix_(free, fixed)]) + np.abs(weights[np.ix_(fixed, free)]).T
        k = int(free[couplings.max(axis=1).argmax()])
        partners = [
            m for m in [k, *free[free != k]]
            if kinds[m] == kinds[k]
            and np.array_equal(weights[k, fixed], weights[m, p[fixed]])
            and np.array_equal(weights[fixed, k], weights[p[fixed], m])
        ]  # fmt: skip
        if not partners:
            return None
        p[k], p[partners[0]] = partners[0], k
    return p
