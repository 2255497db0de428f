"""What the explorer shows, as plain data: no Jupyter, no searching."""

from __future__ import annotations

from collections import Counter

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.following import FOLLOWING
from fpf_notebook.plots.classes import classes_of, summary_of
from fpf_notebook.plots.manifolds import names_of
from fpf_notebook.plots.projection import Projection, fit_projection, state_axes
from fpf_notebook.result.audit import in_short
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer.manifolds import manifold_records
from fpf_notebook.widgets.explorer.own_axes import readout_axes
from fpf_notebook.widgets.explorer.search import Found
from fpf_notebook.widgets.points import class_codes, point_names

PROJECTIONS = ("trajectories", "fixed points", "readout", "units", "axes")
COLOUR_BY = {
    "stability": ("", False),
    "q": ("log₁₀ q", True),
    "index": ("index", False),
    "condition": ("condition", False),
    "unstable directions": ("unstable directions", False),
}

WHOLE = ("index", "condition", "unstable directions")
"""What is counted: a colour each, and no scale between them."""

EMPTY_Q: JsonObject = {
    "logq": np.zeros(0),
    "kept": np.zeros(0, dtype=np.uint8),
    "threshold": -12.0,
    "audit": [],
}
"""The histogram before the first search."""

MAX_PATHS = 40
"""Trajectories that are drawn, unless more are asked for."""

_MAX_STEPS, _MAX_STARTS, _MAX_LOGQ = 200, 2000, 20_000


def projection_for(
    kind: str,
    state_traj: np.ndarray,
    points: FixedPoints | None,
    step_map: StepMap,
    units: tuple[int, ...] = (0, 1, 2),
    own: Projection | None = None,
) -> Projection:
    """Return the three (or fewer) axes of the picture.

    Parameters
    ----------
    kind
        One of `PROJECTIONS`.
    state_traj
        [n_batch, n_time, n_states] Trajectories.
    points
        Fixed points, for the projection of that name.
    step_map
        The network, whose readout gives the axes of the projection "readout".
    units
        Zero-based units for the projection "units".
    own
        For the projection "axes": those that the user has named.

    Raises
    ------
    ValueError
        For an unknown kind, or a readout that the model does not have.
    """
    if kind not in PROJECTIONS:
        raise ValueError(f"projection is {kind!r}, expected one of {', '.join(PROJECTIONS)}.")
    n_states = step_map.n_states
    if kind == "fixed points" and points is not None and len(points) > 1:
        return fit_projection(None, points.xstar)
    if kind == "units" and n_states > 1:
        return state_axes(n_states, tuple(units)[: min(3, n_states)])
    if kind == "readout":
        return readout_axes(state_traj, step_map)
    if kind == "axes":
        if own is None:
            raise ValueError(
                "projection is 'axes', but none were given: "
                'FixedPointExplorer(…, axes={"choice": vector}).'
            )
        return own
    return fit_projection(state_traj, np.zeros((0, n_states)))


def padded(coordinates: np.ndarray) -> np.ndarray:
    """Return coordinates with three columns, zero where the projection has fewer."""
    missing = 3 - coordinates.shape[-1]
    width = [(0, 0)] * (coordinates.ndim - 1) + [(0, max(0, missing))]
    return np.pad(coordinates[..., :3], width)


def bounds_of(clouds: list[np.ndarray], old: JsonObject | None = None) -> JsonObject:
    """Return centre and half-widths of the picture's box.

    Parameters
    ----------
    clouds
        Projected coordinates, [..., 3] each.
    old
        The box so far: it is kept while everything fits, so that the picture does not jump.
    """
    parts = [cloud.reshape(-1, 3) for cloud in clouds if cloud.size]
    points = np.concatenate(parts) if parts else np.zeros((0, 3))
    points = points[np.isfinite(points).all(axis=1)]
    if old is not None:
        inside = np.abs(points - np.array(old["center"])) <= 1.001 * np.array(old["half"])
        if inside.all():
            return old
    low = points.min(axis=0) if len(points) else -np.ones(3)
    high = points.max(axis=0) if len(points) else np.ones(3)
    longest = float((high - low).max()) or 2.0
    half = 1.08 * np.maximum((high - low) / 2, 0.12 * longest)
    return {"center": ((low + high) / 2).tolist(), "half": half.tolist()}


def paths_of(
    state_traj: np.ndarray, projection: Projection, n_paths: int = MAX_PATHS
) -> np.ndarray:
    """Return a bounded number of projected trajectories, [n, time, 3]."""
    return padded(projection.transform(state_traj[:n_paths, :: _stride(state_traj)]))


def _stride(state_traj: np.ndarray) -> int:
    return max(1, -(-state_traj.shape[1] // _MAX_STEPS))


def sample_words(state_traj: np.ndarray, n_paths: int = MAX_PATHS) -> str:
    """Say how many of the trajectories, and of their steps, are drawn; "" if all are."""
    words = []
    if n_paths < len(state_traj):
        words.append(f"{n_paths:,} of {len(state_traj):,} trajectories")
    stride = _stride(state_traj)
    if stride > 1:
        words.append(f"one step in {stride}")
    return ", ".join(words)


def unhonoured(points: FixedPoints, colour_by: str) -> str:
    """Say why a choice of colours changes nothing, or ""."""
    if colour_by == "stability" or not len(points) or colour_values(points, colour_by).size:
        return ""
    if colour_by == "condition":
        return "colour by condition: all points belong to one constant input, so there is one"
    return f"colour by {colour_by}: the search did not compute it"


def starts_of(points: FixedPoints, projection: Projection) -> np.ndarray:
    """Return a bounded number of projected initial states, [n, 3]."""
    if points.x_init is None:
        return np.zeros((0, 3))
    return padded(projection.transform(points.x_init[:_MAX_STARTS]))


def colour_values(points: FixedPoints, colour_by: str) -> np.ndarray:
    """Return the number that a point's colour shows; empty when colour shows the class."""
    columns: dict[str, np.ndarray | None] = {
        "q": None if points.qstar is None else np.log10(np.maximum(points.qstar, 1e-40)),
        "index": points.index,
        "condition": points.cond_id,
        "unstable directions": points.n_unstable,
    }
    column = columns.get(colour_by)
    return np.zeros(0) if column is None else np.asarray(column, dtype=np.float64)


def mode_lines(points: FixedPoints, projection: Projection, reach: float) -> dict[str, np.ndarray]:
    """Return lines along eigenvectors, scaled by their eigenvalues.

    Every unstable direction has a line, and so has the slowest stable one. Of a complex pair the
    eigenvector's real and imaginary parts are two directions.
    """
    values, vectors = points.eigval_J_xstar, points.eigvec_J_xstar
    if values is None or vectors is None or not values.size:
        none = np.zeros(0, dtype=np.int32)
        return {"modes": np.zeros((0, 2, 3)), "modeKind": none, "modePoint": none}
    growth = np.abs(values) - 1 if points.time == "discrete" else values.real
    stable = growth <= -1e-6
    # Modes are sorted by growth: the first stable one is the slowest.
    slowest = stable & (np.cumsum(stable, axis=1) == 1)
    owner, k = np.nonzero((growth > 1e-6) | slowest)
    # The first of a complex pair stands for its real part, the second for the other.
    vector = vectors[owner, :, k]
    direction = np.where((values[owner, k].imag < 0)[:, None], vector.imag, vector.real)
    strength = np.clip(1 + growth[owner, k], 0.35, 3)[:, None]
    arms = padded(projection.transform_direction(reach * strength * direction))
    centres = padded(projection.transform(points.xstar))[owner]
    return {
        "modes": np.stack([centres - arms, centres + arms], axis=1),
        "modeKind": slowest[owner, k].astype(np.int32),
        "modePoint": owner.astype(np.int32),
    }


def state_scene(
    points: FixedPoints,
    projection: Projection,
    bounds: JsonObject,
    *,
    colour_by: str = "stability",
    launches: list[tuple[np.ndarray, str]] | None = None,
    sample: str = "",
) -> JsonObject:
    """Return the state space as the browser draws it, without trajectories and initial states.

    Parameters
    ----------
    points
        What to show.
    projection
        The axes.
    bounds
        From `bounds_of`.
    colour_by
        A key of `COLOUR_BY`.
    launches
        Trajectories [time, n_states] with their labels.
    sample
        What is drawn of how many trajectories, where it is not all.
    """
    values = colour_values(points, colour_by)
    reach = 0.07 * max(bounds["half"])
    return {
        "labels": list(projection.labels),
        "dim": projection.n_dims if projection.n_dims > 1 else 2,
        "bounds": bounds,
        "points": padded(projection.transform(points.xstar)) if len(points) else np.zeros((0, 3)),
        "code": class_codes(points),
        "names": point_names(points),
        "values": values,
        "valueLabel": COLOUR_BY[colour_by][0] if values.size else "",
        "discrete": colour_by in WHOLE,
        "sample": sample,
        **mode_lines(points, projection, reach),
        "manifolds": manifold_records(points, projection, 0.4 * reach),
        "launches": [
            {"xyz": padded(projection.transform(path)), "label": label}
            for path, label in launches or []
        ],
    }


def q_scene(found: Found) -> JsonObject:
    """Return the histogram of log q with the audit below it."""
    q = found.everything.qstar
    assert q is not None
    if found.following:
        # Its few starts say nothing about a search.
        return {
            **EMPTY_Q,
            "threshold": float(np.log10(max(found.request.options.tol_q, 1e-36))),
            "audit": [
                {"label": "points followed; searched when the hand rests",
                 "count": len(found.unique), "tooltip": FOLLOWING}
            ],
        }  # fmt: skip
    audit = found.unique.audit
    kept = np.zeros(len(q)) if audit is None else audit.outcome >= 0
    stride = max(1, -(-len(q) // _MAX_LOGQ))
    with np.errstate(divide="ignore"):
        logq = np.log10(q)
    return {
        "logq": np.clip(np.nan_to_num(logq, nan=2, posinf=2, neginf=-40), -40, 2)[::stride],
        "kept": np.asarray(kept, dtype=np.uint8)[::stride],
        "threshold": float(np.log10(max(found.request.options.tol_q, 1e-36))),
        "audit": audit_lines(found),
    }


def audit_lines(found: Found) -> list[JsonObject]:
    """Say in a few words, with the whole reason as a tooltip, what became of the starts."""
    audit = found.unique.audit
    if audit is None:
        return []
    kept = audit.outcome >= 0
    out = [
        {
            "label": f"of {len(audit):,} starts ended in a point shown",
            "count": int(kept.sum()),
            "tooltip": "converged there, or merged into a point nearer than tol_unique",
        }
    ]
    if found.n_known:
        out.append(
            {
                "label": "more followed from the last setting",
                "count": found.n_known,
                "tooltip": "fixed points that were followed while a slider moved; no start of this "
                "search has ended in them",
            }
        )
    rejected = Counter(audit.reason[~kept].tolist())
    out += [
        {"label": in_short(reason), "count": count, "tooltip": reason}
        for reason, count in rejected.most_common(4)
    ]
    return out


def status_of(found: Found) -> JsonObject:
    """Return the status line: what was found, the index sum, the time, and what it proves."""
    points = found.unique
    if found.following:
        return _following_status(found)
    parts = [summary_of(classes_of(points, len(points))).replace("; ", ", ")]
    parts += names_of(points.manifolds)
    report = points.completeness
    tooltip = "No statement on completeness: the points were not linearized."
    if report is not None:
        expected = "" if report.expected_sum is None else f" of {report.expected_sum}"
        parts.append(report.in_short)
        parts.append(f"index sum {report.index_sum}{expected}")
        tooltip = f"Complete? {report}."
        if report.expected_sum is not None:
            tooltip += (
                " The index theorem asks for this sum. A right sum is necessary for a complete set"
                " and proves none: points can be missing in pairs."
            )
        if report.stopped_because:
            tooltip += f" The search ended because {report.stopped_because}."
    parts.append(_duration(found.seconds) + ("" if found.is_new else " (no new search)"))
    state = "empty" if not len(points) else "idle"
    text = " · ".join(parts)
    grade = "open" if report is None else report.grade
    return {
        "state": state, "text": text, "tooltip": tooltip, "progress": 1.0, "error": "",
        "grade": grade, "next": _next_step(found) if grade == "open" else None,
    }  # fmt: skip


def _next_step(found: Found) -> dict[str, str]:
    """Return what one click does about an open set, and why it is open."""
    report, request = found.unique.completeness, found.request
    reasons = [] if report is None else [r for r in report.open_because if r]
    if report is not None and report.consistent is False:
        reasons.insert(0, f"the index sum is {report.index_sum}, not {report.expected_sum}")
    if not request.exhaustive:
        return {
            "label": "search exhaustively",
            "reason": "; ".join([*reasons, "one round of starts was made"]),
        }
    stopped = "" if report is None else report.stopped_because
    return {"label": "give it more time", "reason": "; ".join([*reasons, stopped]).strip("; ")}


def _following_status(found: Found) -> JsonObject:
    """Say what is shown while a hand moves a slider, and that it is no more than that."""
    points = found.unique
    words = summary_of(classes_of(points, len(points))).replace("; ", ", ")
    return {
        "state": "following",
        "text": f"{words} · following · {_duration(found.seconds)}",
        "tooltip": "Known points are followed while the setting moves, and fresh starts made; "
        "there may be more. When the hand rests, everything is searched again.",
        "progress": -1.0,
        "error": "",
        "grade": "open",
    }


def _duration(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def followed(old: FixedPoints, index: int | None, new: FixedPoints) -> int | None:
    """Return where the selected point is in a new set, or None if it is gone.

    Points move while an input slider does; the nearest one is the same point as long as it has
    not moved further than half way to its former neighbour.
    """
    if index is None or index >= len(old) or not len(new):
        return None
    state = old.xstar[index]
    candidate = new.nearest(state)
    moved = float(np.linalg.norm(new.xstar[candidate] - state))
    others = np.delete(old.xstar, index, axis=0)
    room = float(np.linalg.norm(others - state, axis=1).min()) if len(others) else np.inf
    return candidate if moved <= 0.5 * room else None
