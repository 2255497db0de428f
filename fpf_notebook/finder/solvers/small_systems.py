"""Linear systems of a few unknowns, a thousand at a time.

For matrices of 4 by 4 a library spends its time on being called, once for each lane. Written out
entry by entry, the same arithmetic runs over all lanes at once, about eight times as fast.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["LARGEST", "solve_normal_equations"]

LARGEST = 4
"""States up to which it pays: with more of them the compilation takes longer than it saves."""


def solve_normal_equations(a: jax.Array, gradient: jax.Array, ridge: jax.Array) -> jax.Array:
    """Solve (AᵀA + λI) x = g for each lane by Cholesky factorization, written out.

    Parameters
    ----------
    a : array, [L, N, N]
        A of each lane.
    gradient : array, [L, N]
        g.
    ridge : array, [L]
        λ.

    Returns
    -------
    array, [L, N]
        x; NaN where AᵀA + λI is not positive definite.
    """
    n = gradient.shape[-1]
    below: dict[tuple[int, int], Any] = {}  # the factor's entries below its diagonal
    inverse = []  # of those on it
    for j in range(n):
        pivot = jnp.sum(a[:, :, j] ** 2, axis=-1) + ridge
        inverse.append(jax.lax.rsqrt(pivot - sum(below[j, k] ** 2 for k in range(j))))
        for i in range(j + 1, n):
            entry = sum(a[:, k, i] * a[:, k, j] for k in range(n))
            entry = entry - sum(below[i, k] * below[j, k] for k in range(j))
            below[i, j] = entry * inverse[j]
    forward: list[Any] = []
    for i in range(n):
        rest = gradient[:, i] - sum(below[i, k] * forward[k] for k in range(i))
        forward.append(rest * inverse[i])
    x: dict[int, Any] = {}
    for i in reversed(range(n)):
        rest = forward[i] - sum(below[k, i] * x[k] for k in range(i + 1, n))
        x[i] = rest * inverse[i]
    return jnp.stack([x[i] for i in range(n)], axis=-1)
