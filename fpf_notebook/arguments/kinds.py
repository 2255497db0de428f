"""Kinds of plain arguments: what is accepted, how it is told, and what is not.

A kind checks a value and brings it to one type, says in words what it expects, and makes values
that it must refuse, from which the tests make their bad calls.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

__all__ = ["Choice", "Flag", "Kind", "Pair", "Real", "Whole", "size_in_words"]

# Whatever is asked for, it is none of these.
_NEVER: tuple[object, ...] = (object(), {"a": 1}, np.ma.masked, lambda: None, b"\0", ...)


@dataclass(frozen=True)
class Kind:
    """What an argument may be.

    Parameters
    ----------
    meaning
        What it stands for, in a few words.
    optional
        Whether None may be given, which is returned as it is.
    """

    meaning: str = ""
    optional: bool = field(default=False, kw_only=True)

    #: Whether a checked value is to be used in the place of the one that was given.
    converts: ClassVar[bool] = True

    def check(self, name: str, value: object) -> Any:
        """Return a value in its type.

        Raises
        ------
        TypeError, ValueError
            If it is something else. The message names the argument, the value and what is expected.
        """
        if value is None and self.optional:
            return None
        return self._checked(name, value)

    def expected(self) -> str:
        """Say what is accepted."""
        return self._expected() + (" or None" if self.optional else "")

    def bad_values(self) -> list[object]:
        """Return values that must be refused."""
        return [*_NEVER, *self._bad_values(), *(() if self.optional else (None,))]

    def _checked(self, name: str, value: object) -> Any:
        raise NotImplementedError

    def _expected(self) -> str:
        raise NotImplementedError

    def _bad_values(self) -> list[object]:
        raise NotImplementedError

    def _wrong(self, name: str, value: object, why: str = "") -> str:
        return f"{name} is {_shown(value)}, expected {self.expected()}.{why and ' ' + why}"


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number from `low` to `high`, both included.

    Parameters
    ----------
    low, high
        The bounds; None for none above.
    forecast
        For numbers above `high`: what would need how many bytes, as it stands in the message.
    why
        Another reason for the upper bound.
    floats
        Whether 5.0 may stand for 5 (and 1e9 for a billion).
    infinite
        Whether infinity is accepted, for no bound.
    """

    low: int = 0
    high: int | None = None
    forecast: Callable[[int], tuple[str, float]] | None = None
    why: str = ""
    floats: bool = False
    infinite: bool = False

    def _checked(self, name: str, value: Any) -> float:
        if self.infinite and isinstance(value, float) and value == math.inf:
            return math.inf
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
        if not whole and self.floats:
            whole = isinstance(value, numbers.Real) and float(value).is_integer()
            whole = whole and not isinstance(value, bool | np.bool_)
        if not whole:
            raise TypeError(self._wrong(name, value))
        number = int(value)
        if number < self.low:
            raise ValueError(self._wrong(name, value))
        if self.high is not None and number > self.high:
            raise ValueError(self._wrong(name, value, self._reason(number)))
        return number

    def _reason(self, number: int) -> str:
        if self.forecast is None:
            return self.why
        what, n_bytes = self.forecast(min(number, 10**100))  # a float cannot hold more
        return f"{what} would need {size_in_words(n_bytes)} of memory."

    def _expected(self) -> str:
        if self.high is None:
            return f"a whole number of at least {self.low}{' or inf' if self.infinite else ''}"
        return f"a whole number from {self.low} to {self.high}"

    def _bad_values(self) -> list[object]:
        bad = [
            self.low - 1,
            True,
            "3",
            1.5,
            math.nan,
            *([] if self.infinite else [math.inf]),
            1j,
            [1],
            np.array([1, 2]),
            -(10**30),
        ]
        if not self.floats:
            bad.append(float(self.low + 1))
        if self.high is not None:
            bad += [number for number in (self.high + 1, 10**18, 10**400) if number > self.high]
        return bad


@dataclass(frozen=True)
class Real(Kind):
    """A finite real number within bounds.

    Parameters
    ----------
    low, high
        The bounds.
    above
        Whether `low` itself is refused.
    infinite
        Whether infinity is accepted.
    """

    low: float = 0.0
    high: float = math.inf
    above: bool = False
    infinite: bool = False

    def _checked(self, name: str, value: object) -> float:
        if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
            raise TypeError(self._wrong(name, value))
        try:
            number = float(value)
        except OverflowError:  # an int that no float can hold
            raise ValueError(self._wrong(name, value)) from None
        low = number > self.low if self.above else number >= self.low
        if not low or not number <= self.high or (math.isinf(number) and not self.infinite):
            raise ValueError(self._wrong(name, value))
        return number

    def _expected(self) -> str:
        finite = "a number" if self.infinite else "a finite number"
        if math.isinf(self.low) and math.isinf(self.high):
            return finite
        if math.isinf(self.high):
            return f"{finite} {'above' if self.above else 'of at least'} {self.low:g}"
        if self.above:
            return f"a number above {self.low:g} and at most {self.high:g}"
        return f"a number from {self.low:g} to {self.high:g}"

    def _bad_values(self) -> list[object]:
        bad: list[object] = [math.nan, -math.inf, "0.5", True, 1j, [0.5], np.array([0.5, 0.5]), "x"]
        if math.isfinite(self.low):
            bad += [self.low - 1, self.low] if self.above else [self.low - 1]
        if math.isfinite(self.high):
            bad.append(self.high * 2 + 1)
        if not self.infinite:
            bad += [math.inf, 10**400]
        return bad


@dataclass(frozen=True)
class Flag(Kind):
    """True or False, and nothing that merely passes for one: ``"no"`` is true in Python."""

    def _checked(self, name: str, value: object) -> bool:
        if not isinstance(value, bool | np.bool_):
            raise TypeError(self._wrong(name, value))
        return bool(value)

    def _expected(self) -> str:
        return "True or False"

    def _bad_values(self) -> list[object]:
        return ["no", "True", 0, 1, 2, 1.0, [], np.array([True, False])]


@dataclass(frozen=True)
class Choice(Kind):
    """One of some words."""

    words: tuple[str, ...] = ()

    def _checked(self, name: str, value: object) -> str:
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(self._wrong(name, value))
        return value

    def _expected(self) -> str:
        return f"one of {', '.join(map(repr, self.words))}"

    def _bad_values(self) -> list[object]:
        return ["", "nothing like it", self.words[0].upper() + " ", 0, True, [self.words[0]]]


@dataclass(frozen=True)
class Pair(Kind):
    """Two positive numbers, such as the width and the height of a figure in inches."""

    def _checked(self, name: str, value: Any) -> tuple[float, float]:
        flat = isinstance(value, np.ndarray) and value.ndim == 1
        if not flat and not isinstance(value, list | tuple):
            raise TypeError(self._wrong(name, value))
        parts = list(value)
        numeric = all(isinstance(part, numbers.Real) for part in parts)
        if not numeric or any(isinstance(part, bool | np.bool_) for part in parts):
            raise TypeError(self._wrong(name, value))
        if len(parts) != 2 or not all(0 < part < math.inf for part in parts):
            raise ValueError(self._wrong(name, value))
        return float(parts[0]), float(parts[1])

    def _expected(self) -> str:
        return "two positive numbers"

    def _bad_values(self) -> list[object]:
        nan, inf = math.nan, math.inf
        return [
            (0, 0),
            (1,),
            (1, 2, 3),
            (-1, 2),
            (nan, 1),
            (1, inf),
            "ab",
            5,
            ("a", "b"),
            (),
            (True, 1),
        ]


def size_in_words(n_bytes: float) -> str:
    """Return a number of bytes as people say it.

    Examples
    --------
    >>> size_in_words(4e12)
    '4 TB'
    """
    for unit in ("bytes", "kB", "MB", "GB", "TB", "PB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return "more than an exabyte"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # the object's own
        return f"of type {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:60]}… (of type {type(value).__name__})"
