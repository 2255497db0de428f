"""Step maps that can be pickled: sent to another process, or to the worker of a cluster.

What JAX has traced cannot be pickled. A step map that was made of a model is sent as the model,
with the options and the numbers of the map, and read again where it arrives.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np

from fpf_notebook._types import PyTree

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Origin", "reduced"]

Maker = Callable[..., "StepMap"]


class Origin(NamedTuple):
    """What a step map was made of.

    Parameters
    ----------
    make
        A function of a module.
    given
        Its arguments.
    """

    make: Maker
    given: tuple[object, ...]


def reduced(step_map: StepMap, origin: Origin) -> tuple[Callable[..., StepMap], tuple[object, ...]]:
    """Return how a step map is made again, as `__reduce__` does.

    Raises
    ------
    pickle.PicklingError
        If the model is no longer that of the step map, so that another one would arrive.
    """
    try:
        again = origin.make(*origin.given).with_params(step_map.params)
        same = again.signature == step_map.signature
        same = same and (again.box is None) == (step_map.box is None)
    except (ValueError, TypeError) as error:
        raise pickle.PicklingError(_changed(step_map, str(error))) from error
    if not same:
        raise pickle.PicklingError(_changed(step_map, "it computes something else"))
    params = jax.tree.map(_plain, step_map.params)
    return _made_again, (origin, params, step_map.name, step_map.dt)


def _made_again(origin: Origin, params: PyTree, name: str, dt: float | None) -> StepMap:
    import dataclasses

    return dataclasses.replace(origin.make(*origin.given).with_params(params), name=name, dt=dt)


def _plain(value: PyTree) -> PyTree:
    # Random keys have no NumPy form; JAX pickles them.
    if jax.dtypes.issubdtype(getattr(value, "dtype", None), jax.dtypes.extended):
        return value
    return np.asarray(value)


def _changed(step_map: StepMap, why: str) -> str:
    return (
        f"{step_map.name} cannot be sent to another process: the model that it was made of has "
        f"changed since ({why}). Make the step map anew."
    )
