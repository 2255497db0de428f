"""Read an answer as what it should be, or say what is amiss with it."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.exercises.registry import Hint


def number(answer: object, what: str = "your answer") -> float:
    """Return a real number.

    Parameters
    ----------
    answer
        A number, or an array with one entry; a complex one if its imaginary part is zero.
    what
        What to call it in a hint.

    Raises
    ------
    Hint
        If it is something else, or not finite.
    """
    value = _as_array(answer)
    if value is not None and value.dtype.kind == "O" and hasattr(answer, "__float__"):
        value = np.asarray(float(answer))  # a Fraction, a Decimal, a number of sympy
    if value is not None and value.dtype.kind == "c" and value.size == 1:
        # An eigenvalue that is real comes with an imaginary part of zero if others are not.
        if abs(value.imag) > 1e-9 * max(1.0, abs(value.real).item()):
            raise Hint(f"Expected a real number for {what}, got the complex {value.reshape(())}.")
        value = value.real
    if value is None or value.dtype.kind not in "iuf" or value.size != 1:
        raise Hint(f"Expected one number for {what}, got {describe(answer)}.")
    if not np.isfinite(value).all():
        raise Hint(f"Expected a finite number for {what}, got {value.reshape(())}.")
    return float(value.reshape(()))


def integer(answer: object, what: str = "your answer") -> int:
    """Return a whole number; raise a `Hint` if it is something else."""
    value = number(answer, what)
    if value != round(value):
        raise Hint(f"Expected a whole number for {what}, got {value:g}.")
    return round(value)


def array(answer: object, shape: tuple[int | None, ...], what: str = "your answer") -> np.ndarray:
    """Return an array of finite real numbers.

    Parameters
    ----------
    answer
        An array, or what can become one.
    shape
        Its shape; None for a length that does not matter.
    what
        What to call it in a hint.

    Raises
    ------
    Hint
        If it is something else.
    """
    value = _as_array(answer)
    if value is None:
        raise Hint(f"Expected an array for {what}, got {describe(answer)} of unequal parts.")
    if value.dtype.kind == "c" and np.abs(value.imag).max(initial=0) < 1e-9:
        value = value.real  # a sum over complex modes whose imaginary parts cancel
    if value.dtype.kind not in "biuf":
        raise Hint(f"Expected an array of real numbers for {what}, got {describe(answer)}.")
    fits = len(value.shape) == len(shape) and all(
        wanted in (None, got) for wanted, got in zip(shape, value.shape, strict=True)
    )
    if not fits:
        wanted_shape = ", ".join("any" if size is None else str(size) for size in shape)
        raise Hint(
            f"Expected an array of shape [{wanted_shape}] for {what}, got {describe(answer)}."
        )
    if not np.isfinite(value).all():
        raise Hint(f"There is NaN or infinity in {what}.")
    return value.astype(float)


def entries(answer: object, names: tuple[str, ...]) -> JsonObject:
    """Return a dictionary with exactly these keys; raise a `Hint` if it is something else."""
    if not isinstance(answer, dict):
        raise Hint(f"Expected a dictionary with {', '.join(names)}, got {describe(answer)}.")
    missing = [name for name in names if name not in answer]
    if missing:
        raise Hint(f"The dictionary has no entry {missing[0]!r}.")
    return {name: answer[name] for name in names}


def word(answer: object, choices: tuple[str, ...], what: str = "your answer") -> str:
    """Return one of some words, in small letters; raise a `Hint` if it is none of them."""
    given = answer.strip().lower() if isinstance(answer, str) else None
    if given not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise Hint(f"Expected one of {listed} for {what}, got {describe(answer)}.")
    return given


def describe(answer: Any) -> str:
    """Return in a few words what an answer is."""
    if isinstance(answer, str):
        return f"the text {answer[:40]!r}"
    if isinstance(answer, numbers.Number):
        return f"{answer}"
    if answer is None:
        return "None"
    shape = getattr(answer, "shape", None)
    if isinstance(shape, tuple):
        return f"an array of shape {list(shape)}" if shape else f"{answer}"
    if callable(answer):
        return f"the function {getattr(answer, '__name__', type(answer).__name__)}"
    try:
        return f"a {type(answer).__name__} of {len(answer)}"
    except TypeError:
        return f"a {type(answer).__name__}"


def fixed_points(answer: object, what: str = "your answer") -> Any:
    """Return a set of fixed points; raise a `Hint` if it is something else."""
    if isinstance(answer, tuple) and len(answer) == 2 and hasattr(answer[0], "xstar"):
        raise Hint(f"Expected the first of the two results of find_fixed_points for {what}.")
    if not hasattr(answer, "xstar"):
        raise Hint(
            f"Expected the fixed points that find_fixed_points returned for {what}, got "
            f"{describe(answer)}."
        )
    return answer


def _as_array(answer: object) -> np.ndarray | None:
    try:
        return np.asarray(answer)
    except (TypeError, ValueError):  # lists of unequal lengths
        return None
