"""Latest wins: work on a background thread, where a newer request cancels the older one.

The widget's own thread never waits: it submits a job and is free. A job gets a cancel token, which
the finder asks between its compiled chunks, and a reporter for progress. Its result is delivered
only if no newer job has been submitted meanwhile.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fpf_notebook.finder.progress import CancelToken, SilentProgress

__all__ = ["UPDATES_PER_SECOND", "Job", "LatestWins", "Report", "ThrottledProgress"]

UPDATES_PER_SECOND = 20
# A job that ends sooner is not announced: its result says it all, and nothing flickers.
_UNANNOUNCED = 0.12


@dataclass(frozen=True)
class Report:
    """How the current job is doing.

    Attributes
    ----------
    state : str
        "computing", "idle" or "error".
    progress : float
        Share that is done, or -1 where it is not known.
    message : str
        A few words.
    seconds : float
        Time since the job was begun.
    error : BaseException or None
        Why the job failed.
    """

    state: str
    progress: float = -1.0
    message: str = ""
    seconds: float = 0.0
    error: BaseException | None = None


class ThrottledProgress(SilentProgress):
    """Progress of a search, passed on at most `UPDATES_PER_SECOND` times a second.

    Parameters
    ----------
    show
        Called with the share that is done and a message.
    """

    def __init__(self, show: Callable[[float, str], None]) -> None:
        self._show = show
        self._total = 0
        self._last = time.perf_counter() + _UNANNOUNCED - 1 / UPDATES_PER_SECOND

    def start(self, total: int, description: str) -> None:
        """Begin a stage."""
        self._total = total

    def update(self, done: int, message: str) -> None:
        """Pass it on if the last time is long enough ago."""
        now = time.perf_counter()
        if now - self._last < 1 / UPDATES_PER_SECOND:
            return
        self._last = now
        # Rounds of an exhaustive search are not known in number beforehand.
        share = done / self._total if 0 < done <= self._total else -1.0
        self._show(share, message)


@dataclass(frozen=True)
class Job:
    """What to do in the background.

    Attributes
    ----------
    work : callable
        ``work(cancel, progress)``, on the thread. It must not touch the user's model.
    deliver : callable
        Called with what `work` returned, on the thread, unless a newer job was submitted.
    """

    work: Callable[[CancelToken, ThrottledProgress], Any]
    deliver: Callable[[Any], None]


class _Desk:
    """What the thread and its owner share. It knows the owner's callback by weak reference only."""

    def __init__(self, tell: Callable[[Report], None], name: str) -> None:
        self.condition = threading.Condition()
        self.tell = tell
        self.name = name
        self.pending: Job | None = None
        self.running: CancelToken | None = None
        self.thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.closed = False

    def close(self) -> None:
        with self.condition:
            self.closed = True
            self.pending = None
            if self.running is not None:
                self.running.cancel()
            self.condition.notify_all()

    def loop(self) -> None:
        while True:
            with self.condition:
                while self.pending is None and not self.closed:
                    self.condition.wait()
                if self.closed:
                    return
                job, self.pending = self.pending, None
                token = self.running = CancelToken()
            assert job is not None
            self._run(job, token)
            # Before the next wait: a job keeps its widget's data alive.
            del job, token
            with self.condition:
                self.running = None
                self.condition.notify_all()

    def _run(self, job: Job, token: CancelToken) -> None:
        began = time.perf_counter()

        def show(share: float, message: str) -> None:
            if not token.cancelled:
                self.tell(Report("computing", share, message, time.perf_counter() - began))

        def announce() -> None:
            with self.condition:
                if working and not token.cancelled:
                    self.tell(Report("computing", seconds=time.perf_counter() - began))

        error: BaseException | None = None
        working = True
        announcement = threading.Timer(_UNANNOUNCED, announce)
        announcement.daemon = True
        announcement.start()
        try:
            try:
                result = job.work(token, ThrottledProgress(show))
            finally:
                announcement.cancel()
                with self.condition:
                    working = False
            if not token.cancelled:
                job.deliver(result)
        except Exception as problem:
            error = problem
        if token.cancelled:
            return  # a newer job is waiting, or the owner is gone: nobody asks about this one
        with self.condition:
            self.error = error
        seconds = time.perf_counter() - began
        self.tell(Report("error" if error else "idle", 1.0, "", seconds, error))


class LatestWins:
    """Runs one job at a time on a background thread; a newer one replaces an older one.

    Parameters
    ----------
    tell
        Called with a `Report` from the thread. It should hold its widget weakly.
    name
        Name of the thread.

    Notes
    -----
    The thread starts with the first job. It ends at :meth:`close`, and when this object is
    garbage-collected. It is a daemon: a kernel that restarts does not wait for it.
    """

    def __init__(self, tell: Callable[[Report], None], name: str = "fpf-live") -> None:
        self._desk = _Desk(tell, name)
        self._finalizer = weakref.finalize(self, self._desk.close)

    @property
    def busy(self) -> bool:
        """Whether a job is running or waiting."""
        desk = self._desk
        with desk.condition:
            return desk.running is not None or desk.pending is not None

    @property
    def alive(self) -> bool:
        """Whether the thread exists."""
        return self._desk.thread is not None and self._desk.thread.is_alive()

    def submit(self, job: Job) -> None:
        """Have a job done next, and cancel the one that is running.

        Raises
        ------
        RuntimeError
            After :meth:`close`.
        """
        desk = self._desk
        with desk.condition:
            if desk.closed:
                raise RuntimeError("this widget was closed; make a new one")
            desk.pending = job
            desk.error = None
            if desk.running is not None:
                desk.running.cancel()
            if desk.thread is None:
                desk.thread = threading.Thread(target=desk.loop, name=desk.name, daemon=True)
                desk.thread.start()
            desk.condition.notify_all()

    def cancel(self) -> None:
        """End what is running and drop what is waiting."""
        desk = self._desk
        with desk.condition:
            desk.pending = None
            if desk.running is not None:
                desk.running.cancel()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until nothing is running or waiting.

        Parameters
        ----------
        timeout
            Seconds; None waits for ever.

        Raises
        ------
        TimeoutError
            If it takes longer.
        Exception
            What the last job raised.
        """
        desk = self._desk
        if threading.current_thread() is desk.thread:
            raise RuntimeError("wait() was called from the background thread itself")
        with desk.condition:
            done = desk.condition.wait_for(
                lambda: desk.closed or (desk.running is None and desk.pending is None), timeout
            )
            error, desk.error = desk.error, None
        if not done:
            raise TimeoutError(f"still computing after {timeout:g} s")
        if error is not None:
            raise error

    def settle(self, timeout: float) -> None:
        """Wait as `wait` does, but neither raise nor forget anything."""
        desk = self._desk
        with desk.condition:
            desk.condition.wait_for(
                lambda: desk.closed or (desk.running is None and desk.pending is None), timeout
            )

    def close(self, timeout: float = 5.0) -> None:
        """Cancel what is running and end the thread."""
        self._finalizer()
        thread = self._desk.thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
