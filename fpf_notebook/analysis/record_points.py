"""A record of points that are given, not searched for: those that a JSLDS names, say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap


def record_points(
    step_map: StepMap,
    points: Float[np.ndarray, "n n_states"],
    inputs: Float[np.ndarray, "n n_inputs"] | None = None,
    *,
    tol_q: float = 1e-12,
    tol_unique: float = 1e-3,
    slow_q: float = 1e-3,
    decompose: bool = True,
) -> FixedPoints:
    """Linearize a network at given points and return them as a `FixedPoints` record.

    Parameters
    ----------
    step_map : StepMap
        The network.
    points : array, [n, n_states]
        Where; nothing is searched, the points stay as they are.
    inputs : array, [n, n_inputs] or [1, n_inputs], optional
        Constant inputs, by default zero.
    tol_q, tol_unique : float
        A point is called fixed, as by the finder, where q is at most `tol_q` (default 1e-12) and
        the Newton step at most `tol_unique` (default 1e-3).
    slow_q : float
        Other points are called slow where q is at most this (default 1e-3), else unconverged.
    decompose : bool
        Whether to compute eigenmodes and stability. Default True.

    Returns
    -------
    points : FixedPoints
        In the order given, each with q, Jacobians and kind.

    Raises
    ------
    ValueError
        If a shape does not fit, or something is not finite.
    """
    from fpf_notebook.dynamics.jacobians import linearize
    from fpf_notebook.finder.judge import KIND_NAMES, kinds_of

    x = np.asarray(points, np.float64)
    if x.ndim != 2 or x.shape[1] != step_map.n_states:
        raise ValueError(
            f"points must have the shape [n, n_states={step_map.n_states}], got {list(x.shape)}"
        )
    u = np.zeros((1, step_map.n_inputs)) if inputs is None else np.asarray(inputs, np.float64)
    if u.ndim != 2 or u.shape[1] != step_map.n_inputs or len(u) not in (1, len(x)):
        raise ValueError(
            f"inputs must have the shape [{len(x)} or 1, n_inputs={step_map.n_inputs}], got "
            f"{list(u.shape)}"
        )
    for name, array in (("points", x), ("inputs", u)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite, got NaN or infinity in it")
    u = np.array(np.broadcast_to(u, (len(x), u.shape[1])))
    F = step_map(x, u)
    residual = F if step_map.time == "continuous" else F - x
    q = 0.5 * (residual**2).sum(axis=1)
    J, B = linearize(step_map, x, u)
    record = FixedPoints(
        xstar=x,
        F_xstar=F,
        inputs=u,
        qstar=q,
        J_xstar=J,
        dFdu=B,
        tol_unique=tol_unique,
        time=step_map.time,
        dt=step_map.dt,
        slices=step_map.slices,
        dtype=np.float64,
        provenance={"made_by": "record_points", "model": step_map.name},
    )
    if decompose:
        record = record.decompose_jacobians()
    error = record.forward_error
    kind = kinds_of(
        q,
        x,
        np.zeros(len(x)) if error is None else error,
        q <= slow_q,
        tol_q=tol_q,
        tol_unique=tol_unique,
        precision=step_map.precision,
    )
    return record.update(kind=KIND_NAMES[kind], status=np.full(len(x), "given, not searched for"))
