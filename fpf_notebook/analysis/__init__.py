"""The local analysis of fixed points: what the dynamics do around them.

``FixedPoints`` and the functions of spectra live in `fpf_notebook.result`, and stand here too: they
need numpy only.
"""

from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.spectrum import (
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
