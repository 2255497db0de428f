"""Unstable eigenmodes as lines through their fixed points."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Complex, Float

from fpf_notebook.plots.classes import classes_of, per_point
from fpf_notebook.plots.projection import Projection

# Eigenvalues this close to the unit circle (or the imaginary axis) count as marginal: no line.
_MARGIN = 1e-6


def is_flow(fixed_points: object) -> bool:
    """Whether the record's eigenvalues are those of a flow (dh/dt) and not of a map."""
    return getattr(fixed_points, "time", "discrete") == "continuous"


def eigenvalues_of(fixed_points: object, n: int) -> Complex[np.ndarray, "n_points n_states"] | None:
    """Return the checked eigenvalues of the ``n`` points, or None where there are none."""
    eigenvalues = per_point(fixed_points, "eigval_J_xstar", n)
    if eigenvalues is not None and eigenvalues.ndim != 2:
        raise ValueError(
            f"fixed_points.eigval_J_xstar: shape {eigenvalues.shape} given, "
            "expected [n_points, n_states]"
        )
    return eigenvalues


def growth_of(eigenvalues: np.ndarray, flow: bool) -> np.ndarray:
    """Return what decides stability: |λ| − 1 of a map, Re λ of a flow; positive grows."""
    return eigenvalues.real if flow else np.abs(eigenvalues) - 1


def unstable_modes(
    fixed_points: Any,
    positions: Float[np.ndarray, "n_points n_states"],
    projection: Projection,
    reach: float,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the lines of all unstable modes in figure coordinates.

    A real eigenvalue gives one line along its eigenvector. A complex pair turns within a plane:
    it gives two lines, the principal axes of the ellipse that the eigenvector spans there.

    Half the length of a line, before projection, is ``reach`` times the eigenvalue's magnitude
    (map, at most 3), or ``reach`` times 1 plus its real part in shares of the largest (flow).

    Parameters
    ----------
    fixed_points
        A record with ``eigval_J_xstar`` and ``eigvec_J_xstar``; without them there are no lines.
    positions
        Its points.
    projection
        How they are shown.
    reach
        The unit of length, in state units.

    Returns
    -------
    straight, turning
        Lines ``[2, n_dims]`` of real modes and of oscillating ones.
    """
    n = len(positions)
    eigenvalues = eigenvalues_of(fixed_points, n)
    eigenvectors = per_point(fixed_points, "eigvec_J_xstar", n)
    if eigenvalues is None or eigenvectors is None or eigenvalues.size == 0:
        return [], []
    flow = is_flow(fixed_points)
    growth = growth_of(eigenvalues, flow)
    # NaN eigenvalues (a search that diverged) compare as False: no line.
    unstable = (growth > _MARGIN) & (eigenvalues.imag >= 0)  # one of each complex pair
    unstable &= (classes_of(fixed_points, n) != "unconverged")[:, None]
    if not unstable.any():
        return [], []
    strength = 1 + growth / growth[unstable].max() if flow else np.minimum(1 + growth, 3)

    straight: list[np.ndarray] = []
    turning: list[np.ndarray] = []
    for i, k in np.argwhere(unstable):
        oscillates = abs(eigenvalues[i, k].imag) > 1e-12 * abs(eigenvalues[i, k])
        axes = _principal_axes(eigenvectors[i, :, k], oscillates)
        for axis in axes:
            arm = projection.transform_direction(reach * strength[i, k] * axis)
            centre = projection.transform(positions[i])
            (turning if oscillates else straight).append(np.stack([centre - arm, centre + arm]))
    return straight, turning


def _principal_axes(vector: np.ndarray, oscillates: bool) -> list[np.ndarray]:
    """Return the directions to draw for one eigenvector, the longest of unit length."""
    # An eigenvector has no phase of its own. At the phase where vᵀv is real and positive, its
    # real and imaginary parts are orthogonal: the axes of the ellipse (or just one line).
    square = np.sum(vector * vector)
    if abs(square) > 1e-12:
        vector = vector * np.exp(-0.5j * np.angle(square))
    scale = np.linalg.norm(vector.real) or 1.0
    parts = [vector.real, vector.imag] if oscillates else [vector.real]
    return [part / scale for part in parts]
