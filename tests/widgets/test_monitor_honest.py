"""The monitor keeps up, says how far it is behind, and joins only what was searched."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fpf_notebook.models import VanillaRNN
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.widgets import TrainingMonitor
from fpf_notebook.widgets.monitor import snapshot_queue
from fpf_notebook.widgets.monitor.snapshots import SnapshotBook
from fpf_notebook.widgets.monitor.status import training_status


def page(epoch):
    return SimpleNamespace(epoch=epoch, points=FixedPoints(), trajectories=np.zeros((1, 2, 2)))


def book_of(*epochs, **options):
    book = SnapshotBook(**options)
    for epoch in epochs:
        book.add(page(epoch))
    return book


def test_only_what_was_searched_is_joined():
    book = book_of(5, 10, 15, 80, 85, 90)
    assert book.joined().tolist() == [False, True, True, False, True, True]
    assert book.last == 90
    assert book_of(5).joined().tolist() == [False]
    assert book_of().last is None


def test_snapshots_that_were_dropped_leave_no_gap():
    book = book_of(*range(0, 500, 5), limit=20)
    assert len(book) < 100
    assert book.joined()[1:].all()


@pytest.mark.parametrize(("oldest", "searched"), [(0.0, 4), (np.inf, 2)])
def test_an_old_picture_is_renewed_whatever_the_budget_says(monkeypatch, oldest, searched):
    """With next to no budget, the first two are searched; more if the last one is too old."""
    monkeypatch.setattr(snapshot_queue, "_OLDEST", oldest)
    model, task = VanillaRNN(2, 3, 2, seed=1), FlipFlop(2)
    book = SnapshotBook()
    queue = snapshot_queue.SnapshotQueue(book, lambda: None, 1e-9, 64)
    step_map = queue.prepare(model, task.sample(24, 0).inputs)
    for epoch in range(1, 5):
        queue.put(epoch, step_map.params, 1e-3)
        queue.wait(120)
    assert len(book) == searched
    queue.close()


def test_what_is_behind_is_said(monkeypatch):
    monitor = TrainingMonitor()
    monitor._run = SimpleNamespace(epoch=120)
    monitor.snapshots.add(page(100))
    assert "epoch 100, 20 behind" in monitor._behind(monitor._run)
    monitor.snapshots.add(page(118))
    assert monitor._behind(monitor._run) == ""
    monitor._run = None
    monitor.close()


def test_a_finished_training_reads_finished():
    with_end, stopped = TrainingMonitor(snapshot_every=0), TrainingMonitor(snapshot_every=0)
    with_end.watch(VanillaRNN(2, 3, 2, seed=1), FlipFlop(2), n_epochs=2).result(120)
    assert with_end.picture.status["text"].startswith("finished")
    stopped.watch(VanillaRNN(2, 3, 2, seed=1), FlipFlop(2), n_epochs=10**6)
    stopped.stop()
    stopped.result(120)
    assert stopped.picture.status["text"].startswith("stopped")
    for monitor in (with_end, stopped):
        monitor.close()
    log = SimpleNamespace(last_step=-1, last=lambda _: None)
    assert training_status("idle", None, log, 0.0)["text"] == "nothing trained yet"


def test_a_second_training_is_followed_again():
    monitor = TrainingMonitor(snapshot_every=1)
    monitor.watch(VanillaRNN(2, 3, 2, seed=1), FlipFlop(2), n_epochs=3).result(120)
    monitor.picture.set_state({"snapshot": 0})
    assert monitor.picture.snapshot == 0
    monitor.watch(VanillaRNN(2, 3, 2, seed=2), FlipFlop(2), n_epochs=3).result(120)
    assert monitor.picture.snapshot == -1
    monitor.close()
