"""TensorFlow: functions and modules, by calling them."""

from __future__ import annotations

from fpf_notebook.dynamics.adapters.frameworks import (
    of_framework,
    refuse_for_call,
    refuse_state_vars,
)
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_options import StepOptions


class TensorFlowFunctions:
    """Functions of tensors, made by ``tf.function`` or not, and callable modules."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take an object of TensorFlow, or what is said to be a function of its tensors."""
        return of_framework("tensorflow", model, options)

    def recipe(self, model: object, options: StepOptions) -> Recipe:
        """Find out how it is called."""
        from fpf_notebook.dynamics.frameworks.tensorflow_call import recipe_of_tensorflow_call

        refuse_state_vars(model, options)
        refuse_for_call(options, "readout", why="it returns (output, next_state)")
        refuse_for_call(options, "params", why="its parameters are read from it")
        return recipe_of_tensorflow_call(model, options)


register_adapter(TensorFlowFunctions())
