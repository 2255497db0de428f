"""What a search returns: `FixedPoints`, the audit of its starts, the report on completeness.

A `Manifold` is a line, a ring or a sheet of points. Needs numpy alone.
"""

from fpf_notebook.result.audit import Audit
from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.manifolds import Manifold

__all__ = ["Audit", "Completeness", "FixedPoints", "Manifold"]
