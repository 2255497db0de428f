"""The explorer in Jupyter Notebook 7, where that is installed."""

from __future__ import annotations

import pytest

from tests.browser.lab import ARTEFACTS, SETUP, Server, control, drag_slider, repainted, still

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLOT = '[data-testid="fpf-plot"]'
EXPLORER = """explorer = FixedPointExplorer(latches, states, np.zeros(3), noise_scale=0.5,
                              invariant_box=(-1, 1))
explorer"""


def test_notebook_7_shows_the_explorer(browser, tmp_path):
    notebook = pytest.importorskip("notebook", reason="Jupyter Notebook is not installed")
    assert int(notebook.__version__.split(".")[0]) >= 7
    server = Server(tmp_path, "notebook")
    server.write("seven", [SETUP, EXPLORER])
    context = browser.new_context(viewport={"width": 1240, "height": 900})
    try:
        page = context.new_page()
        page.goto(f"{server.url}/notebooks/seven.ipynb", timeout=60_000)
        page.wait_for_selector(".jp-Cell .cm-content")
        page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
            " === 'idle'",
            timeout=60_000,
        )
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=90_000)
        before = still(page, PLOT)
        drag_slider(page, control("fpf-input-0"), 45, steps=8)
        page.wait_for_function(f"document.querySelector('{PLOT}').dataset.points === '9'")
        repainted(page, PLOT, before)
        page.click('[data-testid="fpf-point-3"]')
        page.wait_for_function(
            "document.querySelector('[data-testid=\"fpf-live\"]').textContent.includes('3:')"
        )
        # The live view is alone: the picture for readers without a kernel is hidden.
        page.wait_for_selector(".fpf-static", state="attached", timeout=30_000)
        assert not page.is_visible(".fpf-static")
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "notebook7.png")
    finally:
        context.close()
        server.stop()
