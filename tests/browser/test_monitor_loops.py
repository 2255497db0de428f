"""The monitor's buttons on a fit of `brainpy.BPTT` and on a loop that somebody wrote."""

from __future__ import annotations

import pytest

from tests.browser.lab import SETUP, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STATUS = '[data-testid="fpf-status"]'
# A tanh cell learns from another. Its recurrent weights grow from 0.3 to the teacher's 0.5 times
# the identity: it contracts all the while and has one fixed point, which is stable.
BPTT = """
import brainpy as bp, brainpy.math as bm
inputs = np.random.default_rng(0).normal(size=(5, 8, 10, 2))
targets, state = np.zeros((5, 8, 10, 4)), np.zeros((5, 8, 4))
for t in range(10):
    state = np.tanh(0.5 * state + inputs[:, :, t] @ np.eye(2, 4))
    targets[:, :, t] = state
batches = [(bm.asarray(x), bm.asarray(y)) for x, y in zip(inputs, targets)]
cell = bp.dyn.RNNCell(2, 4, Wi_initializer=bm.asarray(np.eye(2, 4)), activation="tanh",
                      Wh_initializer=bm.asarray(0.3 * np.eye(4)), mode=bm.TrainingMode())
trainer = bp.BPTT(cell, bp.losses.mean_squared_error, optimizer=bp.optim.Adam(lr=1e-3),
                  progress_bar=False)
bptt = TrainingMonitor(snapshot_every=10)
bptt.watch(trainer, lambda: iter(batches), num_epoch=10**6)
"""
# The recurrent weight of one tanh unit grows through 1, where two stable points are born.
LOOP = """
import time
from fpf_notebook.models import VanillaRNN
unit = VanillaRNN(1, 1, 1, seed=0)
for name, value in unit.parameters().items():
    getattr(unit, name).value = jnp.zeros_like(value)

def train():
    for k in loop(range(10**6)):
        unit.W_hh.value = jnp.full((1, 1), min(2.0, 0.52 + 0.05 * k))
        loop.log(loss=1 / (1 + k), gain=float(unit.W_hh.value[0, 0]))
        time.sleep(0.01)

loop = TrainingMonitor()
loop.follow(unit, np.zeros((3, 8, 1)), every=20).run(train)
"""


def _buttons_work(notebook, name, counter):
    page, output = notebook.page, notebook.page.locator(".jp-OutputArea-output:visible")
    view = output.filter(has=page.locator(".fpf-pause")).first
    status = view.locator(STATUS)
    view.locator(".fpf-pause").scroll_into_view_if_needed()
    view.locator(".fpf-pause").click()
    notebook.until(f"{name}.phase == 'paused'")
    assert status.inner_text().startswith("paused")
    held = notebook.ask(counter)
    page.wait_for_timeout(300)
    assert notebook.ask(counter) == held
    assert view.locator(".fpf-pause").inner_text().strip() == "Resume"
    view.locator(".fpf-pause").click()
    notebook.until(f"{name}.phase == 'training' and {counter} > {held} + 5")
    notebook.until(f"len({name}.snapshots) >= 4", timeout=60)
    view.locator('[data-testid="fpf-snapshot"]').wait_for()
    notebook.shot(f"monitor_{name}")
    view.locator(".fpf-stop").click()
    notebook.until(f"{name}.phase == 'stopped'")
    notebook.ask(f"{name}.result(60) is None")
    return view


def test_bptt(page, lab):
    notebook = Notebook(page, lab, "bptt", [SETUP, BPTT])
    notebook.run_all()
    page.wait_for_selector('[data-testid="fpf-loss"]', timeout=60_000)
    notebook.until("bptt.metrics.last_step > 10", timeout=60)
    assert "epoch" in page.inner_text(STATUS)
    notebook.drag_slider(".fpf-rate", 40)
    notebook.until("bptt._control.present_rate() > 1.5e-3")
    view = _buttons_work(notebook, "bptt", "bptt._control.step")
    text = view.locator('[data-testid="fpf-snapshot-text"]')
    assert "1 points, 1 stable" in text.inner_text()
    assert notebook.ask("np.linalg.norm(cell.Wh.value, 2) < 1")
    # The rest of the notebook was free all the while.
    assert notebook.ask("1 + 1") == 2


def test_a_loop_of_ones_own(page, lab):
    notebook = Notebook(page, lab, "loop", [SETUP, LOOP])
    notebook.run_all()
    page.wait_for_selector('[data-testid="fpf-loss"]', timeout=60_000)
    notebook.until("loop.metrics.last_step > 40", timeout=60)
    view = _buttons_work(notebook, "loop", "loop.metrics.last_step")
    text = view.locator('[data-testid="fpf-snapshot-text"]')
    assert text.inner_text().startswith("step ")
    assert "3 points, 2 stable" in text.inner_text()
    slider = view.locator('[data-testid="fpf-snapshot"]')
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_timeout(300)
    assert text.inner_text().startswith("step 0: 1 points, 1 stable")
