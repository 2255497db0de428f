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


class Unanswered(Exception):  # noqa: N818  (the same)
    """What a checker may raise where the three dots of the template turn up in a function."""


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
    is_solution : bool
        Whether it is about the solution in the notebook, not about the learner's own answer.
    """

    exercise: str
    passed: bool
    hint: str
    is_solution: bool = False

    @property
    def answered(self) -> bool:
        """Whether there was an answer at all."""
        return self.hint != _NOT_ANSWERED

    @property
    def _outcome(self) -> tuple[str, str, str]:
        """What it is about, what is said of it, and the colour."""
        if self.is_solution and self.passed:
            # Grey: a page full of green marks would tell a teacher that a learner has done it all.
            return f"A solution of exercise {self.exercise}", "passes the check.", _GREY
        name = f"{'Solution of exercise' if self.is_solution else 'Exercise'} {self.exercise}"
        if self.passed:
            return name, "right.", _GREEN
        return name, *(("not quite.", _AMBER) if self.answered else ("not answered yet.", _GREY))

    def __str__(self) -> str:
        name, words, _ = self._outcome
        return f"{name}: {words} {self.hint}".rstrip()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        name, words, colour = self._outcome
        # The text keeps the colour of the page, so that it can be read on dark and on light.
        return (
            f'<div role="status" style="border-left:4px solid {colour};padding:4px 12px;'
            f'max-width:46em"><b>{html.escape(name)}: {words}</b> '
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


def check(name: str, answer: object, *, is_solution: bool = False) -> Verdict:
    """Check the answer to an exercise.

    Parameters
    ----------
    name
        Name of the exercise as it stands in the tutorial, for example ``"1.1"``.
    answer
        The answer. Three dots, ``...``, mean that there is none yet; so they do within it, and
        where a function returns them.
    is_solution
        Whether the answer is the solution that the notebook shows. The verdict then says so, and
        does not look like one about the learner's own answer. Default False.

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
    >>> check("9.3", 0.8)
    Exercise 9.3: right.
    >>> check("9.3", 0.8, is_solution=True)
    A solution of exercise 9.3: passes the check.
    """
    names = exercise_names()
    if name not in names:
        close = get_close_matches(str(name), names, n=1, cutoff=0.0)
        meant = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"name is {name!r}, expected one of the exercises {', '.join(names)}.{meant}"
        )
    if is_open(answer):
        return Verdict(name, False, _NOT_ANSWERED, is_solution)
    try:
        hint = _CHECKERS[name](answer)
    except Unanswered:
        hint = _NOT_ANSWERED
    except Hint as given:
        hint = str(given)
    except Exception as problem:  # of a function that is the answer, or an answer of a strange kind
        hint = (
            f"Your answer could not be used: {type(problem).__name__}: {problem}. Compare its kind "
            "(number, array, function …) with what the exercise asks for."
        )
    return Verdict(name, hint is None, hint or "", is_solution)


def _home(checker: Checker) -> tuple[str, str]:
    return checker.__module__, checker.__qualname__


def is_open(answer: Any) -> bool:
    """Say whether an answer, or a part of it, is still the three dots."""
    if isinstance(answer, Mapping):
        return any(is_open(part) for part in answer.values())
    if isinstance(answer, list | tuple | set | frozenset):
        return any(is_open(part) for part in answer)
    if getattr(getattr(answer, "dtype", None), "kind", "") == "O":  # np.array(...)
        return any(is_open(part) for part in answer.ravel().tolist())
    return answer is Ellipsis
