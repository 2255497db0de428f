"""`TrainingMonitor`: watch a training, hold it, and see attractors being born."""

from __future__ import annotations

import contextlib
import time
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as ipw
import numpy as np
import traitlets

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.widgets.guard import Guarded, SettingError
from fpf_notebook.widgets.hints import hints_of
from fpf_notebook.widgets.live import Job, LatestWins, Report
from fpf_notebook.widgets.monitor.brainpy_threads import carry_settings
from fpf_notebook.widgets.monitor.callback import TrainingCallback
from fpf_notebook.widgets.monitor.controls import monitor_controls
from fpf_notebook.widgets.monitor.log import MetricLog, curves_of
from fpf_notebook.widgets.monitor.loop_control import LoopControl
from fpf_notebook.widgets.monitor.snapshot_queue import SnapshotQueue
from fpf_notebook.widgets.monitor.snapshots import SnapshotBook
from fpf_notebook.widgets.monitor.status import training_status
from fpf_notebook.widgets.monitor.trial import trial_scene
from fpf_notebook.widgets.monitor.weights_reader import weights_reader
from fpf_notebook.widgets.panel_widgets import close_parts
from fpf_notebook.widgets.status import plain_words
from fpf_notebook.widgets.view import MonitorPicture

if TYPE_CHECKING:
    from traitlets import Bunch


T = TypeVar("T")


class TrainingMonitor(TrainingCallback, Guarded, ipw.VBox):
    """Curves, an example trial and the fixed points of a network while it is trained.

    Parameters
    ----------
    snapshot_every : int
        Epochs between two snapshots of weights and their fixed points; 0 takes none. Default 5.
        For a loop of your own: steps (see :meth:`follow`).
    constant_input : array, [n_inputs], optional
        Under which the fixed points are sought. Default zero.
    budget : float
        Largest share of the training's time that searches may take while it runs; what is left
        over is searched when it has ended. One snapshot every two seconds is taken in any case.
        Default 0.05.
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
    and returns at once (``monitor.result()`` waits), and ``monitor.watch(trainer, data, …)`` does
    the same with the ``fit`` of a ``brainpy.BPTT``; ``train(…, callbacks=[monitor])`` watches a
    training that runs in the cell; and any loop of your own can call ``monitor.log``. Buttons act
    while a training runs in the background. While a cell runs, Jupyter delivers no clicks: put
    your own loop into a function and give it to ``monitor.run(function)``.

    Examples
    --------
    >>> monitor = TrainingMonitor()                         # doctest: +SKIP
    >>> monitor.watch(model, FlipFlop(3), n_epochs=200)     # doctest: +SKIP
    >>> history = monitor.result()                          # doctest: +SKIP

    A loop of your own, with the fixed points of its model:

    >>> def loop():                                         # doctest: +SKIP
    ...     for inputs, targets in monitor(batches):
    ...         monitor.log(loss=step(inputs, targets))
    >>> monitor.follow(model, inputs, every=50).run(loop)   # doctest: +SKIP
    """

    phase = traitlets.Unicode("idle", read_only=True)
    pausing = traitlets.Bool(False)
    learning_rate = traitlets.Float(None, allow_none=True)
    snapshot_every = traitlets.Int(5, min=0)

    def __init__(
        self,
        *,
        snapshot_every: int = 5,
        constant_input: Any = None,
        budget: float = 0.05,
        n_inits: int = 384,
    ) -> None:
        if not budget > 0:
            raise ValueError(f"budget is {budget!r}, expected a positive share of the time.")
        self.metrics = MetricLog()
        self.snapshots = SnapshotBook()
        self.picture = MonitorPicture()
        self.picture.layout.width = "100%"
        me = weakref.ref(self)
        self._queue = SnapshotQueue(
            self.snapshots, lambda: _repaint_history(me), budget, n_inits, constant_input
        )
        self._read_weights: Any = None
        self._follows = False
        self._painter = LatestWins(lambda _: None, "fpf-monitor-paint")
        self._trainer = LatestWins(lambda report: _trained(me, report), "fpf-monitor-train")
        self._control: Any = LoopControl(self._enter)
        self._run: Any = None
        self._history: Any = None
        self._trial: tuple[Any, Any, Any] | None = None
        self._painted = self._began = 0.0
        super().__init__(layout=ipw.Layout(width="100%"), snapshot_every=snapshot_every)
        controls = monitor_controls(self)
        self.picture.put(hints=hints_of(controls, self.picture.key))
        self.children = [controls, self.picture]
        self.picture.put(status=training_status("idle", None, self.metrics, 0.0))
        self.observe(self._rate_set, names="learning_rate")

    # -- ways to train -----------------------------------------------------------------------------

    def watch(self, model: object, task: Any, **options: Any) -> TrainingMonitor:
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
        self._follows = False
        self._reset()
        if hasattr(model, "f_train") and hasattr(model, "fit"):
            run = self._control = self._bptt_run(model)
            self.learning_rate = run.present_rate()
            return self._start(lambda: run.fit(task, **options))
        from fpf_notebook.training import train

        callbacks = [*options.pop("callbacks", ()), self]
        self._queue.prepare_for(model, task)  # traced here, in the caller's thread
        return self._start(lambda: train(model, task, callbacks=callbacks, **options))

    def follow(self, model: object, inputs: Any, every: int = 50) -> TrainingMonitor:
        """Take snapshots of a model that a loop of your own trains.

        Parameters
        ----------
        model
            What `as_step_map` takes. Of a BrainPy model the present weights are read whenever a
            snapshot is due; for a `StepMap`, give them to ``log(params=…)``.
        inputs : array, [trial, time, n_inputs]
            Trials whose trajectories are shown, and where searches begin.
        every : int
            Calls of :meth:`log` between two snapshots; sets `snapshot_every`. Default 50.

        Returns
        -------
        TrainingMonitor
            This one.

        Raises
        ------
        TypeError, ValueError
            If the model is no step map, or the inputs do not fit it.
        RuntimeError
            While a training is running.
        """
        self._refuse_while_running()
        if isinstance(every, bool) or not isinstance(every, int | np.integer) or every < 1:
            raise ValueError(f"every is {every!r}, expected an integer of at least 1.")
        step_map = self._queue.prepare(model, inputs)
        self._read_weights = weights_reader(model, step_map)
        self._follows = True
        self.snapshot_every = int(every)
        return self

    def run(self, function: AnyFunction) -> TrainingMonitor:
        """Run a training loop of your own on the background thread, where buttons act on it.

        Parameters
        ----------
        function
            Trains, with ``for batch in monitor(batches)`` and :meth:`log`. What it returns is the
            :meth:`result`.

        Raises
        ------
        RuntimeError
            While a training is running.
        """
        self._reset()
        return self._start(function)

    def _start(self, function: AnyFunction) -> TrainingMonitor:
        self._enter("starting")
        carry = carry_settings()

        def work(_: object, __: object) -> object:
            carry()
            return function()

        me = weakref.ref(self)

        def deliver(result: object) -> None:
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

    def log(self, *, step: int | None = None, params: PyTree = None, **metrics: Any) -> None:
        """Add metrics of one step.

        A value that is not finite stops the loop before its next batch, and the widget says at
        which step and which term it was.

        Parameters
        ----------
        step
            Its number. Default: one more than the last.
        params
            The present weights of the model that :meth:`follow` was given. Default: those that
            the model holds.
        **metrics
            Numbers by name.

        Raises
        ------
        ValueError
            If a snapshot is due and `params` do not fit the model, or are needed and missing.
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
        if self._follows and self._wants_snapshot(step):
            self._take_snapshot(step, params)
        self._paint()

    def _take_snapshot(self, step: int, params: PyTree = None) -> None:
        weights = self._read_weights() if params is None else params
        self._queue.put(step, self._queue.checked(weights), self._seconds())

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

    def _refuse_while_running(self) -> None:
        if self._trainer.busy:
            raise RuntimeError("a training is running already: press Stop, or call stop(), first")

    def _reset(self) -> None:
        self._refuse_while_running()
        self.metrics.clear()
        self.snapshots.clear()
        self._queue.clear()
        if not self._follows:
            self._queue.forget()
            self._read_weights = None
        self.snapshots.unit = "step" if self._follows else "epoch"
        self._control, self._run, self._history = LoopControl(self._enter), None, None
        self._trial, self.pausing = None, False
        self._began = time.perf_counter()
        self.picture.put(history=None, status={**self.picture.status, "error": ""})
        self.picture.snapshot = -1  # the last one, whatever was looked at

    @traitlets.validate("learning_rate")
    def _valid_rate(self, proposal: Any) -> float | None:
        rate = proposal["value"]
        if rate is not None and not 0 <= rate < np.inf:  # schedules may end at zero
            raise SettingError(
                f"learning_rate is {rate!r}, expected a number of at least 0, or None."
            )
        return None if rate is None else float(rate)

    def _observer_raised(self, words: str) -> None:
        self._complain(words)

    def _finish(self, phase: str = "stopped") -> None:
        self._enter(phase)
        last = self.metrics.last_step
        if self._follows and last > 0 and not self._wants_snapshot(last):
            with contextlib.suppress(ValueError):  # weights that only the loop itself can give
                self._take_snapshot(last)
        self._queue.finish()
        self._paint(last=True)

    def _rate_set(self, change: Bunch) -> None:
        if change["new"] is None or change["new"] == self._rate_shown:
            return
        self._rate_shown = None
        if self._run is None:
            self._control.learning_rate = change["new"]
        elif abs(change["new"] - float(self._run.learning_rate)) > 1e-12:
            try:
                self._run.learning_rate = change["new"]
            except ValueError as problem:
                self._complain(str(problem))

    # -- saving ------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Save curves and snapshots to an ``.npz`` file, without pickle."""
        from fpf_notebook.widgets.monitor.file import save_monitor

        save_monitor(path, self.metrics, self.snapshots, self._trial)

    @classmethod
    def load(cls, path: str | Path, *, max_bytes: int | None = None) -> TrainingMonitor:
        """Return a monitor that shows what :meth:`save` wrote.

        Parameters
        ----------
        path
            The file.
        max_bytes
            The most bytes that its arrays may need. Default: 64 times the size of the file, and at
            least 64 MiB.

        Raises
        ------
        FileError
            If the file is damaged or foreign. It is a ValueError.
        """
        from fpf_notebook.widgets.monitor.file import load_monitor

        content = load_monitor(path, max_bytes=max_bytes)
        monitor = cls()
        monitor.metrics, monitor.snapshots, monitor._trial = content
        monitor._show_history()
        monitor.picture.put(curves=curves_of(monitor.metrics.series()))
        if monitor._trial is not None:
            monitor.picture.put(trial=trial_scene(*monitor._trial))
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
                if isinstance(part, ipw.Widget):
                    close_parts(part)
                part.close()
        close_parts(self)
        super().close()


def _repaint_history(me: weakref.ref[TrainingMonitor]) -> None:
    monitor = me()
    if monitor is not None:
        monitor._show_history()


def _trained(me: weakref.ref[TrainingMonitor], report: Report) -> None:
    monitor = me()
    if monitor is None or report.state == "computing":
        return
    if report.error is not None:
        monitor._complain(plain_words(report.error))
    monitor._finish("stopped" if report.error is None else "failed")
