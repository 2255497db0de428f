"""A function to paste around a step that takes other arguments than a state and an input."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from fpf_notebook.dynamics.parameter_names import role_of_name
from fpf_notebook.dynamics.time_argument import is_time

_KEYS = frozenset({"key", "rng", "rng_key", "prng", "prng_key", "seed_key"})
_PARAMETERS = frozenset({"params", "param", "theta", "weights", "p", "variables", "parameters"})


def lambda_around(function: Callable[..., object], with_params: bool = False) -> str | None:
    """Return a function, as code, that calls a step by what its arguments are named, or None.

    Parameters
    ----------
    function
        The step.
    with_params
        Whether its parameters are given as well.

    Returns
    -------
    str or None
        None where input and state are all that it takes, or where it is not clear which they are.

    Examples
    --------
    >>> lambda_around(lambda h, *, stimulus: h)
    'lambda state, input: model(state, stimulus=input)'
    >>> lambda_around(lambda x, h, key, dt: h)
    'lambda state, input: model(input, state, jax.random.key(0), 0.1)'
    >>> lambda_around(lambda h, u: h) is None
    True
    """
    needed = _needed(function)
    plain = all(p.kind is not p.KEYWORD_ONLY for p in needed)
    if len(needed) < 2 or (plain and len(needed) == 2):
        return None
    values = {p.name: value for p in needed if (value := _fixed(p.name, with_params)) is not None}
    rest = [p.name for p in needed if p.name not in values]
    if len(rest) == 1:
        values[rest[0]] = "state"
    elif len(rest) == 2:
        first, second = (role_of_name(name) for name in rest)
        if (first, second) in (("state", "state"), ("input", "input")):
            return None
        state_first = first == "state" or second == "input"
        roles = ("state", "input") if state_first else ("input", "state")
        values |= dict(zip(rest, roles, strict=True))
    else:
        return None
    call = [
        values[p.name] if p.kind is not p.KEYWORD_ONLY else f"{p.name}={values[p.name]}"
        for p in needed
    ]
    before = "params, " if "params" in values.values() else ""
    return f"lambda {before}state, input: model({', '.join(call)})"


def unknown_arguments(function: Callable[..., object], with_params: bool = False) -> list[str]:
    """Return the names of the arguments after the first one, if they are too many to be known.

    Parameters
    ----------
    function
        The step.
    with_params
        Whether its parameters are given as well.

    Examples
    --------
    >>> unknown_arguments(lambda z, A, W, h: z), unknown_arguments(lambda h, u: h)
    (['A', 'W', 'h'], [])
    """
    names = [p.name for p in _needed(function) if _fixed(p.name, with_params) is None]
    return names[1:] if len(names) > 3 else []


def _needed(function: Callable[..., object]) -> list[inspect.Parameter]:
    try:
        given = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    return [
        p for p in given if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]


def _fixed(name: str, with_params: bool) -> str | None:
    lower = name.lower()
    if is_time(lower) or "noise" in lower:
        return "0.0"
    if lower in ("dt", "delta_t", "tau"):
        return "0.1" if lower != "tau" else "1.0"
    if lower in _KEYS:
        return "jax.random.key(0)"
    return "params" if with_params and lower in _PARAMETERS else None
