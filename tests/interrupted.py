"""Ctrl-C wherever Python may raise it, one place after another."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any


def at_every_place(call: Callable[[], Any], module: ModuleType, most: int = 2000) -> Iterator[int]:
    """Make a call again and again, interrupted at the first place, the second, ….

    Python looks for signals when a function begins and when a call has ended: those of the module
    (and of context managers) are meant. Yields the number of the place after each interrupted call;
    ends with the first call that comes through.
    """
    for k in range(most):
        if not _interrupted(call, {str(module.__file__), str(contextlib.__file__)}, k):
            return
        yield k
    raise AssertionError(f"more than {most} places")


def _interrupted(call: Callable[[], Any], files: set[str], k: int) -> bool:
    left = [k]

    def look(frame: FrameType, event: str, argument: object) -> None:
        if event in ("call", "return", "c_return") and frame.f_code.co_filename in files:
            left[0] -= 1
            if left[0] == -1:  # once only
                raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    # What a destructor raises is printed and forgotten; it was met, too.
    return left[0] < 0
