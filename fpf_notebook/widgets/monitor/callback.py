"""The monitor as a callback of `fpf_notebook.train` and of `brainpy.BPTT`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fpf_notebook._types import AnyFunction, JsonObject, PyTree
from fpf_notebook.widgets.live import LatestWins
from fpf_notebook.widgets.monitor.bptt_run import BpttRun
from fpf_notebook.widgets.monitor.display import MonitorDisplay
from fpf_notebook.widgets.monitor.snapshot_queue import SnapshotQueue
from fpf_notebook.widgets.monitor.weights_reader import weights_reader

if TYPE_CHECKING:
    from fpf_notebook.training.callbacks import EpochInfo
    from fpf_notebook.training.run import TrainingRun


_EARLY = 5  # most attractors are born at the beginning: there every epoch is looked at


class TrainingCallback(MonitorDisplay):
    """Mix-in of the monitor: what a training tells (see `fpf_notebook.training.Callback`)."""

    snapshot_every: int
    _queue: SnapshotQueue
    _trainer: LatestWins
    _history: object
    _read_weights: AnyFunction
    _follows: bool

    def _reset(self) -> None:
        raise NotImplementedError

    def _finish(self) -> None:
        raise NotImplementedError

    def log(self, *, step: int | None = None, params: PyTree = None, **metrics: object) -> None:
        """Add metrics of one step."""
        raise NotImplementedError

    def on_start(self, run: Any) -> None:
        """Begin: called by `fpf_notebook.train`."""
        if self.phase != "starting":
            self._follows = False
            self._reset()
        if getattr(self._control, "stopping", False):  # asked for before there was a run
            run.stop()
        self._run = self._control = run
        self._queue.prepare_for(run.model, run.task)
        rate = float(run.learning_rate)
        self.learning_rate = None if np.isnan(rate) else max(rate, 0.0)
        trials = run.task.sample(1, 12345)
        self._trial = (trials.inputs[0], trials.targets[0], None)

    def on_phase(self, run: TrainingRun, phase: str) -> None:
        """Show at once that something is being compiled, held or has ended."""
        self._enter(phase)

    def on_epoch(self, run: TrainingRun, info: EpochInfo) -> None:
        """Log an epoch and, now and then, take a snapshot."""
        series = dict(info.series)
        if len(info.terms) == 1:  # the only term is the loss itself
            for name in info.terms:
                series.pop(name, None)
        self.metrics.add(info.steps, series)
        extra: JsonObject = {
            "validation_loss": info.validation_loss,
            "validation_accuracy": info.validation_accuracy,
        }
        self.metrics.add(info.step, {k: v for k, v in extra.items() if v is not None})
        if self._wants_snapshot(info.epoch, run.n_epochs):
            self._queue.put(info.epoch, run.parameters(), info.seconds)
        self._paint()

    def on_stop(self, run: TrainingRun) -> None:
        """Show the end; search what is left."""
        self._history = run.history
        if run.history is not None and run.history.diverged:
            self._complain(run.history.message)
        if not self._trainer.busy:
            self._finish()

    def _wants_snapshot(self, count: int, last: int | None = None) -> bool:
        every = self.snapshot_every
        return bool(every) and (count <= min(every, _EARLY) or count % every == 0 or count == last)

    # -- brainpy.BPTT ------------------------------------------------------------------------------

    def _bptt_run(self, trainer: Any) -> BpttRun:
        def on_batch(batch: PyTree) -> None:
            try:
                inputs, targets = (np.asarray(part, dtype=np.float64) for part in batch)
                step_map = self._queue.prepare(trainer.target, inputs)
            except (TypeError, ValueError):
                return  # inputs that are no array, or a model that is no step map: curves only
            self._read_weights = weights_reader(trainer.target, step_map)
            shown = targets[0] if targets.ndim == 3 else None
            self.show_trial(inputs[0], shown, None)

        def on_epoch(epoch: int) -> None:
            if self._read_weights is not None and self._wants_snapshot(epoch, run.n_epochs):
                self._queue.put(epoch, self._read_weights(), run.seconds)

        run = BpttRun(
            trainer,
            lambda step, metrics: self.log(step=step, **metrics),
            self._enter,
            on_batch,
            on_epoch,
        )
        return run

    def show_trial(
        self, inputs: ArrayLike | None, targets: ArrayLike | None, outputs: ArrayLike | None
    ) -> None:
        """Show an example trial; each [time, channel] or None."""
        self._trial = (inputs, targets, outputs)
        self._paint()
