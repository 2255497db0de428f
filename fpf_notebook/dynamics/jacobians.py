"""Jacobians of a step map by automatic differentiation, many points at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.arguments import checks
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.batches import padded, power_of_two_above
from fpf_notebook.dynamics.compile_cache import compiled

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepFunction, StepMap

__all__ = ["MAX_MEMORY", "Linearization", "input_jacobians", "jacobians", "linearize"]

MAX_MEMORY = 512 * 2**20
"""Default limit of the memory of one call, in bytes."""

# Forward mode carries, beside the result, about this many arrays of its size at the same time.
_ARRAYS_ALIVE = 4

_STATE, _INPUT = 1, 2  # the places of these arguments in step(params, h, u)
_LARGEST_BLOCK = 64


class Linearization(NamedTuple):
    """Jacobians at many points."""

    J: Float[np.ndarray, "n n_states n_states"]
    dFdu: Float[np.ndarray, "n n_states n_inputs"]


@checks("dynamics.linearize")
def linearize(
    step_map: StepMap,
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    params: PyTree = None,
    max_memory: float = MAX_MEMORY,
) -> Linearization:
    """Jacobians with respect to the state and to the input, at many points, in one pass.

    Parameters
    ----------
    step_map
        The network. Step maps with the same computation share what is compiled here.
    x
        The states.
    u
        The inputs, one for each state or ``[1, n_inputs]`` for all.
    params
        Parameters to use in place of ``step_map.params``; same structure, shapes and types.
    max_memory
        Bytes that the computation may take; the points are cut into chunks accordingly. The result
        itself is not counted. Default 512 MB.

    Returns
    -------
    J
        float64; entry [i, j, k] is the derivative of state j of the next step (map), or of the
        derivative (flow), with respect to state k.
    dFdu
        float64; entry [i, j, k] is the one with respect to input k.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `max_memory` does not hold a single Jacobian.

    Examples
    --------
    >>> import numpy as np
    >>> import jax.numpy as jnp
    >>> from fpf_notebook import as_step_map
    >>> F = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=1, n_inputs=1)
    >>> linearize(F, np.zeros((1, 1)), np.zeros((1, 1)))
    Linearization(J=array([[[2.]]]), dFdu=array([[[1.]]]))
    """
    if step_map.n_inputs == 0:  # nothing to differentiate by
        J = jacobians(step_map, x, u, params, max_memory)
        return Linearization(J, np.empty((len(J), step_map.n_states, 0)))
    J, dFdu = _evaluate((_STATE, _INPUT), step_map, x, u, params, max_memory)
    return Linearization(J, dFdu)


def jacobians(
    step_map: StepMap,
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    params: PyTree = None,
    max_memory: float = MAX_MEMORY,
) -> Float[np.ndarray, "n n_states n_states"]:
    """Jacobians with respect to the state only; see :func:`linearize`."""
    return _evaluate((_STATE,), step_map, x, u, params, max_memory)[0]


def input_jacobians(
    step_map: StepMap,
    x: Float[np.ndarray, "n n_states"],
    u: Float[np.ndarray, "n n_inputs"],
    params: PyTree = None,
    max_memory: float = MAX_MEMORY,
) -> Float[np.ndarray, "n n_states n_inputs"]:
    """Jacobians with respect to the input only; see :func:`linearize`."""
    if step_map.n_inputs == 0:
        x, _ = _checked(step_map, x, u)
        return np.empty((len(x), step_map.n_states, 0))
    return _evaluate((_INPUT,), step_map, x, u, params, max_memory)[0]


def _evaluate(
    arguments: tuple[int, ...],
    step_map: StepMap,
    x: Any,
    u: AnyArray,
    params: PyTree,
    max_memory: float,
) -> list[np.ndarray]:
    """Differentiate with respect to some arguments of the step, chunk by chunk."""
    x, u = _checked(step_map, x, u)
    n_states = step_map.n_states
    widths = {_STATE: n_states, _INPUT: step_map.n_inputs}
    per_point = 8 * _ARRAYS_ALIVE * n_states * sum(widths[argument] for argument in arguments)
    if not per_point <= max_memory:
        raise ValueError(
            f"max_memory is {max_memory:.0f} bytes, expected at least {per_point}, which a single "
            f"Jacobian of {step_map.name} with {n_states} states takes."
        )
    results = [np.empty((len(x), n_states, widths[argument])) for argument in arguments]
    params = step_map.params if params is None else step_map.with_params(params).params
    differentiate = compiled(
        "jacobian", step_map, arguments, lambda step: _batched(step, arguments)
    )
    chunk = _power_of_two_below(int(max_memory // max(per_point, 1)))
    for start in range(0, len(x), chunk):
        rows = slice(start, start + chunk)
        n_rows = len(x[rows])
        # Padded to a power of two: few shapes, so few compilations, however the numbers vary.
        size = power_of_two_above(n_rows)
        with jax.enable_x64(True):
            values = differentiate(params, padded(x[rows], size), padded(u[rows], size))
        for result, value in zip(results, values, strict=True):
            result[rows] = np.asarray(value)[:n_rows]
    return results


def _batched(step: StepFunction, arguments: tuple[int, ...]) -> AnyFunction:
    return jax.jit(jax.vmap(jax.jacfwd(step, argnums=arguments), in_axes=(None, 0, 0)))


def _checked(
    step_map: StepMap, x: object, u: object
) -> tuple[Float[np.ndarray, "n n_states"], Float[np.ndarray, "n n_inputs"]]:
    x, u = np.asarray(x, dtype=step_map.dtype), np.asarray(u, dtype=step_map.dtype)
    if x.ndim != 2 or x.shape[1] != step_map.n_states:
        raise ValueError(f"x has shape {x.shape}, expected [n, n_states={step_map.n_states}].")
    if u.ndim != 2 or u.shape[1] != step_map.n_inputs or len(u) not in (1, len(x)):
        raise ValueError(
            f"u has shape {u.shape}, expected [n={len(x)}, n_inputs={step_map.n_inputs}] or "
            f"[1, n_inputs={step_map.n_inputs}]."
        )
    return x, np.broadcast_to(u, (len(x), step_map.n_inputs))


def _power_of_two_below(number: int) -> int:
    return 1 << max(number.bit_length() - 1, 0)
