"""Which of the two ways of stepping a BrainPy model has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import numpy as np

from fpf_notebook.dynamics.advice import part_that_steps
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.brainpy_call import recipe_of_call
from fpf_notebook.dynamics.brainpy_sizes import arguments_of
from fpf_notebook.dynamics.brainpy_stateful import recipe_of_stateful
from fpf_notebook.dynamics.state_form import form_of
from fpf_notebook.dynamics.step_options import StepOptions

if TYPE_CHECKING:
    import brainpy as bp


def recipe_of_brainpy_model(model: bp.DynamicalSystem, options: StepOptions) -> Recipe:
    """Find out how a BrainPy model is stepped.

    Parameters
    ----------
    model
        A ``brainpy.DynamicalSystem``. One that takes two arguments is called as
        ``model(inputs, hidden)``, one that takes fewer as ``model(x)``.
    options
        Those of functions aside.

    Returns
    -------
    Recipe
        How to step it.

    Raises
    ------
    ValueError
        If the model cannot be called as a step.
    """
    arguments, work = arguments_of(model), np.dtype(options.dtype)
    form = None if options.n_states is None else form_of(options.n_states)
    n_states = None if form is None else form.n_states
    declared = None if form is None or form.structure is None else form
    n_arrays = 2 if declared is None else len(declared.slices)
    n_inputs, state_vars, time = options.n_inputs, options.state_vars, options.time
    convention = options.convention
    name = type(model).__name__
    spread = arguments.required == 1 + n_arrays and (
        declared is not None or not (n_states or 1) % 2
    )
    if arguments.required > 2 and not spread:
        raise ValueError(
            f"{name} takes {arguments.required} arguments. Expected model(inputs, hidden) -> "
            "(outputs, h_next), or model(x) with the state in Variables. Wrap it in a function "
            "f(input, state) -> (output, next_state)."
        )
    if convention is not None and arguments.possible < 2:
        raise ValueError(
            f"convention= is for functions and for models that take their state as an argument; "
            f"{name} keeps it in Variables."
        )
    with jax.enable_x64(options.dtype == "float64"):
        if state_vars is None and arguments.possible >= 2:
            try:
                return recipe_of_call(
                    model,
                    n_states=n_states,
                    n_inputs=n_inputs,
                    convention=convention,
                    time=time,
                    work=work,
                    declared=declared,
                )
            except ValueError as error:
                if arguments.required >= 2:
                    raise
                first = error
        else:
            first = None
        if arguments.required >= 2:
            raise ValueError(
                f"state_vars= is for models that keep their state in Variables; {name} takes its "
                "state as the second argument."
            )
        try:
            return recipe_of_stateful(
                model,
                n_states=n_states,
                n_inputs=n_inputs,
                state_vars=state_vars,
                time=time,
                work=work,
            )
        except ValueError as error:
            if first is None:
                raise
            raise ValueError(
                f"{name} could be stepped neither as model(inputs, hidden) nor as model(x).\n"
                f"{first}\n{error}{part_that_steps(model)}"
            ) from error
