"""Losses: pure functions of the parameters and a batch, as one number or as named terms."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol, runtime_checkable

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.forward import Forward, Parameters

Loss = Callable[[Parameters, Array, Array, Array], Array | Mapping[str, Array]]
"""``loss(params, inputs, targets, mask)``: a scalar, or scalars by name whose sum is minimized.

`params` are the model's trainable arrays by name; the others are a batch, ``[trial, time,
channel]``. It must be pure: it is compiled, and never sees the model itself.
"""


@runtime_checkable
class StochasticLoss(Protocol):
    """A loss that is random in training, or changes in its course; hashable, and pure.

    Called as every loss, ``loss(params, inputs, targets, mask)``, it is what the weights are judged
    by in validation: without randomness, and with the factors of the end of training.
    """

    def __call__(
        self, params: Parameters, inputs: Array, targets: Array, mask: Array
    ) -> Mapping[str, Array]:
        """Return the terms, as they count in validation."""

    def at_step(
        self, params: Parameters, inputs: Array, targets: Array, mask: Array, step: Array
    ) -> Mapping[str, Array]:
        """Return the terms of a training step; its number decides random numbers and factors."""

    def measure(
        self, params: Parameters, inputs: Array, targets: Array, mask: Array
    ) -> tuple[Mapping[str, Array], Mapping[str, Array], Array | None]:
        """Return terms as they count in validation, numbers to report beside them, and outputs."""


def masked_mean_squared_error(
    outputs: Float[Array, "trial time n_outputs"],
    targets: Float[Array, "trial time n_outputs"],
    mask: Float[Array, "trial time n_outputs"],
) -> Float[Array, ""]:
    """Return the mean of the squared errors, weighted by the mask; 0 where nothing counts.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> ones = jnp.ones((2, 3, 1))
    >>> float(masked_mean_squared_error(3 * ones, ones, ones))
    4.0
    """
    weight = jnp.sum(mask)
    return jnp.sum(mask * (outputs - targets) ** 2) / jnp.where(weight > 0, weight, 1)


@lru_cache(maxsize=256)
def task_loss(forward: Forward) -> Loss:
    """Return the default loss of a model, the masked mean squared error, as the term ``task``.

    Parameters
    ----------
    forward : callable
        The pure run of the model, ``forward(params, inputs) -> (outputs, states)``.

    Returns
    -------
    loss : callable
        The same object for the same `forward`, so that what was compiled is used again.
    """

    def loss(params: Parameters, inputs: Array, targets: Array, mask: Array) -> dict[str, Array]:
        outputs, _ = forward(params, inputs)
        return {"task": masked_mean_squared_error(outputs, targets, mask)}

    return loss


def sum_of_squares(params: Parameters) -> Float[Array, ""]:
    """Return the sum of the squares of all parameters."""
    return sum((jnp.sum(value**2) for value in params.values()), start=jnp.zeros(()))


def as_terms(value: Array | Mapping[str, Array]) -> dict[str, Array]:
    """Return a loss as named terms; a single number is the term ``task``."""
    return dict(value) if isinstance(value, Mapping) else {"task": value}
