"""Static figures: one scene description, drawn by matplotlib or by plotly."""

from fpf_notebook.plots.config import PlotConfig
from fpf_notebook.plots.draw import draw
from fpf_notebook.plots.fixed_points import (
    plot_fixed_points,
    plot_fixed_points_2d,
    plot_fixed_points_3d,
    plot_fps,
)
from fpf_notebook.plots.html import save_html
from fpf_notebook.plots.integration import (
    plot_integration_subspace,
    plot_line_attractor,
    plot_selection_vectors,
)
from fpf_notebook.plots.jslds import (
    plot_approximation_error,
    plot_expansion_points,
    plot_expansion_spectrum,
)
from fpf_notebook.plots.lfads import (
    plot_generator_modes,
    plot_inferred_rates,
    plot_jpca_plane,
    plot_subspace_angles,
)
from fpf_notebook.plots.projection import Projection, fit_projection, state_axes
from fpf_notebook.plots.q_histogram import plot_q_histogram
from fpf_notebook.plots.scene import Scene
from fpf_notebook.plots.spectrum import plot_spectrum
from fpf_notebook.plots.training import plot_training

__all__ = [
    "PlotConfig",
    "Projection",
    "Scene",
    "draw",
    "fit_projection",
    "plot_approximation_error",
    "plot_expansion_points",
    "plot_expansion_spectrum",
    "plot_fixed_points",
    "plot_fixed_points_2d",
    "plot_fixed_points_3d",
    "plot_fps",
    "plot_generator_modes",
    "plot_inferred_rates",
    "plot_integration_subspace",
    "plot_jpca_plane",
    "plot_line_attractor",
    "plot_q_histogram",
    "plot_selection_vectors",
    "plot_spectrum",
    "plot_subspace_angles",
    "plot_training",
    "save_html",
    "state_axes",
]
