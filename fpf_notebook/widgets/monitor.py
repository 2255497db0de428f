"""`TrainingMonitor`: watch a training, hold it, and see attractors being born."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import ipywidgets as ipw
import numpy as np
import traitlets

from fpf_notebook.widgets.brainpy_threads import carry_settings
from fpf_notebook.widgets.live import Job, LatestWins, Report
from fpf_notebook.widgets.monitor_control import BpttRun, LoopControl
from fpf_notebook.widgets.monitor_controls import monitor_controls
from fpf_notebook.widgets.monitor_log import MetricLog, curves_of
from fpf_notebook.widgets.monitor_snapshots import SnapshotBook, history_scene
from fpf_notebook.widgets.monitor_status import training_status
from fpf_notebook.widgets.monitor_trial import trial_scene
from fpf_notebook.widgets.snapshot_queue import SnapshotQueue
from fpf_notebook.widgets.static_picture import StaticPicture
from fpf_notebook.widgets.status import plain_words
from fpf_notebook.widgets.view import MonitorPicture

T = TypeVar("T")
_PAINTS_PER_SECOND = 8


class TrainingMonitor(StaticPicture, ipw.VBox):
    """Curves, an example trial and the fixed points of a network while it is trained.

    Parameters
    ----------
    snapshot_every : int
        Epochs between two snapshots of weights and their fixed points; 0 takes none. Default 5.
    constant_input : array, [n_inputs], optional
        Under which the fixed points are sought. Default zero.
    budget : float
        Largest share of the training's time that searches may take while it runs; what is left
        over is searched when it has ended. Default 0.04.
    n_inits : int
        Starts of each search. Default 384.

    Attributes
    ----------
    phase : str
        "idle", "starting", "compiling", "training", "paused", "stopped" or "failed". Observable.
    learning_rate : float or None
        Of the running training; assigning it changes the rate at once.
    snapshots : SnapshotBook
        The fixed points through training.

    Notes
    -----
    Three ways to use it: ``monitor.watch(model, task, n_epochs=…)`` trains on a background thread
    and returns at once (``monitor.result()`` waits); ``train(…, callbacks=[monitor])`` watches a
    training that runs in the cell; and any loop of your own can call ``monitor.log``. Buttons act
    while a training runs in the background. While a cell runs, Jupyter delivers no clicks: put
    your own loop into a function and give it to ``monitor.run(function)``.

    Examples
    --------
    >>> monitor = TrainingMonitor()                         # doctest: +SKIP
    >>> monitor.watch(model, FlipFlop(3), n_epochs=200)     # doctest: +SKIP
    >>> history = monitor.result()                          # doctest: +SKIP
    """

    phase = traitlets.Unicode("idle")
    pausing = traitlets.Bool(False)
    learning_rate = traitlets.Float(None, allow_none=True)
    snapshot_every = traitlets.Int(5, min=0)

    def __init__(
        self,
        *,
        snapshot_every: int = 5,
        constant_input: Any = None,
        budget: float = 0.04,
        n_inits: int = 384,
    ) -> None:
        if not budget > 0:
            raise ValueError(f"budget is {budget!r}, expected a positive share of the time.")
        self.metrics = MetricLog()
        self.snapshots = SnapshotBook()
        self.picture = MonitorPicture()
        self.picture.layout = ipw.Layout(width="100%")
        me = weakref.ref(self)
        self._queue = SnapshotQueue(
            self.snapshots, lambda: _repaint_history(me), budget, n_inits, constant_input
        )
        self._painter = LatestWins(lambda _: None, "fpf-monitor-paint")
        self._trainer = LatestWins(lambda report: _trained(me, report), "fpf-monitor-train")
        self._control: Any = LoopControl()
        self._run: Any = None
        self._history: Any = None
        self._trial: tuple[Any, Any, Any] | None = None
        self._painted = self._began = 0.0
        self._final = threading.Event()
        super().__init__(layout=ipw.Layout(width="100%"), snapshot_every=snapshot_every)
        self.children = [monitor_controls(self), self.picture]
        self.picture.status = training_status("idle", None, self.metrics, 0.0)
        self.observe(self._rate_set, names="learning_rate")

    # -- ways to train -----------------------------------------------------------------------------

    def watch(self, model: Any, task: Any, **options: Any) -> TrainingMonitor:
        """Train on a background thread; the cell returns at once.

        Parameters
        ----------
        model, task
            As for `fpf_notebook.train`; or a `brainpy.BPTT` trainer and its training data.
        **options
            Of `fpf_notebook.train`, or of the trainer's ``fit``.

        Returns
        -------
        TrainingMonitor
            This one: as the last line of a cell it is shown.
        """
        self._reset()
        if hasattr(model, "f_train") and hasattr(model, "fit"):
            run = BpttRun(model, lambda step, metrics: self.log(step=step, **metrics))
            self._control = run
            return self.run(lambda: run.fit(task, **options))
        from fpf_notebook.training import train

        callbacks = [*options.pop("callbacks", ()), self]
        self._queue.prepare(model, task)  # traced here, in the caller's thread
        return self.run(lambda: train(model, task, callbacks=callbacks, **options))

    def run(self, function: Callable[[], Any]) -> TrainingMonitor:
        """Run any training function on the background thread.

        Raises
        ------
        RuntimeError
            While a training is running.
        """
        if self._trainer.busy:
            raise RuntimeError("a training is running already: press Stop, or call stop(), first")
        self._enter("starting")

        carry = carry_settings()

        def work(_: Any, __: Any) -> Any:
            carry()
            return function()

        me = weakref.ref(self)

        def deliver(result: Any) -> None:
            monitor = me()
            if monitor is not None:
                monitor._history = result

        self._trainer.submit(Job(work, deliver))
        return self

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the training and for its last snapshots, and return its history.

        Ctrl-C stops the training and keeps the best weights.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout` seconds.
        Exception
            What the training raised.
        """
        try:
            self._trainer.wait(timeout)
        except KeyboardInterrupt:
            self.stop()
            self._trainer.wait(30)
        self._queue.wait(timeout)
        self._painter.wait(timeout)
        return self._history

    def wait(self, timeout: float | None = None) -> TrainingMonitor:
        """Wait until nothing is running."""
        self.result(timeout)
        return self

    def __call__(self, batches: Iterable[T]) -> Iterator[T]:
        """Iterate over batches; pause and stop take effect between two of them."""
        if self.phase not in ("starting", "training"):
            self._reset()
        self._enter("training")
        try:
            yield from self._control.over(batches)
        finally:
            if not self._trainer.busy:
                self._finish()

    def log(self, *, step: int | None = None, **metrics: Any) -> None:
        """Add metrics of one step.

        A value that is not finite stops the loop before its next batch, and the widget says at
        which step and which term it was.

        Parameters
        ----------
        step
            Its number. Default: one more than the last.
        **metrics
            Numbers by name.
        """
        if self.phase in ("idle", "starting", "stopped"):
            self._enter("training")
        step = self.metrics.last_step + 1 if step is None else int(step)
        values = {name: float(value) for name, value in metrics.items()}
        self.metrics.add(step, values)
        for name, value in values.items():
            if not np.isfinite(value):
                self._control.stop()
                self._complain(f"{name!r} was not finite at step {step}: training was stopped")
        self._paint()

    def show_trial(self, inputs: Any, targets: Any, outputs: Any) -> None:
        """Show an example trial; each [time, channel] or None."""
        self._trial = (inputs, targets, outputs)
        self._paint()

    # -- what a training tells (see fpf_notebook.training.Callback) --------------------------------

    def on_start(self, run: Any) -> None:
        """Begin: called by `fpf_notebook.train`."""
        if self.phase != "starting":
            self._reset()
        self._run = self._control = run
        self._queue.prepare(run.model, run.task)
        rate = float(run.learning_rate)
        self.learning_rate = None if np.isnan(rate) else rate
        trials = run.task.sample(1, 12345)
        self._trial = (trials.inputs[0], trials.targets[0], None)

    def on_phase(self, run: Any, phase: str) -> None:
        """Show at once that something is being compiled, held or has ended."""
        self._enter(phase)

    def on_epoch(self, run: Any, info: Any) -> None:
        """Log an epoch and, now and then, take a snapshot."""
        series = dict(info.series)
        if len(info.terms) == 1:  # the only term is the loss itself
            for name in info.terms:
                series.pop(name, None)
        self.metrics.add(info.steps, series)
        extra: dict[str, Any] = {
            "validation_loss": info.validation_loss,
            "validation_accuracy": info.validation_accuracy,
        }
        self.metrics.add(info.step, {k: v for k, v in extra.items() if v is not None})
        every = self.snapshot_every
        early = info.epoch <= min(every, 5)  # most attractors are born at the beginning
        if every and (early or info.epoch % every == 0 or info.epoch == run.n_epochs):
            self._queue.put(info.epoch, run.parameters(), info.seconds)
        self._paint()

    def on_stop(self, run: Any) -> None:
        """Show the end; search what is left."""
        self._history = run.history
        if run.history is not None and run.history.diverged:
            self._complain(run.history.message)
        if not self._trainer.busy:
            self._finish()

    # -- control -----------------------------------------------------------------------------------

    def pause(self) -> None:
        """Hold the training after the present chunk."""
        self._control.pause()
        self.pausing = True
        self._show_status()

    def resume(self) -> None:
        """Let it go on."""
        self._control.resume()
        self.pausing = False
        self._show_status()

    def stop(self) -> None:
        """End the training and keep the best weights."""
        self._control.stop()
        self.pausing = False
        self._show_status("stopping…")

    def _rate_set(self, change: Any) -> None:
        if change["new"] is None:
            return
        if self._run is None:
            self._control.learning_rate = change["new"]
        elif abs(change["new"] - float(self._run.learning_rate)) > 1e-12:
            try:
                self._run.learning_rate = change["new"]
            except ValueError as problem:
                self._complain(str(problem))

    # -- showing -----------------------------------------------------------------------------------

    def _reset(self) -> None:
        if self._trainer.busy:
            raise RuntimeError("a training is running already: press Stop, or call stop(), first")
        self.metrics.clear()
        self.snapshots.clear()
        self._queue.clear()
        self._control, self._run, self._history = LoopControl(), None, None
        self._trial, self.pausing = None, False
        self._began = time.perf_counter()
        self.picture.history = None
        self.picture.status = {**self.picture.status, "error": ""}

    def _enter(self, phase: str) -> None:
        self.phase = phase
        self._show_status()

    def _finish(self) -> None:
        self._enter("stopped")
        self._queue.finish()
        self._paint(now=True)

    def _complain(self, words: str) -> None:
        self.picture.status = {**self.picture.status, "state": "error", "error": words}

    def _show_status(self, words: str | None = None) -> None:
        elapsed = time.perf_counter() - self._began if self._began else 0.0
        status = training_status(self.phase, self._run, self.metrics, elapsed, self.pausing)
        if words:
            status["text"] = words
        status["error"] = self.picture.status.get("error", "")
        if status["error"]:
            status["state"] = "error"
        self.picture.status = status

    def _paint(self, now: bool = False) -> None:
        """Send what is new, on another thread, some times a second."""
        moment = time.perf_counter()
        if not now and (moment - self._painted < 1 / _PAINTS_PER_SECOND or self._painter.busy):
            return
        self._painted = moment
        me = weakref.ref(self)

        def work(_: Any, __: Any) -> None:
            monitor = me()
            if monitor is not None:
                monitor._send_news()

        self._painter.submit(Job(work, lambda _: None))

    def _send_news(self) -> None:
        run = self._run
        scene = curves_of(self.metrics.series())
        trial = self._trial
        if run is not None and trial is not None:
            outputs = run.predict(np.asarray(trial[0])[None])[0]
            trial = self._trial = (trial[0], trial[1], outputs)
        with self.picture.hold_sync():
            self.picture.curves = scene
            if trial is not None:
                self.picture.trial = trial_scene(*trial)
            self._show_status()
        if run is not None and not np.isnan(float(run.learning_rate)):
            self.learning_rate = float(run.learning_rate)
        self._prepare_static()

    # -- exporting, saving -------------------------------------------------------------------------

    def _page(self) -> tuple[list[dict[str, Any]], str]:
        return [self.picture.saved_state()], "Training"

    def save(self, path: str | Path) -> None:
        """Save curves and snapshots to an ``.npz`` file, without pickle."""
        from fpf_notebook.widgets.monitor_file import save_monitor

        save_monitor(path, self.metrics, self.snapshots, self._trial)

    @classmethod
    def load(cls, path: str | Path) -> TrainingMonitor:
        """Return a monitor that shows what :meth:`save` wrote."""
        from fpf_notebook.widgets.monitor_file import load_monitor

        monitor = cls()
        monitor.metrics, monitor.snapshots, monitor._trial = load_monitor(path)
        monitor.picture.history = history_scene(monitor.snapshots)
        monitor.picture.curves = curves_of(monitor.metrics.series())
        if monitor._trial is not None:
            monitor.picture.trial = trial_scene(*monitor._trial)
        monitor._enter("stopped")
        return monitor

    def close(self) -> None:
        """Stop the training and all threads, and remove the widget."""
        control = getattr(self, "_control", None)
        if control is not None:
            control.stop()
        # Called by __del__ too, for a widget whose constructor has refused its arguments.
        for name in ("_trainer", "_queue", "_painter", "picture"):
            part = getattr(self, name, None)
            if part is not None:
                part.close()
        super().close()

    def _summary(self) -> str:
        return f"TrainingMonitor: {self.picture.status.get('text', '')}"

    def _static_figure(self) -> Any:
        from fpf_notebook.plots import plot_training

        curves = curves_of(self.metrics.series())
        losses = {s["name"]: s["y"] for s in curves["series"] if s["group"] == "loss"}
        if not losses:
            return None
        return plot_training(
            SimpleNamespace(steps=curves["x"], series=losses), series=list(losses)[:5]
        )


def _repaint_history(me: weakref.ref[TrainingMonitor]) -> None:
    monitor = me()
    if monitor is not None:
        monitor.picture.history = history_scene(monitor.snapshots)


def _trained(me: weakref.ref[TrainingMonitor], report: Report) -> None:
    monitor = me()
    if monitor is None or report.state == "computing":
        return
    if report.error is not None:
        monitor._complain(plain_words(report.error))
        monitor.phase = "failed"
    monitor._finish()
