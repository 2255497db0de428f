"""The explorer and its linked inspector, moved by hand in JupyterLab."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.browser.lab import SETUP, Notebook, control, picture_hash, thumb

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLOT = '[data-testid="fpf-plot"]'
STATUS = '[data-testid="fpf-status"]'


@pytest.fixture(scope="module")
def notebook(page, lab):
    opened = Notebook(
        page,
        lab,
        "explorer",
        [
            SETUP,
            "explorer = FixedPointExplorer(latches, states, np.zeros(3), noise_scale=0.5,\n"
            "                              invariant_box=(-1, 1))\nexplorer",
            "inspector = JacobianInspector(explorer)\ninspector",
        ],
    )
    opened.run_all()
    page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=60_000)
    page.wait_for_selector('[data-testid="fpf-spectrum"]', timeout=20_000)
    return opened


def test_first_search_is_shown(notebook):
    assert notebook.ask("len(explorer.fixed_points)") == 27
    text = notebook.page.inner_text(STATUS)
    assert text.startswith(
        "27 fixed points: 8 stable, 18 saddles, 1 unstable · open: there may be more · "
        "index sum 1 of 1 ·"
    )
    assert "proves none" in notebook.page.get_attribute(STATUS, "title")
    notebook.shot("explorer")


def test_tol_q_slider_filters(notebook):
    page = notebook.page
    before = picture_hash(page, '[data-testid="fpf-histogram"]')
    points = picture_hash(page, PLOT)
    notebook.ask("setattr(explorer, 'tol_q', 1e-12)")
    n_searched = notebook.ask("int(explorer._found.searched.parts[0][0].seconds * 1e9)")
    notebook.drag_slider(control("fpf-tol-q"), -120)
    notebook.until("explorer.tol_q < 1e-20")
    notebook.until("not explorer._worker.busy")
    assert notebook.ask("int(explorer._found.searched.parts[0][0].seconds * 1e9)") == n_searched
    assert notebook.ask("explorer.fixed_points.qstar.max() <= explorer.tol_q")
    page.wait_for_timeout(200)
    assert picture_hash(page, '[data-testid="fpf-histogram"]') != before
    notebook.drag_slider(control("fpf-tol-q"), 70)
    notebook.ask("setattr(explorer, 'tol_q', 1e-12)")
    notebook.until("not explorer._worker.busy and len(explorer.fixed_points) == 27")
    page.wait_for_timeout(200)
    assert picture_hash(page, PLOT) == points  # the same points in the same place: nothing jumped


def test_threshold_is_dragged_in_the_histogram(notebook):
    page = notebook.page
    histogram = page.locator('[data-testid="fpf-histogram"]')
    histogram.scroll_into_view_if_needed()
    page.wait_for_function(
        "Math.abs(document.querySelector('[data-testid=\"fpf-histogram\"]')"
        ".getAttribute('aria-valuenow') - -12) < 0.01"
    )
    box = histogram.bounding_box()
    x = box["x"] + 12 + (36 - 12) / 38 * (box["width"] - 24)  # tol_q = 1e-12 on an axis -36 to 2
    page.mouse.move(x, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(x + 60, box["y"] + 60, steps=6)
    page.mouse.up()
    notebook.until("explorer.tol_q > 1e-10")
    notebook.until("not explorer._worker.busy and len(explorer.fixed_points) == 27")
    notebook.ask("setattr(explorer, 'tol_q', 1e-12)")


def test_noise_slider_searches(notebook):
    notebook.drag_slider(control("fpf-noise-scale"), 40)
    notebook.until("explorer.noise_scale > 0.55")
    notebook.until("not explorer._worker.busy")
    assert notebook.ask("explorer._found.request.noise_scale == explorer.noise_scale")
    assert notebook.ask("explorer._found.is_new")
    notebook.page.wait_for_selector('[data-testid="fpf-point-26"]')


def test_input_slider_is_a_bifurcation(notebook):
    page = notebook.page
    before = picture_hash(page, PLOT)
    notebook.drag_slider(control("fpf-input-0"), 45)
    notebook.until("abs(explorer.input[0]) > 0.3")
    notebook.until("not explorer._worker.busy")
    assert notebook.ask("len(explorer.fixed_points)") == 9
    page.wait_for_function(f"document.querySelector('{PLOT}').dataset.points === '9'")
    page.wait_for_timeout(100)
    assert picture_hash(page, PLOT) != before
    notebook.shot("explorer_input")
    notebook.ask("setattr(explorer, 'input', (0, 0, 0))")
    notebook.until("not explorer._worker.busy")
    assert notebook.ask("len(explorer.fixed_points)") == 27


def _center(page):
    box = page.locator(PLOT).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_drag_rotates_in_the_browser_only(notebook):
    page = notebook.page
    page.locator(PLOT).scroll_into_view_if_needed()
    before = picture_hash(page, PLOT)
    x, y = _center(page)
    page.mouse.move(x + 150, y + 60)
    page.mouse.down()
    page.mouse.move(x + 220, y + 90, steps=8)
    page.mouse.up()
    page.wait_for_timeout(150)
    turned = picture_hash(page, PLOT)
    assert turned != before
    page.locator(PLOT).focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(100)
    assert picture_hash(page, PLOT) != turned
    page.click('[data-testid="fpf-reset"]')


def test_select_by_mouse_and_inspector_follows(notebook):
    page = notebook.page
    notebook.ask("setattr(explorer, 'selected', None)")
    # The origin, where all directions are unstable, is in the middle of the picture.
    x, y = _center(page)
    page.mouse.move(x, y)
    page.wait_for_timeout(100)
    page.mouse.click(x, y)
    notebook.until("explorer.selected is not None")
    index = notebook.ask("explorer.selected")
    assert notebook.ask("bool(inspector.selected == explorer.selected)")
    notebook.until("str(explorer.selected) in (inspector.picture.scene or {}).get('details', {})")
    page.wait_for_function(
        f"document.querySelector('[data-testid=\"fpf-inspected\"]').textContent.startsWith('{index}:')"
    )
    assert page.get_attribute(f'[data-testid="fpf-point-{index}"]', "aria-selected") == "true"
    assert page.inner_text('[data-testid="fpf-live"] >> nth=0').startswith(f"selected: {index}:")
    spectrum = page.locator('[data-testid="fpf-spectrum"]')
    spectrum.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    notebook.shot("inspector")


def test_select_by_keyboard(notebook):
    page = notebook.page
    row = page.locator('[data-testid="fpf-point-12"]')
    row.focus()
    page.keyboard.press("Enter")
    notebook.until("explorer.selected == 12")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    notebook.until("explorer.selected == 13")
    page.keyboard.press("Escape")
    notebook.until("explorer.selected is None")


def test_selecting_in_python_shows(notebook):
    page = notebook.page
    notebook.ask("setattr(explorer, 'selected', 3)")
    page.wait_for_function(
        "document.querySelector('[data-testid=\"fpf-point-3\"]').getAttribute('aria-selected')"
        " === 'true'"
    )


def test_box_selects_many(notebook):
    page = notebook.page
    page.click('[data-testid="fpf-tool-box"]')
    x, y = _center(page)
    page.mouse.move(x - 60, y - 60)
    page.mouse.down()
    page.mouse.move(x + 60, y + 60, steps=6)
    page.mouse.up()
    notebook.until("len(explorer.selection) > 1")
    page.click('[data-testid="fpf-tool-box"]')


def test_launch_reaches_an_attractor(notebook):
    page = notebook.page
    notebook.ask("setattr(explorer, 'selected', 9)")
    assert notebook.ask("explorer.fixed_points.stability[9] == 'saddle'")
    before = picture_hash(page, PLOT)
    page.click(control("fpf-launch"))
    notebook.until("len(explorer._launches) == 2")
    page.wait_for_timeout(200)
    assert picture_hash(page, PLOT) != before
    assert "reached point" in page.inner_text('[data-testid="fpf-note"]')
    assert page.inner_text(STATUS).startswith("27 fixed points")
    ends = notebook.ask("[explorer.fixed_points.nearest(p[-1]) for p, _ in explorer._launches]")
    assert all(notebook.ask(f"explorer.fixed_points.stability[{k}] == 'stable'") for k in ends)
    notebook.shot("launch")


def test_click_in_two_dimensions_launches(notebook):
    page = notebook.page
    n = notebook.ask("len(explorer._launches)")
    page.click('[data-testid="fpf-dim"]')
    page.click('[data-testid="fpf-tool-launch"]')
    x, y = _center(page)
    page.mouse.click(x + 40, y - 30)
    notebook.until(f"len(explorer._launches) == {n + 1}")
    page.wait_for_timeout(200)
    notebook.shot("explorer_2d")
    page.click('[data-testid="fpf-tool-launch"]')
    page.click('[data-testid="fpf-dim"]')


def test_downloads(notebook):
    page = notebook.page
    for kind, start in (("svg", b"<svg"), ("png", b"\x89PNG")):
        with page.expect_download() as got:
            page.click(f'[data-testid="fpf-{kind}"] >> nth=0')
        content = Path(got.value.path()).read_bytes()
        assert content.startswith(start)
        assert len(content) > 3000


def test_second_view_stays_in_step(notebook):
    page = notebook.page
    page.evaluate("window.jupyterapp.commands.execute('notebook:insert-cell-below')")
    notebook.ask("setattr(explorer, 'selected', 5)")
    page.evaluate(
        """() => { const n = window.jupyterapp.shell.currentWidget.content;
                   n.activeCell.model.sharedModel.setSource('explorer') }"""
    )
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell')")
    page.wait_for_function(f"document.querySelectorAll('{PLOT}').length === 2", timeout=20_000)
    page.locator('[data-testid="fpf-point-7"]').nth(1).click()
    notebook.until("explorer.selected == 7")
    page.wait_for_function(
        "[...document.querySelectorAll('[data-testid=\"fpf-point-7\"]')]"
        ".every((row) => row.getAttribute('aria-selected') === 'true')"
    )


def test_dark_theme(notebook):
    page = notebook.page
    page.evaluate(
        "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_function("document.querySelector('.fpf-root').classList.contains('fpf-dark')")
    page.wait_for_timeout(500)
    page.locator(PLOT).first.scroll_into_view_if_needed()
    notebook.shot("explorer_dark")
    corner = page.evaluate(
        f"""() => {{ const c = document.querySelector('{PLOT}');
            const root = getComputedStyle(c.closest('.fpf-root')).backgroundColor;
            return root.match(/\\d+/g).slice(0, 3).map(Number) }}"""
    )
    assert sum(corner) < 200
    page.evaluate(
        "window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
    )
    page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")


def test_many_moves_end_in_the_right_state(notebook):
    page = notebook.page
    x, y = thumb(page, control("fpf-noise-scale"))
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(60):
        page.mouse.move(x - 30 + (k % 20) * 3, y)
        page.wait_for_timeout(25)
    page.mouse.up()
    released = time.monotonic()
    # The line below waits in the same queue as the slider's messages: no backlog is left.
    notebook.until("not explorer._worker.busy", timeout=3)
    assert time.monotonic() - released < 2
    assert notebook.ask("explorer._found.request.noise_scale == explorer.noise_scale")


def test_narrow_output_stacks(notebook):
    page = notebook.page
    page.set_viewport_size({"width": 760, "height": 1000})
    page.wait_for_timeout(400)
    page.locator(PLOT).first.scroll_into_view_if_needed()
    notebook.shot("explorer_narrow")
    plot = page.locator(PLOT).first.bounding_box()
    controls = page.locator(".fpf-controls").first.bounding_box()
    assert controls["y"] >= plot["y"] + plot["height"]
    page.set_viewport_size({"width": 1360, "height": 1000})
