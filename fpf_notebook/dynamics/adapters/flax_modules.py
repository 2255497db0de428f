"""Flax: cells of linen and nnx; any other module is a function of JAX."""

from __future__ import annotations

from typing import Any

from fpf_notebook.dynamics.adapters.frameworks import CellsOrFunctions
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_options import StepOptions


class FlaxModules(CellsOrFunctions):
    """Modules of ``flax.linen`` and ``flax.nnx``."""

    framework = "flax"
    told_by_cells = ("convention", "batched")  # its weights are `params`

    def is_cell(self, model: Any) -> bool:
        """Say whether it is one of Flax's cells."""
        from fpf_notebook.dynamics.frameworks import flax_cells

        return flax_cells.is_cell(model)

    def function_of(self, model: Any, options: StepOptions) -> Any:
        """Return a module of linen with its variables as a function of those and of its arguments.

        Raises
        ------
        ValueError
            If it has none, and none are given.
        """
        from fpf_notebook.dynamics.frameworks import flax_cells

        return flax_cells.applied(model, options.params)

    def read(self, model: Any, options: StepOptions) -> Recipe:
        """Read it."""
        from fpf_notebook.dynamics.frameworks import flax_cells

        return flax_cells.recipe_of_flax_cell(
            model, variables=options.params, n_inputs=options.n_inputs, readout=options.readout
        )


register_adapter(FlaxModules())
