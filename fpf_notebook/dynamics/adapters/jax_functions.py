"""Functions of JAX, and whatever else can be called."""

from __future__ import annotations

from typing import Any

from fpf_notebook.dynamics.adapters.frameworks import refuse_state_vars
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.origin import framework_of, is_brainpy
from fpf_notebook.dynamics.step_options import StepOptions


class JaxFunctions:
    """What belongs to no framework."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take what can be called, unless it is a module of another framework."""
        known = is_brainpy(model) or framework_of(model) is not None
        return options.framework is None and not known and callable(model)

    def recipe(self, model: Any, options: StepOptions) -> Recipe:
        """Find out how it is called."""
        from fpf_notebook.dynamics.function import recipe_of_function

        refuse_state_vars(model, options)
        options.refuse(
            "readout",
            why=(
                "is for recurrent modules of PyTorch, Keras, Flax, Equinox and BrainState; a "
                "BrainPy model and a function return (output, next_state)."
            ),
        )
        return recipe_of_function(model, options)


register_adapter(JaxFunctions())
