"""The recurrent layers inside LFADS that are no generators: encoders and controller."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.forward import Parameters


def gru_arrays(
    rng: np.random.Generator, n_inputs: int, n_hidden: int, prefix: str = ""
) -> dict[str, np.ndarray]:
    """Draw the weights of a GRU, rows in the order r, z, n; old states are kept at first."""
    scale = (n_inputs + n_hidden) ** -0.5
    bias = np.zeros(3 * n_hidden)
    bias[n_hidden : 2 * n_hidden] = 1.0  # as in LFADS: a bias of 1 towards keeping
    return {
        f"{prefix}W_ih": scale * rng.normal(size=(3 * n_hidden, n_inputs)),
        f"{prefix}W_hh": scale * rng.normal(size=(3 * n_hidden, n_hidden)),
        f"{prefix}b_ih": bias,
        f"{prefix}b_hh": np.zeros(3 * n_hidden),
    }


def affine_arrays(
    rng: np.random.Generator, n_out: int, n_in: int, name: str, scale: float = 1.0
) -> dict[str, np.ndarray]:
    """Draw a matrix, of a variance that keeps that of its inputs, and a bias of zeros."""
    W = scale * rng.normal(size=(n_out, n_in)) / np.sqrt(max(n_in, 1))
    return {f"W_{name}": W, f"b_{name}": np.zeros(n_out)}


def affine(params: Parameters, name: str, x: Float[Array, "*batch n_in"]) -> Array:
    """Return ``W x + b``."""
    return x @ params[f"W_{name}"].T + params[f"b_{name}"]


def gru_update(
    params: Mapping[str, Array], prefix: str, h: Float[Array, "trial n"], from_input: Array
) -> Float[Array, "trial n"]:
    """Advance a batch of states; `from_input` is ``W_ih x + b_ih``."""
    n = h.shape[-1]
    from_state = h @ params[f"{prefix}W_hh"].T + params[f"{prefix}b_hh"]
    gates = jax.nn.sigmoid(from_input[..., : 2 * n] + from_state[..., : 2 * n])
    r, z = gates[..., :n], gates[..., n:]
    candidate = jnp.tanh(from_input[..., 2 * n :] + r * from_state[..., 2 * n :])
    return (1 - z) * candidate + z * h


def gru_states(
    params: Mapping[str, Array], prefix: str, x: Float[Array, "trial time n_in"], *, reverse: bool
) -> Float[Array, "trial time n"]:
    """Return the states over a sequence, read forwards or backwards, each at its own step."""
    # All inputs at once: one large product in place of many small ones.
    from_input = jnp.swapaxes(x @ params[f"{prefix}W_ih"].T + params[f"{prefix}b_ih"], 0, 1)
    h0 = jnp.zeros((x.shape[0], params[f"{prefix}W_hh"].shape[1]), from_input.dtype)

    def advance(h: Array, u: Array) -> tuple[Array, Array]:
        h = gru_update(params, prefix, h, u)
        return h, h

    _, states = jax.lax.scan(advance, h0, from_input, reverse=reverse)
    return jnp.swapaxes(states, 0, 1)
