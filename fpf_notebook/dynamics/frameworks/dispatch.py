"""Whose a model is: decided by where its class is defined, without importing anything."""

from __future__ import annotations

from typing import Any

from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.function import recipe_of_function
from fpf_notebook.dynamics.parameter_names import Convention
from fpf_notebook.dynamics.step_map import Precision, PyTree, Time

_FRAMEWORKS = {
    "torch": "torch",
    "keras": "keras",
    "tf_keras": "keras",
    "flax": "flax",
    "equinox": "equinox",
    "brainstate": "brainstate",
    "brainpy_state": "brainstate",
    "tensorflow": "tensorflow",
}
CALLED = ("tensorflow", "torch")
"""Frameworks whose functions can be called, given ``framework=``."""


def framework_of(model: Any) -> str | None:
    """Return the framework whose object a model is.

    Parameters
    ----------
    model
        Any object. A method counts as its object with PyTorch, where it can only be called;
        elsewhere it is a function.

    Returns
    -------
    str or None
        ``"torch"``, ``"keras"``, ``"flax"``, ``"equinox"``, ``"brainstate"``, ``"tensorflow"``, or
        None if it is none of these (plain functions are of no framework).
    """
    own = _root_of(model)
    if own is not None:
        return own
    return "torch" if _root_of(getattr(model, "__self__", None)) == "torch" else None


def _root_of(model: Any) -> str | None:
    for base in type(model).__mro__:
        root = base.__module__.partition(".")[0]
        if root in _FRAMEWORKS:
            return _FRAMEWORKS[root]
    return None


def recipe_of_framework(
    framework: str,
    model: Any,
    *,
    n_states: int | None,
    n_inputs: int | None,
    convention: Convention | None,
    batched: bool | None,
    params: PyTree | None,
    readout: Any,
    time: Time,
    dtype: Precision,
) -> Recipe:
    """Find out how a model of another framework is stepped.

    Parameters
    ----------
    framework
        What `framework_of` returned, or what the caller said.
    model, n_states, n_inputs, convention, batched, params, readout, time, dtype
        As in :func:`fpf_notebook.dynamics.as_step_map`.

    Returns
    -------
    Recipe
        How to step it.

    Raises
    ------
    TypeError, ValueError
        If it cannot be stepped. The message says why.
    """
    called: dict[str, Any] = {
        "n_states": n_states,
        "n_inputs": n_inputs,
        "convention": convention,
        "batched": batched,
    }
    recipe = _recipe_of_module(framework, model, called, params, readout)
    if recipe is not None:
        _check_module(recipe, n_states, n_inputs, time)
        return recipe
    _refuse(readout, "readout", "it returns (output, next_state)")
    if framework in ("flax", "equinox", "brainstate"):  # a callable object, whose code is JAX
        return recipe_of_function(model, params=params, dtype=dtype, **called)
    _refuse(params, "params", "its parameters are read from it")
    if framework == "tensorflow":
        from fpf_notebook.dynamics.frameworks.tensorflow_call import recipe_of_tensorflow_call

        return recipe_of_tensorflow_call(model, dtype=dtype, **called)
    from fpf_notebook.dynamics.frameworks.torch_call import recipe_of_torch_call

    return recipe_of_torch_call(model, dtype=dtype, **called)


def _recipe_of_module(
    framework: str, model: Any, called: dict[str, Any], params: PyTree | None, readout: Any
) -> Recipe | None:
    """Return the recipe of a recurrent module that is known, else None."""
    n_inputs = called["n_inputs"]
    options = {"convention": called["convention"], "batched": called["batched"], "params": params}
    if framework == "flax":
        from fpf_notebook.dynamics.frameworks import flax_cells

        if not flax_cells.is_cell(model):
            return None
        del options["params"]
        _refuse_options(options, model)
        return flax_cells.recipe_of_flax_cell(
            model, variables=params, n_inputs=n_inputs, readout=readout
        )
    if framework == "equinox":
        from fpf_notebook.dynamics.frameworks import equinox_cells

        if not equinox_cells.is_cell(model):
            return None
        _refuse_options(options, model)
        return equinox_cells.recipe_of_equinox_cell(model, readout=readout)
    if framework == "brainstate":
        from fpf_notebook.dynamics.frameworks import brainstate_cells

        if not brainstate_cells.is_module(model):
            return None
        _refuse_options(options, model)
        return brainstate_cells.recipe_of_brainstate(model, n_inputs=n_inputs, readout=readout)
    if framework == "keras":
        from fpf_notebook.dynamics.frameworks import keras_weights

        _refuse_options(options, model)
        return keras_weights.recipe_of_keras_weights(model, readout=readout)
    if framework == "torch":
        from fpf_notebook.dynamics.frameworks import torch_weights

        if torch_weights.is_recurrent(model):
            _refuse_options(options, model)
            return torch_weights.recipe_of_torch_weights(model, readout)
    return None


def _refuse(value: Any, label: str, why: str) -> None:
    if value is not None:
        raise ValueError(
            f"{label}= is for the recurrent modules of a framework; what is called as a step "
            f"does not take it: {why}."
        )


def _refuse_options(options: dict[str, Any], model: Any) -> None:
    for label, value in options.items():
        if value is not None:
            raise ValueError(
                f"{label}= is for functions; {type(model).__name__} tells its own way of stepping."
            )


def _check_module(recipe: Recipe, n_states: int | None, n_inputs: int | None, time: Time) -> None:
    if time == "continuous":
        raise ValueError(
            f"{recipe.name} is a map, not a flow: leave out time='continuous'. A function that "
            "returns dh/dt can be a flow."
        )
    if n_inputs is not None and n_inputs != recipe.n_inputs:
        raise ValueError(f"n_inputs is {n_inputs}, but {recipe.name} takes {recipe.n_inputs}.")
    if n_states is not None and n_states != recipe.n_states:
        layout = ", ".join(f"{part.name} [{part.stop - part.start}]" for part in recipe.slices)
        raise ValueError(
            f"n_states (or the length of the given states) is {n_states}, but the state of "
            f"{recipe.name} has {recipe.n_states} components: {layout}. Give whole states; "
            "as_step_map(model).trajectory(h0, inputs) runs the network and returns them."
        )
