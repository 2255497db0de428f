"""Functions that take time as an argument: it is held at zero, and must not matter."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.parameter_names import required_names

_TIME = frozenset({"t", "time", "_t", "ts", "t0"})


def time_argument(
    function: Callable[..., object], n_others: int, n_before: int = 0, *, or_more: bool = False
) -> str | None:
    """Return the name of a required argument that is time, beside so many others, or None.

    Parameters
    ----------
    function
        Any callable.
    n_others
        How many other arguments must be required.
    n_before
        How many of them stand before all of these.
    or_more
        Whether more of them will do: the arrays of the state may be arguments of their own.

    Examples
    --------
    >>> time_argument(lambda t, y, args: y, 2), time_argument(lambda y, t: y, 1)
    ('t', 't')
    >>> time_argument(lambda t, y: y, 2) is None
    True
    """
    names = required_names(function)
    if names is None:
        return None
    required = names[n_before:]
    found = [name for name in required if is_time(name)]
    fits = len(required) - 1 >= n_others if or_more else len(required) - 1 == n_others
    return found[0] if len(found) == 1 and fits else None


def is_time(name: str) -> bool:
    """Say whether an argument of this name is the time."""
    return name.lower() in _TIME


def at_time(function: Callable[..., PyTree], name: str, value: object) -> Callable[..., PyTree]:
    """Return a function of the other arguments, with the signature that is left.

    Parameters
    ----------
    function
        Takes time.
    name
        Of the argument.
    value
        The time.

    Examples
    --------
    >>> step = at_time(lambda t, y, u: y + u + t, "t", 0.0)
    >>> step(1, 2), str(inspect.signature(step))
    (3.0, '(y, u)')
    """
    parameters = inspect.signature(function).parameters
    place = list(parameters).index(name)

    @functools.wraps(function)
    def fixed(*arguments: PyTree, **named: PyTree) -> PyTree:
        given: Mapping[str, PyTree] = named
        if len(arguments) < place:
            return function(*arguments, **{name: value, **given})
        return function(*arguments[:place], value, *arguments[place:], **given)

    left = [p for key, p in parameters.items() if key != name]
    fixed.__signature__ = inspect.Signature(left)  # type: ignore[attr-defined]
    del fixed.__wrapped__
    return fixed


def depends_on_time(
    function: Callable[..., object], label: str, argument: str, n_before: int = 0
) -> str:
    """Return the message for a step that time matters to.

    Parameters
    ----------
    function
        Takes time.
    label
        What to call it.
    argument
        The name of the argument that is time.
    n_before
        How many arguments stand before all that are meant here.
    """
    names = list(inspect.signature(function).parameters)[n_before:]
    others = ", ".join(name for name in names if name != argument)
    given = ", ".join("0.0" if name == argument else name for name in names)
    return (
        f"{label} depends on its argument {argument!r}, the time. Fixed points are those of a step "
        "that does not: make what varies in time an input, or hold the time, for example:\n"
        f"    step = lambda {others}: model({given})"
    )
