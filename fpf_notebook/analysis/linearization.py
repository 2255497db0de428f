"""Jacobians of a step map, by forward-mode differentiation of many states at once."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from fpf_notebook.dynamics.compile_cache import compiled
from fpf_notebook.dynamics.step_map import PyTree, StepMap

__all__ = ["input_jacobians", "jacobians", "linearize"]

_LARGEST_BLOCK = 64
_MAX_MEMORY = 512_000_000


def linearize(
    step_map: StepMap,
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    params: PyTree | None = None,
    max_memory: int = _MAX_MEMORY,
) -> tuple[Float[np.ndarray, "n n_states n_states"], Float[np.ndarray, "n n_states n_inputs"]]:
    """Compute the Jacobians with respect to state and input at each point.

    Parameters
    ----------
    step_map
        The network; of a flow, the Jacobians of the vector field are computed.
    x
        [n, n_states] States.
    u
        [n, n_inputs] Inputs; one row serves for all states.
    params
        Parameters. Default: those of the step map. Others of the same shapes compile nothing anew.
    max_memory
        Bytes that the matrices worked on at once may take. Default 512 MB.

    Returns
    -------
    J_xstar, dFdu
        [n, n_states, n_states] and [n, n_states, n_inputs], in double precision.

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    x, u = _checked(step_map, x, u)
    n, n_states, n_inputs = len(x), step_map.n_states, step_map.n_inputs
    apply = compiled("linearize", step_map, (), _build)
    params = step_map.params if params is None else params
    # Blocks of one size, so that nothing is compiled anew for another number of points.
    fitting = max_memory // (8 * 4 * n_states * max(n_states, n_inputs))
    block = int(np.clip(1 << (max(1, int(fitting)).bit_length() - 1), 1, _LARGEST_BLOCK))
    jacobian = np.empty((n, n_states, n_states))
    input_jacobian = np.empty((n, n_states, n_inputs))
    with jax.enable_x64(True):
        for start in range(0, n, block):
            rows = np.minimum(np.arange(start, start + block), n - 1)
            dtype = step_map.dtype
            state_part, input_part = apply(params, x[rows].astype(dtype), u[rows].astype(dtype))
            stop = min(start + block, n)
            jacobian[start:stop] = np.asarray(state_part)[: stop - start]
            input_jacobian[start:stop] = np.asarray(input_part)[: stop - start]
    return jacobian, input_jacobian


def jacobians(
    step_map: StepMap,
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    params: PyTree | None = None,
    max_memory: int = _MAX_MEMORY,
) -> Float[np.ndarray, "n n_states n_states"]:
    """Return dF/dx at each point; the arguments are those of `linearize`."""
    return linearize(step_map, x, u, params, max_memory)[0]


def input_jacobians(
    step_map: StepMap,
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    params: PyTree | None = None,
    max_memory: int = _MAX_MEMORY,
) -> Float[np.ndarray, "n n_states n_inputs"]:
    """Return dF/du at each point; the arguments are those of `linearize`."""
    return linearize(step_map, x, u, params, max_memory)[1]


def _build(step: Any) -> Any:
    def both(params: PyTree, x: Any, u: Any) -> Any:
        return jax.jacfwd(step, argnums=1)(params, x, u), jax.jacfwd(step, argnums=2)(params, x, u)

    return jax.jit(jax.vmap(both, in_axes=(None, 0, 0)))


def _checked(step_map: StepMap, x: Any, u: Any) -> tuple[np.ndarray, np.ndarray]:
    x, u = np.asarray(x, dtype=np.float64), np.asarray(u, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != step_map.n_states:
        raise ValueError(f"x has shape {x.shape}, expected [n, n_states={step_map.n_states}].")
    if u.ndim != 2 or u.shape[1] != step_map.n_inputs or len(u) not in (1, len(x)):
        raise ValueError(
            f"u has shape {u.shape}, expected [n={len(x)} or 1, n_inputs={step_map.n_inputs}]."
        )
    return x, np.broadcast_to(u, (len(x), step_map.n_inputs))
