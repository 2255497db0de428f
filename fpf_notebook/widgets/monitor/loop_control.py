"""Pause, resume, stop and learning rate of a training, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 - it is no error: somebody pressed Stop
    """Leaves a training loop that was asked to stop."""


class LoopControl:
    """Control of a loop that asks for leave between two steps.

    Parameters
    ----------
    notify
        Told "paused" when the loop is held and "training" when it goes on, by the loop's thread.

    Attributes
    ----------
    learning_rate : float or None
        What the slider says, for loops that read it.
    """

    def __init__(self, notify: Callable[[str], None] = lambda phase: None) -> None:
        self._notify = notify
        self._going = threading.Event()
        self._going.set()
        self._stopping = threading.Event()
        self.learning_rate: float | None = None
        self.paused_seconds = 0.0

    @property
    def pausing(self) -> bool:
        """Whether a pause was asked for."""
        return not self._going.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    def pause(self) -> None:
        """Hold the loop before its next step."""
        self._going.clear()

    def resume(self) -> None:
        """Let it go on."""
        self._going.set()

    def stop(self) -> None:
        """End it before its next step."""
        self._stopping.set()
        self._going.set()

    def may_go_on(self) -> bool:
        """Block while a pause is wanted; return False when the loop should end."""
        if self.pausing and not self.stopping:
            began = time.perf_counter()
            self._notify("paused")
            while not self._going.wait(0.1):
                pass  # short waits: Ctrl-C must get through
            self.paused_seconds += time.perf_counter() - began
            if not self.stopping:
                self._notify("training")
        return not self.stopping

    def over(self, batches: Iterable[T]) -> Iterator[T]:
        """Iterate, and stop or pause between two items."""
        for batch in batches:
            if not self.may_go_on():
                return
            yield batch
