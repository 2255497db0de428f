"""A learning rate that follows a schedule is not changed by the slider that shows it."""

from __future__ import annotations

import pytest

from tests.browser.lab import SETUP, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAINING = """
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
monitor = TrainingMonitor(snapshot_every=0)
model = VanillaRNN(2, 3, 2, seed=1)
monitor.watch(model, FlipFlop(2), n_epochs=120, learning_rate=lambda step: 0.01 * (1 - step / 2400))
"""


def test_schedule_is_followed_to_its_end(page, lab):
    notebook = Notebook(page, lab, "monitor-rate", [SETUP, TRAINING])
    notebook.run_all()
    page.wait_for_selector('[data-testid="fpf-loss"]', timeout=60_000)
    notebook.until("monitor.phase == 'training'", timeout=60)
    first = page.inner_text(".fpf-rate .widget-readout")
    notebook.until("monitor.phase == 'stopped' and monitor.result(60) is not None", timeout=120)
    page.wait_for_timeout(500)
    assert notebook.ask("monitor.result().stopped_because") == "finished"
    expected = "[0.01 * (1 - k / 2400) for k in range(2400)]"
    off = f"abs(monitor.result().series['learning_rate'][:-1] - np.array({expected})).max()"
    assert notebook.ask(f"float({off})") < 1e-6
    assert page.inner_text(".fpf-rate .widget-readout") != first
