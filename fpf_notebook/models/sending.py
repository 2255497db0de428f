"""Networks that can be pickled: sent to another process, or to the worker of a cluster.

BrainPy's own objects hold weak references, which cannot.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ClassVar

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import JsonObject

__all__ = ["Sendable"]


class Sendable:
    """A mixin of a BrainPy model: its numbers and plain attributes are what is sent.

    The copy gets a name of its own from BrainPy.
    """

    #: Attributes that are made anew, by `_restore`.
    _made_anew: ClassVar[tuple[str, ...]] = ()

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        """Return how the network is made again."""
        blank = vars(bp.DynamicalSystem(mode=bm.TrainingMode()))
        attributes: JsonObject = {}
        arrays = {}
        for name, value in vars(self).items():
            if isinstance(value, bm.TrainVar):
                arrays[name] = np.asarray(value.value)
            elif name not in blank and name not in self._made_anew:
                attributes[name] = value
        return _made_again, (type(self), attributes, arrays)

    def _restore(self) -> None:
        """Make what was not sent."""


def _have_settings() -> None:
    """Have BrainPy's settings in this thread: up to 2.8 they are those of the main thread only."""
    settings = importlib.import_module("brainpy.math.defaults").defaults
    try:
        settings.bp_object_as_pytree  # noqa: B018
    except KeyError:
        type(settings)()  # sets them, for this thread


def _made_again(cls: type, attributes: JsonObject, arrays: dict[str, np.ndarray]) -> object:
    model: Any = object.__new__(cls)
    _have_settings()
    bp.DynamicalSystem.__init__(model, mode=bm.TrainingMode())
    for name, value in attributes.items():
        setattr(model, name, value)
    for name, array in arrays.items():
        setattr(model, name, bm.TrainVar(jnp.asarray(array)))
    model._restore()
    return model
