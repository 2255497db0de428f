"""A monitor's curves and snapshots in one file, without pickle."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fpf_notebook.training.arrays_file import read_arrays, write_arrays
from fpf_notebook.widgets.monitor_log import MetricLog
from fpf_notebook.widgets.monitor_snapshots import SnapshotBook, book_from_arrays, book_to_arrays

_CONTENT = "training monitor"


def save_monitor(path: str | os.PathLike[str], metrics: MetricLog, book: SnapshotBook) -> None:
    """Write curves and snapshots; an old file is replaced in one step."""
    arrays: dict[str, np.ndarray] = dict(book_to_arrays(book))
    for name, (x, y) in metrics.series().items():
        arrays[f"curve/{name}"] = np.stack([x, y])
    write_arrays(path, arrays, content=_CONTENT, header={})


def load_monitor(path: str | Path) -> tuple[MetricLog, SnapshotBook]:
    """Read what `save_monitor` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or foreign.
    """
    _, arrays = read_arrays(path, content=_CONTENT)
    metrics = MetricLog()
    for name, array in arrays.items():
        if name.startswith("curve/"):
            metrics.add(array[0], {name.removeprefix("curve/"): array[1]})
    return metrics, book_from_arrays(arrays)
