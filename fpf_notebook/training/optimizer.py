"""Optimizers whose learning rate can be set at every step without compiling anything anew."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from fpf_notebook._types import AnyFunction, PyTree

Schedule = Callable[[Any], Any]
"""``schedule(step) -> learning rate``, for example one of optax's."""

DEFAULT_LEARNING_RATE = 0.01
_NAME = "learning_rate"


class Optimizer:
    """An optax optimizer, and the learning rate to set at each step.

    Parameters
    ----------
    transformation : optax.GradientTransformation
        What is compiled.
    learning_rate : float, Schedule or None
        The rate at each step; ``None`` if the transformation keeps it to itself.
    """

    def __init__(
        self, transformation: optax.GradientTransformation, learning_rate: float | Schedule | None
    ) -> None:
        self.transformation = transformation
        self.learning_rate = learning_rate
        if callable(learning_rate):
            schedule = learning_rate
            self._rates_of = jax.jit(jax.vmap(lambda k: jnp.asarray(schedule(k), jnp.float32)))

    def rates(self, start: int, stop: int) -> np.ndarray:
        """Return the learning rate of each step from `start` up to, not including, `stop`."""
        rate = self.learning_rate
        if rate is None:
            return np.full(stop - start, np.nan, np.float32)
        if not callable(rate):
            return np.full(stop - start, rate, np.float32)
        try:
            values = self._rates_of(np.arange(start, stop))
        except jax.errors.JAXTypeError:  # written with plain Python conditions on the step
            values = [rate(step) for step in range(start, stop)]
        return np.asarray(values, np.float32)


def make_optimizer(
    optimizer: optax.GradientTransformation | Callable[..., object] | None,
    learning_rate: float | Schedule | None,
    params: dict[str, jax.Array],
) -> Optimizer:
    """Return the optimizer that the arguments of `train` ask for; see there.

    Raises
    ------
    TypeError, ValueError
        If one of them is of the wrong kind, or they contradict each other.
    """
    if learning_rate is not None and not callable(learning_rate):
        check_rate(learning_rate)
    if optimizer is None:
        optimizer = optax.adam
    if not isinstance(optimizer, optax.GradientTransformation):
        if not callable(optimizer):
            raise TypeError(
                "optimizer must be an optax.GradientTransformation, or a function that makes one "
                f"from a learning rate, for example optax.adam; got {optimizer!r}"
            )
        rate = DEFAULT_LEARNING_RATE if learning_rate is None else learning_rate
        return Optimizer(_with_settable_rate(optimizer), rate)
    built_in = _built_in_rate(optimizer.init(params))
    if built_in is None and learning_rate is not None:
        raise ValueError(
            "learning_rate was given, but this optimizer has one of its own. Give the function "
            "that makes the optimizer, for example optimizer=optax.adam, or "
            "functools.partial(optax.sgd, momentum=0.9); or leave learning_rate out."
        )
    return Optimizer(optimizer, built_in if learning_rate is None else learning_rate)


def check_rate(value: Any) -> float:
    """Return a learning rate as a float, or raise an error."""
    if (
        isinstance(value, bool)
        or np.ndim(value)
        or not np.issubdtype(np.asarray(value).dtype, np.number)
    ):
        raise TypeError(f"learning_rate must be a number or a schedule, got {value!r}")
    rate = float(value)
    if not (np.isfinite(rate) and rate >= 0):
        raise ValueError(f"learning_rate must be a finite number of at least 0, got {value!r}")
    return rate


def with_rate(opt_state: PyTree, rate: object) -> PyTree:
    """Return the optimizer's state with another learning rate."""
    present = optax.tree_utils.tree_get(opt_state, _NAME)
    return optax.tree_utils.tree_set(opt_state, **{_NAME: jnp.asarray(rate, present.dtype)})


@lru_cache(maxsize=64)
def _with_settable_rate(factory: AnyFunction) -> optax.GradientTransformation:
    # Cached: the same object again means the same compiled functions again. Only the rate is made
    # an argument; the other numbers stay constants, as in the optimizer by itself.
    parameters = inspect.signature(factory).parameters
    if _NAME not in parameters:
        raise ValueError(
            f"optimizer {factory!r} has no argument learning_rate; give an "
            "optax.GradientTransformation instead"
        )
    others = tuple(name for name in parameters if name != _NAME)
    return optax.inject_hyperparams(factory, static_args=others)(learning_rate=0.0)


def _built_in_rate(opt_state: PyTree) -> float | None:
    """Return the settable learning rate in an optimizer's state, if there is exactly one."""
    found = optax.tree_utils.tree_get_all_with_path(opt_state, _NAME)
    numbers = [value for _, value in found if np.ndim(value) == 0]
    return float(numbers[0]) if len(numbers) == 1 == len(found) else None
