"""Models of one kind differ in numbers only: what was read of the first serves for the others.

Reading a model means tracing it several times, some hundred milliseconds, which is more than a
search of a small network takes. Networks of this package say what they have in common.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Protocol, runtime_checkable

import jax
import numpy as np

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.dynamics.step_options import StepOptions

__all__ = ["SharesSteps", "keep_step", "known_step"]

_MOST = 64  # kinds of networks; each is a few kilobytes
_known: OrderedDict[Hashable, StepMap] = OrderedDict()
_lock = threading.Lock()


@runtime_checkable
class SharesSteps(Protocol):
    """A model whose step depends on its kind and on its parameters, and on nothing else."""

    n_states: int
    n_inputs: int

    def step_identity(self) -> Hashable | None:
        """Return what is equal for models of equal steps, or None if that cannot be told."""

    def parameters(self) -> PyTree:
        """Return the present parameters: those of the step map that is made of it."""


def known_step(model: object, options: StepOptions) -> StepMap | None:
    """Return a model as a step map, if one of its kind was read before with the same options."""
    key = _key(model, options)
    if key is None or not isinstance(model, SharesSteps):
        return None
    with _lock:
        known = _known.get(key)
        if known is not None:
            _known.move_to_end(key)
    params = model.parameters()
    # What is not finite is refused, in words of the model, where it is read.
    if known is None or not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(params)):
        return None
    return known.with_params(params)


def keep_step(model: object, options: StepOptions, step_map: StepMap) -> None:
    """Remember the step map of a model for others of its kind, without its numbers."""
    key = _key(model, options)
    if key is None or not isinstance(model, SharesSteps):
        return
    own, made = (repr(jax.tree.structure(tree)) for tree in (model.parameters(), step_map.params))
    if own != made:
        return  # it holds constants of its own
    if step_map.box is None or hasattr(step_map.box, "proven_again"):
        return  # whether there is a box, and which, was worked out from the numbers
    empty = jax.tree.map(
        lambda leaf: np.broadcast_to(np.zeros((), np.asarray(leaf).dtype), np.shape(leaf)),
        step_map.params,
    )
    with _lock:
        _known[key] = dataclasses.replace(step_map, params=empty, _retrace=None, _origin=None)
        while len(_known) > _MOST:
            _known.popitem(last=False)


def _key(model: object, options: StepOptions) -> Hashable | None:
    if not isinstance(model, SharesSteps):
        return None
    identity = model.step_identity()
    if identity is None:
        return None
    plain = StepOptions(time=options.time, dt=options.dt, dtype=options.dtype)
    for option in dataclasses.fields(options):
        given = getattr(options, option.name)
        if option.name in ("n_states", "n_inputs"):
            # What was said of the data is checked where a model is read; here it must just fit.
            if given is not None and not (
                type(given) is int and given == getattr(model, option.name)
            ):
                return None
        elif given is not getattr(plain, option.name) and given != getattr(plain, option.name):
            return None
    shapes = tuple(
        (str(path), np.shape(leaf), str(getattr(leaf, "dtype", type(leaf))))
        for path, leaf in jax.tree_util.tree_leaves_with_path(model.parameters())
    )
    return identity, shapes, options.time, options.dt, options.dtype
