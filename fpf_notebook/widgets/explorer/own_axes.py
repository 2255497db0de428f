"""Axes of the picture that are not chosen by variance: those of the user, and of the readout."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.plots.projection import Projection

__all__ = ["own_axes", "readout_axes"]

_MOST = 3
_PARALLEL = 1e-8  # of its length: what is left of an axis beside those before it


def own_axes(axes: object, state_traj: np.ndarray) -> Projection:
    """Return axes along directions that somebody has named.

    They are made orthogonal in their order: the first is as it was given, of each later one the
    part that the earlier ones do not have. What is missing to three is filled up by the directions
    along which the trajectories vary most beside.

    Parameters
    ----------
    axes : dict
        One to three directions [n_states] by name, ``{"choice": v, "context": w}``.
    state_traj
        [n_batch, n_time, n_states] Trajectories.

    Raises
    ------
    TypeError, ValueError
        If these are no directions, or two of them are the same.
    """
    n_states = state_traj.shape[-1]
    if not isinstance(axes, Mapping):
        raise TypeError(
            f"axes is {type(axes).__name__}, expected directions by name, "
            'for example {"choice": vector}.'
        )
    if not 1 <= len(axes) <= min(_MOST, n_states):
        raise ValueError(f"axes has {len(axes)} directions, expected 1 to {min(_MOST, n_states)}.")
    basis = np.zeros((0, n_states))
    for name, given in axes.items():
        try:
            v = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            v = np.zeros(0)
        if v.shape != (n_states,) or not np.isfinite(v).all() or not v.any():
            raise ValueError(
                f"axes: {name!r} has shape {np.shape(given)}, expected {n_states} finite numbers, "
                "not all zero."
            )
        v = v / np.linalg.norm(v)
        rest = v - basis.T @ (basis @ v)
        if np.linalg.norm(rest) < _PARALLEL:
            raise ValueError(f"axes: {name!r} lies in the directions before it.")
        basis = np.vstack([basis, rest / np.linalg.norm(rest)])
    return _filled(basis, [str(name) for name in axes], state_traj, "axes")


def readout_axes(state_traj: np.ndarray, step_map: StepMap) -> Projection:
    """Span the readout's directions by orthonormal axes, completed by what varies most beside.

    Raises
    ------
    ValueError
        If the network has no readout.
    """
    if step_map.readout is None:
        raise ValueError(f"{step_map.name} has no readout: choose another projection.")
    samples = _samples(state_traj)
    sample = samples[:: max(1, len(samples) // 2000)]
    outputs = step_map.output(sample, np.zeros(step_map.n_inputs))
    centred = sample - sample.mean(axis=0)
    weights = np.linalg.lstsq(centred, outputs - outputs.mean(axis=0), rcond=None)[0].T
    basis = np.linalg.qr(weights.T)[0].T[:3]
    signs = np.sign(np.einsum("kn,kn->k", basis, weights[: len(basis)]))
    basis = basis * np.where(signs == 0, 1, signs)[:, None]
    names = [f"readout {k + 1}" for k in range(len(basis))]
    return _filled(basis, names, state_traj, "readout")


def _samples(state_traj: np.ndarray) -> np.ndarray:
    samples = state_traj.reshape(-1, state_traj.shape[-1])
    return samples[np.isfinite(samples).all(axis=1)]


def _filled(basis: np.ndarray, names: list[str], state_traj: np.ndarray, source: str) -> Projection:
    """Fill up to three axes by the directions of the largest variance beside those given."""
    samples = _samples(state_traj)
    n_given = len(basis)
    sample = samples[:: max(1, len(samples) // 2000)]
    centred = sample - sample.mean(axis=0)
    rest = centred - centred @ basis.T @ basis
    while len(basis) < min(_MOST, state_traj.shape[-1]):
        extra = np.linalg.svd(rest, full_matrices=False)[2][0]
        basis = np.vstack([basis, extra])
        rest = rest - np.outer(rest @ extra, extra)
        names.append(f"PC {len(basis) - n_given} beside")
    variance = (centred @ basis.T).var(axis=0) / max(centred.var(axis=0).sum(), 1e-300)
    return Projection(samples.mean(axis=0), basis, variance, tuple(names), source)
