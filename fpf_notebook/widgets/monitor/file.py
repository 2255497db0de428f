"""A monitor's curves and snapshots in one file, without pickle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files import FileError, read_arrays, write_arrays
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


def load_monitor(
    path: str | Path, *, max_bytes: int | None = None
) -> tuple[MetricLog, SnapshotBook, Trial | None]:
    """Read what `save_monitor` wrote.

    Parameters
    ----------
    path
        The file.
    max_bytes
        The most bytes that its arrays may need. Default: 64 times the size of the file, and at
        least 64 MiB.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it is damaged or foreign. It is a ValueError.
    """
    header, arrays = read_arrays(path, content=_CONTENT, max_bytes=max_bytes)
    try:
        return _monitor_of(header, arrays)
    # Its arrays are what was saved, but not by `save_monitor`.
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise FileError(path, f"a {_CONTENT}", f"its arrays do not fit ({error})") from error


def _monitor_of(
    header: JsonObject, arrays: dict[str, np.ndarray]
) -> tuple[MetricLog, SnapshotBook, Trial | None]:
    metrics = MetricLog()
    for name, array in arrays.items():
        if name.startswith("curve/"):
            metrics.add(array[0], {name.removeprefix("curve/"): array[1]})
    inputs, targets, outputs = (arrays.get(f"trial/{name}") for name in _TRIAL)
    known = any(part is not None for part in (inputs, targets, outputs))
    book = book_from_arrays(arrays)
    book.unit = str(header.get("unit", "epoch"))
    return metrics, book, (inputs, targets, outputs) if known else None
