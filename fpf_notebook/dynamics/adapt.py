"""The one entrance: anything that steps becomes a StepMap."""

from __future__ import annotations

import dataclasses
from typing import Any

from fpf_notebook.dynamics.adapters import adapter_of
from fpf_notebook.dynamics.assemble import assemble
from fpf_notebook.dynamics.given_box import with_given_box
from fpf_notebook.dynamics.sending import Origin
from fpf_notebook.dynamics.shared_steps import keep_step, known_step
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.dynamics.step_options import StepOptions, with_step_options
from fpf_notebook.dynamics.unwrapped import unwrapped


@with_step_options
def as_step_map(model: object, **options: Any) -> StepMap:
    """Make a step map of a network.

    The model is traced here and now, in this thread. Afterwards it is never called again, and it
    is the same as before.

    Parameters
    ----------
    model
        One of:

        - a ``brainpy.DynamicalSystem`` called as
          ``model(inputs[batch, 1, n_inputs], hidden[batch, n_states])``, which returns
          ``(outputs, h_next)``;
        - a ``brainpy.DynamicalSystem`` called as ``model(x)`` (or ``model()``), which keeps its
          state in Variables: ``bp.dyn.RNNCell``, ``GRUCell``, ``LSTMCell``, a ``bp.Sequential`` of
          cells and layers, a rate model that integrates by ``bp.odeint``, or one of your own;
        - a JAX function ``f(input, state) -> (output, next_state)`` or
          ``F(state, input) -> next_state``, for one state or for a batch; or ``F(state)``;
        - a recurrent module of PyTorch (``torch.nn.RNN``, ``GRU``, ``LSTM`` and their cells),
          Keras (``SimpleRNN``, ``GRU``, ``LSTM``, their cells, ``StackedRNNCells``, a
          ``Sequential`` of these and of ``Dense`` layers), Flax (cells of linen, with
          ``params=variables``, and of nnx), Equinox (``GRUCell``, ``LSTMCell``) or BrainState;
        - any other ``torch.nn.Module`` called as ``module(input, state) -> (output, next_state)``,
          or a method of one;
        - with ``framework="torch"`` or ``"tensorflow"``, a function of tensors; a ``tf.function``
          and a callable ``tf.Module`` need not be told;
        - a :class:`StepMap`, which is returned as it is.
    **options
        Those of :class:`fpf_notebook.dynamics.StepOptions`: ``n_states``, ``n_inputs``,
        ``state_vars``, ``time``, ``dt``, ``convention``, ``batched``, ``params``,
        ``invariant_box``, ``dtype``, ``readout`` and ``framework``.

    Returns
    -------
    StepMap
        The step map; ``print(step_map.reading)`` says how the model was read.

    Raises
    ------
    TypeError
        If the model is of a kind that is not known, or there is no option of a name.
    ValueError
        If an option has a wrong value, or the model does not do what a step must do. The message
        says what was given, what is expected, and what to do.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> F = as_step_map(lambda h, u: jnp.tanh(2 * h + u), n_states=2, n_inputs=2)
    >>> F(np.array([[0.0, 1.0]]), np.zeros((1, 2))).round(3)
    array([[0.   , 0.964]])
    """
    return step_map_of(model, StepOptions.of("as_step_map", options))


def step_map_of(model: object, options: StepOptions) -> StepMap:
    """Make a step map of a network with options that are there already.

    Parameters
    ----------
    model, options
        As for :func:`as_step_map`.

    Returns
    -------
    StepMap
        The step map.
    """
    if isinstance(model, StepMap):
        return model
    model = unwrapped(model, options.time)
    step_map = known_step(model, options)
    if step_map is None:
        recipe = adapter_of(model, options).recipe(model, options)
        if options.invariant_box is not None:
            recipe = with_given_box(recipe, options.invariant_box)
        step_map = assemble(recipe, time=options.time, dt=options.dt, dtype=options.dtype)
        keep_step(model, options, step_map)
    return dataclasses.replace(
        step_map,
        _retrace=lambda other: step_map_of(other, options),
        _origin=Origin(step_map_of, (model, options)),
    )
