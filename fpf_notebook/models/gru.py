"""The gated recurrent unit, in PyTorch's convention."""

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


def gru_step(
    params: Parameters, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
) -> Float[Array, "n_states"]:
    """Return ``(1 - z) n + z h``, with the gates r, z and the candidate n as in `GRU`."""
    n_hidden = h.shape[0]
    from_input = params["W_ih"] @ u + params["b_ih"]
    from_state = params["W_hh"] @ h + params["b_hh"]
    r, z = jnp.split(jax.nn.sigmoid((from_input + from_state)[: 2 * n_hidden]), 2)
    n = jnp.tanh(from_input[2 * n_hidden :] + r * from_state[2 * n_hidden :])
    return (1 - z) * n + z * h


class GRU(RecurrentModel):
    """A gated recurrent unit with a linear readout.

    In PyTorch's convention, with the rows of the weights in the order r, z, n::

        r, z = sigmoid(W_i u + b_i + W_h h + b_h)
        n = tanh(W_in u + b_in + r * (W_hn h + b_hn))
        h' = (1 - z) * n + z * h

    Parameters
    ----------
    n_inputs, n_hidden, n_outputs : int
        Channels in, units, channels out. No inputs and no outputs (0) are allowed.
    seed : int
        Seed of the initial weights. They are drawn from a generator of their own: the same seed
        gives the same weights, and nobody else's random numbers change. Weights are normal with
        a variance of 1 over the number of channels that they add up; biases and the initial
        state are zero.
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

    kind = "gru"
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
        zeros = {bias: np.zeros(3 * n_hidden, np.float32) for bias in ("b_ih", "b_hh")}
        zeros["b_out"] = np.zeros(n_outputs, np.float32)
        self._build(arrays | zeros, bias_names=("b_ih", "b_hh"), n_blocks=3, name=name)

    @classmethod
    def from_arrays(
        cls,
        *,
        W_ih: ArrayLike,
        W_hh: ArrayLike,
        b_ih: ArrayLike,
        b_hh: ArrayLike,
        W_out: ArrayLike | None = None,
        b_out: ArrayLike | None = None,
        h0: ArrayLike | None = None,
        name: str | None = None,
    ) -> Self:
        """Build the network from its arrays, matrices as (out, in).

        Parameters
        ----------
        W_ih, W_hh : array, [3 n_hidden, n_inputs], [3 n_hidden, n_hidden]
            Weights of the cell, rows in the order r, z, n.
        b_ih, b_hh : array, [3 n_hidden]
            Biases beside the input and beside the state.
        W_out, b_out : array, [n_outputs, n_hidden], [n_outputs], optional
            Readout; without it the network has no outputs.
        h0 : array, [n_hidden], optional
            Initial state, by default zeros.
        name : str, optional
            Name of the BrainPy object.
        """
        model = cls.__new__(cls)
        cell = {"W_ih": W_ih, "W_hh": W_hh, "b_ih": b_ih, "b_hh": b_hh}
        arrays = {**cell, "W_out": W_out, "b_out": b_out, "h0": h0}
        model._build(arrays, bias_names=("b_ih", "b_hh"), n_blocks=3, name=name)
        return model

    @property
    def step(self) -> Step:
        """The pure single step ``step(params, h[n_states], u[n_inputs]) -> h_next[n_states]``."""
        return gru_step

    def invariant_box(self, u: Float[Array, "n_inputs"]) -> Box:
        """Return the box from -1 to 1, which the step maps into itself under any input.

        ``h' = (1 - z) n + z h`` lies between h and n, and ``|n| < 1``: from ``|h| <= 1`` follows
        ``|h'| <= 1``. At a fixed point ``(1 - z)(n - h) = 0`` and ``z < 1``, so ``h = n``: every
        fixed point lies in the box, too. (Far outside of it z rounds to 1, and points look fixed
        that are not.)
        """
        ones = jnp.ones(self.n_states, self.W_hh.value.dtype)
        return -ones, ones
