"""Try a function that is an answer, and say what is amiss if that fails."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from fpf_notebook.exercises.reading import describe
from fpf_notebook.exercises.registry import Hint, Unanswered, is_open


def expect_function(answer: Any, names: tuple[str, ...]) -> Callable[..., Any]:
    """Return a function that can be called with so many arguments.

    Parameters
    ----------
    answer
        What may be one.
    names
        What the exercise calls its arguments.

    Raises
    ------
    Hint
        If it is no function, or takes another number of arguments.
    """
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    if not callable(answer):
        raise Hint(
            f"Expected a function of {listed}, got {describe(answer)}: leave out the () after its "
            "name."
        )
    try:
        inspect.signature(answer).bind(*names)
    except TypeError as problem:
        raise Hint(f"Expected a function of {listed}; yours: {problem}.") from None
    except ValueError:  # a function of numpy's, which has no signature
        pass
    return answer


def call(function: Callable[..., Any], *arguments: Any, shown: str, advice: str = "") -> Any:
    """Return what a function makes of copies of some arguments.

    Parameters
    ----------
    function
        The answer.
    *arguments
        Arrays are copied, so that a function which changes them harms the others no more.
    shown
        The arguments as a hint shows them: ``"λ = 0.5"``.
    advice
        What to add if the call fails.

    Raises
    ------
    Hint
        If the function fails, or returns nothing.
    Unanswered
        If it returns the three dots of the template, or something that contains them.
    """
    copies = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            given = function(*copies)
        except (Hint, Unanswered):
            raise
        except Exception as problem:  # whatever a learner's function may raise
            said = f"For {shown} your function failed: {type(problem).__name__}: {problem}."
            raise Hint(f"{said} {advice}".rstrip()) from None
    if given is None:
        raise Hint(
            "The function returned None: it needs a return, in each of its branches (printing is "
            "not returning)."
        )
    if is_open(given):
        raise Unanswered
    return given
