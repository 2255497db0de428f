"""The Jacobian of a step map with the structure that its program shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.jaxpr.interpreter import jaxpr_of, parameter_names, program_of
from fpf_notebook.dynamics.jaxpr.program import NotCoveredError
from fpf_notebook.dynamics.jaxpr.tangents import value_and_jacobian

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["structured_jacobian"]

_MAX_OPERATIONS = 400  # more, and it takes longer to compile than it saves
_NEVER = frozenset(["custom_vjp_call", "custom_vjp_call_jaxpr", "custom_lin"])
_UNLIKE = 1e-6  # relative difference from which on two derivatives are different ones


def structured_jacobian(
    step_map: StepMap,
) -> Callable[[Any, jax.Array, jax.Array], jax.Array] | None:
    """Return the Jacobian of a step as a function of parameters, state and input, if there is one.

    Parameters
    ----------
    step_map
        The step map. Only its computation counts, none of its numbers.

    Returns
    -------
    callable or None
        ``jacobian(params, h, u) -> [n_states, n_states]``, in the type of ``h``. None where the
        step cannot be written as a program, where some parameters are not real numbers, and where
        it has rules of its own for derivatives, which a program does not show.
    """
    leaves = jax.tree.leaves(step_map.params)
    names = parameter_names(step_map)
    numbers = all(np.issubdtype(np.asarray(leaf).dtype, np.floating) for leaf in leaves)
    rules = _rules(jaxpr_of(step_map).jaxpr)
    if not numbers or rules & _NEVER:
        return None
    try:
        program = program_of(step_map, symbols=names, max_operations=_MAX_OPERATIONS)
        if program.uncovered:
            return None
    except NotCoveredError:
        return None

    def jacobian(params: Any, h: jax.Array, u: jax.Array) -> jax.Array:
        inputs = {
            name: jnp.asarray(leaf).reshape(-1).astype(h.dtype)
            for name, leaf in zip(names, jax.tree.leaves(params), strict=True)
        }
        return value_and_jacobian(program, inputs | {"h": h, "u": u.astype(h.dtype)})[1]

    work = np.dtype(step_map.dtype)
    shapes = (
        jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype), step_map.params
        ),
        jax.ShapeDtypeStruct((step_map.n_states,), work),
        jax.ShapeDtypeStruct((step_map.n_inputs,), work),
    )
    try:
        with jax.enable_x64(True):
            jax.eval_shape(jacobian, *shapes)
            if rules and not _agrees(step_map, jacobian):
                return None
    except NotCoveredError:  # too large
        return None
    return jacobian


def _rules(jaxpr: Any) -> set[str]:
    """Return the names of equations that may ask for another derivative than that of the values."""
    found = set()
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        if name.startswith("custom_") or name == "stop_gradient":
            found.add(name)
        for value in eqn.params.values():
            for item in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(item, "jaxpr", item)
                if hasattr(inner, "eqns"):
                    found |= _rules(inner)
    return found


def _agrees(step_map: StepMap, jacobian: Callable[[Any, jax.Array, jax.Array], jax.Array]) -> bool:
    """Tell whether the derivative is the one that JAX takes.

    Many of JAX's own functions (ReLU, softmax) have rules, for accuracy; surrogates of spikes have
    some that are no derivatives. A jaxpr does not tell one from the other, numbers do.
    """
    rng = np.random.default_rng(0)
    work = np.dtype(step_map.dtype)
    h, along = rng.normal(size=(2, step_map.n_states)).astype(work)
    u = jnp.asarray(rng.normal(size=step_map.n_inputs).astype(work))
    _, right = jax.jvp(lambda state: step_map.step(step_map.params, state, u), (h,), (along,))
    found = jacobian(step_map.params, jnp.asarray(h), u) @ along
    tolerance = max(_UNLIKE, 1e3 * float(np.finfo(step_map.precision).eps))
    scale = 1e-30 + float(jnp.linalg.norm(right)) + float(jnp.linalg.norm(found))
    return bool(jnp.linalg.norm(found - right) <= tolerance * scale)
