"""Which cells an operand reads, written short: addresses as nested arithmetic progressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Int

Segment: TypeAlias = list[int]
"""``[start, count, step, count, step, ...]``, the innermost progression first."""

_MAX_LEVELS = 6


def to_segments(addresses: Int[np.ndarray, "size"]) -> list[Segment]:
    """Write addresses as progressions.

    Parameters
    ----------
    addresses
        Addresses in the order in which they are read.

    Returns
    -------
    list of list of int
        ``[start, count, step]`` stands for ``start, start + step, ...``; each further pair repeats
        all of that, shifted by its step. Several segments follow each other.

    Examples
    --------
    >>> import numpy as np
    >>> to_segments(np.arange(6).reshape(2, 3).T.ravel())
    [[0, 2, 3, 3, 1]]
    >>> to_segments(np.array([4, 4, 4, 9]))
    [[4, 3, 0], [9, 1, 0]]
    """
    a = np.asarray(addresses, dtype=np.int64)
    if not len(a):
        return []
    whole = _nested(a)
    if whole is not None:
        return [whole]
    found: list[Segment] = []
    for start, count, step in _runs(a):
        last = found[-1] if found else None
        if last is not None and last[1] == count and last[2] == step and (count > 1 or step == 0):
            # The same run again, further on: one more turn of the outer progression.
            if len(last) == 3:
                last += [2, start - last[0]]
                continue
            if last[0] + last[3] * last[4] == start:
                last[3] += 1
                continue
        found.append([start, count, step])
    return found


def from_segments(segments: Sequence[Sequence[int]]) -> Int[np.ndarray, "size"]:
    """Return the addresses that segments stand for.

    Parameters
    ----------
    segments
        As `to_segments` returns them.

    Returns
    -------
    numpy.ndarray
        The addresses.
    """
    parts = []
    for start, *levels in segments:
        part = np.array([start], dtype=np.int64)
        for count, step in zip(levels[::2], levels[1::2], strict=True):
            part = (step * np.arange(count)[:, None] + part[None, :]).reshape(-1)
        parts.append(part)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _nested(a: np.ndarray) -> Segment | None:
    """Return the one segment that says it all, or None."""
    segment, rows = [int(a[0])], a
    for _ in range(_MAX_LEVELS):
        steps = np.diff(rows)
        if not len(steps):
            return segment if len(segment) > 1 else [*segment, 1, 0]
        other = np.flatnonzero(steps != steps[0])
        count = int(other[0]) + 1 if len(other) else len(rows)
        if len(rows) % count:
            return None
        table = rows.reshape(-1, count)
        if (table - table[:, :1] != table[0] - table[0, 0]).any():
            return None
        segment += [count, int(steps[0])]
        rows = table[:, 0]
    return None


def _runs(a: np.ndarray) -> list[tuple[int, int, int]]:
    """Cut addresses into progressions, each as long as can be: start, count and step."""
    steps = np.diff(a)
    ends = [*(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(a) - 1]
    runs, at, k = [], 0, 0
    values, differences = a.tolist(), steps.tolist()
    while at < len(values):
        if at == len(values) - 1:
            runs.append((values[at], 1, 0))
            break
        while ends[k] <= at:
            k += 1
        runs.append((values[at], ends[k] - at + 1, differences[at]))
        at = ends[k] + 1
    return runs
