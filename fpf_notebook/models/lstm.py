"""Long short-term memory, in PyTorch's convention, and an invariant box for it."""

from collections.abc import Mapping
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from numpy.typing import ArrayLike

from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.base import Box, RecurrentModel, check_sizes, normal_weights
from fpf_notebook.models.forward import Parameters, Readout, Step, linear_readout

# Each sweep of `lstm_box` shrinks the box; after a few it hardly changes any more.
_N_SWEEPS = 8


def lstm_step(
    params: Parameters, h: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
) -> Float[Array, "n_states"]:
    """Return ``[h', c']`` from the state ``[h, c]``, as in `LSTM`."""
    hidden, cell = jnp.split(h, 2)
    drive = params["W_ih"] @ u + params["b_ih"] + params["W_hh"] @ hidden + params["b_hh"]
    i, f, g, o = jnp.split(drive, 4)
    cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jnp.concatenate([jax.nn.sigmoid(o) * jnp.tanh(cell), cell])


def lstm_readout(
    params: Parameters, h: Float[Array, "... n_states"]
) -> Float[Array, "... n_outputs"]:
    """Return ``W_out h + b_out``, where h is the first half of the state ``[h, c]``."""
    return linear_readout(params, h[..., : h.shape[-1] // 2])


@jax.jit
def lstm_box(params: Parameters, u: Float[Array, "n_inputs"]) -> Box:
    """Return a box of states that the step under the constant input `u` maps into itself.

    Every fixed point lies in it. See `LSTM.invariant_box` for the proof.
    """
    W, drive = params["W_hh"], params["W_ih"] @ u + params["b_ih"] + params["b_hh"]

    def sweep(_: int, box: tuple[Array, Array]) -> tuple[Array, Array]:
        h_low, h_high = jnp.split(box[0], 2)[0], jnp.split(box[1], 2)[0]
        middle = drive + W @ ((h_low + h_high) / 2)
        reach = jnp.abs(W) @ ((h_high - h_low) / 2)
        low, high = jnp.split(middle - reach, 4), jnp.split(middle + reach, 4)
        (i_low, f_low, g_low, o_low), (i_high, f_high, g_high, o_high) = low, high
        c_low = -_largest_cell(i_low, i_high, f_low, f_high, -jnp.tanh(g_low))
        c_high = _largest_cell(i_low, i_high, f_low, f_high, jnp.tanh(g_high))
        h_low = -_times_gate(o_low, o_high, -jnp.tanh(c_low))
        h_high = _times_gate(o_low, o_high, jnp.tanh(c_high))
        return jnp.concatenate([h_low, c_low]), jnp.concatenate([h_high, c_high])

    ones = jnp.ones(2 * W.shape[1], drive.dtype)  # of c nothing is known yet, and nothing used
    return jax.lax.fori_loop(0, _N_SWEEPS, sweep, (-ones, ones))


def _times_gate(low: Array, high: Array, x: Array) -> Array:
    """Return the largest ``sigmoid(a) x`` for ``low <= a <= high``."""
    return jax.nn.sigmoid(jnp.where(x > 0, high, low)) * x


def _largest_cell(i_low: Array, i_high: Array, f_low: Array, f_high: Array, g: Array) -> Array:
    """Return ``i g / (1 - f)`` with the gates within their bounds that make it largest."""
    # 1 - sigmoid(a) is sigmoid(-a), which does not round to 0 where sigmoid(a) rounds to 1. Where
    # it is 0 all the same, the bound is infinite, unless nothing is added up at all.
    bound = _times_gate(i_low, i_high, g) / jax.nn.sigmoid(-jnp.where(g > 0, f_high, f_low))
    return jnp.where(g == 0, 0.0, bound)


class LSTM(RecurrentModel):
    """Long short-term memory with a linear readout of h.

    In PyTorch's convention, with the rows of the weights in the order i, f, g, o and the state
    ``[h, c]``, two components for each unit::

        i, f, o = sigmoid(W_i u + b_i + W_h h + b_h)
        g = tanh(W_ig u + b_ig + W_hg h + b_hg)
        c' = f * c + i * g
        h' = o * tanh(c')

    Parameters
    ----------
    n_inputs, n_hidden, n_outputs : int
        Channels in, units, channels out. No inputs and no outputs (0) are allowed.
    seed : int
        Seed of the initial weights. They are drawn from a generator of their own: the same seed
        gives the same weights, and nobody else's random numbers change. Weights are normal with
        a variance of 1 over the number of channels that they add up; biases and the initial
        state are zero, except that the forget gate's bias is 1, so that a cell remembers from
        the start.
    name : str, optional
        Name of the BrainPy object; by default BrainPy chooses one.

    Raises
    ------
    TypeError, ValueError
        If a size is no integer or too small.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory", Neural Computation 9, 1997. The forget
    gate's bias: Jozefowicz, Zaremba and Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015.
    """

    kind = "lstm"
    invariant_box_reason = "bounds of the gates over |h| <= 1 bound the cell, and so h"

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
        arrays = normal_weights(rng, n_inputs, n_hidden, n_outputs, n_rows=4 * n_hidden)
        biases = {bias: np.zeros(4 * n_hidden, np.float32) for bias in ("b_ih", "b_hh")}
        biases["b_ih"][n_hidden : 2 * n_hidden] = 1.0
        biases["b_out"] = np.zeros(n_outputs, np.float32)
        self._set_up(arrays | biases, name)

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
        W_ih, W_hh : array, [4 n_hidden, n_inputs], [4 n_hidden, n_hidden]
            Weights of the cell, rows in the order i, f, g, o.
        b_ih, b_hh : array, [4 n_hidden]
            Biases beside the input and beside the state.
        W_out, b_out : array, [n_outputs, n_hidden], [n_outputs], optional
            Readout; without it the network has no outputs.
        h0 : array, [2 n_hidden], optional
            Initial state ``[h, c]``, by default zeros.
        name : str, optional
            Name of the BrainPy object.
        """
        model = cls.__new__(cls)
        cell = {"W_ih": W_ih, "W_hh": W_hh, "b_ih": b_ih, "b_hh": b_hh}
        model._set_up({**cell, "W_out": W_out, "b_out": b_out, "h0": h0}, name)
        return model

    def _set_up(self, arrays: Mapping[str, ArrayLike | None], name: str | None) -> None:
        self._build(
            arrays, bias_names=("b_ih", "b_hh"), n_blocks=4, state_names=("h", "c"), name=name
        )

    @property
    def step(self) -> Step:
        """The pure single step ``step(params, h[n_states], u[n_inputs]) -> h_next[n_states]``."""
        return lstm_step

    @property
    def readout_function(self) -> Readout:
        """The pure readout ``readout(params, h[..., n_states]) -> y[..., n_outputs]``."""
        return lstm_readout

    def invariant_box(self, u: Float[Array, "n_inputs"]) -> Box:
        r"""Return a box of states that the step under the constant input `u` maps into itself.

        Every fixed point under `u` lies in it.

        Parameters
        ----------
        u : array, [n_inputs]
            The constant input.

        Returns
        -------
        low, high : array, [2 n_hidden]
            Corners of the box of ``[h, c]``. Its width in c grows like ``exp`` of the forget
            gate's drive, and is infinite where that overflows.

        Notes
        -----
        Start from a box of h, at first [-1, 1], in which every fixed point lies, since
        ``|h'| = |o tanh(c')| < 1``. Over this box the drive of each gate stays within
        ``W_hh m + W_ih u + b -+ |W_hh| r`` (m its middle, r its half-widths), and the gates,
        which are increasing functions of it, within ``i_0 <= i <= i_1`` and so on. Let
        ``C = max i g_1 / (1 - f)`` over these bounds: f_1 and i_1 if ``g_1 > 0``, else f_0 and
        i_0. Two things follow.

        *c <= C is kept.* If ``c <= C``, then ``c' = f c + i g <= f C + i g_1``. For ``g_1 > 0``
        both terms grow with f and i, and ``f_1 C + i_1 g_1 = C``; for ``g_1 <= 0``, where
        ``C <= 0``, both are largest at f_0 and i_0, and ``f_0 C + i_0 g_1 = C``.

        *Fixed points obey it.* At one, ``c = i g / (1 - f) <= i g_1 / (1 - f) <= C``.

        The lower bound is the same with the signs of c and g turned round. ``h' = o tanh(c')``
        is then bounded by ``o_1 tanh(C)`` (o_0 if C is negative), which is a smaller box of h:
        it holds all fixed points, and the step maps it and the box of c into it. With it the
        argument starts again; every box so obtained lies within the one before, since smaller
        bounds of h give smaller bounds of everything. A few such sweeps are made. On the border,
        all of this holds up to rounding.
        """
        return lstm_box(self.parameters(), jnp.asarray(u))
