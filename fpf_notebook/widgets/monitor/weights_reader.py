"""The present weights of a model that somebody else trains."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap


def weights_reader(model: object, step_map: StepMap) -> Callable[[], Any]:
    """Return a function that reads the weights of now.

    Parameters
    ----------
    model
        What the step map was made of.
    step_map
        Its step map.

    Returns
    -------
    callable
        Returns parameters for `StepMap.with_params`. Of a BrainPy model the Variables are read,
        which takes microseconds; anything else is traced anew. For a step map it raises a
        ValueError: its weights are fixed.
    """
    if isinstance(model, StepMap):

        def none() -> object:
            raise ValueError(
                f"params is missing: {model.name} is a StepMap, which holds the weights it was made"
                " with; give the present ones to log(params=...)."
            )

        return none
    template = step_map.params
    if isinstance(template, dict) and set(template) == {"given", "held"}:
        template = template["given"]
    names = set(template) if isinstance(template, Mapping) else set()
    brainpy = sys.modules.get("brainpy")
    if names and brainpy is not None and isinstance(model, brainpy.DynamicalSystem):
        from fpf_notebook.dynamics.brainpy_pure import PureModel

        pure = PureModel(model, np.dtype(step_map.dtype))
        if names <= set(pure.variables):
            return lambda: {name: pure.single(name) for name in template}
    return lambda: step_map.with_model(model).params
