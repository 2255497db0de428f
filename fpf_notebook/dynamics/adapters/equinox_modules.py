"""Equinox: its cells; any other module is a function of JAX."""

from __future__ import annotations

from typing import Any

from fpf_notebook.dynamics.adapters.frameworks import (
    checked_module,
    of_framework,
    refuse_for_call,
    refuse_for_module,
    refuse_state_vars,
)
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_options import StepOptions


class EquinoxModules:
    """Modules of Equinox."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take an object of Equinox."""
        return of_framework("equinox", model, options)

    def recipe(self, model: Any, options: StepOptions) -> Recipe:
        """Read a cell, or find out how another module is called."""
        from fpf_notebook.dynamics.frameworks import equinox_cells
        from fpf_notebook.dynamics.function import recipe_of_function

        refuse_state_vars(model, options)
        if not equinox_cells.is_cell(model):
            refuse_for_call(options, "readout", why="it returns (output, next_state)")
            return recipe_of_function(model, options)
        refuse_for_module(model, options, "convention", "batched", "params")
        recipe = equinox_cells.recipe_of_equinox_cell(model, readout=options.readout)
        return checked_module(recipe, options)


register_adapter(EquinoxModules())
