"""Which part of a curve is slow, how long it is, and where the drift along it vanishes.

A curve can be followed through any fixed point that has one slow direction. It is a line of slow
points only where the drift along it is slow for its length: where it takes at least `MIN_STEPS`
steps to travel from end to end even at the highest speed of the drift.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from fpf_notebook.finder.manifolds.field import SlowField
from fpf_notebook.finder.manifolds.lines import Curve

__all__ = ["Stretch", "arc_lengths", "longest_slow", "zeros_along"]

_THRESHOLDS = 64
_BISECTIONS = 40


@dataclass(frozen=True)
class Stretch:
    """Part of a curve.

    Attributes
    ----------
    rows : slice
        Which of its points.
    closed : bool
        Whether it is all of a closed curve.
    length : float
        Its length.
    """

    rows: slice
    closed: bool
    length: float


def arc_lengths(
    x: Float[np.ndarray, "m n_states"],
    tangents: Float[np.ndarray, "m n_states"],
    closed: bool,
) -> Float[np.ndarray, "k"]:
    """Return the lengths of the pieces between successive points; those of arcs, not of chords.

    Parameters
    ----------
    x : array, [m, n_states]
        Points in order.
    tangents : array, [m, n_states]
        Of unit length.
    closed : bool
        Whether there is a piece from the last to the first: then there are m, else m - 1.
    """
    if closed:
        x, tangents = np.concatenate([x, x[:1]]), np.concatenate([tangents, tangents[:1]])
    chords = np.linalg.norm(np.diff(x, axis=0), axis=1)
    cosines = np.clip(np.sum(tangents[1:] * tangents[:-1], axis=1), -1.0, 1.0)
    half = np.arccos(np.abs(cosines)) / 2
    return chords * np.where(half > 1e-6, half / np.maximum(np.sin(half), 1e-12), 1.0)


def longest_slow(
    pieces: Float[np.ndarray, "k"],
    speed: Float[np.ndarray, "m"],
    good: Bool[np.ndarray, "m"],
    closed: bool,
    min_time: float,
) -> Stretch | None:
    """Return the longest stretch that takes at least a time to travel at its highest speed.

    Parameters
    ----------
    pieces : array, [m] or [m - 1]
        Lengths between successive points; of a closed curve with that back to the first.
    speed : array, [m]
        Speed at each point.
    good : array of bool, [m]
        Points that may belong to it.
    closed : bool
        Whether the curve is closed.
    min_time : float
        The time.
    """
    if closed and good.all() and pieces.sum() >= min_time * speed.max():
        return Stretch(slice(0, len(speed)), True, float(pieces.sum()))
    places = np.concatenate([[0.0], np.cumsum(pieces)])[: len(speed)]
    best: Stretch | None = None
    limits = np.unique(speed[good])
    if len(limits) > _THRESHOLDS:
        limits = np.unique(np.quantile(limits, np.linspace(0, 1, _THRESHOLDS)))
    for limit in limits:
        slow = np.concatenate([[False], good & (speed <= limit), [False]])
        changes = np.flatnonzero(slow[1:] != slow[:-1])
        for first, last in zip(changes[::2], changes[1::2], strict=True):
            length = float(places[last - 1] - places[first])
            enough = length >= min_time * float(speed[first:last].max())
            if enough and (best is None or length > best.length):
                best = Stretch(slice(int(first), int(last)), False, length)
    return best


def zeros_along(
    field: SlowField,
    curve: Curve,
    stretch: Stretch,
    along: Float[np.ndarray, "m"],
    noise: float,
) -> Float[np.ndarray, "k n_states"]:
    """Return the places on a stretch where the drift along it changes its direction.

    Parameters
    ----------
    field : SlowField
        The network.
    curve, stretch : Curve, Stretch
        Which part of which curve.
    along : array, [m]
        Signed speed at each point of the whole curve.
    noise : float
        Speeds that may be nothing but rounding.

    Returns
    -------
    array, [k, n_states]
        To be polished: they are where the curve crosses zero, as far as bisection tells.
    """
    rows = np.arange(len(along))[stretch.rows]
    if stretch.closed:
        rows = np.append(rows, rows[0])
    found = []
    for i, j in itertools.pairwise(rows):
        a, b = along[i], along[j]
        if abs(a) <= noise and abs(b) <= noise:
            continue
        if a == 0:
            found.append(curve.x[i])
        if a * b >= 0:
            continue
        low, high, frame = curve.x[i], curve.x[j], curve.frames[np.array([i])]
        reach = float(np.linalg.norm(high - low))
        for _ in range(_BISECTIONS):
            middle = low + (high - low) * float(np.clip(a / (a - b), 0.1, 0.9))
            moved = field.corrected(middle[None], frame, reach)
            if not moved.ok[0]:
                break
            left = moved.frames.left[0, :, 0]
            sign = np.sign(float(curve.frames.left[i, :, 0] @ left)) or 1.0
            value = float(sign * (left @ field.g(moved.x)[0]))
            if abs(value) <= noise:
                low = high = moved.x[0]
                break
            if value * a > 0:
                low, a = moved.x[0], value
            else:
                high, b = moved.x[0], value
            if float(np.linalg.norm(high - low)) <= 1e-6 * reach:
                break
        found.append(low if abs(a) < abs(b) else high)
    return np.array(found).reshape(-1, curve.x.shape[1])
