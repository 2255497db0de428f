"""Residuals and Jacobians of many lanes for solvers that run on the host.

Compiled for few sizes of batches. The Jacobian is one of `dynamics.jaxpr.tangents` where the step
is a program with known derivatives, and by unit vectors elsewhere; in single precision, unless
double is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.batches import padded
from fpf_notebook.dynamics.jaxpr import structured_jacobian
from fpf_notebook.finder.solvers.protocol import problem_of

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import PyTree, StepMap

__all__ = ["LinearModels", "Networks"]

# Buffers of at most this size: larger ones are given back to the system after each call, and
# cleared by it before the next.
_BUFFER = 4 * 2**20
_MOST_LANES = 64


class LinearModels:
    """The compiled functions of one computation; the numbers are in `Networks`."""

    def __init__(self, step_map: StepMap) -> None:
        step, time, step_dtype = step_map.step, step_map.time, step_map.dtype
        self.n_states = n = step_map.n_states
        self.lanes_at_once = max(1, min(_MOST_LANES, _BUFFER // (4 * n * n)))
        self.lanes_at_once = 1 << (self.lanes_at_once.bit_length() - 1)

        def residual(params: PyTree, x: jax.Array, u: jax.Array) -> jax.Array:
            nothing = jnp.zeros(0)
            return problem_of(step, time, step_dtype, params, (nothing,) * 4).residual(x, u)

        self.residuals = jax.jit(jax.vmap(residual, in_axes=(None, 0, 0)))
        structured = structured_jacobian(step_map)
        self.has_structure = structured is not None

        def shifted(params: PyTree, x: jax.Array, u: jax.Array) -> jax.Array:
            assert structured is not None
            jacobian = structured(params, x, u)
            return jacobian if time == "continuous" else jacobian - jnp.eye(n, dtype=x.dtype)

        def by_unit_vectors(params: PyTree, x: jax.Array, u: jax.Array) -> jax.Array:
            _, push = jax.linearize(lambda state: residual(params, state, u), x)
            return jax.vmap(push, out_axes=1)(jnp.eye(n, dtype=x.dtype))

        one = shifted if self.has_structure else by_unit_vectors
        self.jacobians = jax.jit(jax.vmap(one, in_axes=(None, 0, 0)))

    def with_params(self, params: PyTree, pool: int) -> Networks:
        """Return the functions of a network with these numbers, for a pool of so many lanes."""
        return Networks(self, params, pool)


class Networks:
    """Residuals and Jacobians of a network, for any number of lanes.

    Parameters
    ----------
    models : LinearModels
        What is compiled.
    params
        The numbers.
    pool : int
        How many lanes there are at most. Batches are filled up to sizes that depend on this alone:
        which are needed must not depend on the numbers, or others would be compiled anew.
    """

    def __init__(self, models: LinearModels, params: PyTree, pool: int) -> None:
        # Handed over once: NumPy arrays would be copied with each call.
        self._models, self._params = models, jax.device_put(params)
        self._single = self._params
        if models.has_structure:
            self._single = jax.device_put(jax.tree.map(_rounded, params))
        self._few, self._many = min(pool, _MOST_LANES), min(4 * pool, _MOST_LANES)
        self._lanes_at_once = min(pool, models.lanes_at_once)

    def residuals(self, x: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return residuals [L, N] and their norms [L], infinite where one is not finite."""
        out = np.empty_like(x)
        for rows, size in _batches(len(x), self._few if len(x) <= self._few else self._many):
            part = self._models.residuals(
                self._params, padded(x[rows], size), padded(u[rows], size)
            )
            out[rows] = np.asarray(part)[: rows.stop - rows.start]
        norms = np.sqrt(np.einsum("ln,ln->l", out, out))
        norms[~np.isfinite(norms)] = np.inf
        return out, norms

    def jacobians(
        self, x: np.ndarray, u: np.ndarray, stop: Callable[[], bool], *, double: bool = False
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield lanes and their matrices dr/dx [l, N, N], float32 unless double.

        A few lanes at a time; ends before the last one when `stop` says so.
        """
        exact = double or not self._models.has_structure
        params, dtype = (self._params, np.float64) if exact else (self._single, np.float32)
        for rows, size in _batches(len(x), self._lanes_at_once):
            if stop():
                return
            states, inputs = (padded(a[rows].astype(dtype), size) for a in (x, u))
            part = np.asarray(self._models.jacobians(params, states, inputs))
            yield (
                rows,
                part[: rows.stop - rows.start].astype(
                    np.float64 if double else np.float32, copy=False
                ),
            )


def _rounded(leaf: Any) -> np.ndarray:
    return np.asarray(leaf, dtype=np.float32)


def _batches(n: int, size: int) -> Iterator[tuple[slice, int]]:
    """Cut rows into batches that are filled up to one size."""
    for start in range(0, n, size):
        yield slice(start, min(start + size, n)), size
