"""Whether the second of two values that a step returns is computed from the first alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
from jax.extend import core

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.returned import WrongReturnError

_IN_WORDS = (
    "returned two values of the state's shape, and computes value 1 from value 0: which of value 0 "
    "and value 1 is the next state is not clear"
)


def refuse_second_of_first(
    function: Callable[..., PyTree], arguments: Sequence[jax.Array]
) -> WrongReturnError | None:
    """Return what is to be said of a step whose second value is computed from its first alone.

    Where two values have the state's shape and no names, the second one is taken for the next
    state, and the first one for the output. An output is computed of a state: so where it is the
    other way round, this is not what was meant.

    Parameters
    ----------
    function
        Returns two values.
    arguments
        Of the function; shapes and types will do.

    Returns
    -------
    WrongReturnError or None
        None where the second value has other sources.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> refuse_second_of_first(lambda h, u: (h + u, jnp.tanh(h + u)), (1.0, 1.0)) is None
    True
    >>> str(refuse_second_of_first(lambda h, u: ((x := h + u), jnp.tanh(x)), (1.0, 1.0)))[:28]
    'returned two values of the s'
    """
    sizes: list[int] = []

    def leaves(*given: jax.Array) -> list[PyTree]:
        first, second = (jax.tree.leaves(part) for part in function(*given))
        sizes.append(len(first))
        return [*first, *second]

    jaxpr = jax.make_jaxpr(leaves)(*arguments).jaxpr
    found = _is_second_of_first(jaxpr, sizes[-1])
    return unclear_pair() if found else None


def unclear_pair() -> WrongReturnError:
    """Return what is raised then."""
    return WrongReturnError(_IN_WORDS, ("value 0", "value 1"))


def _is_second_of_first(jaxpr: core.Jaxpr, n_first: int) -> bool:
    made = {id(var): eqn for eqn in jaxpr.eqns for var in eqn.outvars}
    makers = [made.get(id(var)) for var in jaxpr.outvars]
    if makers[0] is not None and all(maker is makers[0] for maker in makers):
        inner = makers[0].params.get("jaxpr")
        same = [id(var) for var in makers[0].outvars] == [id(var) for var in jaxpr.outvars]
        if inner is not None and same:  # a function that is compiled as a whole
            return _is_second_of_first(getattr(inner, "jaxpr", inner), n_first)
    first = {id(var) for var in jaxpr.outvars[:n_first]}
    arguments = {id(var) for var in jaxpr.invars}
    waiting, seen, met = list(jaxpr.outvars[n_first:]), set(), False
    while waiting:
        var = waiting.pop()
        if isinstance(var, core.Literal) or id(var) in seen:
            continue
        seen.add(id(var))
        if id(var) in first:
            met = True
        elif id(var) in arguments:
            return False
        elif id(var) in made:
            waiting.extend(made[id(var)].invars)
    return met
