"""Activation functions by name: what they are in JAX, and what is known of their range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from fpf_notebook._types import AnyFunction


@dataclass(frozen=True)
class Activation:
    """An activation function.

    Parameters
    ----------
    name
        Its usual name.
    function
        The function, element by element.
    reach
        The smallest interval that holds all its values, or None if there is no finite one.
    increasing
        Whether it never falls.
    """

    name: str
    function: AnyFunction
    reach: tuple[float, float] | None = None
    increasing: bool = True

    @property
    def is_gate(self) -> bool:
        """Whether its values lie between 0 and 1."""
        return self.reach is not None and self.reach[0] >= 0 and self.reach[1] <= 1


def _linear(x: Any) -> object:
    return x


ACTIVATIONS = {
    known.name: known
    for known in (
        Activation("tanh", jnp.tanh, (-1.0, 1.0)),
        Activation("sigmoid", jax.nn.sigmoid, (0.0, 1.0)),
        Activation("hard_sigmoid", jax.nn.hard_sigmoid, (0.0, 1.0)),
        Activation("hard_tanh", jax.nn.hard_tanh, (-1.0, 1.0)),
        Activation("softsign", jax.nn.soft_sign, (-1.0, 1.0)),
        Activation("relu", jax.nn.relu),
        Activation("relu6", jax.nn.relu6, (0.0, 6.0)),
        Activation("softplus", jax.nn.softplus),
        Activation("elu", jax.nn.elu),
        Activation("selu", jax.nn.selu),
        Activation("exponential", jnp.exp),
        Activation("silu", jax.nn.silu, increasing=False),
        Activation("gelu", partial(jax.nn.gelu, approximate=False), increasing=False),
        Activation("linear", _linear),
    )
}

# The same functions under the names of JAX, Flax and BrainState, recognized by identity: any other
# function may have the same name.
_BOUNDED = ("tanh", "sigmoid", "hard_sigmoid", "hard_tanh", "softsign", "relu6")


def bounded(
    function: Callable[[jax.Array], jax.Array], *others: tuple[object, str]
) -> Activation | None:
    """Return what is known of a JAX function if it is a bounded activation.

    Parameters
    ----------
    function
        The function.
    others
        Further functions that are the activation of that name.

    Returns
    -------
    Activation or None
        None if it is unknown or unbounded.
    """
    for other, name in others:
        if function is other:
            return ACTIVATIONS[name]
    if function is jax.nn.tanh:
        return ACTIVATIONS["tanh"]
    for name in _BOUNDED:
        if function is ACTIVATIONS[name].function:
            return ACTIVATIONS[name]
    return None
