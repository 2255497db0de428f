"""Which class a point is drawn as, read from whatever its record knows.

Records are read by attribute, and only ``xstar`` is required: a record with nothing but
``xstar`` and ``is_stable``, as scripts written for other packages make them, is drawn too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from fpf_notebook.plots.style import POINTS


def positions_of(fixed_points: object) -> Float[np.ndarray, "n_points n_states"]:
    """Return the checked ``xstar`` of a record of fixed points as float64.

    Raises
    ------
    TypeError
        When the argument has no ``xstar``.
    ValueError
        When ``xstar`` is not of rank 2, or not finite.
    """
    if not hasattr(fixed_points, "xstar"):
        raise TypeError(
            f"fixed_points: {type(fixed_points).__name__} given, expected FixedPoints "
            "(find_fixed_points returns two of them: plot the first, unique_fps)"
        )
    if fixed_points.xstar is None:
        return np.zeros((0, 0))
    xstar = np.asarray(fixed_points.xstar)
    if xstar.ndim != 2:
        raise ValueError(
            f"fixed_points.xstar: shape {xstar.shape} given, expected [n_points, n_states]"
        )
    finite = np.isfinite(xstar).all(axis=1)
    if not finite.all():
        raise ValueError(
            f"fixed_points.xstar: {np.count_nonzero(~finite)} of {len(xstar)} points are NaN or "
            "infinite. Probably searches that diverged: leave them out with "
            "fps[np.isfinite(fps.xstar).all(axis=1)]"
        )
    return xstar.astype(np.float64)


def per_point(fixed_points: object, name: str, n: int) -> np.ndarray | None:
    """Return a field with one entry per point, or None where the record does not know it."""
    value = getattr(fixed_points, name, None)
    if value is None:
        return None
    value = np.asarray(value)
    if value.ndim == 0 or len(value) != n:
        raise ValueError(
            f"fixed_points.{name}: shape {value.shape} given, expected one entry for each of "
            f"the {n} points"
        )
    return value


def classes_of(fixed_points: Any, n: int) -> np.ndarray:
    """Return the class of each of the ``n`` points, one of the names in `POINTS`.

    Samples of a line, ring or sheet of fixed points are drawn as such. What is no fixed point
    (slow, unconverged) is drawn as that; else the stability class
    counts; else ``is_stable``, whose False says only "not stable"; else "unclassified".
    """
    classes = np.full(n, "unclassified", dtype=object)
    is_stable = per_point(fixed_points, "is_stable", n)
    if is_stable is not None:
        classes[:] = np.where(is_stable.astype(bool), "stable", "not stable")
    stability = per_point(fixed_points, "stability", n)
    if stability is not None:
        known = np.isin(stability, list(POINTS))
        classes[known] = stability[known]
        classes[stability == "unknown"] = "unclassified"  # the Jacobian is not finite
    kind = per_point(fixed_points, "kind", n)
    if kind is not None:
        no_fixed_point = np.isin(kind, ["slow", "unconverged"])
        classes[no_fixed_point] = kind[no_fixed_point]
    samples = per_point(fixed_points, "on_continuum", n)
    if samples is not None:
        classes[samples] = "on a continuum"
    return classes


def summary_of(classes: np.ndarray) -> str:
    """Say how many points there are of each class: "27 fixed points: 8 stable, 19 saddles"."""
    counts = {name: int(np.count_nonzero(classes == name)) for name in POINTS}
    others = {name: counts.pop(name) for name in ("slow", "unconverged")}
    n_samples = counts.pop("on a continuum")
    n_fixed = sum(counts.values())
    noun = "isolated fixed point" if n_samples else "fixed point"
    head = f"no {noun}s" if n_fixed == 0 else _counted(n_fixed, noun)
    parts = [
        _counted(count, name) if name == "saddle" else f"{count} {name}"
        for name, count in counts.items()
        if count and name != "unclassified"
    ]
    text = f"{head}: {', '.join(parts)}" if parts else head
    extra = [f"{count} {name}" for name, count in others.items() if count]
    return "; ".join([text, *extra])


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
