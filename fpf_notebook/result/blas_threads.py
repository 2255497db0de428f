"""One thread for stacks of small matrices.

Splitting a matrix of some hundred rows among threads costs more than it saves, and on a busy
machine the threads wait for each other: an eigendecomposition then takes a hundred times as long.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# The number of threads belongs to the process: two that set and restore it must not interleave.
_lock = threading.RLock()


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function use one thread of numpy's BLAS; afterwards there are as many as before.

    A BLAS that another library brings may or may not be limited as well.

    Parameters
    ----------
    function
        Does linear algebra with numpy on many small matrices.
    """

    @functools.wraps(function)
    def limited(*args: P.args, **kwargs: P.kwargs) -> R:
        with _lock, _controller().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return limited
