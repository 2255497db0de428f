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
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy._core._ufunc_config import _ErrDict

__all__ = ["one_thread", "single_threaded"]

P = ParamSpec("P")
R = TypeVar("R")

# The number of threads belongs to the process. Whoever enters first sets it, whoever leaves last
# restores it: searches in several threads neither wait for each other nor restore too early.
_lock = threading.RLock()  # the end of a hold may come while its own thread takes another
_held: set[int] = set()
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


class _Hold:
    """Keeps the BLAS at one thread for as long as it is held.

    Ctrl-C may come between any two lines. So the hold is noted before anything is changed, and what
    was before is forgotten only when all of it is back: whoever releases next, at the latest the
    end of the object itself, does what was left undone.
    """

    def __init__(self) -> None:
        with _lock:
            _held.add(id(self))
            libraries = _libraries()
            if not _before:
                _before.extend([library.get_num_threads() for library in libraries])
            if len(_held) == 1:
                for library, number in zip(libraries, _before, strict=True):
                    _set(library, number, 1)

    def release(self) -> None:
        """Restore the number of threads, if nobody else holds it."""
        with _lock:
            _held.discard(id(self))
            if _held or not _before:
                return
            for library, number in zip(_libraries(), _before, strict=True):
                if library.get_num_threads() == 1:
                    _set(library, 1, number)
            _before.clear()

    __del__ = release


@contextmanager
def one_thread() -> Iterator[None]:
    """Use one BLAS thread within the block; afterwards there are as many as before.

    Blocks may be nested and may overlap in several threads of Python. A number of threads that
    somebody else sets meanwhile is left as it is. A BLAS that is loaded later (another framework's,
    say) is left alone.
    """
    hold = None
    try:
        hold = _Hold()
        yield
    finally:
        _end(hold, np.geterr())


def _end(hold: _Hold | None, errors: _ErrDict) -> None:
    """Put back what is to be as before; interrupted, once more."""
    try:
        _put_back(hold, errors)
    except BaseException:
        _put_back(hold, errors)
        raise


def _put_back(hold: _Hold | None, errors: _ErrDict) -> None:
    if hold is not None:
        hold.release()
    if np.geterr() != errors:
        np.seterr(**errors)


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run on one BLAS thread; see `one_thread`.

    Afterwards NumPy's error state is as before, too: Ctrl-C may meet one of the blocks within that
    change it while it is about to end.

    Parameters
    ----------
    function
        Does linear algebra in batches.
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        # No context manager: Ctrl-C could come between its end and this one's.
        errors, hold = np.geterr(), None
        try:
            hold = _Hold()
            return function(*args, **kwargs)
        finally:
            try:
                _end(hold, errors)
            except BaseException:  # not even begun
                _end(hold, errors)
                raise

    return limited
