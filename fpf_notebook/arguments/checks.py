"""A public function whose arguments are checked before it begins."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from fpf_notebook.arguments.calls import CALLS

__all__ = ["checks"]

P = ParamSpec("P")
R = TypeVar("R")


def checks(call: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Have the arguments of a function checked, those that are declared, before it runs.

    Only what is given is checked, not the defaults. Numbers, truth values and words reach the
    function in their type; arrays and objects as they were given.

    Parameters
    ----------
    call
        A key of `CALLS`.

    Returns
    -------
    callable
        Takes the function, and returns it with the checks.

    Examples
    --------
    >>> @checks("analysis.embed_distances")
    ... def places(distances, n_components=2):
    ...     return n_components
    >>> places([[0.0]], 0)
    Traceback (most recent call last):
        ...
    ValueError: n_components is 0, expected a whole number from 1 to 10000.
    """
    kinds = CALLS[call]

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            given = signature.bind(*args, **kwargs)
            for name, kind in kinds.items():
                if name in given.arguments:
                    value = kind.check(name, given.arguments[name])
                    if kind.converts:
                        given.arguments[name] = value
            return function(*given.args, **given.kwargs)

        return checked

    return decorated
