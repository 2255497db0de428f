"""PyTorch: recurrent modules by their weights, everything else by calling it."""

from __future__ import annotations

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


class TorchModules:
    """Modules of PyTorch, their methods, and functions of tensors."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take a module, a method of one, or what is said to be a function of tensors."""
        return of_framework("torch", model, options)

    def recipe(self, model: object, options: StepOptions) -> Recipe:
        """Read the weights if the module is known, else find out how it is called."""
        from fpf_notebook.dynamics.frameworks import torch_weights

        refuse_state_vars(model, options)
        if torch_weights.is_recurrent(model):
            refuse_for_module(model, options, "convention", "batched", "params")
            recipe = torch_weights.recipe_of_torch_weights(model, options.readout)
            return checked_module(recipe, options)
        refuse_for_call(options, "readout", why="it returns (output, next_state)")
        refuse_for_call(options, "params", why="its parameters are read from it")
        from fpf_notebook.dynamics.frameworks import torch_call

        assert callable(model)  # the registry has seen to it
        return torch_call.recipe_of_torch_call(model, options)


register_adapter(TorchModules())
