"""Networks as step maps: the pure one-step function that everything else works on."""

from fpf_notebook.dynamics.adapt import as_step_map
from fpf_notebook.dynamics.frameworks import step_map_from_weights
from fpf_notebook.dynamics.jacobians import linearize
from fpf_notebook.dynamics.step_map import StateSlice, StepMap

__all__ = ["StateSlice", "StepMap", "as_step_map", "linearize", "step_map_from_weights"]
