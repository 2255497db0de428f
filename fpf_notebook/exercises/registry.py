"""Which exercises there are, and what is said to an answer."""

from __future__ import annotations

import html
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

Checker = Callable[[Any], str | None]

_NOT_ANSWERED = "Put your answer in place of the three dots and run the cell again."
_CHECKERS: dict[str, Checker] = {}
_GREEN, _AMBER, _GREY = "#2e7d32", "#b26a00", "#808080"


class Hint(Exception):  # noqa: N818  (raised to end a check, but nothing has failed)
    """What a checker may raise, instead of returning it, to say what is amiss with an answer."""


@dataclass(frozen=True, repr=False)
class Verdict:
    """What is said to an answer.

    Attributes
    ----------
    exercise : str
        Name of the exercise, for example ``"1.1"``.
    passed : bool
        Whether the answer is right.
    hint : str
        What may help if it is not; empty if it is.
    """

    exercise: str
    passed: bool
    hint: str

    @property
    def answered(self) -> bool:
        """Whether there was an answer at all."""
        return self.hint != _NOT_ANSWERED

    @property
    def _outcome(self) -> tuple[str, str]:
        if self.passed:
            return "right.", _GREEN
        return ("not quite.", _AMBER) if self.answered else ("not answered yet.", _GREY)

    def __str__(self) -> str:
        words, _ = self._outcome
        return f"Exercise {self.exercise}: {words} {self.hint}".rstrip()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        words, colour = self._outcome
        # The text keeps the colour of the page, so that it can be read on dark and on light.
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:4px 12px;'
            f'max-width:46em"><b>Exercise {html.escape(self.exercise)}: {words}</b> '
            f"{html.escape(self.hint)}</div>"
        )


def exercise(name: str) -> Callable[[Checker], Checker]:
    """Register a checker; used as a decorator.

    Parameters
    ----------
    name
        Number of the tutorial, a dot, and number of the exercise: ``"1.1"``.

    Returns
    -------
    callable
        The decorator. The checker gets the answer and returns None if it is right, or else a hint
        that helps with the particular mistake without giving the answer away.

    Raises
    ------
    ValueError
        If the name has another form, or another checker has it already.
    """
    parts = name.split(".")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"name is {name!r}, expected tutorial.exercise, for example '1.1'.")

    def register(checker: Checker) -> Checker:
        present = _CHECKERS.get(name)
        # The same function again is a module that was reloaded.
        if present is not None and _home(present) != _home(checker):
            raise ValueError(f"exercise {name} has a checker already: {'.'.join(_home(present))}.")
        _CHECKERS[name] = checker
        return checker

    return register


def exercise_names() -> list[str]:
    """Return the names of all exercises, in order."""
    home = __name__.rpartition(".")[0]  # all modules beside this one
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], f"{home}."):
        import_module(module.name)
    return sorted(_CHECKERS, key=lambda name: [int(part) for part in name.split(".")])


def check(name: str, answer: Any) -> Verdict:
    """Check the answer to an exercise.

    Parameters
    ----------
    name
        Name of the exercise as it stands in the tutorial, for example ``"1.1"``.
    answer
        The answer. Three dots, ``...``, mean that there is none yet.

    Returns
    -------
    Verdict
        Whether it is right, and a hint if it is not. As the last line of a cell it is shown.

    Raises
    ------
    ValueError
        If there is no exercise of that name.

    Examples
    --------
    >>> check("1.1", ...).passed
    False
    """
    names = exercise_names()
    if name not in names:
        close = get_close_matches(str(name), names, n=1, cutoff=0.0)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"name is {name!r}, expected one of the exercises {', '.join(names)}.{meant}"
        )
    if _is_open(answer):
        return Verdict(name, False, _NOT_ANSWERED)
    try:
        hint = _CHECKERS[name](answer)
    except Hint as given:
        hint = str(given)
    except Exception as problem:  # of a function that is the answer, or an answer of a strange kind
        hint = (
            f"Your answer could not be used: {type(problem).__name__}: {problem}. Compare its kind "
            "(number, array, function …) with what the exercise asks for."
        )
    return Verdict(name, hint is None, hint or "")


def _home(checker: Checker) -> tuple[str, str]:
    return checker.__module__, checker.__qualname__


def _is_open(answer: Any) -> bool:
    """Whether an answer, or a part of it, is still the three dots."""
    if isinstance(answer, Mapping):
        return any(_is_open(part) for part in answer.values())
    if isinstance(answer, list | tuple):
        return any(_is_open(part) for part in answer)
    return answer is Ellipsis
