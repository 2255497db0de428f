"""What the adapters of other frameworks have in common."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any

from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.origin import framework_of, is_brainpy
from fpf_notebook.dynamics.reading import Reading
from fpf_notebook.dynamics.state_form import form_of
from fpf_notebook.dynamics.step_options import StepOptions


class CellsOrFunctions(ABC):
    """An adapter of a framework on JAX: it reads the cells; anything else is called as a function.

    Attributes
    ----------
    framework
        Its name, as in the option of that name.
    told_by_cells
        Options that a cell answers itself, and that are refused for one.
    """

    framework: str
    told_by_cells: tuple[str, ...] = ("convention", "batched", "params")

    @abstractmethod
    def is_cell(self, model: Any) -> bool:
        """Say whether this is a cell that `read` knows."""

    @abstractmethod
    def read(self, model: Any, options: StepOptions) -> Recipe:
        """Read a cell."""

    def function_of(self, model: Any, options: StepOptions) -> Any:
        """Return what is called of a module that is no cell."""
        del options
        return model

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take an object of the framework."""
        return of_framework(self.framework, model, options)

    def recipe(self, model: Any, options: StepOptions) -> Recipe:
        """Read a cell, or find out how another module is called."""
        from fpf_notebook.dynamics.function import recipe_of_function

        refuse_state_vars(model, options)
        if not self.is_cell(model):
            refuse_for_call(options, "readout", why="it returns (output, next_state)")
            return recipe_of_function(self.function_of(model, options), options)
        refuse_for_module(model, options, *self.told_by_cells)
        return checked_module(self.read(model, options), options)


def of_framework(name: str, model: object, options: StepOptions) -> bool:
    """Say whether a model is one of a framework, by its class or because the caller says so."""
    if options.framework is not None:
        return options.framework == name
    return not is_brainpy(model) and framework_of(model) == name


def refuse_for_module(model: object, options: StepOptions, *names: str) -> None:
    """Raise ValueError for options of functions, where a module tells its own way of stepping."""
    options.refuse(
        *names, why=f"is for functions; {type(model).__name__} tells its own way of stepping."
    )


def refuse_for_call(options: StepOptions, *names: str, why: str) -> None:
    """Raise ValueError for options of recurrent modules, where something is called."""
    options.refuse(
        *names,
        why=(
            "is for the recurrent modules of a framework; what is called as a step does not take "
            f"it: {why}."
        ),
    )


def refuse_state_vars(model: object, options: StepOptions) -> None:
    """Raise ValueError if ``state_vars`` was given for a model without Variables."""
    options.refuse(
        "state_vars",
        why=(
            "is for brainpy models that keep their state in Variables; "
            f"model is {type(model).__name__}."
        ),
    )


def checked_module(recipe: Recipe, options: StepOptions) -> Recipe:
    """Return the recipe of a recurrent module, after a check of what was said about it.

    Raises
    ------
    ValueError
        If it is to be a flow, or is of another size than was said.
    """
    if options.time == "continuous":
        raise ValueError(
            f"{recipe.name} is a map, not a flow: leave out time='continuous'. A function that "
            "returns dh/dt can be a flow."
        )
    n_states, n_inputs = options.n_states, options.n_inputs
    if n_inputs is not None and n_inputs != recipe.n_inputs:
        raise ValueError(f"n_inputs is {n_inputs}, but {recipe.name} takes {recipe.n_inputs}.")
    if n_states is not None and total_of(n_states) != recipe.n_states:
        layout = ", ".join(f"{part.name} [{part.stop - part.start}]" for part in recipe.slices)
        raise ValueError(
            f"n_states (or the length of the given states) is {n_states}, but the state of "
            f"{recipe.name} has {recipe.n_states} components: {layout}. Give whole states; "
            "as_step_map(model).trajectory(h0, inputs) runs the network and returns them."
        )
    if recipe.reading is not None:
        return recipe
    state = ", ".join(f"{part.name}[{part.stop - part.start}]" for part in recipe.slices)
    reading = Reading(
        source=f"{recipe.name}, a recurrent module of a known class, by its weights",
        call=f"(input[{recipe.n_inputs}], {state})",
        returned="as its formula says",
        parameters="its weights"
        + ("" if options.readout is None else ", and those of the readout"),
    )
    return dataclasses.replace(recipe, reading=reading)


def total_of(n_states: object) -> int:
    """Return the length of the flat state that ``n_states`` describes."""
    return form_of(n_states).n_states
