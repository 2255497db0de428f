"""The loss that trains a network together with its switching linear approximation."""

from __future__ import annotations

from functools import lru_cache

import jax.numpy as jnp
from jax import Array

from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.forward import Parameters, Readout, Step, roll_out
from fpf_notebook.models.jslds import JSLDS, run_both
from fpf_notebook.models.jslds_core import RNN, Core, part_of
from fpf_notebook.training.losses import Loss, masked_mean_squared_error

__all__ = ["TERMS", "co_training_loss"]

TERMS = ("rnn", "jslds", "fixed_point", "approximation")
"""Names of the terms of the loss in a history, each with its λ multiplied in."""


def co_training_loss(
    model: JSLDS,
    *,
    lambda_rnn: float = 1.0,
    lambda_jslds: float = 1.0,
    lambda_e: float = 100.0,
    lambda_a: float = 10.0,
) -> Loss:
    """Return the loss of eq. 9, as named terms, for ``train(model, task, loss=...)``.

    ==================  ==========================================================================
    term                value
    ==================  ==========================================================================
    ``rnn``             ``lambda_rnn`` times the masked mean squared error of the network's outputs
    ``jslds``           ``lambda_jslds`` times that of the switching linear system's outputs
    ``fixed_point``     ``lambda_e`` times R_e (eq. 7), the mean of ``(F(e, u*) - e)²``
    ``approximation``   ``lambda_a`` times R_a (eq. 8), the mean of ``(h - a)²``
    ==================  ==========================================================================

    A term whose factor is 0 is left out, from the loss and from the history. The L2 term of eq. 9
    is ``train``'s own: ``train(..., l2=1e-5)``.

    R_e and R_a are means over trials, steps and units, as in the paper's published code. The
    paper's formulas are sums of squared norms over steps: ``n_time * n_states`` times our means.
    So a λ of the formulas is ``λ * n_time * n_states`` here; with means, the same λ serves
    networks and trials of any size.

    Parameters
    ----------
    model : JSLDS
        Its structure counts, not its weights.
    lambda_rnn, lambda_jslds : float
        Weights of the two task losses, by default 1 and 1. (1, 0, 0, 0) is plain training of the
        network; the switching linear system is then not even run.
    lambda_e, lambda_a : float
        Weights of the two regularizers, by default 100 and 10.

    Returns
    -------
    loss : callable
        ``loss(params, inputs, targets, mask) -> {term: value}``; the same object for models of
        one structure and the same factors, so that what was compiled is used again.

    Raises
    ------
    TypeError, ValueError
        If `model` is no JSLDS, a factor is negative or not finite, or all λ are 0.

    References
    ----------
    Smith, Linderman and Sussillo, NeurIPS 2021, eqs. 7 to 9.

    Examples
    --------
    >>> from fpf_notebook.models import GRU, JSLDS
    >>> loss = co_training_loss(JSLDS(GRU(2, 4, 1)), lambda_e=100.0)
    >>> callable(loss)
    True
    """
    if not isinstance(model, JSLDS):
        raise TypeError(f"model must be a JSLDS, got {type(model).__name__}")
    factors = {
        "lambda_rnn": lambda_rnn,
        "lambda_jslds": lambda_jslds,
        "lambda_e": lambda_e,
        "lambda_a": lambda_a,
    }
    call = "training.co_training_loss"
    checked = {name: checked_argument(call, name, value) for name, value in factors.items()}
    if not any(checked.values()):
        raise ValueError(
            "lambda_rnn, lambda_jslds, lambda_e and lambda_a are all 0: nothing would be trained"
        )
    return _loss(model.core, model.rnn.step, model.readout_function, *checked.values())


@lru_cache(maxsize=256)
def _loss(
    core: Core,
    step: Step,
    readout: Readout,
    lambda_rnn: float,
    lambda_jslds: float,
    lambda_e: float,
    lambda_a: float,
) -> Loss:
    runs_both = bool(lambda_jslds or lambda_e or lambda_a)

    def loss(params: Parameters, inputs: Array, targets: Array, mask: Array) -> dict[str, Array]:
        terms: dict[str, Array] = {}
        if runs_both:
            carry = run_both(core, params, inputs)
            states = carry.rnn_state
        else:
            states = _run_rnn(step, params, inputs)
        if lambda_rnn:
            outputs = readout(params, states)
            terms["rnn"] = lambda_rnn * masked_mean_squared_error(outputs, targets, mask)
        if lambda_jslds:
            outputs = readout(params, carry.jslds_state)
            terms["jslds"] = lambda_jslds * masked_mean_squared_error(outputs, targets, mask)
        if lambda_e:
            residual = carry.F_expansion - carry.expansion_point
            terms["fixed_point"] = lambda_e * jnp.mean(residual**2)
        if lambda_a:
            terms["approximation"] = lambda_a * jnp.mean((states - carry.jslds_state) ** 2)
        return terms

    return loss


def _run_rnn(step: Step, params: Parameters, inputs: Array) -> Array:
    rnn = part_of(params, RNN)
    h0 = jnp.broadcast_to(rnn["h0"], (inputs.shape[0], *rnn["h0"].shape))
    return roll_out(step, rnn, h0, inputs)
