"""The one entrance: anything that steps becomes a StepMap."""

from __future__ import annotations

import dataclasses
import numbers
import sys
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.assemble import Recipe, assemble
from fpf_notebook.dynamics.frameworks.dispatch import CALLED, framework_of, recipe_of_framework
from fpf_notebook.dynamics.function import recipe_of_function
from fpf_notebook.dynamics.parameter_names import Convention
from fpf_notebook.dynamics.step_map import Precision, PyTree, StepMap, Time


def as_step_map(
    model: Any,
    *,
    n_states: int | None = None,
    n_inputs: int | None = None,
    state_vars: str | Sequence[Any] | None = None,
    time: Time = "discrete",
    dt: float | None = None,
    convention: Convention | None = None,
    batched: bool | None = None,
    params: PyTree | None = None,
    invariant_box: Any = None,
    dtype: Precision = "float64",
    readout: Any = None,
    framework: str | None = None,
) -> StepMap:
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
    n_states, n_inputs
        Lengths of the flat state and of the input. Needed where the model does not tell them.
    state_vars
        For a model that keeps its state in Variables: which ones, by name or as objects. Default:
        every Variable that the step changes and that is not a parameter.
    time
        ``"discrete"`` (default): the step is a map, h -> F(h, u). ``"continuous"``: it is a flow.
        A function then returns dh/dt; of a model that integrates by ``bp.odeint``, the derivative
        is taken in place of the step, whatever the method of integration.
    dt
        Duration of one step, in the unit of your choice, for time constants and frequencies.
        Default: that of the model's integrator, if it has one.
    convention
        For a function: ``"input_state"`` or ``"state_input"``, the order of its arguments. Default:
        found out by probing.
    batched
        For a function: whether its arguments have a leading batch axis. Default: found out by
        probing.
    params
        For a function: its parameters, passed as the first argument. New ones of the same shapes
        can be given later without compiling anew. For a cell of Flax linen: its variables.
    invariant_box
        ``(low, high)``, numbers or arrays, or a function of the input that returns them: a box
        that the step does not leave. Checked by probing. Default: the model's own, if it has one.
    dtype
        ``"float64"`` (default) or ``"float32"``, the precision in which the step is traced.
    readout
        For a recurrent module of a framework: what computes the network's output from that of the
        module. A linear layer of the same framework, arrays ``(W, b)`` with W [n_outputs,
        n_hidden], or a JAX function.
    framework
        ``"torch"``, ``"tensorflow"``: ``model`` is a function of the tensors of this framework.
        Needed for plain functions only; default: that of the model's class, and JAX for functions.

    Returns
    -------
    StepMap
        The step map.

    Raises
    ------
    TypeError
        If the model is of a kind that is not known.
    ValueError
        If an option has a wrong value, or the model does not do what a step must do. The message
        says what was given, what is expected, and what to do.
    """
    if isinstance(model, StepMap):
        return model
    _check_options(n_states=n_states, n_inputs=n_inputs, time=time, dt=dt, dtype=dtype)
    recipe = _recipe(
        model,
        n_states=n_states,
        n_inputs=n_inputs,
        state_vars=state_vars,
        time=time,
        dt=dt,
        convention=convention,
        batched=batched,
        params=params,
        dtype=dtype,
        readout=readout,
        framework=framework,
    )
    if invariant_box is not None:
        recipe = _with_given_box(recipe, invariant_box)
    step_map = assemble(recipe, time=time, dt=dt, dtype=dtype)

    def retrace(other: Any) -> StepMap:
        return as_step_map(
            other,
            n_states=n_states,
            n_inputs=n_inputs,
            state_vars=state_vars,
            time=time,
            dt=dt,
            convention=convention,
            batched=batched,
            params=params,
            invariant_box=invariant_box,
            dtype=dtype,
            readout=readout,
            framework=framework,
        )

    return dataclasses.replace(step_map, _retrace=retrace)


def _recipe(
    model: Any,
    *,
    n_states: int | None,
    n_inputs: int | None,
    state_vars: str | Sequence[Any] | None,
    time: Time,
    dt: float | None,
    convention: Convention | None,
    batched: bool | None,
    params: PyTree | None,
    dtype: Precision,
    readout: Any,
    framework: str | None,
) -> Recipe:
    if framework is not None and framework not in CALLED:
        raise ValueError(
            f"framework is {framework!r}, expected 'torch' or 'tensorflow', for a function of "
            "tensors, or None: modules tell theirs, and a function is taken as one of JAX."
        )
    if framework is None and not _is_brainpy(model):
        framework = framework_of(model)
    if framework is not None:
        _refuse_state_vars(model, state_vars)
        return recipe_of_framework(
            framework,
            model,
            n_states=n_states,
            n_inputs=n_inputs,
            convention=convention,
            batched=batched,
            params=params,
            readout=readout,
            time=time,
            dtype=dtype,
        )
    if readout is not None:
        raise ValueError(
            "readout= is for recurrent modules of PyTorch, Keras, Flax, Equinox and BrainState; a "
            "BrainPy model and a function return (output, next_state)."
        )
    if _is_brainpy(model):
        return _brainpy_recipe(
            model,
            n_states=n_states,
            n_inputs=n_inputs,
            state_vars=state_vars,
            time=time,
            convention=convention,
            batched=batched,
            params=params,
            dtype=dtype,
        )
    _refuse_state_vars(model, state_vars)
    if not callable(model):
        raise TypeError(
            f"model is {type(model).__name__}, expected a brainpy.DynamicalSystem, a JAX function "
            "f(input, state) -> (output, next_state) or F(state, input) -> next_state, a recurrent "
            "module of PyTorch, Keras, Flax, Equinox or BrainState, or a StepMap."
        )
    return recipe_of_function(
        model,
        n_states=n_states,
        n_inputs=n_inputs,
        convention=convention,
        batched=batched,
        params=params,
        dtype=dtype,
    )


def _refuse_state_vars(model: Any, state_vars: str | Sequence[Any] | None) -> None:
    if state_vars is not None:
        raise ValueError(
            "state_vars= is for brainpy models that keep their state in Variables; "
            f"model is {type(model).__name__}."
        )


def _is_brainpy(model: Any) -> bool:
    # A BrainPy model can only exist once BrainPy is there: it is not imported for other models.
    brainpy = sys.modules.get("brainpy")
    return brainpy is not None and isinstance(model, brainpy.DynamicalSystem)


def _brainpy_recipe(
    model: Any,
    *,
    n_states: int | None,
    n_inputs: int | None,
    state_vars: str | Sequence[Any] | None,
    time: Time,
    convention: Convention | None,
    batched: bool | None,
    params: PyTree | None,
    dtype: Precision,
) -> Recipe:
    from fpf_notebook.dynamics.brainpy_model import recipe_of_brainpy_model

    for label, value in (("batched", batched), ("params", params)):
        if value is not None:
            raise ValueError(
                f"{label}= is for functions; {type(model).__name__} is a brainpy model, whose "
                "parameters are its Variables and whose call is model(inputs, hidden) or model(x)."
            )
    return recipe_of_brainpy_model(
        model,
        n_states=n_states,
        n_inputs=n_inputs,
        state_vars=state_vars,
        convention=convention,
        time=time,
        dtype=dtype,
    )


def _check_options(
    *,
    n_states: int | None,
    n_inputs: int | None,
    time: Any,
    dt: float | None,
    dtype: Any,
) -> None:
    for label, size, least in (("n_states", n_states, 1), ("n_inputs", n_inputs, 0)):
        if size is None or isinstance(size, tuple | list | dict):
            continue
        if isinstance(size, bool) or not isinstance(size, numbers.Integral) or size < least:
            raise ValueError(f"{label} is {size!r}, expected an integer of at least {least}.")
    if time not in ("discrete", "continuous"):
        raise ValueError(f"time is {time!r}, expected 'discrete' (a map) or 'continuous' (a flow).")
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype is {dtype!r}, expected 'float64' or 'float32'.")
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt is {dt!r}, expected a positive number or None.")


def _with_given_box(recipe: Recipe, given: Any) -> Recipe:
    if callable(given):
        return dataclasses.replace(
            recipe,
            box=lambda params, u: given(u),
            box_reason="given by the caller as a function of the input",
            box_must_hold=True,
        )
    try:
        low, high = given
    except (TypeError, ValueError):
        raise ValueError(
            f"invariant_box is {given!r}, expected (low, high), each a number or an array of "
            f"shape [n_states={recipe.n_states}]."
        ) from None
    bounds = []
    for label, value in (("low", low), ("high", high)):
        bound = np.asarray(value, dtype=np.float64)
        if bound.shape not in ((), (recipe.n_states,)):
            raise ValueError(
                f"invariant_box's {label} has shape {bound.shape}, expected a number or shape "
                f"[n_states={recipe.n_states}]."
            )
        bounds.append(np.broadcast_to(bound, (recipe.n_states,)))
    return dataclasses.replace(
        recipe,
        box=lambda params, u: (jnp.asarray(bounds[0]), jnp.asarray(bounds[1])),
        box_reason="given by the caller",
        box_must_hold=True,
    )
