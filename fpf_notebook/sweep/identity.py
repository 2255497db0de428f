"""By what a kept result is known again: the network and the request, to the bit."""

from __future__ import annotations

import hashlib

import numpy as np

from fpf_notebook.dynamics import StepMap
from fpf_notebook.finder import SearchRequest

__all__ = ["digest_of", "fingerprint_of"]


def fingerprint_of(step_map: StepMap) -> str:
    """Return what is the same as long as the parameters of a network are, to the bit."""
    import jax

    state = hashlib.sha256(f"{step_map.name} {step_map.time} {step_map.dt}".encode())
    for leaf in jax.tree.leaves(step_map.params):
        state.update(_bytes_of(np.asarray(leaf)))
    return state.hexdigest()


def digest_of(request: SearchRequest) -> str:
    """Return what is the same as long as a request asks for the same, to the bit."""
    state = hashlib.sha256()
    for name, value in sorted(vars(request).items()):
        state.update(name.encode())
        state.update(_bytes_of(value) if isinstance(value, np.ndarray) else repr(value).encode())
    return state.hexdigest()


def _bytes_of(array: np.ndarray) -> bytes:
    return f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes()
