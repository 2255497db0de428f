"""BrainState and BrainPy-state: modules that step by ``update(x)``."""

from __future__ import annotations

from typing import Any

from fpf_notebook.dynamics.adapters.frameworks import CellsOrFunctions
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_options import StepOptions


class BrainStateModules(CellsOrFunctions):
    """Modules with their state in ``HiddenState`` objects, and jitted functions."""

    framework = "brainstate"

    def is_cell(self, model: Any) -> bool:
        """Say whether it keeps its state in ``HiddenState`` objects."""
        from fpf_notebook.dynamics.frameworks import brainstate_cells

        return brainstate_cells.is_module(model)

    def read(self, model: Any, options: StepOptions) -> Recipe:
        """Read it."""
        from fpf_notebook.dynamics.frameworks import brainstate_cells

        return brainstate_cells.recipe_of_brainstate(
            model, n_inputs=options.n_inputs, readout=options.readout
        )


register_adapter(BrainStateModules())
