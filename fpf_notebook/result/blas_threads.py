"""One thread for linear algebra in batches.

Splitting a matrix of some hundred rows among threads costs more than it saves, and on a busy
machine, or under a quota of one core, the threads spin for each other: a factorization then takes
ten to a hundred times as long. XLA calls the BLAS that SciPy brings, NumPy one of its own: both are
meant.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

__all__ = ["one_thread", "single_threaded"]

P = ParamSpec("P")
R = TypeVar("R")

# The number of threads belongs to the process. Whoever enters first sets it, whoever leaves last
# restores it: searches in several threads neither wait for each other nor restore too early.
_lock = threading.Lock()
_inside = 0
_before: list[int] = []


@functools.cache
def _libraries() -> list[Any]:
    """Return the controllers of every BLAS, found once: looking for them takes milliseconds."""
    import scipy.linalg  # noqa: F401  (its BLAS is the one that XLA calls, and may not be there yet)
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)


def _set(library: Any, now: int, wanted: int) -> None:
    """Set the number of threads, whichever thread of Python set it before."""
    if now == wanted:
        return
    # threadpoolctl 3.7 lets the thread that set it first set it again, and no other. Here the last
    # one to leave restores it; and whoever wants to set it afterwards must be able to.
    release = getattr(library, "clear_controlling_thread", lambda force: None)
    release(force=True)
    library.set_num_threads(wanted)
    release(force=True)


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one BLAS thread within the block; afterwards there are as many as before.

    Blocks may be nested and may overlap in several threads of Python. A number of threads that
    somebody else sets meanwhile is left as it is. A BLAS that is loaded later (another framework's,
    say) is left alone.
    """
    global _inside, _before
    libraries = _libraries()
    with _lock:
        if _inside == 0:
            _before = [library.get_num_threads() for library in libraries]
            for library, number in zip(libraries, _before, strict=True):
                _set(library, number, 1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                for library, number in zip(libraries, _before, strict=True):
                    if library.get_num_threads() == 1:
                        _set(library, 1, number)


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run within `one_thread`.

    Parameters
    ----------
    function
        Does linear algebra in batches.
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with one_thread():
            return function(*args, **kwargs)

    return limited
