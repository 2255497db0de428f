"""The explorer in marimo, where that is installed: displayed as it is, and by `mo.ui.anywidget`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request

import pytest

from tests.browser.lab import ARTEFACTS, ROOT, SETUP, control, drag_slider, free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLOT = '[data-testid="fpf-plot"]'
APP = """
import marimo
app = marimo.App(width="full")

@app.cell
def _():
    import marimo as mo
{setup}
    explorer = FixedPointExplorer(latches, states, np.zeros(3), noise_scale=0.5,
                                  invariant_box=(-1, 1))
    shown = {shown}
    shown
    return

if __name__ == "__main__":
    app.run()
"""


@pytest.fixture(params=["explorer", "mo.ui.anywidget(explorer)"])
def page(request, browser, tmp_path):
    pytest.importorskip("marimo", reason="marimo is not installed")
    setup = "\n".join(f"    {line}" for line in SETUP.strip().splitlines())
    app = tmp_path / "app.py"
    app.write_text(APP.format(setup=setup, shown=request.param))
    port = free_port()
    log = (tmp_path / "marimo.log").open("w")
    server = subprocess.Popen(
        [sys.executable, "-m", "marimo", "run", "--headless", "--no-token", f"--port={port}",
         str(app)],
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        stdout=log, stderr=log,
    )  # fmt: skip
    context = browser.new_context(viewport={"width": 1240, "height": 900})
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline, (tmp_path / "marimo.log").read_text()[-2000:]
                time.sleep(0.3)
        opened = context.new_page()
        opened.goto(url)
        yield opened
    finally:
        context.close()
        server.terminate()
        server.wait(15)
        log.close()


def test_marimo_shows_the_explorer_with_its_controls(page):
    page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=120_000)
    page.wait_for_selector('.fpf-root[data-page="ready"]', timeout=60_000)
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "marimo.png")
    drag_slider(page, control("fpf-input-0"), 45, steps=8)
    page.locator(f'{PLOT}[data-points="9"]').wait_for(timeout=30_000)
    # The kernel has answered, and the page had found the same.
    status = page.locator('[data-testid="fpf-status"]')
    status.filter(has_text="9 fixed points").filter(has_not_text="in this page").wait_for(
        timeout=30_000
    )
    assert page.locator('[data-testid="fpf-point-9"]').count() == 0
