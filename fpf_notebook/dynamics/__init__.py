"""Networks as step maps: the pure one-step function that everything else works on."""

from fpf_notebook.dynamics.adapt import as_step_map
from fpf_notebook.dynamics.adapters import Adapter, check_model, register_adapter
from fpf_notebook.dynamics.frameworks import step_map_from_weights
from fpf_notebook.dynamics.jacobians import linearize
from fpf_notebook.dynamics.jaxpr import InvariantBox, invariant_box, is_whole
from fpf_notebook.dynamics.program import PageProgram, ProgramSize
from fpf_notebook.dynamics.reading import Reading
from fpf_notebook.dynamics.step_map import StateSlice, StepMap
from fpf_notebook.dynamics.step_options import StepOptions

__all__ = [
    "Adapter",
    "InvariantBox",
    "PageProgram",
    "ProgramSize",
    "Reading",
    "StateSlice",
    "StepMap",
    "StepOptions",
    "as_step_map",
    "check_model",
    "invariant_box",
    "is_whole",
    "linearize",
    "register_adapter",
    "step_map_from_weights",
]
