"""The plain recurrent network, ``h' = phi(W_hh h + W_ih u + b)``."""

from collections.abc import Mapping
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.base import (
    Box,
    RecurrentModel,
    check_sizes,
    normal_weights,
)
from fpf_notebook.models.forward import Parameters, Step


def _drive(params: Parameters, h: Array, u: Array) -> Array:
    return params["W_hh"] @ h + params["W_ih"] @ u + params["b"]


def tanh_step(
    params: Parameters, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
) -> Float[Array, "n_states"]:
    """Return ``tanh(W_hh h + W_ih u + b)``."""
    return jnp.tanh(_drive(params, h, u))


def sigmoid_step(
    params: Parameters, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
) -> Float[Array, "n_states"]:
    """Return ``1 / (1 + exp(-(W_hh h + W_ih u + b)))``."""
    return jax.nn.sigmoid(_drive(params, h, u))


def relu_step(
    params: Parameters, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
) -> Float[Array, "n_states"]:
    """Return ``max(0, W_hh h + W_ih u + b)``."""
    return jax.nn.relu(_drive(params, h, u))


_STEPS: dict[str, Step] = {"tanh": tanh_step, "sigmoid": sigmoid_step, "relu": relu_step}
_RANGES = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}
_BOX_REASONS = {
    "tanh": "tanh takes values between -1 and 1",
    "sigmoid": "the logistic function takes values between 0 and 1",
    "relu": "none: relu is not bounded above, so a state may grow without limit",
}


class VanillaRNN(RecurrentModel):
    """The plain recurrent network with a linear readout.

    ``h' = phi(W_hh h + W_ih u + b)`` and ``y = W_out h' + b_out``.

    Parameters
    ----------
    n_inputs, n_hidden, n_outputs : int
        Channels in, units, channels out. No inputs and no outputs (0) are allowed.
    nonlinearity : {"tanh", "sigmoid", "relu"}
        The function phi.
    seed : int
        Seed of the initial weights. They are drawn from a generator of their own: the same seed
        gives the same weights, and nobody else's random numbers change. Recurrent weights are
        normal with variance ``1/n_hidden``, those of inputs and readout with 1 over the number
        of channels that they add up; biases and the initial state are zero.
    name : str, optional
        Name of the BrainPy object; by default BrainPy chooses one.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer or too small, or the nonlinearity is unknown.
    """

    def __init__(
        self,
        n_inputs: int,
        n_hidden: int,
        n_outputs: int,
        *,
        nonlinearity: str = "tanh",
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        n_inputs, n_hidden, n_outputs = check_sizes(n_inputs, n_hidden, n_outputs)
        rng = np.random.default_rng(checked_argument("models", "seed", seed))
        arrays = normal_weights(rng, n_inputs, n_hidden, n_outputs, n_rows=n_hidden)
        zeros = {"b": np.zeros(n_hidden, np.float32), "b_out": np.zeros(n_outputs, np.float32)}
        self._set_up(arrays | zeros, nonlinearity, name)

    @classmethod
    def from_arrays(
        cls,
        *,
        W_ih: ArrayLike,
        W_hh: ArrayLike,
        b: ArrayLike,
        W_out: ArrayLike | None = None,
        b_out: ArrayLike | None = None,
        h0: ArrayLike | None = None,
        nonlinearity: str = "tanh",
        name: str | None = None,
    ) -> Self:
        """Build the network from its arrays, matrices as (out, in).

        Parameters
        ----------
        W_ih, W_hh, b : array, [n_hidden, n_inputs], [n_hidden, n_hidden], [n_hidden]
            Weights of the cell.
        W_out, b_out : array, [n_outputs, n_hidden], [n_outputs], optional
            Readout; without it the network has no outputs.
        h0 : array, [n_hidden], optional
            Initial state, by default zeros.
        nonlinearity, name
            As in the constructor.
        """
        model = cls.__new__(cls)
        arrays = {"W_ih": W_ih, "W_hh": W_hh, "b": b, "W_out": W_out, "b_out": b_out, "h0": h0}
        model._set_up(arrays, nonlinearity, name)
        return model

    def _set_up(
        self, arrays: Mapping[str, ArrayLike | None], nonlinearity: str, name: str | None
    ) -> None:
        if nonlinearity not in _STEPS:
            raise ValueError(f"nonlinearity must be one of {list(_STEPS)}, got {nonlinearity!r}")
        self._build(arrays, bias_names=("b",), n_blocks=1, name=name)
        self.kind = nonlinearity
        self.invariant_box_reason = _BOX_REASONS[nonlinearity]

    @property
    def step(self) -> Step:
        """The pure single step ``step(params, h[n_states], u[n_inputs]) -> h_next[n_states]``."""
        return _STEPS[self.kind]

    def invariant_box(self, u: Float[Array, "n_inputs"]) -> Box | None:
        """Return the range of the nonlinearity, or ``None`` for relu, which has no bound.

        The step maps every state into it, whatever the input: so it maps the box into itself,
        and holds all fixed points.
        """
        if self.kind not in _RANGES:
            return None
        low, high = _RANGES[self.kind]
        ones = jnp.ones_like(self.b.value)
        return low * ones, high * ones
