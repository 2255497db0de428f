"""How the monitor shows what it knows: status, curves, trial, snapshots."""

from __future__ import annotations

import time
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook.widgets.live import Job, LatestWins
from fpf_notebook.widgets.monitor.log import MetricLog, curves_of
from fpf_notebook.widgets.monitor.snapshot_queue import SnapshotQueue
from fpf_notebook.widgets.monitor.snapshots import SnapshotBook, history_scene
from fpf_notebook.widgets.monitor.status import training_status
from fpf_notebook.widgets.monitor.trial import trial_scene
from fpf_notebook.widgets.static_picture import StaticPicture

if TYPE_CHECKING:
    from fpf_notebook._types import Figure
    from fpf_notebook.widgets.monitor.file import Trial


# Seconds from one painting to the next. Within these limits, a painting that takes long is followed
# by a pause so long that painting takes this share of the time. (The browser, which paints the same
# on a core that the training could use, is not counted: hence no more than two a second.)
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 2.0
_SHARE = 0.02


class MonitorDisplay(StaticPicture):
    """Mix-in of the monitor: paints on a thread of its own, some times a second."""

    metrics: MetricLog
    snapshots: SnapshotBook
    phase: str
    pausing: bool
    learning_rate: float | None
    _run: Any
    _control: Any
    _trial: Trial | None
    _painter: LatestWins
    _queue: SnapshotQueue
    _painted: float
    _pause: float = _SHORTEST_PAUSE
    _began: float
    _rate_shown: float | None = None

    def _enter(self, phase: str) -> None:
        self.set_trait("phase", phase)  # type: ignore[attr-defined]  # it is read-only
        self._show_status()
        if phase == "paused":  # somebody wants to look
            self._queue.show()

    def _complain(self, words: str) -> None:
        self.picture.put(status={**self.picture.status, "state": "error", "error": words})

    def _seconds(self) -> float:
        """Return the seconds since the training began."""
        return time.perf_counter() - self._began if self._began else 0.0

    def _show_status(self, words: str | None = None) -> None:
        run = self._run
        if run is None and hasattr(self._control, "n_epochs"):
            run = self._control
        finished = self.phase == "stopped" and not getattr(self._control, "stopping", False)
        status = training_status(
            self.phase, run, self.metrics, self._seconds(), self.pausing, finished
        )
        behind = self._behind(run)
        if behind:
            status["text"] = f"{status['text']} · {behind}"
        if words:
            status["text"] = words
        status["error"] = self.picture.status.get("error", "")
        if status["error"]:
            status["state"] = "error"
        self.picture.put(status=status)

    def _behind(self, run: Any) -> str:
        """Say how far the fixed points are behind the training, if they are."""
        last = self.snapshots.last
        now = self.metrics.last_step if run is None else getattr(run, "epoch", None)
        if last is None or now is None:
            return ""
        left_out = now - last
        usual = max(1, getattr(self, "snapshot_every", 1))
        unit = self.snapshots.unit
        return f"fixed points of {unit} {last}, {left_out} behind" if left_out > usual else ""

    def _paint(self, last: bool = False) -> None:
        """Send what is new; the last time also into the picture that a saved notebook keeps."""
        moment = time.perf_counter()
        if not last and (moment - self._painted < self._pause or self._painter.busy):
            return
        self._painted = moment
        me = weakref.ref(self)

        def work(_: object, __: object) -> None:
            monitor = me()
            if monitor is not None:
                began = time.thread_time()  # what it takes away from the training
                monitor._send_news()
                pause = (time.thread_time() - began) / _SHARE
                monitor._pause = min(max(pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                if last:
                    monitor._show_static_again()

        self._painter.submit(Job(work, lambda _: None))

    def _send_news(self) -> None:
        run = self._run
        scene = curves_of(self.metrics.series())
        trial = self._trial
        if run is not None and trial is not None:
            outputs = run.predict(np.asarray(trial[0])[None])[0]
            trial = self._trial = (trial[0], trial[1], outputs)
        with self.picture.hold_sync():
            self.picture.put(curves=scene)
            if trial is not None:
                self.picture.put(trial=trial_scene(*trial))
            self._show_status()
        if run is not None:
            self._show_rate(float(run.learning_rate))
        self._prepare_static()

    def _show_rate(self, rate: float) -> None:
        """Show the rate of the training, without setting it."""
        # Meanwhile the training goes on. If it follows a schedule, it has another rate already,
        # which is not to be set to the one that is shown.
        if not np.isnan(rate):
            rate = max(rate, 0.0)  # a schedule may end a rounding error below
            self._rate_shown = rate
            self.learning_rate = rate

    def _show_history(self) -> None:
        self.picture.put(history=history_scene(self.snapshots))

    def _page(self) -> tuple[list[dict[str, object]], str]:
        return [self.picture.saved_state()], "Training"

    def _summary(self) -> str:
        return f"TrainingMonitor: {self.picture.status.get('text', '')}"

    def _static_figure(self) -> Figure | None:
        from fpf_notebook.plots import plot_training

        curves = curves_of(self.metrics.series())
        losses = {s["name"]: s["y"] for s in curves["series"] if s["group"] == "loss"}
        if not losses:
            return None
        return plot_training(
            SimpleNamespace(steps=curves["x"], series=losses), series=list(losses)[:5]
        )
