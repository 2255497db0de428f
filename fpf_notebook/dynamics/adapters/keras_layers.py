"""Keras: recurrent layers by their weights."""

from __future__ import annotations

from fpf_notebook.dynamics.adapters.frameworks import (
    checked_module,
    of_framework,
    refuse_for_module,
    refuse_state_vars,
)
from fpf_notebook.dynamics.adapters.registry import register_adapter
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.step_options import StepOptions


class KerasLayers:
    """Layers, cells and ``Sequential`` models of Keras, with any backend."""

    def takes(self, model: object, options: StepOptions) -> bool:
        """Take an object of Keras."""
        return of_framework("keras", model, options)

    def recipe(self, model: object, options: StepOptions) -> Recipe:
        """Read the weights."""
        from fpf_notebook.dynamics.frameworks.keras_weights import recipe_of_keras_weights

        refuse_state_vars(model, options)
        refuse_for_module(model, options, "convention", "batched", "params")
        return checked_module(recipe_of_keras_weights(model, readout=options.readout), options)


register_adapter(KerasLayers())
