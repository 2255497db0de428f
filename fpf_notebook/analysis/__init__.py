"""The local analysis of fixed points: what the dynamics do around them.

``FixedPoints`` and the functions of spectra live in `fpf_notebook.result`, and stand here too: they
need numpy only. The rest is imported at first use.
"""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.spectrum import (
    classify,
    eigenmodes,
    fixed_point_index,
    forward_error,
    frequencies,
    time_constants,
)

if TYPE_CHECKING:
    from fpf_notebook.analysis.expansion_points import (
        ExpansionClusters,
        ExpansionComparison,
        cluster_expansion_points,
        compare_expansion_points,
    )
    from fpf_notebook.analysis.integration import IntegrationAnalysis, analyze_integration
    from fpf_notebook.analysis.line_attractor import (
        LineAttractor,
        find_line_attractor,
        order_along_curve,
    )
    from fpf_notebook.analysis.linear_approximation import (
        LinearizedRun,
        linearized_run,
        nearest_point,
        relative_error,
    )
    from fpf_notebook.analysis.normality import (
        NonNormality,
        linear_response,
        non_normality,
        transient_growth,
    )

__all__ = [
    "ExpansionClusters",
    "ExpansionComparison",
    "FixedPoints",
    "IntegrationAnalysis",
    "LineAttractor",
    "LinearizedRun",
    "NonNormality",
    "analyze_integration",
    "classify",
    "cluster_expansion_points",
    "compare_expansion_points",
    "eigenmodes",
    "find_line_attractor",
    "fixed_point_index",
    "forward_error",
    "frequencies",
    "linear_response",
    "linearized_run",
    "nearest_point",
    "non_normality",
    "order_along_curve",
    "relative_error",
    "time_constants",
    "transient_growth",
]

# The same list as above; a test compares the two.
_HOME_OF = {
    "ExpansionClusters": "expansion_points",
    "ExpansionComparison": "expansion_points",
    "IntegrationAnalysis": "integration",
    "LineAttractor": "line_attractor",
    "LinearizedRun": "linear_approximation",
    "NonNormality": "normality",
    "analyze_integration": "integration",
    "cluster_expansion_points": "expansion_points",
    "compare_expansion_points": "expansion_points",
    "find_line_attractor": "line_attractor",
    "linear_response": "normality",
    "linearized_run": "linear_approximation",
    "nearest_point": "linear_approximation",
    "non_normality": "normality",
    "order_along_curve": "line_attractor",
    "relative_error": "linear_approximation",
    "transient_growth": "normality",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
