"""How large a program will be, before it is written."""

from __future__ import annotations

from typing import Any

import numpy as np
from jax.extend.core import ClosedJaxpr

from fpf_notebook.dynamics.jaxpr.program import NotCoveredError

MAX_NUMBERS = 2_000_000
"""Numbers that an evaluation may compute, step and Jacobians together: a GRU of 256 units."""

_CALLED = ("jaxpr", "call_jaxpr", "fun_jaxpr", "body_jaxpr")


def forecast_numbers(closed: ClosedJaxpr) -> int:
    """Return about how many numbers a program computes, from the jaxpr alone.

    Parameters
    ----------
    closed
        The jaxpr of all that the program is to compute.

    Returns
    -------
    int
        The numbers of all results, loops turned as often as they will be; folding and what is there
        twice make a program smaller.
    """
    return _numbers(closed.jaxpr)


def require_moderate(closed: ClosedJaxpr, name: str) -> None:
    """Raise if a program would be too large to travel.

    Parameters
    ----------
    closed
        The jaxpr of all that the program is to compute.
    name
        What to call the step map in the message.

    Raises
    ------
    NotCoveredError
        With both numbers.
    """
    numbers = forecast_numbers(closed)
    if numbers > MAX_NUMBERS:
        raise NotCoveredError(
            f"{name} is too large for a program: about {numbers:,} numbers an evaluation, at most "
            f"{MAX_NUMBERS:,} are taken. It is computed in the kernel."
        )


def _numbers(jaxpr: Any) -> int:
    total = 0
    for eqn in jaxpr.eqns:
        inner = next((eqn.params[k] for k in _CALLED if k in eqn.params), None)
        branches = eqn.params.get("branches", ())
        if inner is not None:
            turns = int(eqn.params.get("length", 1)) if eqn.primitive.name == "scan" else 1
            total += turns * _numbers(getattr(inner, "jaxpr", inner))
        elif branches:
            total += sum(_numbers(branch.jaxpr) for branch in branches)
        else:
            total += sum(int(np.prod(v.aval.shape, dtype=np.int64)) for v in eqn.outvars)
    return total
