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

__all__ = ["has_rules_of_its_own", "structured_jacobian"]

_MAX_OPERATIONS = 400  # more, and it takes longer to compile than it saves
_JAX_RULES = frozenset(["relu", "relu6", "logaddexp", "logaddexp2", "silu"])


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
    if not numbers or has_rules_of_its_own(jaxpr_of(step_map).jaxpr):
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
    except NotCoveredError:  # too large
        return None
    return jacobian


def has_rules_of_its_own(jaxpr: Any) -> bool:
    """Tell whether a derivative is asked for that is not the one of the values.

    Those of JAX's own functions are: they are there for accuracy.
    """
    for eqn in jaxpr.eqns:
        name = eqn.primitive.name
        if name in ("stop_gradient", "custom_vjp_call", "custom_vjp_call_jaxpr", "custom_lin"):
            return True
        if name == "custom_jvp_call" and eqn.params.get("name") not in _JAX_RULES:
            return True
        for value in eqn.params.values():
            for item in value if isinstance(value, tuple | list) else (value,):
                inner = getattr(item, "jaxpr", item)
                if hasattr(inner, "eqns") and has_rules_of_its_own(inner):
                    return True
    return False
