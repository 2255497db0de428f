"""The frame of a demonstration: its folder, Ctrl-C, and what was written at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["FINE", "INTERRUPTED", "WRONG_ARGUMENT", "show_in"]

FINE, WRONG_ARGUMENT, INTERRUPTED = 0, 2, 130


def show_in(out: Path, show: Callable[[], Mapping[str, str] | None], width: int) -> int:
    """Make the folder, show, and list what was written.

    Parameters
    ----------
    out : Path
        Folder of the figures, made if it is missing.
    show : callable
        Returns the names of the files with descriptions, or None if it was interrupted.
    width : int
        Columns of the names.

    Returns
    -------
    int
        The exit status: 0, 2 if the folder cannot be made, 130 after Ctrl-C.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"--out: cannot make the folder {out}: {error.strerror}"
        print(f"fpf-notebook demo: error: {message}", file=sys.stderr)
        return WRONG_ARGUMENT
    began = time.monotonic()
    try:
        written = show()
    except KeyboardInterrupt:
        written = None
    if written is None:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    print(f"\n{time.monotonic() - began:.0f} s. Written to {out.resolve()}:")
    for name, description in written.items():
        print(f"  {name:<{width}} {description}")
    return FINE
