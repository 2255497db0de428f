"""A set of fixed points in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.result.fields import KINDS, STABILITIES
from fpf_notebook.result.manifolds import on_continuum

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints


def counts(fps: FixedPoints) -> dict[str, int]:
    """Return the number of points of each kind, and of the fixed ones of each stability class.

    Samples of a line, ring or sheet of fixed points are none of them: they have a count of their
    own where there are any.
    """
    found = {kind: 0 for kind in KINDS}
    sampled = on_continuum(fps)
    isolated = fps.is_fixed & ~sampled
    found["fixed"] = int(np.count_nonzero(isolated))
    if fps.kind is not None:
        found |= {kind: int(np.count_nonzero(fps.kind == kind)) for kind in KINDS[1:]}
    if fps.stability is not None:
        fixed = fps.stability[isolated]
        found |= {name: int(np.count_nonzero(fixed == name)) for name in STABILITIES}
    elif fps.is_stable is not None:
        found["stable"] = int(np.count_nonzero(fps.is_stable[isolated]))
    if sampled.any():
        found["on manifolds"] = int(np.count_nonzero(fps.is_fixed & sampled))
    return found


def headline(fps: FixedPoints) -> str:
    """Return the numbers of points in one line: "27 fixed points: 8 stable, 19 saddles"."""
    found = counts(fps)
    n_fixed = found["fixed"]
    isolated = "isolated " if any(one.kind == "fixed" for one in fps.manifolds) else ""
    line = f"no {isolated}fixed points"
    if n_fixed:
        line = _counted(n_fixed, f"{isolated}fixed point")
    classes = [
        _counted(found[name], "saddle") if name == "saddle" else f"{found[name]} {name}"
        for name in STABILITIES
        if found.get(name)
    ]
    if fps.stability is None and "stable" in found:
        classes = [f"{found['stable']} stable", f"{n_fixed - found['stable']} not stable"]
    if classes and n_fixed:
        line += ": " + ", ".join(classes)
    others = [f"{found[kind]} {kind}" for kind in KINDS[1:] if found[kind]]
    return "; ".join([line, *others, *manifolds_in_short(fps)])


def manifolds_in_short(fps: FixedPoints) -> list[str]:
    """Return how many manifolds there are of each sort: ["1 ring of fixed points"]."""
    names = Counter(one.name for one in fps.manifolds)
    return [
        f"{number} {name if number == 1 else name.replace(' of ', 's of ', 1)}"
        for name, number in names.items()
    ]


def sizes(fps: FixedPoints) -> str:
    """Return the sizes in one line: "4 states, 3 inputs, map"."""
    kind = "map" if fps.time == "discrete" else "flow"
    dt = "" if fps.dt is None else f", dt = {fps.dt:g}"
    inputs = "" if fps.inputs is None else f"{_counted(fps.n_inputs, 'input')}, "
    return f"{_counted(fps.n_states, 'state')}, {inputs}{kind}{dt}"


def time_unit(fps: FixedPoints) -> tuple[str, str]:
    """Return the unit in which the time constants are: one of it, and many."""
    in_steps = fps.time == "discrete" and fps.dt is None
    return ("step", "steps") if in_steps else ("unit of time", "units of time")


def text(fps: FixedPoints) -> str:
    """Return the summary that `FixedPoints.print_summary` prints, without a final newline."""
    lines = ["=== Fixed Points Summary ===", headline(fps), sizes(fps)]
    if fps.n and fps.qstar is not None:
        lines.append(f"q: {_range(fps.qstar, '.2e')}")
    if fps.n and fps.forward_error is not None:
        lines.append(f"forward error: {_range(fps.forward_error, '.2e')}")
    if fps.n and fps.n_iters is not None:
        lines.append(f"iterations: {_range(fps.n_iters, '.0f')}")
    isolated = fps.is_fixed & ~on_continuum(fps)
    if fps.n_unstable is not None and isolated.any():
        directions, numbers = np.unique(fps.n_unstable[isolated], return_counts=True)
        parts = [
            f"{number} with {_directions(int(direction))}"
            for direction, number in zip(directions, numbers, strict=True)
        ]
        lines.append("unstable directions: " + ", ".join(parts))
    lines += [f"manifold {number}: {one}" for number, one in enumerate(fps.manifolds)]
    if fps.completeness is not None:
        lines.append(f"completeness: {fps.completeness}")
    if fps.interrupted:
        lines.append("The search was interrupted: there may be more.")
    return "\n".join(lines)


def _range(values: np.ndarray, form: str) -> str:
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return "not finite at any point"
    numbers = ", ".join(
        f"{name} {float(function(finite)):{form}}"
        for name, function in (("min", np.min), ("median", np.median), ("max", np.max))
    )
    missing = len(values) - len(finite)
    return numbers + (f" ({missing} not finite)" if missing else "")


def _directions(number: int) -> str:
    return "an unknown number" if number < 0 else str(number)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
