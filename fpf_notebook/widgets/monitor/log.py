"""Metrics of a training in bounded memory: 100,000 steps stay as fluent as a thousand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from fpf_notebook._types import JsonObject

_LIMIT = 4000  # samples kept of each series; twice that many are thinned to this


def thinned(x: np.ndarray, y: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep at most about `limit` samples: of each bucket the smallest and the largest value.

    Parameters
    ----------
    x, y
        [n] Samples, by ascending x.
    limit
        At least 4.

    Returns
    -------
    x, y
        First and last sample included; no peak is lost.
    """
    n = len(x)
    if n <= limit:
        return x, y
    buckets = (limit - 2) // 2
    edges = (np.arange(buckets + 1) * (n - 2)) // buckets
    inner, place = y[1:-1], np.arange(1, n - 1)
    bucket = np.repeat(np.arange(buckets), np.diff(edges))
    keep = [np.array([0, n - 1])]
    for extreme in (np.fmin, np.fmax):
        # Where a bucket has its extreme first; a bucket of NaN alone has none.
        values = extreme.reduceat(inner, edges[:-1])
        first = np.minimum.reduceat(np.where(inner == values[bucket], place, n), edges[:-1])
        keep.append(first[first < n])
    kept = np.unique(np.concatenate(keep))
    return x[kept], y[kept]


class MetricLog:
    """Named series over steps, each on its own steps, in bounded memory.

    Parameters
    ----------
    limit
        Samples kept of each series.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._series: dict[str, tuple[list[np.ndarray], list[np.ndarray]]] = {}
        self._length: dict[str, int] = {}
        self.last_step = -1

    def add(self, steps: ArrayLike | None, values: JsonObject) -> None:
        """Append values at one step, or arrays at several.

        Parameters
        ----------
        steps
            A number, or an array of them.
        values
            Numbers, or arrays of the same length. NaN means not measured.
        """
        x = np.atleast_1d(np.asarray(steps, dtype=np.float64))
        if not len(x):
            return
        self.last_step = max(self.last_step, int(x[-1]))
        for name, value in values.items():
            y = np.atleast_1d(np.asarray(value, dtype=np.float64))
            known = np.isfinite(y)
            if not known.any():
                continue
            xs, ys = self._series.setdefault(name, ([], []))
            xs.append(x[known])
            ys.append(y[known])
            self._length[name] = self._length.get(name, 0) + int(known.sum())
            if self._length[name] > 2 * self._limit:
                long_x, long_y = thinned(np.concatenate(xs), np.concatenate(ys), self._limit)
                self._series[name] = ([long_x], [long_y])
                self._length[name] = len(long_x)

    def series(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return steps and values of each series, as far as they are kept."""
        out = {}
        for name, (xs, ys) in list(self._series.items()):
            # Copies of the lists: the training thread may append meanwhile.
            x, y = list(xs), list(ys)
            n = min(len(x), len(y))
            out[name] = (np.concatenate(x[:n]), np.concatenate(y[:n]))
        return out

    def last(self, name: str) -> float | None:
        """Return the newest value of a series."""
        entry = self._series.get(name)
        return float(entry[1][-1][-1]) if entry and entry[1] else None

    def clear(self) -> None:
        """Forget everything."""
        self._series.clear()
        self._length.clear()
        self.last_step = -1


def curves_of(series: Mapping[str, tuple[np.ndarray, np.ndarray]], limit: int = 1500) -> JsonObject:
    """Return the curves as the browser draws them, on one common axis of steps."""
    short = {name: thinned(x, y, limit) for name, (x, y) in series.items()}
    steps = np.unique(np.concatenate([x for x, _ in short.values()])) if short else np.zeros(0)
    out = []
    for name, (x, y) in short.items():
        column = np.full(len(steps), np.nan)
        column[np.searchsorted(steps, x)] = y
        out.append({"name": name.replace("_", " "), "y": column, "group": group_of(name)})
    out.sort(key=lambda entry: entry["group"] != "loss")  # the losses own the left axis
    return {"x": steps, "series": out}


def group_of(name: str) -> str:
    """Return which axis a series belongs to."""
    for word in ("accuracy", "gradient", "learning_rate"):
        if word in name:
            return "rate" if word == "learning_rate" else word
    return "loss"
