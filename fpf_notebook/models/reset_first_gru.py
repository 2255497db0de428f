"""The gated recurrent unit with the reset gate before the recurrent weights."""

from __future__ import annotations

from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.base import Box, RecurrentModel, check_sizes, normal_weights
from fpf_notebook.models.forward import Parameters, Step


def reset_first_gru_step(
    params: Parameters, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
) -> Float[Array, "n_states"]:
    """Return ``z h + (1 - z) c``, with the gates r, z and the candidate c as in `ResetFirstGRU`."""
    n_hidden = h.shape[0]
    from_input = params["W_ih"] @ u + params["b"]
    gates = from_input[: 2 * n_hidden] + params["W_hh"][: 2 * n_hidden] @ h
    r, z = jnp.split(jax.nn.sigmoid(gates), 2)
    c = jnp.tanh(from_input[2 * n_hidden :] + params["W_hh"][2 * n_hidden :] @ (r * h))
    return z * h + (1 - z) * c


class ResetFirstGRU(RecurrentModel):
    """A gated recurrent unit as first published, with a linear readout.

    The reset gate works on the state, before the recurrent weights (in `GRU`, as in PyTorch, on
    their product). Rows of the weights in the order r, z, c::

        r, z = sigmoid(W_i u + W_h h + b)
        c = tanh(W_ic u + W_hc (r * h) + b_c)
        h' = z * h + (1 - z) * c

    Parameters
    ----------
    n_inputs, n_hidden, n_outputs : int
        Channels in, units, channels out.
    seed : int
        Seed of the initial weights, as in `GRU`.
    name : str, optional
        Name of the BrainPy object; by default BrainPy chooses one.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer or too small.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine
    translation", EMNLP 2014.
    """

    kind = "reset_first_gru"
    invariant_box_reason = "a new state lies between the old one and a tanh, so within -1 and 1"

    def __init__(
        self,
        n_inputs: int,
        n_hidden: int,
        n_outputs: int,
        *,
        seed: int = 0,
        name: str | None = None,
    ) -> None:
        n_inputs, n_hidden, n_outputs = check_sizes(n_inputs, n_hidden, n_outputs)
        rng = np.random.default_rng(checked_argument("models", "seed", seed))
        arrays = normal_weights(rng, n_inputs, n_hidden, n_outputs, n_rows=3 * n_hidden)
        zeros = {
            "b": np.zeros(3 * n_hidden, np.float32),
            "b_out": np.zeros(n_outputs, np.float32),
        }
        self._build(arrays | zeros, bias_names=("b",), n_blocks=3, name=name)

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
        name: str | None = None,
    ) -> Self:
        """Build the network from its arrays, matrices as (out, in).

        Parameters
        ----------
        W_ih, W_hh : array, [3 n_hidden, n_inputs], [3 n_hidden, n_hidden]
            Weights of the cell, rows in the order r, z, c.
        b : array, [3 n_hidden]
            Biases.
        W_out, b_out : array, [n_outputs, n_hidden], [n_outputs], optional
            Readout; without it the network has no outputs.
        h0 : array, [n_hidden], optional
            Initial state, by default zeros.
        name : str, optional
            Name of the BrainPy object.
        """
        model = cls.__new__(cls)
        arrays = {"W_ih": W_ih, "W_hh": W_hh, "b": b, "W_out": W_out, "b_out": b_out, "h0": h0}
        model._build(arrays, bias_names=("b",), n_blocks=3, name=name)
        return model

    @property
    def step(self) -> Step:
        """The pure single step ``step(params, h[n_states], u[n_inputs]) -> h_next[n_states]``."""
        return reset_first_gru_step

    def invariant_box(self, u: Float[Array, "n_inputs"]) -> Box:
        """Return the box from -1 to 1, which the step maps into itself under any input.

        As in `GRU`: a new state lies between the old one and a tanh.
        """
        ones = jnp.ones(self.n_states, self.W_hh.value.dtype)
        return -ones, ones
