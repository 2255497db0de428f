"""What the buttons of the explorer's view ask for."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject

if TYPE_CHECKING:
    from fpf_notebook.widgets.explorer.widget import FixedPointExplorer


def act(explorer: FixedPointExplorer, content: object, _: object = None) -> None:
    """Do what a message asks for; what is none is ignored.

    Parameters
    ----------
    explorer
        Who was asked.
    content
        ``{"type": ...}``: "find", "go_on", "launch", "clear_launches", "program", "launch_at" with
        ``x`` and ``y``, "pulse" with ``channel``, ``amplitude`` and ``steps``, "followed" with the
        points ``x`` (one list of numbers each) that the page has followed, and ``here`` where the
        setting is the old one.
    """
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        return
    kind = content["type"]
    simple: dict[str, Callable[[], object]] = {
        "find": explorer.find, "go_on": explorer.go_on, "launch": explorer.launch,
        "clear_launches": explorer.clear_launches, "program": explorer._send_program,
    }  # fmt: skip
    # What goes wrong in a launch is shown by the launch itself.
    with contextlib.suppress(ValueError):
        if kind in simple:
            simple[kind]()
        elif kind == "launch_at":
            place = _numbers(content, "x", "y")
            if place is None:
                explorer._say("", error="a launch needs two numbers x and y")
            else:
                explorer.launch_at(place[0], place[1])
        elif kind == "followed":
            explorer._take_over(_states(content.get("x")), content.get("here") is True)
        elif kind == "pulse":
            values = _numbers(content, "channel", "amplitude", "steps")
            channels = len(explorer.input)
            if values is None or not (0 <= values[0] < channels and 1 <= values[2] <= 10_000):
                explorer._say("", error="a pulse needs a channel, a size and a number of steps")
            else:
                explorer.pulse(int(values[0]), values[1], int(values[2]))


def _states(given: object) -> np.ndarray:
    """Return points as an array, an empty one where they are none."""
    try:
        states = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        return np.zeros(0)
    return states if np.isfinite(states).all() else np.zeros(0)


def _numbers(content: JsonObject, *names: str) -> tuple[float, ...] | None:
    try:
        values = tuple(float(content[name]) for name in names)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return values if all(map(math.isfinite, values)) else None
