"""Equinox: its cells; any other module is a function of JAX."""

from __future__ import annotations

from typing import Any

from fpf_notebook.dynamics.adapters.frameworks import CellsOrFunctions
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_options import StepOptions


class EquinoxModules(CellsOrFunctions):
    """Modules of Equinox."""

    framework = "equinox"

    def is_cell(self, model: Any) -> bool:
        """Say whether it is one of Equinox's cells."""
        from fpf_notebook.dynamics.frameworks import equinox_cells

        return equinox_cells.is_cell(model)

    def read(self, model: Any, options: StepOptions) -> Recipe:
        """Read it."""
        from fpf_notebook.dynamics.frameworks import equinox_cells

        return equinox_cells.recipe_of_equinox_cell(model, readout=options.readout)


register_adapter(EquinoxModules())
