"""The pure step of a Jacobian switching linear dynamical system, with no task attached."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from fpf_notebook.models.expansion import Expand
from fpf_notebook.models.forward import Parameters, Step
from fpf_notebook.models.input_point import InputPoint


class JSLDSCarry(NamedTuple):
    """The state of both systems after a step, each ``[n_states]``.

    Attributes
    ----------
    rnn_state : array
        h, of the nonlinear network.
    jslds_state : array
        a, of the switching linear system.
    expansion_point : array
        e, around which the step to a was linear.
    F_expansion : array
        F(e, u*), which is e where e is a fixed point.
    """

    rnn_state: Array
    jslds_state: Array
    expansion_point: Array
    F_expansion: Array


Core = Callable[[Parameters, JSLDSCarry, Array], JSLDSCarry]
"""``core(params, carry, u) -> carry`` of one trial."""
Linearized = Callable[[Parameters, Array, Array], tuple[Array, Array, Array]]
"""``linearized(params, a, u) -> (a_next, e, F(e, u*))`` of one trial."""

RNN, EXPANSION = "rnn.", "expansion."


def part_of(params: Parameters, prefix: str) -> dict[str, Array]:
    """Return the parameters whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in params.items()
        if name.startswith(prefix)
    }


@lru_cache(maxsize=256)
def linearized_step(step: Step, expand: Expand, input_point: InputPoint) -> Linearized:
    """Return the step of the switching linear system, eq. 5 of the paper.

    ``a' = e + dF/dh(e, u*) (a - e) + dF/du(e, u*) (u - u*)`` with ``e = E(a)``: one forward-mode
    product, in which the Jacobians themselves never appear.

    Parameters
    ----------
    step : callable
        ``step(params, h, u)``, the nonlinear network F.
    expand : callable
        ``expand(params, a)``, the expansion network E.
    input_point : callable
        ``input_point(u)``, u*.
    """

    def linearized(
        params: Parameters, a: Float[Array, "n_states"], u: Float[Array, "n_inputs"]
    ) -> tuple[Array, Array, Array]:
        e = expand(part_of(params, EXPANSION), a)
        u_star = input_point(u)
        rnn = part_of(params, RNN)
        F_e, change = jax.jvp(lambda h, v: step(rnn, h, v), (e, u_star), (a - e, u - u_star))
        return e + change, e, F_e

    return linearized


@lru_cache(maxsize=256)
def jslds_core(step: Step, expand: Expand, input_point: InputPoint) -> Core:
    """Return the step of both systems side by side, each from its own state.

    The parameters are those of the network under ``rnn.…`` and those of the expansion network
    under ``expansion.…``. With ``functools.partial(core, params)`` it is a plain
    ``(carry, input) -> carry``, for any model that has use for a generator.
    """
    linearized = linearized_step(step, expand, input_point)

    def core(params: Parameters, carry: JSLDSCarry, u: Float[Array, "n_inputs"]) -> JSLDSCarry:
        a, e, F_e = linearized(params, carry.jslds_state, u)
        h = step(part_of(params, RNN), carry.rnn_state, u)
        return JSLDSCarry(h, a, e, F_e)

    return core


def initial_carry(h0: Float[Array, "*batch n_states"]) -> JSLDSCarry:
    """Return the carry before the first step: both systems begin in the same state."""
    return JSLDSCarry(h0, h0, h0, h0)


def roll_out_core(
    core: Core, params: Parameters, h0: Array, inputs: Float[Array, "trial time n_inputs"]
) -> JSLDSCarry:
    """Return the carries after each input, every field ``[trial, time, n_states]``."""
    dtype = jnp.result_type(h0, inputs, *params.values())
    batched = jax.vmap(core, in_axes=(None, 0, 0))

    def advance(carry: JSLDSCarry, u: Array) -> tuple[JSLDSCarry, JSLDSCarry]:
        carry = batched(params, carry, u)
        return carry, carry

    _, carries = jax.lax.scan(
        advance, initial_carry(h0.astype(dtype)), jnp.swapaxes(inputs.astype(dtype), 0, 1)
    )
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), carries)
