"""Flax: cells of linen and nnx; any other module is a function of JAX."""

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


class FlaxModules:
    """Modules of ``flax.linen`` and ``flax.nnx``."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take an object of Flax."""
        return of_framework("flax", model, options)

    def recipe(self, model: Any, options: StepOptions) -> Recipe:
        """Read a cell, or find out how another module is called."""
        from fpf_notebook.dynamics.frameworks import flax_cells
        from fpf_notebook.dynamics.function import recipe_of_function

        refuse_state_vars(model, options)
        if not flax_cells.is_cell(model):
            refuse_for_call(options, "readout", why="it returns (output, next_state)")
            return recipe_of_function(model, options)
        refuse_for_module(model, options, "convention", "batched")
        recipe = flax_cells.recipe_of_flax_cell(
            model, variables=options.params, n_inputs=options.n_inputs, readout=options.readout
        )
        return checked_module(recipe, options)


register_adapter(FlaxModules())
