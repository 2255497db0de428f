"""Eigenmodes, stability and index of the points of a record, from their Jacobians."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.result import newton_step, spectrum
from fpf_notebook.result.verdicts import classify_modes, eigenvalue_conditions

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints


def decompose(fps: FixedPoints, marginal_tol: float | None = None) -> FixedPoints:
    """Return the record with everything that follows from `J_xstar`.

    Parameters
    ----------
    fps
        Points with Jacobians.
    marginal_tol
        Distance within which an eigenvalue counts as marginal. Default: `spectrum.MARGINAL_TOL`.

    Returns
    -------
    FixedPoints
        With eigenvalues, eigenvectors, stability, margin and index; and with the forward error if
        it was not known and `F_xstar` is.

    Raises
    ------
    ValueError
        If the Jacobians are not known.
    """
    J = fps.require("J_xstar")
    modes = spectrum.eigenmodes(J, fps.time)
    classes = classify_modes(
        J,
        modes,
        fps.time,
        spectrum.MARGINAL_TOL if marginal_tol is None else marginal_tol,
    )
    fields: JsonObject = {
        "eigval_J_xstar": modes.eigvals,
        "eigval_condition": eigenvalue_conditions(modes),
        "eigvec_J_xstar": modes.right,
        "eigvec_left_J_xstar": modes.left,
        "is_stable": classes.is_stable,
        "stability": classes.stability,
        "margin": classes.margin,
        "n_unstable": classes.n_unstable,
        "index": newton_step.fixed_point_index(J, fps.time),
    }
    # The Jacobian of a point on a cycle is that of the whole period, its F_xstar may be one step.
    one_step = fps.period is None or bool((fps.period == 1).all())
    if fps.forward_error is None and fps.F_xstar is not None and one_step:
        residual = fps.F_xstar.astype(np.float64)
        if fps.time == "discrete":
            residual -= fps.xstar
        # A residual of numbers that were kept in single precision has their rounding errors.
        noise = newton_step.RESIDUAL_NOISE
        if np.float32 in (fps.F_xstar.dtype, fps.xstar.dtype):
            noise = float(np.finfo(np.float32).eps)
        fields["forward_error"] = newton_step.forward_error(J, residual, fps.time, noise=noise)
    return fps.update(**fields)
