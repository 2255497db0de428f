"""The widgets of the demo as pages: interactive, with no kernel and no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import brainpy as bp

    from fpf_notebook.widgets import TrainingMonitor


_PATIENCE = 120.0  # seconds; the searches of the demo's networks take one or two


def new_monitor() -> TrainingMonitor | None:
    """Return a monitor that can watch a training, or None where widgets are not installed."""
    try:
        from fpf_notebook.widgets import TrainingMonitor

        return TrainingMonitor(snapshot_every=5)
    except ModuleNotFoundError:
        return None


def record_of(checkpoint: Path) -> Path:
    """Return the file beside a network's checkpoint that keeps the course of its training."""
    return checkpoint.with_suffix(".monitor.npz")


def keep_record(monitor: TrainingMonitor | None, checkpoint: Path) -> None:
    """Keep what a monitor has seen; a record that cannot be kept is no harm."""
    if monitor is None or monitor.metrics.last_step < 0:
        return
    try:
        monitor.wait(_PATIENCE)
        monitor.save(record_of(checkpoint))
    except (OSError, TimeoutError):
        pass


def write_pages(
    model: bp.DynamicalSystem, states: np.ndarray, checkpoint: Path | None, out: Path
) -> dict[str, str]:
    """Write the explorer, the inspector and the course of the training as pages.

    Parameters
    ----------
    model
        The trained network.
    states
        Its trajectories, ``[n_trials, n_time, n_states]``.
    checkpoint
        Where the network is kept, or None; the record of its training stands beside.
    out
        An existing folder.

    Returns
    -------
    dict
        What each file is, in words, by its name. Empty where widgets are not installed.
    """
    try:
        from fpf_notebook.widgets import FixedPointExplorer, JacobianInspector, TrainingMonitor
    except ModuleNotFoundError:
        return {}
    written = {}
    explorer = FixedPointExplorer(model, states, noise_scale=0.4, exhaustive=True)
    try:
        explorer.wait(_PATIENCE)
        explorer.save_html(out / "explorer.html")
        written["explorer.html"] = "the explorer: turn it, click a point, see its modes"
        if len(explorer.fixed_points):
            inspector = JacobianInspector(explorer.fixed_points, step_map=explorer.step_map)
            inspector.wait(_PATIENCE)
            inspector.save_html(out / "inspector.html")
            inspector.close()
            written["inspector.html"] = "the Jacobian inspector"
    except TimeoutError:
        pass  # a page less, after two minutes of searching
    finally:
        explorer.close()
    record = None if checkpoint is None else record_of(checkpoint)
    if record is not None and record.exists():
        try:
            monitor = TrainingMonitor.load(record)
        except (OSError, ValueError):
            return written  # of another version: the next training writes it anew
        monitor.save_html(out / "training.html")
        monitor.close()
        written["training.html"] = "the course of the training, and its fixed points"
    return written
