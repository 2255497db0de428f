"""Kinds of arguments that are arrays and other objects."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from fpf_notebook.arguments.kinds import Kind
from fpf_notebook.arguments.tensors import without_gradient

__all__ = ["Array", "Listed", "Methods", "Named", "PathLike"]


@dataclass(frozen=True)
class Array(Kind):
    """An array of real numbers.

    Parameters
    ----------
    dims
        Names of its axes, for messages, and how many there are; "*any" for any number of them.
    finite
        Whether NaN and infinity are refused.
    masked
        Whether masked arrays are accepted, by calls that heed the mask.
    empty
        Whether an axis may be of length zero.
    complex
        Whether complex numbers are accepted.
    """

    dims: tuple[str, ...] = ()
    finite: bool = True
    masked: bool = False
    empty: bool = False
    complex: bool = False

    converts: ClassVar[bool] = False

    def _checked(self, name: str, value: object) -> np.ndarray:
        if isinstance(value, np.ma.MaskedArray) and not self.masked:
            raise TypeError(
                f"{name} is a masked array, whose masked entries would be taken for numbers; "
                f"expected {self.expected()}. Give the valid ones, or numpy.ma.filled."
            )
        try:
            array = np.asarray(without_gradient(value))
        except ValueError as error:
            raise ValueError(
                f"{name} is not one array ({error}), expected {self.expected()}."
            ) from None
        if array.dtype.kind not in ("fiubc" if self.complex else "fiub"):
            # Those of lower precision than NumPy's own (bfloat16) are told by their name.
            if "float" not in array.dtype.name:
                raise TypeError(f"{name} has type {array.dtype}, expected {self.expected()}.")
            array = array.astype(np.float32)
        wrong = "*any" not in self.dims and array.ndim != len(self.dims)
        if wrong or (0 in array.shape and not self.empty):
            raise ValueError(f"{name} has shape {list(array.shape)}, expected {self.expected()}.")
        if self.finite and not np.isfinite(array).all():
            where = [int(k) for k in np.argwhere(~np.isfinite(array))[0]]
            raise ValueError(f"{name} is NaN or infinite at {where}, expected {self.expected()}.")
        return array

    def _expected(self) -> str:
        return f"an array of {'finite ' * self.finite}numbers [{', '.join(self.dims)}]"

    def _bad_values(self) -> list[object]:
        n = len(self.dims)
        good = np.ones((2,) * n)
        bad = [good.astype(object), good.astype(str), "x", [[1], [1, 2]]]
        if "*any" not in self.dims:
            bad.append(good[None])
        if not self.empty:
            bad.append(np.ones((0,) * max(n, 1)))
        if not self.complex:
            bad.append(good.astype(complex))
        if not self.masked:
            bad.append(np.ma.masked_array(good))
        if self.finite:
            bad += [good * math.nan, good * math.inf]
        return bad


@dataclass(frozen=True)
class Methods(Kind):
    """An object with some methods, whatever its class."""

    names: tuple[str, ...] = ()

    converts: ClassVar[bool] = False

    def _checked(self, name: str, value: object) -> Any:
        missing = [part for part in self.names if not hasattr(value, part)]
        if missing or isinstance(value, type):
            raise TypeError(self._wrong(name, value))
        return value

    def _expected(self) -> str:
        return f"an object with {', '.join(self.names)}"

    def _bad_values(self) -> list[object]:
        return [1, "x", 0.5, True, [], int]


@dataclass(frozen=True)
class Named(Kind):
    """An object of a class, which is named so that it need not be imported to declare it."""

    classes: tuple[str, ...] = ()

    converts: ClassVar[bool] = False

    def _checked(self, name: str, value: object) -> Any:
        if not self.has(value):
            raise TypeError(self._wrong(name, value))
        return value

    def has(self, value: object) -> bool:
        """Say whether a value is of one of the classes."""
        return any(base.__name__ in self.classes for base in type(value).__mro__)

    def _expected(self) -> str:
        return f"a {' or '.join(self.classes)}"

    def _bad_values(self) -> list[object]:
        return [3, "x", 2.0, True, [], type("Other", (), {})()]


@dataclass(frozen=True)
class Listed(Kind):
    """A list or a tuple of objects of one class.

    Parameters
    ----------
    of
        What each of them is.
    """

    of: Named = field(default_factory=Named)

    converts: ClassVar[bool] = False

    def _checked(self, name: str, value: object) -> Any:
        if not isinstance(value, list | tuple):
            raise TypeError(self._wrong(name, value))
        for k, one in enumerate(value):
            if not self.of.has(one):
                raise TypeError(
                    f"{name} is of type {type(one).__name__} at {k}, expected {self.expected()}."
                )
        return value

    def _expected(self) -> str:
        return f"a list of {' or '.join(self.of.classes)}"

    def _bad_values(self) -> list[object]:
        return [5, "x", [1], ["a"], [None], np.eye(2), {}]


@dataclass(frozen=True)
class PathLike(Kind):
    """The path of a file or a folder."""

    converts: ClassVar[bool] = False

    def _checked(self, name: str, value: object) -> Any:
        if not isinstance(value, str | os.PathLike):
            raise TypeError(self._wrong(name, value))
        text = os.fspath(value)
        if not isinstance(text, str) or not text or "\0" in text:
            raise ValueError(self._wrong(name, value))
        return value

    def _expected(self) -> str:
        return "a path"

    def _bad_values(self) -> list[object]:
        return [5, 1.5, True, "", "a\0b", ["x"], b"name"]
