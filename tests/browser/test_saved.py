"""What is left without a kernel: the static picture, the exported page; and Voila."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest

from tests.browser.lab import (
    ARTEFACTS,
    SETUP,
    Notebook,
    Server,
    control,
    drag_slider,
    picture_hash,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPLORER = """explorer = FixedPointExplorer(latches, states, np.zeros(3), noise_scale=0.5,
                              invariant_box=(-1, 1), selected=None)
explorer""".replace(", selected=None", "")
PLOT = '[data-testid="fpf-plot"]'


VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def saved(page, lab):
    """A notebook that was run, looked at and saved in JupyterLab."""
    notebook = Notebook(page, lab, "saved", [SETUP, EXPLORER])
    notebook.run_all()
    page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=60_000)
    notebook.until("explorer._shown is not None", timeout=60)
    page.wait_for_selector(".fpf-static", state="attached")
    # The live view is there: its picture is not, and takes no room.
    assert not page.is_visible(".fpf-static")
    assert page.locator(".jp-OutputArea-child:visible").count() == 1
    notebook.command("docmanager:save")
    page.wait_for_timeout(1500)
    live, picture = (o["data"] for o in nbformat.read(notebook.path, as_version=4).cells[1].outputs)
    assert VIEW in live
    assert "image/png" in picture
    assert picture["text/plain"].startswith("FixedPointExplorer: 27 fixed points")
    yield notebook
    notebook.command("kernelmenu:shutdown")
    page.wait_for_timeout(500)


def _picture_is_seen(page, name):
    image = page.wait_for_selector(".fpf-static img", timeout=30_000)
    page.wait_for_function("document.querySelector('.fpf-static img').naturalWidth > 300")
    ARTEFACTS.mkdir(exist_ok=True)
    page.wait_for_timeout(500)
    page.screenshot(path=ARTEFACTS / f"{name}.png")
    assert image.bounding_box()["width"] > 200
    assert "27 fixed points" in page.inner_text(".fpf-static figcaption")
    # In place of the view Jupyter says "model not found", to nobody's profit.
    assert "not found" not in page.inner_text("body")


def test_reopened_where_there_is_no_such_kernel(browser, saved, tmp_path):
    """Trusted, since it was run here: Jupyter insists on the live view, which cannot be had."""
    home = saved.server.root.parent
    no_kernels = (
        "--KernelSpecManager.ensure_native_kernel=False",
        "--KernelSpecManager.allowed_kernelspecs=none",
    )
    server = Server(home, options=no_kernels)
    context = browser.new_context(viewport={"width": 1360, "height": 1000})
    try:
        page = context.new_page()
        page.goto(f"{server.url}/lab/workspaces/alone/tree/saved.ipynb?reset")
        page.click(".jp-Dialog button.jp-mod-accept", timeout=60_000)  # "No Kernel"
        page.wait_for_function(
            "window.jupyterapp.shell.currentWidget.content.widgets.every((c) => c.model.trusted)"
        )
        _picture_is_seen(page, "reopened_trusted")
    finally:
        context.close()
        server.stop()


def test_reopened_as_somebody_gets_it_by_mail(page, lab, saved):
    written = nbformat.read(saved.path, as_version=4)
    del written.metadata["kernelspec"]
    written.metadata.pop("widgets", None)
    for cell in written.cells:
        cell.metadata.pop("trusted", None)
    written.cells[1].source += "  # a copy"  # another file, which was not trusted
    nbformat.write(written, lab.root / "mailed.ipynb")
    opened = page.context.new_page()
    opened.goto(f"{lab.url}/lab/workspaces/mailed/tree/mailed.ipynb?reset")
    image = opened.wait_for_selector(".jp-OutputArea-output img", timeout=30_000)
    opened.wait_for_timeout(800)
    assert image.bounding_box()["width"] > 200
    opened.screenshot(path=ARTEFACTS / "reopened.png")
    opened.close()


def test_converted_to_html_by_nbconvert(browser, saved, tmp_path):
    nbconvert = pytest.importorskip("nbconvert")
    text, _ = nbconvert.HTMLExporter().from_filename(str(saved.path))
    path = tmp_path / "saved.html"
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1240, "height": 1000})
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    _picture_is_seen(page, "nbconvert")
    context.close()


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    import jax.numpy as jnp

    from fpf_notebook.widgets import FixedPointExplorer

    states = np.random.default_rng(0).uniform(-1, 1, (12, 20, 3))
    explorer = FixedPointExplorer(
        lambda state, input: jnp.tanh(1.6 * state + input),
        states,
        np.zeros(3),
        noise_scale=0.3,
        invariant_box=(-1, 1),
    )
    explorer.wait(120)
    path = explorer.save_html(tmp_path_factory.mktemp("page") / "explorer.html")
    n = len(explorer.fixed_points)
    explorer.close()
    return path, n


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_exported_page_works_offline(browser, exported, scheme):
    path, n = exported
    context = browser.new_context(
        offline=True, color_scheme=scheme, viewport={"width": 1240, "height": 1150}
    )
    page = context.new_page()
    requests: list[str] = []
    problems: list[str] = []
    page.on("request", lambda r: requests.append(r.url))
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(path.as_uri())
    page.wait_for_selector(f'[data-testid="fpf-point-{n - 1}"]')
    page.wait_for_timeout(400)
    dark = page.evaluate("document.querySelector('.fpf-root').classList.contains('fpf-dark')")
    assert dark == (scheme == "dark")
    before = picture_hash(page, PLOT)
    box = page.locator(PLOT).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x + 150, y)
    page.mouse.down()
    page.mouse.move(x + 220, y + 40, steps=6)
    page.mouse.up()
    page.wait_for_timeout(150)
    assert picture_hash(page, PLOT) != before
    page.click('[data-testid="fpf-reset"]')
    # The linked inspector follows hover and selection.
    page.hover('[data-testid="fpf-point-8"]')
    page.wait_for_function(
        "document.querySelector('[data-testid=\"fpf-inspected\"]').textContent.startsWith('8:')"
    )
    spectrum = picture_hash(page, '[data-testid="fpf-spectrum"]')
    page.click('[data-testid="fpf-point-0"]')
    page.mouse.move(5, 5)
    page.wait_for_function(
        "document.querySelector('[data-testid=\"fpf-inspected\"]').textContent.startsWith('0:')"
    )
    page.wait_for_timeout(200)
    assert picture_hash(page, '[data-testid="fpf-spectrum"]') != spectrum
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"exported_{scheme}.png")
    assert not problems
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []
    context.close()


def test_voila_shows_the_explorer(browser, tmp_path):
    pytest.importorskip("voila")
    (tmp_path / "notebooks").mkdir()
    holder = Server.__new__(Server)
    holder.root = tmp_path / "notebooks"
    path = holder.write("app", [SETUP, EXPLORER])
    server = Server(tmp_path, "voila", path)
    context = browser.new_context(viewport={"width": 1240, "height": 900})
    try:
        page = context.new_page()
        page.goto(server.url, timeout=90_000)
        page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=90_000)
        page.wait_for_timeout(500)
        drag_slider(page, control("fpf-input-0"), 45, steps=8)
        page.wait_for_function(f"document.querySelector('{PLOT}').dataset.points === '9'")
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "voila.png")
    finally:
        context.close()
        server.stop()
