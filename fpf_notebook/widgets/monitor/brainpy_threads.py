"""BrainPy keeps its settings for each thread apart: a new thread begins without any."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def carry_settings() -> Callable[[], None]:
    """Read BrainPy's settings in this thread; what is returned applies them in another one.

    Without them, any BrainPy array operation on a new thread fails (``Key 'numpy_func_return' not
    found in environment``), and a ``dt`` or a mode that the user has set would not be known there.
    Only the settings of the thread that calls the result are changed.
    """
    states = []
    for name, attribute in (("brainpy.math.defaults", "env"), ("brainstate.environ", "_ENV_STATE")):
        state: Any = getattr(sys.modules.get(name), attribute, None)
        if state is not None and hasattr(state, "settings"):
            states.append((state, dict(state.settings)))

    def apply() -> None:
        for state, settings in states:
            state.settings.update(settings)

    return apply
