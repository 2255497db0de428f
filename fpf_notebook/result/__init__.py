"""What a search returns: `FixedPoints`, the audit of its starts, the report on completeness.

Needs numpy alone.
"""

from fpf_notebook.result.audit import Audit
from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["Audit", "Completeness", "FixedPoints"]
