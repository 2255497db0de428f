"""The line of the user's code from which an equation comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_OWN = str(Path(__file__).parents[2])  # the folder of this package


def line_of(source_info: Any) -> str:
    """Return ``file:line (function)`` of the innermost frame that is the user's own.

    Parameters
    ----------
    source_info
        Of an equation of a jaxpr.

    Returns
    -------
    str
        The line; one inside a library (a cell of a framework, say) where no frame is the user's;
        empty if nothing is known.
    """
    # Not public: without it, or with another form of it, messages lack the line and nothing else.
    try:
        from jax._src import source_info_util

        frames = list(source_info_util.user_frames(source_info.traceback))
    except Exception:
        return ""
    frames = [f for f in frames if not f.file_name.startswith(_OWN)] or frames
    theirs = [f for f in frames if "site-packages" not in Path(f.file_name).parts]
    for frame in (*theirs, *frames):
        return f"{frame.file_name}:{frame.start_line} ({frame.function_name})"
    return ""
