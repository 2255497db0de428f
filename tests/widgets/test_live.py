"""Latest wins: one thread, the newest job, nothing left behind."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from fpf_notebook.widgets.live import GRACE, UPDATES_PER_SECOND, Job, LatestWins, ThrottledProgress


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


def test_what_ends_within_the_grace_is_delivered(worker):
    """Moves every 5 ms, each a job of 40 ms: not one that was begun is thrown away."""
    begun, delivered = [], []

    def work(cancel, _, number):
        begun.append(number)
        end = time.perf_counter() + 0.04
        while time.perf_counter() < end and not cancel.cancelled:
            time.sleep(0.001)
        return number

    for number in range(100):
        worker.submit(Job(lambda cancel, p, n=number: work(cancel, p, n), delivered.append))
        time.sleep(0.005)
    worker.wait(5)
    assert delivered == begun
    assert delivered[-1] == 99
    assert len(delivered) >= 4


def test_a_long_one_is_stopped_and_the_newest_begins(worker):
    begun, ended = threading.Event(), []

    def forever(cancel, _):
        begun.set()
        while not cancel.cancelled:
            time.sleep(0.002)
        ended.append(time.perf_counter())

    worker.submit(Job(forever, lambda _: ended.append("delivered")))
    assert begun.wait(5)
    time.sleep(GRACE + 0.05)
    moved = time.perf_counter()
    done = []
    worker.submit(Job(lambda *_: 1, done.append))
    worker.wait(5)
    assert done == [1]
    assert "delivered" not in ended
    assert ended[0] >= moved


def test_while_the_hand_moves_only_looks_are_made(worker):
    """Work is done once, at the end; looks are delivered all the while."""
    looked, worked = [], []

    def job(number):
        return Job(
            lambda *_: worked.append(number) or ("work", number),
            seen.append,
            look=lambda _: looked.append(number) or ("look", number),
        )

    seen = []
    worker.submit(job(-1))
    worker.wait(5)
    worked.clear(), looked.clear(), seen.clear()
    for number in range(40):
        worker.submit(job(number))
        time.sleep(0.01)
    worker.wait(5)
    assert worked[-1] == 39
    assert seen[-1] == ("work", 39)
    assert len(worked) <= 1 + len(looked) / 4
    assert [n for kind, n in seen if kind == "look"] == looked


def test_a_raising_listener_does_not_end_the_thread():
    def tell(report):
        raise ZeroDivisionError

    made = LatestWins(tell, "test-raising")
    done = []
    made.submit(Job(lambda *_: 1, done.append))
    made.wait(5)

    def leave(_):
        raise SystemExit(3)

    made.submit(Job(lambda *_: 2, leave))
    with pytest.raises(SystemExit):
        made.wait(5)
    made.submit(Job(lambda *_: 3, done.append))
    made.wait(5)
    assert done == [1, 3]
    made.close()


def test_preparing_keeps_nobody_waiting(worker):
    release, prepared = threading.Event(), threading.Event()

    def afterwards(_):
        release.wait(10)
        prepared.set()

    worker.submit(Job(lambda *_: 1, lambda _: None, afterwards=afterwards))
    worker.wait(5)
    assert not prepared.is_set()
    release.set()
    assert prepared.wait(5)
