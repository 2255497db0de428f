"""BrainState and BrainPy-state: modules that step by ``update(x)``."""

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


class BrainStateModules:
    """Modules with their state in ``HiddenState`` objects, and jitted functions."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take an object of BrainState that is no model of BrainPy."""
        return of_framework("brainstate", model, options)

    def recipe(self, model: Any, options: StepOptions) -> Recipe:
        """Read a module, or find out how a function is called."""
        from fpf_notebook.dynamics.frameworks import brainstate_cells
        from fpf_notebook.dynamics.function import recipe_of_function

        refuse_state_vars(model, options)
        if not brainstate_cells.is_module(model):
            refuse_for_call(options, "readout", why="it returns (output, next_state)")
            return recipe_of_function(model, options)
        refuse_for_module(model, options, "convention", "batched", "params")
        recipe = brainstate_cells.recipe_of_brainstate(
            model, n_inputs=options.n_inputs, readout=options.readout
        )
        return checked_module(recipe, options)


register_adapter(BrainStateModules())
