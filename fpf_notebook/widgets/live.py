"""Latest wins, but nothing that is nearly done is thrown away: work on a background thread.

The widget's own thread never waits: it submits a job and is free. Of the jobs that wait, the newest
is kept. The one that runs is left alone for a tenth of a second, so that a hand on a slider sees
pictures all the while: what ends within that time is delivered, whatever has been submitted since.
What takes longer is stopped for a newer one.

A job may begin with a quick look, which is always delivered. While moves follow each other
closely, looks are all that is done; the work itself waits until the hand rests.
"""

from __future__ import annotations

import contextlib
import math
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fpf_notebook.finder.progress import CancelToken, SilentProgress

__all__ = [
    "GRACE",
    "REST",
    "UPDATES_PER_SECOND",
    "Job",
    "LatestWins",
    "Report",
    "ThrottledProgress",
]

UPDATES_PER_SECOND = 20
GRACE = 0.1
"""Seconds for which a newer job leaves the running one alone."""

REST = 0.15
"""Seconds without a move after which a hand is taken to rest."""

# A search that ends within `GRACE` begins sooner, and its picture is there within `REST`.
_SHORT_REST = 0.03
_LONGEST_IDLE = (
    5.0  # seconds without a job after which the thread ends; the next job begins another
)
_IDLE = 0.3  # seconds after which what the next job needs is compiled
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
        Called with what `work` returned, on the thread, unless it was stopped for a newer job.
    look : callable, optional
        ``look(cancel)``: a quick first answer, done before the work and delivered at once; None if
        there is none. It is left out where the work itself is known to be as quick.
    patience : float
        Seconds for which a newer job leaves this one alone. Default `GRACE`.
    afterwards : callable, optional
        ``afterwards(cancel)``: done when the result is delivered and nobody waits any more, to
        compile what the next job will need.
    """

    work: Callable[[CancelToken, ThrottledProgress], Any]
    deliver: Callable[[Any], None]
    look: Callable[[CancelToken], Any] | None = None
    patience: float = GRACE
    afterwards: Callable[[CancelToken], Any] | None = None


class _Token(CancelToken):
    """A cancel token that can be flipped in a while."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.perf_counter()
        self._at = math.inf

    def cancel_at(self, moment: float) -> None:
        self._at = min(self._at, moment)

    @property
    def dropped(self) -> bool:
        """Whether nobody wants the result at all."""
        return super().cancelled

    @property
    def cancelled(self) -> bool:
        return super().cancelled or time.perf_counter() >= self._at


class _Desk:
    """What the thread and its owner share. It knows the owner's callback by weak reference only."""

    def __init__(self, tell: Callable[[Report], None], name: str) -> None:
        self.condition = threading.Condition()
        self.tell = tell
        self.name = name
        self.pending: Job | None = None
        self.running: _Token | None = None
        self.preparing: _Token | None = None
        self.patience = GRACE
        self.thread: threading.Thread | None = None
        self.error: BaseException | None = None
        self.closed = False
        self.submitted = self.before = -math.inf  # when the last two jobs came
        self.quick = False  # whether the last work ended within `GRACE`

    def close(self) -> None:
        with self.condition:
            self.closed = True
            self.pending = None
            for token in (self.running, self.preparing):
                if token is not None:
                    token.cancel()
            self.condition.notify_all()

    def submit(self, job: Job) -> None:
        with self.condition:
            if self.closed:
                raise RuntimeError("this widget was closed; make a new one")
            self.pending = job
            self.error = None
            self.before, self.submitted = self.submitted, time.perf_counter()
            if self.running is not None:
                self.running.cancel_at(self.running.began + self.patience)
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self.loop, name=self.name, daemon=True)
                self.thread.start()
            self.condition.notify_all()

    def loop(self) -> None:
        while True:
            with self.condition:
                self.condition.wait_for(
                    lambda: self.closed or self.pending is not None, _LONGEST_IDLE
                )
                if self.closed:
                    return
                if self.pending is None:
                    self.thread = None  # whoever submits a job now begins another
                    return
                job, self.pending = self.pending, None
                assert job is not None
                token = self.running = _Token()
                self.patience = job.patience
            try:
                delivered = self._run(job, token)
                if delivered and job.afterwards is not None:
                    self._prepare(job.afterwards)
            finally:
                # Before the next wait: a job keeps its widget's data alive.
                del job, token
                with self.condition:
                    self.running = None
                    self.condition.notify_all()

    def _prepare(self, afterwards: Callable[[CancelToken], Any]) -> None:
        """Do what nobody waits for, if there is a while for it."""
        with self.condition:
            self.running = None
            self.condition.notify_all()
            self.condition.wait_for(lambda: self.closed or self.pending is not None, _IDLE)
        token = self.preparing = _Token()
        with contextlib.suppress(Exception):  # the job that needs it says what is wrong
            if not self.closed and self.pending is None:
                afterwards(token)

    def _run(self, job: Job, token: _Token) -> bool:
        began = time.perf_counter()
        error: BaseException | None = None
        try:
            if job.look is not None and not (self.quick and not self._moving()):
                seen = job.look(token)
                if seen is not None and not self._dropped(token):
                    job.deliver(seen)
                if not self._rests(token):
                    return False  # a newer job is waiting
                token = self._renewed()
            if not self._work(job, token, began):
                return False
        # `sys.exit()` in somebody's observer must not end the thread either.
        except BaseException as problem:
            error = problem
        with self.condition:
            if self.closed or (token.cancelled and error is None):
                return False
            self.error = error
        seconds = time.perf_counter() - began
        self._say(Report("error" if error else "idle", 1.0, "", seconds, error))
        return error is None

    def _work(self, job: Job, token: _Token, began: float) -> bool:
        """Do the work itself; tell whether it was delivered."""
        working = True

        def show(share: float, message: str) -> None:
            if not token.cancelled:
                self._say(Report("computing", share, message, time.perf_counter() - began))

        def announce() -> None:
            with self.condition:
                if working and not token.cancelled:
                    self._say(Report("computing", seconds=time.perf_counter() - began))

        announcement = threading.Timer(_UNANNOUNCED, announce)
        announcement.daemon, announcement.name = True, self.name
        announcement.start()
        try:
            result = job.work(token, ThrottledProgress(show))
        finally:
            announcement.cancel()
            with self.condition:
                working = False
        # A search that the token has stopped is not whole; one that ended by itself is.
        if token.cancelled and (self._dropped(token) or not _is_whole(result)):
            return False
        self.quick = time.perf_counter() - token.began <= GRACE
        job.deliver(result)
        return True

    def _moving(self) -> bool:
        """Whether the last two moves followed each other closely."""
        return self.submitted - self.before < REST

    def _dropped(self, token: _Token) -> bool:
        """Whether nobody wants what is running: cancelled by hand, or closed."""
        return self.closed or token.dropped

    def _rests(self, token: _Token) -> bool:
        """Wait until the hand rests; tell whether it does, and nothing newer has come."""
        with self.condition:
            while True:
                if self.pending is not None or self.closed or self._dropped(token):
                    return False
                pause = (_SHORT_REST if self.quick else REST) if self._moving() else 0.0
                left = self.submitted + pause - time.perf_counter()
                if left <= 0:
                    return True
                self.condition.wait(left)

    def _renewed(self) -> _Token:
        """Start the clock of the work itself."""
        with self.condition:
            token = _Token()
            if self.running is not None and self._dropped(self.running):
                token.cancel()
            if self.pending is not None:
                token.cancel_at(token.began + self.patience)
            self.running = token
            return token

    def _say(self, report: Report) -> None:
        # Whoever listens may raise: the thread lives on, and what was found is shown.
        with contextlib.suppress(BaseException):
            self.tell(report)


def _is_whole(result: Any) -> bool:
    """Whether a result says of itself that it is that of a search which ended."""
    return not getattr(result, "interrupted", True)


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
    The thread starts with the first job. It ends at :meth:`close`, when this object is
    garbage-collected, and after some seconds without a job; the next one starts another. It is a
    daemon: a kernel that restarts does not wait for it.
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
        """Have a job done next; the one that runs is stopped if it takes longer than its patience.

        Raises
        ------
        RuntimeError
            After :meth:`close`.
        """
        self._desk.submit(job)

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
