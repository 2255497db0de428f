"""What seems to switch the noise of a model off, by name."""

from __future__ import annotations

import inspect
import numbers
import re
from typing import Any

from fpf_notebook._types import AnyFunction

_NOISE = re.compile(r"noise|sigma|jitter|std|dropout|temperature", re.IGNORECASE)


def switches_of(model: object) -> str:
    """Name the attributes of a model that scale noise, as code to paste.

    Parameters
    ----------
    model
        Any object, or a function, of which the defaults are looked at.

    Returns
    -------
    str
        A sentence and lines of code, or nothing where no name is suspicious.
    """
    found = [name for name, value in _attributes(model) if _NOISE.search(name) and _scales(value)]
    if found:
        code = "".join(f"\n    model.{name} = 0.0" for name in found)
        return f" Its {' and '.join(found)} may be what to set:{code}"
    named = _arguments(model) if inspect.isroutine(model) else []
    if not named:
        return ""
    zeros = ", ".join(f"{name}=0.0" for name in named)
    return (
        f" Its argument {' and '.join(named)} may be what to set:\n"
        f"    model = __import__('functools').partial(model, {zeros})"
    )


def _attributes(model: object) -> list[tuple[str, object]]:
    own = list(getattr(model, "__dict__", {}).items())
    return [(name, value) for name, value in own if not name.startswith("_")]


def _scales(value: Any) -> bool:
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and float(value) != 0.0


def _arguments(function: AnyFunction) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if _NOISE.search(p.name) and _scales(p.default)]
