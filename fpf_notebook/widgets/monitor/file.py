"""A monitor's curves and snapshots in one file, without pickle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook.training.arrays_file import read_arrays, write_arrays
from fpf_notebook.widgets.monitor.log import MetricLog
from fpf_notebook.widgets.monitor.snapshots import SnapshotBook, book_from_arrays, book_to_arrays

_CONTENT = "training monitor"


Trial = tuple[Any, Any, Any]
"""Inputs, targets and outputs of the example trial, each [time, channel] or None."""

_TRIAL = ("inputs", "targets", "outputs")


def save_monitor(
    path: str | os.PathLike[str], metrics: MetricLog, book: SnapshotBook, trial: Trial | None
) -> None:
    """Write curves, snapshots and the example trial; an old file is replaced in one step."""
    arrays: dict[str, np.ndarray] = dict(book_to_arrays(book))
    for name, (x, y) in metrics.series().items():
        arrays[f"curve/{name}"] = np.stack([x, y])
    for name, value in zip(_TRIAL, trial or (None, None, None), strict=True):
        if value is not None:
            arrays[f"trial/{name}"] = np.asarray(value)
    write_arrays(path, arrays, content=_CONTENT, header={"unit": book.unit})


def load_monitor(path: str | Path) -> tuple[MetricLog, SnapshotBook, Trial | None]:
    """Read what `save_monitor` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged or foreign.
    """
    header, arrays = read_arrays(path, content=_CONTENT)
    metrics = MetricLog()
    for name, array in arrays.items():
        if name.startswith("curve/"):
            metrics.add(array[0], {name.removeprefix("curve/"): array[1]})
    inputs, targets, outputs = (arrays.get(f"trial/{name}") for name in _TRIAL)
    known = any(part is not None for part in (inputs, targets, outputs))
    book = book_from_arrays(arrays)
    book.unit = str(header.get("unit", "epoch"))
    return metrics, book, (inputs, targets, outputs) if known else None
