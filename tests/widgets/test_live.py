"""Latest wins: one thread, the newest job, nothing left behind."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from fpf_notebook.widgets.live import UPDATES_PER_SECOND, Job, LatestWins, ThrottledProgress


@pytest.fixture
def worker():
    reports = []
    made = LatestWins(reports.append, "test-live")
    made.reports = reports
    yield made
    made.close()


def test_a_newer_job_cancels_the_older_one(worker):
    begun, delivered = threading.Event(), []

    def slow(cancel, _):
        begun.set()
        while not cancel.cancelled:
            time.sleep(0.002)
        return "old"

    worker.submit(Job(slow, delivered.append))
    assert begun.wait(5)
    for number in range(20):
        worker.submit(Job(lambda *_, n=number: n, delivered.append))
    worker.wait(5)
    assert delivered[-1] == 19
    assert "old" not in delivered
    assert len(delivered) < 20  # those that were overtaken while waiting were never begun


def test_errors_are_reported_and_raised_once(worker):
    def fail(*_):
        raise ValueError("no such thing")

    worker.submit(Job(fail, print))
    with pytest.raises(ValueError, match="no such thing"):
        worker.wait(5)
    worker.wait(5)
    assert worker.reports[-1].state == "error"
    done = []
    worker.submit(Job(lambda *_: 1, done.append))  # the thread has survived
    worker.wait(5)
    assert done == [1]


def test_only_long_jobs_are_announced(worker):
    worker.submit(Job(lambda *_: None, lambda _: None))
    worker.wait(5)
    assert [report.state for report in worker.reports] == ["idle"]
    told = threading.Event()
    tell = worker._desk.tell
    worker._desk.tell = lambda report: (tell(report), told.set())
    worker.submit(Job(lambda *_: told.wait(5), lambda _: None))
    worker.wait(10)
    assert [report.state for report in worker.reports[1:]] == ["computing", "idle"]


def test_wait_times_out(worker):
    release = threading.Event()
    worker.submit(Job(lambda *_: release.wait(5), lambda _: None))
    with pytest.raises(TimeoutError, match=r"0\.05"):
        worker.wait(0.05)
    release.set()
    worker.wait(5)


def test_close_ends_the_thread(worker):
    worker.submit(Job(lambda *_: None, lambda _: None))
    worker.wait(5)
    assert worker.alive
    worker.close()
    assert not worker.alive
    with pytest.raises(RuntimeError, match="closed"):
        worker.submit(Job(lambda *_: None, lambda _: None))


def test_garbage_collection_ends_the_thread():
    worker = LatestWins(lambda _: None, "test-collected")
    worker.submit(Job(lambda *_: None, lambda _: None))
    worker.wait(5)
    thread = worker._desk.thread
    gone = weakref.ref(worker)
    del worker
    gc.collect()
    thread.join(5)
    assert gone() is None
    assert not thread.is_alive()


def test_progress_is_throttled():
    shown = []
    progress = ThrottledProgress(lambda share, message: shown.append(share))
    progress.start(1000, "x")
    began = time.perf_counter()
    for done in range(1000):
        progress.update(done, "")
        time.sleep(0.0003)
    seconds = time.perf_counter() - began
    assert 1 <= len(shown) <= seconds * UPDATES_PER_SECOND + 1
