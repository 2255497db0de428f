"""Everything global that a call might change."""

from __future__ import annotations

import functools
import os
import random
import signal

import brainpy as bp
import brainpy.math as bm
import jax
import matplotlib as mpl
import numpy as np
from threadpoolctl import ThreadpoolController

__all__ = ["changes", "world"]


@functools.cache
def _libraries() -> ThreadpoolController:
    """Return every BLAS, looked for once: that takes a while."""
    return ThreadpoolController().select(user_api="blas")


def world() -> dict[str, object]:
    """Return it, in a form that can be compared."""
    shared = bp.share.get_shargs() if hasattr(bp.share, "get_shargs") else {}
    return {
        "x64": jax.config.jax_enable_x64,
        "numpy's random state": np.random.get_state()[1].tobytes(),
        "numpy's error state": np.geterr(),
        "random's state": random.getstate(),
        "brainpy's random state": np.asarray(
            jax.random.key_data(bm.random.DEFAULT.value)
        ).tobytes(),
        "brainpy's shared arguments": dict(shared),
        "rcParams": dict(mpl.rcParams),
        "folder": os.getcwd(),
        "handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "environment": dict(os.environ),
        "threads of BLAS": [(one["filepath"], one["num_threads"]) for one in _libraries().info()],
    }


def changes(before: dict[str, object]) -> list[str]:
    """Return the names of what is not as it was."""
    now = world()
    return [name for name in before if before[name] != now[name]]
