"""A curve of slow points, followed from one of them to both sides."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from fpf_notebook.finder.manifolds.field import Frames, SlowField

__all__ = ["Curve", "Region", "follow_line"]

_STEPS = 48  # of the first length from one side of the region to the other
_MAX_POINTS = 512  # in each direction
_SMALLEST = 1.0 / 256  # of the first length of step
_STRAIGHT, _BENT = 0.07, 0.15  # radians between two tangents: longer steps, shorter ones
_FEWEST = 6  # points of a ring
_ILL = 1e5  # condition of the slow eigenvalue beyond which there is no single slow direction


@dataclass(frozen=True)
class Region:
    """Where manifolds are looked for.

    Attributes
    ----------
    low, high : arrays, [n_states]
        The box of the states that were seen.
    size : float
        Half the diagonal.
    near_one : float
        How far the slow eigenvalue may be from 1 (map) or 0 (flow).
    max_speed : float
        How fast the drift may be.
    """

    low: Float[np.ndarray, "n_states"]
    high: Float[np.ndarray, "n_states"]
    size: float
    near_one: float
    max_speed: float

    def holds(
        self, x: Float[np.ndarray, "n n_states"], margin: float = 0.0
    ) -> Bool[np.ndarray, "n"]:
        """Tell which states are inside of it, or of one that is wider on either side."""
        slack = margin * (self.high - self.low) + 1e-6 * self.size
        return np.asarray(((x >= self.low - slack) & (x <= self.high + slack)).all(axis=1))


@dataclass(frozen=True)
class Curve:
    """What was followed.

    Attributes
    ----------
    x : array, [m, n_states]
        Points in order.
    frames : Frames
        The slow direction at each, all to the same side.
    closed : bool
        Whether it returned to where it began.
    ends : tuple of str
        Why it was not followed further, on either side.
    """

    x: Float[np.ndarray, "m n_states"]
    frames: Frames
    closed: bool
    ends: tuple[str, ...]


def follow_line(
    field: SlowField, x: Float[np.ndarray, "n_states"], frame: Frames, region: Region
) -> Curve | None:
    """Follow the curve of slow points through a state.

    Parameters
    ----------
    field : SlowField
        The network under one input.
    x : array, [n_states]
        A state on it, or very near.
    frame : Frames
        The slow direction there.
    region : Region
        Where to stop.

    Returns
    -------
    Curve or None
        None if there is no curve through the state.
    """
    first = field.corrected(x[None], frame, 0.1 * region.size)
    if not first.ok[0]:
        return None
    start, frame = first.x, first.frames
    xs, frames, closed, end = _one_way(field, start, frame, region)
    if closed:
        return Curve(np.concatenate([start, *xs]), _joined([frame, *frames]), True, ())
    turned = Frames(-frame.right, -frame.left, frame.slow)
    back, back_frames, _, other_end = _one_way(field, start, turned, region)
    back_frames = [Frames(-part.right, -part.left, part.slow) for part in back_frames]
    points = np.concatenate([*back[::-1], start, *xs])
    curve = Curve(points, _joined([*back_frames[::-1], frame, *frames]), False, (other_end, end))
    return _cut_at_edge(field, curve, region)


def _cut_at_edge(field: SlowField, curve: Curve, region: Region) -> Curve:
    """Move the first points beyond the region, where the curve leaves it, back to its edge."""
    x, frames = curve.x.copy(), curve.frames
    right, left, slow = frames.right.copy(), frames.left.copy(), frames.slow.copy()
    inside = region.holds(x)
    for i, j in itertools.pairwise(range(len(x))):
        if inside[i] == inside[j]:
            continue
        within, beyond = (i, j) if inside[i] else (j, i)
        chord = x[beyond] - x[within]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where(chord > 0, region.high - x[within], region.low - x[within]) / chord
        share = np.where(np.abs(chord) > 0, share, np.inf)
        start = x[within] + float(np.clip(np.nanmin(share), 0.0, 1.0)) * chord
        moved = field.corrected(start[None], frames[np.array([within])], 0.3 * region.size)
        if moved.ok[0] and region.holds(moved.x, 0.01)[0]:
            sign = np.sign(np.sum(moved.frames.right[0, :, 0] * frames.right[within, :, 0])) or 1.0
            x[beyond] = moved.x[0]
            right[beyond], left[beyond] = sign * moved.frames.right[0], sign * moved.frames.left[0]
            slow[beyond] = moved.frames.slow[0]
    return Curve(x, Frames(right, left, slow), curve.closed, curve.ends)


def _one_way(
    field: SlowField, start: np.ndarray, frame: Frames, region: Region
) -> tuple[list[np.ndarray], list[Frames], bool, str]:
    """Return the points and frames after the start, whether it came back, and why it ended."""
    first = 2 * region.size / _STEPS
    step, x, tangent = first, start, frame.right[:, :, 0]
    origin_tangent = tangent
    xs: list[np.ndarray] = []
    frames: list[Frames] = []
    while len(xs) < _MAX_POINTS:
        if step < _SMALLEST * first:
            return xs, frames, False, _why_lost(frame)
        ahead = field.corrected(x + step * tangent, frame, 0.3 * step)
        if not ahead.ok[0]:
            step /= 2
            continue
        here = _aligned(ahead.frames, tangent)
        chord = ahead.x - x
        length = float(np.linalg.norm(chord))
        turn = _angle(here.right[:, :, 0], tangent)
        if turn > _BENT or _angle(chord, tangent) > _BENT or not 0.4 * step < length < 2 * step:
            step /= 2
            continue
        if len(xs) + 1 >= _FEWEST and _passes(x, ahead.x, start, origin_tangent, here):
            return xs, frames, True, ""
        why = _why_stop(field, ahead.x, here, region)
        if why:
            return xs, frames, False, why
        xs.append(ahead.x)
        frames.append(here)
        x, frame, tangent = ahead.x, here, here.right[:, :, 0]
        if turn < _STRAIGHT:
            step = min(1.5 * step, first)
    return xs, frames, False, f"{_MAX_POINTS} points were followed"


def _aligned(frame: Frames, tangent: np.ndarray) -> Frames:
    """Return a frame that points to the side of a tangent."""
    if float(np.sum(frame.right[:, :, 0] * tangent)) < 0:
        return Frames(-frame.right, -frame.left, frame.slow)
    return frame


def _angle(a: np.ndarray, b: np.ndarray) -> float:
    cosine = np.sum(a * b) / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-300)
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))


def _passes(
    x: np.ndarray, ahead: np.ndarray, start: np.ndarray, origin: np.ndarray, frame: Frames
) -> bool:
    """Tell whether a step leads past the start, in the direction in which that was left."""
    chord, to_start = ahead - x, start - x
    length = float(np.linalg.norm(chord))
    along = float(np.sum(chord * to_start)) / length
    beside = float(np.linalg.norm(to_start - along * chord / length))
    same_way = float(np.sum(frame.right[:, :, 0] * origin)) > 0.5
    return same_way and -0.25 * length <= along <= 1.25 * length and beside <= 0.4 * length


def _why_stop(field: SlowField, x: np.ndarray, frame: Frames, region: Region) -> str:
    if not region.holds(x, 0.5)[0]:
        return "edge of the region that was searched"
    if float(frame.rates[0]) > 2 * region.near_one:
        return "no longer slow: its eigenvalue leaves 1" if field.is_map else "no longer slow"
    if float(np.linalg.norm(field.g(x))) > 2 * region.max_speed:
        return "no longer slow: the drift is too fast"
    if float(np.linalg.norm(frame.left)) > _ILL:
        return "fold: another direction becomes as slow"
    return ""


def _why_lost(frame: Frames) -> str:
    if float(np.linalg.norm(frame.left)) > 20:
        return "fold: another direction becomes as slow"
    return "it could not be followed further"


def _joined(frames: list[Frames]) -> Frames:
    return Frames(
        np.concatenate([part.right for part in frames]),
        np.concatenate([part.left for part in frames]),
        np.concatenate([part.slow for part in frames]),
    )
