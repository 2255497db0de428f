"""The two compiled functions of training: some optimizer steps in one loop, and an evaluation.

Both take everything that changes as arguments, so that other weights, another learning rate,
another number of steps or another clipping compile nothing anew.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float

from fpf_notebook._types import PyTree
from fpf_notebook.models.forward import Forward, Parameters
from fpf_notebook.training.losses import Loss, StochasticLoss, as_terms, sum_of_squares
from fpf_notebook.training.optimizer import with_rate

Batches = tuple[
    Float[Array, "step trial time n_inputs"],
    Float[Array, "step trial time n_outputs"],
    Float[Array, "step trial time n_outputs"],
]
"""Inputs, targets and mask of an epoch, one batch for each step."""

LOSS, GRADIENT_NORM, L2 = "loss", "gradient_norm", "l2"


class Weights(NamedTuple):
    """What a step changes.

    Attributes
    ----------
    params : dict
        The parameters.
    last_good : dict
        The last parameters at which loss and gradient were found finite.
    opt_state : pytree
        The optimizer's state.
    """

    params: Any
    last_good: PyTree
    opt_state: PyTree


@partial(jax.jit, static_argnames=("loss", "optimizer", "sets_rate", "has_l2"))
def advance(
    loss: Loss,
    optimizer: optax.GradientTransformation,
    sets_rate: bool,
    has_l2: bool,
    weights: Weights,
    batches: Batches,
    rates: Float[Array, "step"],
    clip_norm: float,
    l2: float,
    start: int,
    stop: int,
    first: int = 0,
) -> tuple[Weights, Array, dict[str, Float[Array, "step"]]]:
    """Make the steps from `start` up to, not including, `stop` of an epoch.

    The loop ends early at a step whose loss or gradient is not finite; that step changes nothing.
    The bounds are arguments: a few steps or many are one compilation, and give the same numbers.
    `first` is the number of the epoch's first step in the whole training, for a `StochasticLoss`.

    Returns
    -------
    weights : Weights
        After the steps.
    reached : int
        The step that would be next: `stop`, or one after that which is not finite.
    record : dict of arrays [step]
        Loss, gradient norm and every term, each at the weights before the step; NaN outside of
        the steps made.
    """

    def total(params: Parameters, batch: PyTree, step: PyTree) -> tuple[Array, dict[str, Array]]:
        if isinstance(loss, StochasticLoss):
            inputs, targets, mask = batch
            terms = dict(loss.at_step(params, inputs, targets, mask, step))
        else:
            terms = as_terms(loss(params, *batch))
        if has_l2:
            terms[L2] = l2 * sum_of_squares(params)
        value = sum(terms.values(), start=jnp.zeros(()))
        return value, {LOSS: value, **terms}

    def body(carry: PyTree) -> PyTree:
        k, _, weights, record = carry
        params, last_good, opt_state = weights
        batch = jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, k, keepdims=False), batches)
        (_, values), gradient = jax.value_and_grad(total, has_aux=True)(params, batch, first + k)
        norm = jnp.sqrt(sum_of_squares(gradient))
        fine = jnp.isfinite(values[LOSS]) & jnp.isfinite(norm)
        # Also where the norm is 0.
        gradient = jax.tree.map(
            lambda g: jnp.where(norm > clip_norm, g * (clip_norm / norm), g).astype(g.dtype),
            gradient,
        )
        if sets_rate:
            opt_state = with_rate(opt_state, rates[k])
        updates, new_opt_state = optimizer.update(gradient, opt_state, params)
        new = Weights(optax.apply_updates(params, updates), params, new_opt_state)
        old = Weights(params, last_good, opt_state)
        weights = jax.tree.map(lambda a, b: jnp.where(fine, a, b), new, old)
        values = {**values, GRADIENT_NORM: norm}
        record = {name: record[name].at[k].set(values[name]) for name in record}
        return k + 1, fine, weights, record

    one = jax.tree.map(lambda x: x[0], batches)
    names = [*jax.eval_shape(total, weights.params, one, first)[1], GRADIENT_NORM]
    empty = {name: jnp.full(rates.shape, jnp.nan) for name in names}
    carry = (jnp.asarray(start), jnp.asarray(True), weights, empty)
    reached, _, weights, record = jax.lax.while_loop(lambda c: (c[0] < stop) & c[1], body, carry)
    return weights, reached, record


@partial(jax.jit, static_argnames=("loss", "forward"))
def evaluate(
    loss: Loss,
    forward: Forward | None,
    params: Parameters,
    inputs: Array,
    targets: Array,
    mask: Array,
) -> tuple[dict[str, Array], Array | None]:
    """Return loss, terms and metrics on given trials, and the outputs if there is a `forward`."""
    if isinstance(loss, StochasticLoss):
        terms, metrics, outputs = loss.measure(params, inputs, targets, mask)
        return {LOSS: sum(terms.values(), start=jnp.zeros(())), **terms, **metrics}, outputs
    terms = as_terms(loss(params, inputs, targets, mask))
    values = {LOSS: sum(terms.values(), start=jnp.zeros(())), **terms}
    return values, None if forward is None else forward(params, inputs)[0]


@partial(jax.jit, static_argnames="forward")
def predict(forward: Forward, params: Parameters, inputs: Array) -> Array:
    """Return the outputs for given inputs."""
    return forward(params, inputs)[0]
