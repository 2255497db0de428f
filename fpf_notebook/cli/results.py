"""What the demo leaves behind: figures, the saved points and a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.plots import plot_fixed_points, plot_spectrum, save_html
from fpf_notebook.plots.picture_file import save_figure

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints

_DPI = 150  # sharp on a screen, small as a file


def write_results(
    fixed_points: FixedPoints, states: np.ndarray, out: Path, *, title: str, text: str
) -> dict[str, str]:
    """Write the points and their pictures into a folder.

    Parameters
    ----------
    fixed_points : FixedPoints
        What was found; may be empty.
    states : array
        Trajectories of the network, ``[n_trials, n_time, n_states]``.
    out : Path
        An existing folder. Files of the same names in it are replaced.
    title, text : str
        Heading of the page, and what stands below it.

    Returns
    -------
    dict
        What each file is, in words, by its name.
    """
    fixed_points.save(out / "fixed_points.nc")
    written = {"fixed_points.nc": "the points: FixedPoints.load reads them"}
    # Two units have no third axis to draw, and one not even a second.
    for n_dims in range(2, 1 + min(3, states.shape[-1])):
        name = f"fixed_points_{n_dims}d.png"
        figure = plot_fixed_points(fixed_points, states, n_dims=n_dims)
        save_figure(figure, out / name, dpi=_DPI, bbox_inches="tight")
        written[name] = f"the points among trajectories, in {n_dims} dimensions"
    save_figure(plot_spectrum(fixed_points), out / "spectrum.png", dpi=_DPI, bbox_inches="tight")
    written["spectrum.png"] = "their eigenvalues"
    save_html(
        plot_fixed_points(fixed_points, states, backend="plotly"), out / "index.html", title, text
    )
    written["index.html"] = "a page with the picture, to turn it"
    return written
