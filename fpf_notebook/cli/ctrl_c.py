"""Ctrl-C that is not lost.

Python raises KeyboardInterrupt wherever it happens to be. Within a callback of the garbage
collector, of which JAX has one, the exception is printed and forgotten, and the work goes on.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fpf_notebook.training.callbacks import EpochInfo
    from fpf_notebook.training.run import TrainingRun


class CtrlC:
    """A context that remembers Ctrl-C, and a training callback that raises it between two epochs.

    Pressed a second time, it is raised at once.
    """

    def __init__(self) -> None:
        self._pressed = False
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        """Watch the signal; only the main thread can."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the old handler back."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def on_epoch(self, run: TrainingRun, info: EpochInfo) -> None:
        """Raise what was remembered."""
        if self._pressed:
            raise KeyboardInterrupt

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._pressed:
            raise KeyboardInterrupt
        self._pressed = True
