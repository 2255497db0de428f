"""Every control of explorer and inspector, used by hand in JupyterLab."""

from __future__ import annotations

import pytest

from tests.browser.lab import SETUP, Notebook, control, repainted, still

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PLOT = '[data-testid="fpf-plot"]'
IDLE = "not explorer._worker.busy and not inspector._worker.busy"


@pytest.fixture(scope="module")
def notebook(page, lab):
    opened = Notebook(
        page,
        lab,
        "controls",
        [
            SETUP,
            "explorer = FixedPointExplorer(\n"
            "    lambda input, state: (1.0 * state, jnp.tanh(1.6 * state + input)), states,\n"
            "    np.zeros(3), noise_scale=0.5, invariant_box=(-1, 1))\n"
            "explorer",
            "inspector = JacobianInspector(explorer)\ninspector",
        ],
    )
    opened.run_all()
    page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=60_000)
    page.wait_for_selector('[data-testid="fpf-spectrum"]', timeout=20_000)
    return opened


def choose(notebook, label, value):
    """Choose from a drop-down list of the controls by its name."""
    notebook.page.locator(control(label)).select_option(value)


def center(page):
    page.locator(PLOT).scroll_into_view_if_needed()
    box = page.locator(PLOT).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_every_control_says_what_it_does(notebook):
    """Each has a tooltip, and a name for those who do not see it."""
    silent = notebook.page.evaluate(
        """() => {
            const titled = (node) => {
                for (let n = node, k = 0; n && k < 5; n = n.parentElement, k++) {
                    if (n.title || n.querySelector(':scope > [title]:not([title=""])')) return true;
                    if (n.classList.contains('jupyter-widgets')) return false;
                }
                return false;
            };
            const controls = '.fpf-controls :is(input, button, select, .noUi-handle),' +
                '.fpf-root :is(button, input)';
            return [...document.querySelectorAll(controls)].filter((n) => !titled(n))
                .map((n) => n.closest('.jupyter-widgets')?.textContent.slice(0, 30) ?? n.outerHTML);
        }"""
    )
    assert silent == []
    unnamed = notebook.page.evaluate(
        "[...document.querySelectorAll('.fpf-root :is(button, canvas, input, [role])')]"
        ".filter((n) => !n.getAttribute('aria-label') && !n.textContent.trim()"
        " && !['status', 'alert', 'presentation', 'option'].includes(n.getAttribute('role')))"
        ".filter((n) => !n.closest('[role=img]') || n.getAttribute('role') === 'img')"
        ".map((n) => n.outerHTML.slice(0, 80))"
    )
    assert unnamed == []


def test_icons_are_drawings(notebook):
    """No glyph that a font may lack: what has no letters has an SVG with a shape in it."""
    buttons = notebook.page.locator(".fpf-tools button")
    for k in range(buttons.count()):
        button = buttons.nth(k)
        words = button.inner_text().strip()
        assert words.isascii()
        if not words:
            path = button.locator("svg path").bounding_box()
            assert path["width"] > 4 and path["height"] > 4  # noqa: PT018 - one shape


@pytest.mark.parametrize("colour", ["q", "index", "condition", "unstable directions", "stability"])
def test_colour_by(notebook, colour):
    before = still(notebook.page, PLOT)
    choose(notebook, "fpf-colour-by", colour)
    notebook.until(f"explorer.colour_by == '{colour}'")
    if colour in ("q", "index", "unstable directions"):
        repainted(notebook.page, PLOT, before)
        assert notebook.ask("explorer.picture.scene['state']['valueLabel']")
        notebook.shot(f"colour_{colour.replace(' ', '_')}")


@pytest.mark.parametrize(
    ("projection", "labels"),
    [
        ("fixed points", "PC 1"),
        ("readout", "readout 1"),
        ("units", "h₁"),
        ("trajectories", "PC 1"),
    ],
)
def test_projection(notebook, projection, labels):
    before = still(notebook.page, PLOT)
    choose(notebook, "fpf-projection", projection)
    notebook.until(f"explorer.projection == '{projection}'")
    repainted(notebook.page, PLOT, before)
    label = notebook.ask("explorer.picture.scene['state']['labels'][0]")
    assert label.lower().startswith(labels.lower().split()[0])
    if projection == "units":
        field = notebook.page.locator(control("fpf-units"))
        before = still(notebook.page, PLOT)
        field.fill("2, 0, 1")
        field.press("Enter")
        notebook.until("tuple(explorer.units) == (2, 0, 1)")
        repainted(notebook.page, PLOT, before)
        field.fill("0, 1, 9")  # there is no such unit: what was there comes back
        field.press("Enter")
        notebook.until("tuple(explorer.units) == (2, 0, 1)")
        notebook.page.wait_for_function("() => true")
        assert notebook.ask("explorer.picture.status['error']") == ""


def test_what_is_shown_can_be_chosen(notebook):
    page = notebook.page
    assert notebook.ask("explorer.picture.starts") == {}  # not sent before somebody asks
    for name in ("trajectories", "modes", "stable-modes", "starts"):
        before = still(page, PLOT)
        page.click(f'[data-testid="fpf-show-{name}"]')
        repainted(page, PLOT, before)
    assert notebook.ask("explorer.picture.starts['xyz'].shape") == [1024, 3]
    for name in ("trajectories", "modes", "stable-modes", "starts"):
        page.click(f'[data-testid="fpf-show-{name}"]')
    notebook.until("explorer.picture.starts == {}")


def test_lasso_selects_what_it_encloses(notebook):
    page = notebook.page
    page.click('[data-testid="fpf-tool-lasso"]')
    x, y = center(page)
    page.mouse.move(x - 45, y - 45)
    page.mouse.down()
    for dx, dy in ((45, -45), (45, 45), (-45, 45)):
        page.mouse.move(x + dx, y + dy, steps=5)
    notebook.shot("lasso")
    page.mouse.up()
    notebook.until("len(explorer.selection) > 1")
    few = notebook.ask("len(explorer.selection)")
    # The origin, in the middle of the cube, is among them; the corners are not.
    origin = notebook.ask("int(np.abs(explorer.fixed_points.xstar).sum(1).argmin())")
    assert origin in notebook.ask("list(explorer.selection)")
    assert few < 27
    assert f"{few} points selected" in page.inner_text('[data-testid="fpf-selected"]')
    page.keyboard.press("Escape")
    notebook.until("explorer.selection == []")
    page.click('[data-testid="fpf-tool-lasso"]')


def test_keyboard_turns_zooms_walks_and_selects(notebook):
    page = notebook.page
    page.focus(PLOT)
    for key in ("ArrowLeft", "ArrowUp", "+", "-"):
        before = still(page, PLOT)
        page.keyboard.press(key)
        repainted(page, PLOT, before)
    page.keyboard.press("0")
    page.keyboard.press("n")
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    notebook.until("explorer.selected == 1")
    assert "selected: 1:" in page.locator('[data-testid="fpf-live"]').first.text_content()
    page.keyboard.press("Escape")
    notebook.until("explorer.selected is None")


def test_pulse_leads_to_another_attractor(notebook):
    page = notebook.page
    state = "explorer.fixed_points.xstar[explorer.selected]"
    start = notebook.ask("int(explorer.fixed_points.nearest(np.array([-.9, -.9, -.9])))")
    notebook.ask(f"setattr(explorer, 'selected', {start})")
    before = still(page, PLOT)
    page.click(control("fpf-pulse"))
    notebook.until("len(explorer._launches) == 1")
    repainted(page, PLOT, before)
    # A pulse of +1 into the first channel, for 3 steps, throws the first latch over and no other.
    assert notebook.ask(
        f"(np.sign(explorer._launches[-1][0][-1]) - np.sign({state})).tolist()"
    ) == [
        2,
        0,
        0,
    ]
    assert "pulse of u1: reached point" in page.inner_text('[data-testid="fpf-note"]')
    page.click(control("fpf-clear-launches"))
    notebook.until("explorer._launches == []")


def test_inspector_controls(notebook):
    page = notebook.page
    notebook.ask("setattr(explorer, 'selected', 9)")
    notebook.until(f"{IDLE} and '9' in inspector.picture.scene['details']")
    page.locator('[data-testid="fpf-response"]').scroll_into_view_if_needed()
    before = still(page, '[data-testid="fpf-response"]')
    notebook.drag_slider(control("fpf-amplitude"), 30)
    notebook.until("inspector.amplitude > 0.06")
    repainted(page, '[data-testid="fpf-response"]', before)
    before = still(page, '[data-testid="fpf-spectrum"]')
    field = page.locator(control("fpf-compare"))
    field.fill("0, 26")
    field.press("Enter")
    notebook.until("list(inspector.compare) == [0, 26]")
    repainted(page, '[data-testid="fpf-spectrum"]', before)
    for order in ("participation", "unit number", "clustering"):
        choose(notebook, "fpf-order", order)
        notebook.until(f"inspector.order == '{order}'")
    page.click('[data-testid="fpf-point-next"]')
    notebook.until("explorer.selected == 10")  # linked, both ways
    page.wait_for_function(
        "document.querySelector('[data-testid=\"fpf-inspected\"]').textContent.startsWith('10:')"
    )
    page.click('[data-testid="fpf-mode-next"]')
    notebook.until("inspector.mode == 1")


def test_find_waits_for_the_button_when_automatic_is_off(notebook):
    page = notebook.page
    auto = page.locator(control("fpf-auto"))
    auto.uncheck()
    notebook.until("explorer.auto is False")
    seed = page.locator(control("fpf-random-seed"))
    seed.fill("5")
    seed.press("Enter")
    notebook.until("explorer.random_seed == 5")
    page.wait_for_function(
        "document.querySelector('[data-testid=\"fpf-status\"]').textContent.includes('press Find')"
    )
    assert notebook.ask("explorer._found.request.options.random_seed") == 0
    page.click(control("fpf-find"))
    notebook.until(f"explorer._found.request.options.random_seed == 5 and {IDLE}")
    auto.check()
    page.locator(control("fpf-exhaustive")).check()
    notebook.until(f"explorer._found.request.exhaustive and {IDLE}", timeout=60)
    assert "index sum 1 of 1" in page.inner_text('[data-testid="fpf-status"] >> nth=0')


def test_the_script_finds_what_is_shown(notebook):
    script = "explorer.to_code().replace('unique_fps.print', '#')"
    known = "dict(model=explorer.step_map, state_traj=states)"
    n = f"(lambda known: (exec({script}, known), len(known['unique_fps']))[1])({known})"
    assert notebook.ask(n) == notebook.ask("len(explorer.fixed_points)")
