"""The monitor shows a learning rate that follows a schedule, and leaves it alone."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.widgets import TrainingMonitor


@pytest.fixture
def monitor():
    made = TrainingMonitor(snapshot_every=0)
    yield made
    made.close()


class Advancing:
    """A training that is a step further each time that one looks: the worst case of a race."""

    model, task = None, FlipFlop(2)
    n_epochs, epoch, step = 10, 1, 1

    def __init__(self):
        self.looks, self.set_to = 0, []

    @property
    def learning_rate(self):
        self.looks += 1
        return 0.01 / self.looks

    @learning_rate.setter
    def learning_rate(self, value):
        self.set_to.append(value)


def test_showing_a_rate_does_not_set_it(monitor):
    run = Advancing()
    monitor._run = run
    for _ in range(3):
        monitor._show_rate(float(run.learning_rate))
    assert monitor.learning_rate == pytest.approx(0.01 / run.looks)
    assert run.set_to == []
    monitor.learning_rate = 0.5
    assert run.set_to == [0.5]


def test_slider_sends_nothing_back_by_itself(monitor):
    (rate,) = [child for child in monitor.children[0].children if "fpf-rate" in child._dom_classes]
    assert not rate.continuous_update
    # What the browser sends when a person lets go of the handle still counts.
    monitor._run = run = Advancing()
    monitor._show_rate(0.01)
    rate.value = 0.001
    assert run.set_to == [pytest.approx(0.001)]


def test_schedule_is_followed_to_its_end(monitor):
    model = VanillaRNN(2, 3, 2, seed=1)
    monitor.watch(
        model,
        FlipFlop(2),
        n_epochs=60,
        steps_per_epoch=20,
        learning_rate=lambda step: 0.01 * (1 - step / 1200),
    )
    rates = monitor.result(120).series["learning_rate"][:-1]  # the last entry has no step
    assert np.allclose(rates, 0.01 * (1 - np.arange(len(rates)) / 1200), rtol=1e-4)
