"""The result type `FixedPoints`, and the local analysis of its points.

``linearization`` (Jacobians by automatic differentiation) needs JAX and is imported on its own;
everything else here needs numpy only.
"""

from fpf_notebook.analysis.fixed_points import FixedPoints
from fpf_notebook.analysis.spectrum import (
    classify,
    eigenmodes,
    fixed_point_index,
    forward_error,
    frequencies,
    time_constants,
)

__all__ = [
    "FixedPoints",
    "classify",
    "eigenmodes",
    "fixed_point_index",
    "forward_error",
    "frequencies",
    "time_constants",
]
