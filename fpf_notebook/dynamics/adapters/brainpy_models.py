"""Models of BrainPy."""

from __future__ import annotations

from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.origin import is_brainpy
from fpf_notebook.dynamics.step_options import StepOptions


class BrainPyModels:
    """``brainpy.DynamicalSystem`` of any kind."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take a ``brainpy.DynamicalSystem``."""
        return options.framework is None and is_brainpy(model)

    def recipe(self, model: object, options: StepOptions) -> Recipe:
        """Find out how it is stepped."""
        from fpf_notebook.dynamics.brainpy_model import recipe_of_brainpy_model

        options.refuse(
            "readout",
            why=(
                "is for recurrent modules of PyTorch, Keras, Flax, Equinox and BrainState; a "
                "BrainPy model and a function return (output, next_state)."
            ),
        )
        options.refuse(
            *("batched", "params"),
            why=(
                f"is for functions; {type(model).__name__} is a brainpy model, whose parameters "
                "are its Variables and whose call is model(inputs, hidden) or model(x)."
            ),
        )
        return recipe_of_brainpy_model(model, options)


register_adapter(BrainPyModels())
