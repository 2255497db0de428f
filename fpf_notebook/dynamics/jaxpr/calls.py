"""Equations of a jaxpr that are calls: whatever walks through one walks through their bodies."""

from __future__ import annotations

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

__all__ = ["body_of_call"]

# Calls whose body stands for them: derivatives are those of the body.
_CALLS_NAMES = (
    "jit pjit closed_call core_call call xla_call remat remat2 checkpoint custom_jvp_call "
    "custom_vjp_call custom_vjp_call_jaxpr"
)
_CALLS = frozenset(_CALLS_NAMES.split())


def body_of_call(equation: JaxprEqn) -> ClosedJaxpr | None:
    """Return what a call computes.

    Parameters
    ----------
    equation
        An equation of a jaxpr.

    Returns
    -------
    ClosedJaxpr or None
        The body; None if the equation is no call, or one that hides its body.
    """
    if equation.primitive.name not in _CALLS:
        return None
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr"):
        inner = equation.params.get(key)
        if isinstance(inner, ClosedJaxpr):
            return inner
        if isinstance(inner, Jaxpr):
            return ClosedJaxpr(inner, [])
    return None
