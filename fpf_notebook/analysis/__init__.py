"""The local analysis of fixed points: what the dynamics do around them.

``FixedPoints`` and the functions of spectra live in `fpf_notebook.result`, and stand here too: they
need numpy only. The rest is imported at first use.
"""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.newton_step import fixed_point_index, forward_error
from fpf_notebook.result.spectrum import classify, eigenmodes, frequencies, time_constants

if TYPE_CHECKING:
    from fpf_notebook.analysis.expansion_points import (
        ExpansionClusters,
        ExpansionComparison,
        cluster_expansion_points,
        compare_expansion_points,
    )
    from fpf_notebook.analysis.inferred import (
        LFADSRun,
    )
    from fpf_notebook.analysis.integration import IntegrationAnalysis, analyze_integration
    from fpf_notebook.analysis.launches import (
        destination,
        launch,
        pulse,
        pushes,
    )
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
    from fpf_notebook.analysis.linear_systems import (
        GeneratorModes,
        LinearSystem,
        generator_modes,
    )
    from fpf_notebook.analysis.normality import (
        NonNormality,
        linear_response,
        non_normality,
        transient_growth,
    )
    from fpf_notebook.analysis.point_sets import embed_distances, set_distances
    from fpf_notebook.analysis.rotations import (
        JPCA,
        jpca,
        subspace_angles,
    )
    from fpf_notebook.analysis.snapshots import (
        Snapshot,
        count_changes,
        eigenvalue_paths,
        mutual_nearest,
        take_snapshot,
    )
    from fpf_notebook.analysis.spike_data import (
        SpikeData,
    )
    from fpf_notebook.analysis.spike_scores import (
        bits_per_spike,
        co_smoothing,
        psth,
        psth_r2,
        r2_of_rates,
        smoothed_spikes,
    )

__all__ = [
    "JPCA",
    "ExpansionClusters",
    "ExpansionComparison",
    "FixedPoints",
    "GeneratorModes",
    "IntegrationAnalysis",
    "LFADSRun",
    "LineAttractor",
    "LinearSystem",
    "LinearizedRun",
    "NonNormality",
    "Snapshot",
    "SpikeData",
    "analyze_integration",
    "bits_per_spike",
    "classify",
    "cluster_expansion_points",
    "co_smoothing",
    "compare_expansion_points",
    "count_changes",
    "destination",
    "eigenmodes",
    "eigenvalue_paths",
    "embed_distances",
    "find_line_attractor",
    "fixed_point_index",
    "forward_error",
    "frequencies",
    "generator_modes",
    "jpca",
    "launch",
    "linear_response",
    "linearized_run",
    "mutual_nearest",
    "nearest_point",
    "non_normality",
    "order_along_curve",
    "psth",
    "psth_r2",
    "pulse",
    "pushes",
    "r2_of_rates",
    "relative_error",
    "set_distances",
    "smoothed_spikes",
    "subspace_angles",
    "take_snapshot",
    "time_constants",
    "transient_growth",
]

# The same list as above; a test compares the two.
_HOME_OF = {
    "ExpansionClusters": "expansion_points",
    "ExpansionComparison": "expansion_points",
    "GeneratorModes": "linear_systems",
    "IntegrationAnalysis": "integration",
    "JPCA": "rotations",
    "LFADSRun": "inferred",
    "LineAttractor": "line_attractor",
    "LinearSystem": "linear_systems",
    "LinearizedRun": "linear_approximation",
    "NonNormality": "normality",
    "Snapshot": "snapshots",
    "SpikeData": "spike_data",
    "analyze_integration": "integration",
    "bits_per_spike": "spike_scores",
    "cluster_expansion_points": "expansion_points",
    "co_smoothing": "spike_scores",
    "compare_expansion_points": "expansion_points",
    "count_changes": "snapshots",
    "destination": "launches",
    "eigenvalue_paths": "snapshots",
    "embed_distances": "point_sets",
    "find_line_attractor": "line_attractor",
    "generator_modes": "linear_systems",
    "jpca": "rotations",
    "launch": "launches",
    "linear_response": "normality",
    "linearized_run": "linear_approximation",
    "mutual_nearest": "snapshots",
    "nearest_point": "linear_approximation",
    "non_normality": "normality",
    "order_along_curve": "line_attractor",
    "psth": "spike_scores",
    "psth_r2": "spike_scores",
    "pulse": "launches",
    "pushes": "launches",
    "r2_of_rates": "spike_scores",
    "relative_error": "linear_approximation",
    "set_distances": "point_sets",
    "smoothed_spikes": "spike_scores",
    "subspace_angles": "rotations",
    "take_snapshot": "snapshots",
    "transient_growth": "normality",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
