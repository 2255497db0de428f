"""What the inspector shows of fixed points, as plain data: no Jupyter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis import normality as nn
from fpf_notebook.dynamics.jacobians import linearize
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.spectrum import MARGINAL_TOL
from fpf_notebook.widgets.points import class_codes, point_names

ORDERS = ("clustering", "participation", "unit number")

_MAX_MODES = 24
_MAX_CELLS = 160  # rows of a heat map; more are thinner than a pixel
_EXPORT_BYTES = 8_000_000

_CRITERIA = {
    "discrete": "a map: stable inside the unit circle, |λ| < 1",
    "continuous": "a flow: stable left of the imaginary axis, Re λ < 0",
}


def points_at(
    step_map: StepMap, states: np.ndarray, inputs: np.ndarray, marginal_tol: float = MARGINAL_TOL
) -> FixedPoints:
    """Linearize a network at given states, fixed points or not.

    Parameters
    ----------
    step_map
        The network.
    states
        [n, n_states].
    inputs
        [n, n_inputs] or [1, n_inputs].
    marginal_tol
        As for `FixedPoints.decompose_jacobians`.
    """
    states = np.atleast_2d(np.asarray(states, dtype=np.float64))
    u = np.broadcast_to(np.atleast_2d(inputs), (len(states), step_map.n_inputs)).astype(np.float64)
    jacobian, input_jacobian = linearize(step_map, states, u)
    moved = step_map(states, u)
    residual = moved if step_map.time == "continuous" else moved - states
    points = FixedPoints(
        states, F_xstar=moved, inputs=u, J_xstar=jacobian, dFdu=input_jacobian,
        qstar=0.5 * np.sum(residual**2, axis=1), time=step_map.time, dt=step_map.dt,
        slices=step_map.slices,
    )  # fmt: skip
    return points.decompose_jacobians(marginal_tol)


def inspector_scene(
    points: FixedPoints,
    step_map: StepMap | None,
    selected: int | None,
    *,
    compare: Sequence[int] = (),
    mode: int = 0,
    amplitude: float = 0.05,
    order: str = "clustering",
) -> JsonObject:
    """Return the scene of the inspector.

    Parameters
    ----------
    points
        Fixed points with Jacobians.
    step_map
        The network, for the nonlinear response and the readout; None leaves these out.
    selected
        The point that is shown in detail; negative: none. None: all points, as far as a page may
        grow, so that a saved page can show each.
    compare
        Points whose spectra are drawn beside.
    mode, amplitude
        Which mode the point is pushed along, and how far.
    order
        One of `ORDERS`: how the units of the heat map are sorted.
    """
    n = len(points)
    values = points.eigval_J_xstar
    n_modes = 0 if values is None else values.shape[1]
    pairs = np.zeros((n, n_modes, 2))
    if values is not None:
        pairs = np.stack([values.real, values.imag], axis=-1)
    wanted = [selected] if selected is not None else list(range(_affordable(points)))
    details = {}
    if points.J_xstar is not None and values is not None:
        for index in wanted:
            if 0 <= index < n:
                detail = point_detail(points, index, step_map, mode, amplitude, order)
                details[str(index)] = detail
    return {
        "time": points.time,
        "criterion": _CRITERIA[points.time],
        "marginal": MARGINAL_TOL,
        "eigenvalues": pairs,
        "code": class_codes(points),
        "names": point_names(points),
        "compare": [int(k) for k in compare],
        "details": details,
    }


def _affordable(points: FixedPoints) -> int:
    """How many points' details fit into a saved page."""
    n_states = min(points.n_states, _MAX_CELLS)
    each = 4 * (n_states**2 + 2 * n_states * min(n_states, _MAX_MODES) + 500)
    return min(len(points), max(1, _EXPORT_BYTES // each))


def point_detail(
    points: FixedPoints,
    index: int,
    step_map: StepMap | None,
    mode: int = 0,
    amplitude: float = 0.05,
    order: str = "clustering",
) -> JsonObject:
    """Return what is shown of one point."""
    assert points.J_xstar is not None
    assert points.eigval_J_xstar is not None
    J, values = points.J_xstar[index], points.eigval_J_xstar[index]
    units = unit_order(points, index, order)
    if len(units) > _MAX_CELLS:
        units = units[np.linspace(0, len(units) - 1, _MAX_CELLS).astype(int)]
    measures = nn.non_normality(J, values)
    dt = points.dt or 1.0
    growth = np.minimum(nn.transient_growth(J, 40, points.time, dt), 1e30)
    dFdu = np.zeros((0, 0)) if points.dFdu is None else points.dFdu[index]
    return {
        "jacobian": J[np.ix_(units, units)],
        "order": units.astype(np.int32),
        "dFdu": dFdu[units] if dFdu.size else dFdu,
        "singular": measures.singular_values,
        "growth": growth,
        "growthLabel": "largest ‖Jᵏ‖" if points.time == "discrete" else "largest ‖exp(Jt)‖",
        "facts": _facts(points, index, measures, growth),
        "modes": mode_details(points, index, step_map),
        "response": response(points, index, step_map, mode, amplitude),
    }


def unit_order(points: FixedPoints, index: int, order: str) -> np.ndarray:
    """Return the units in the order in which the heat map shows them.

    Raises
    ------
    ValueError
        For an unknown order.
    """
    if order not in ORDERS:
        raise ValueError(f"order is {order!r}, expected one of {', '.join(ORDERS)}.")
    assert points.J_xstar is not None
    J = points.J_xstar[index]
    if order == "participation" and points.eigvec_J_xstar is not None:
        leading = np.abs(points.eigvec_J_xstar[index][:, 0])
        return np.argsort(-leading, kind="stable")
    if order == "clustering" and len(J) > 2:
        from scipy.cluster.hierarchy import leaves_list, linkage

        return np.asarray(leaves_list(linkage(np.hstack([J, J.T]), "average")))
    return np.arange(len(J))


def mode_details(points: FixedPoints, index: int, step_map: StepMap | None) -> list[JsonObject]:
    """Return the modes of one point: vectors, time constant, period, overlaps."""
    values, right = points.eigval_J_xstar, points.eigvec_J_xstar
    if values is None or right is None:
        return []
    left = points.eigvec_left_J_xstar
    readout = None if step_map is None else readout_jacobian(step_map, points, index)
    taus, frequencies = points.time_constants, points.frequencies
    unit = "steps" if points.time == "discrete" and points.dt is None else "in units of dt"
    out = []
    for k in range(min(values.shape[1], _MAX_MODES)):
        value, r = values[index, k], right[index, :, k]
        l_k = np.zeros_like(r) if left is None else left[index, :, k]
        facts = [_time_words(taus, frequencies, index, k, unit, points)]
        if readout is not None and len(readout):
            facts.append(f"overlap with readout {_overlap(readout, r):.2f}")
        if points.dFdu is not None and points.dFdu.shape[2] and np.isfinite(l_k).all():
            facts.append(f"with input {_overlap(points.dFdu[index].T, l_k):.2f}")
        grows = abs(value) - 1 if points.time == "discrete" else value.real
        fate = "stays" if abs(grows) <= MARGINAL_TOL else "grows" if grows > 0 else "decays"
        sign = "−" if value.imag < 0 else "+"
        written = f"{value.real:.3f}"
        # The two modes of a complex pair differ by a sign only: one shows the real part of their
        # vector, the other the imaginary part.
        shown = np.imag if value.imag < -1e-9 else np.real
        if abs(value.imag) > 1e-9:
            written += f" {sign} {abs(value.imag):.3f}i"
            facts.append(f"{'real' if shown is np.real else 'imaginary'} part shown")
        out.append(
            {
                "label": f"mode {k + 1}: λ = {written}, {fate}",
                "right": shown(r),
                "left": np.nan_to_num(shown(l_k)),
                "facts": [fact for fact in facts if fact],
            }
        )
    return out


def _time_words(
    taus: np.ndarray | None,
    frequencies: np.ndarray | None,
    index: int,
    k: int,
    unit: str,
    points: FixedPoints,
) -> str:
    if taus is None or frequencies is None:
        return ""
    tau, frequency = abs(float(taus[index, k])), abs(float(frequencies[index, k]))
    words = f"τ {tau:.3g} {unit}" if np.isfinite(tau) else "τ infinite"
    if points.dt is not None and points.time == "discrete" and np.isfinite(tau):
        words = f"τ {tau / points.dt:.3g} steps ({tau:.3g} {unit})"
    if frequency > 1e-9:
        words += f" · period {1 / frequency:.3g}"
    return words


def _overlap(rows: np.ndarray, direction: np.ndarray) -> float:
    """Largest |cosine| between a direction and any of the rows."""
    size = np.linalg.norm(rows, axis=1) * np.linalg.norm(direction)
    cosine = np.abs(rows @ direction) / np.where(size > 0, size, 1)
    return float(np.max(cosine, initial=0.0))


def readout_jacobian(step_map: StepMap, points: FixedPoints, index: int) -> np.ndarray | None:
    """Return dy/dh [n_outputs, n_states] by central differences, or None without a readout."""
    if step_map.readout is None or points.inputs is None:
        return None
    x, u = points.xstar[index].astype(np.float64), points.inputs[index]
    h = 1e-5
    nudges = h * np.eye(len(x))
    outputs = step_map.output(np.concatenate([x + nudges, x - nudges]), u)
    outputs = outputs.reshape(2 * len(x), -1)
    return np.asarray((outputs[: len(x)] - outputs[len(x) :]).T / (2 * h))


def _verdict(points: FixedPoints, index: int) -> list[list[str]]:
    """Return the stability, how far rounding carries in its eigenvalue, and the line it is on."""
    rows = []
    if points.stability is not None:
        why = "whether pushes decay: the leading eigenvalue against the circle or the axis"
        if points.stability[index] == "undetermined":
            why = "a change of the Jacobian of the size of rounding could move an eigenvalue across"
        rows.append(["stability", str(points.stability[index]), why])
    conditions = points.eigval_condition
    if conditions is not None and conditions.shape[1]:
        worst = float(np.max(conditions[index]))
        words = f"{conditions[index, 0]:.2g} (largest {worst:.2g})"
        why = "how many times a change of J may appear in the leading eigenvalue; 1: normal"
        rows.append(["condition of λ", words, why])
    if points.manifold_id is not None and points.manifold_id[index] >= 0:
        one = points.manifolds[points.manifold_id[index]]
        rows.append(["lies on", one.name, str(one)])
    return rows


def _facts(
    points: FixedPoints, index: int, measures: nn.NonNormality, growth: np.ndarray
) -> list[list[str]]:
    peak = int(np.argmax(growth))
    rows = _verdict(points, index)
    rows += [
        ["non-normality", f"{measures.henrici:.3f}", "Henrici's departure, 0 (normal) to 1"],
        [
            "numerical abscissa",
            f"{measures.numerical_abscissa:.3f}",
            "largest eigenvalue of (J + Jᵀ)/2: of a flow, the largest initial growth rate",
        ],
        ["‖J‖", f"{measures.norm:.3f}", "largest growth of a push in one step"],
    ]
    if 0 < peak < len(growth) - 1 and growth[peak] > 1:
        words = f"×{growth[peak]:.2f} at step {peak}"
        rows.append(["largest transient", words, "how much a small push can grow before it decays"])
    if points.forward_error is not None:
        words = f"{points.forward_error[index]:.0e}"
        rows.append(["forward error", words, "length of the Newton step from the point"])
    return rows


def response(
    points: FixedPoints,
    index: int,
    step_map: StepMap | None,
    mode: int,
    amplitude: float,
    n_steps: int = 40,
) -> JsonObject | None:
    """Compare the linear prediction with the network after a push along a mode."""
    if step_map is None or points.inputs is None or points.eigvec_J_xstar is None:
        return None
    if points.time == "continuous" and step_map.dt is None:
        return None
    assert points.J_xstar is not None
    mode = min(mode, points.eigvec_J_xstar.shape[2] - 1)
    direction = points.eigvec_J_xstar[index][:, mode].real
    direction = direction / (np.linalg.norm(direction) or 1.0)
    push, x = amplitude * direction, points.xstar[index].astype(np.float64)
    dt = step_map.dt or 1.0
    linear = nn.linear_response(points.J_xstar[index], push, n_steps, points.time, dt) @ direction
    inputs = np.broadcast_to(points.inputs[index], (1, n_steps, step_map.n_inputs))
    states = step_map.trajectory((x + push)[None], inputs)[0]
    nonlinear = np.concatenate([[amplitude], (states - x) @ direction])
    gap = np.abs(linear - nonlinear) > 0.1 * np.maximum(np.abs(linear), np.abs(amplitude))
    scale = dt if step_map.dt is not None else 1.0
    # Beyond a few times the network's own deviation the prediction is off the picture anyhow.
    reach = 3 * max(float(np.abs(nonlinear).max()), abs(amplitude), 1e-12)
    return {
        "time": np.arange(n_steps + 1) * scale,
        "linear": np.where(np.abs(linear) <= reach, linear, np.nan),
        "nonlinear": nonlinear,
        "part": float(np.argmax(gap) * scale) if gap.any() else -1.0,
        "label": f"along mode {mode + 1}",
        "xlabel": "steps" if step_map.dt is None else "time",
    }
