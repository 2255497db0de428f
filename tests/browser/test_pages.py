"""Exported pages of inspector and monitor with the network off; the module in a bare page."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from tests.browser.lab import ARTEFACTS, repainted, still, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SPECTRUM = '[data-testid="fpf-spectrum"]'
PLOT = '[data-testid="fpf-plot"]'


@pytest.fixture(scope="module")
def trained():
    """A monitor of its own training, and the network."""
    from fpf_notebook.models import VanillaRNN
    from fpf_notebook.tasks import FlipFlop
    from fpf_notebook.widgets import TrainingMonitor

    model, monitor = VanillaRNN(2, 3, 2, seed=1), TrainingMonitor(snapshot_every=4)
    monitor.watch(model, FlipFlop(2), n_epochs=24, learning_rate=0.02)
    monitor.result(200)
    yield model, monitor
    monitor.close()


@pytest.fixture(scope="module")
def inspector(trained):
    from fpf_notebook import FixedPointFinder
    from fpf_notebook.tasks import FlipFlop
    from fpf_notebook.widgets import JacobianInspector

    model, _ = trained
    states = np.asarray(model.run(FlipFlop(2).sample(32, seed=0).inputs)[1])
    points, _ = FixedPointFinder(model).find_fixed_points(states, noise_scale=0.4)
    made = JacobianInspector(points, step_map=model).wait(60)
    yield made
    made.close()


@pytest.fixture
def offline(browser):
    """Open a page without a network, and see that it asks for nothing and fails at nothing."""
    opened, requests, problems = [], [], []

    def open_page(path: Path, **options):
        context = browser.new_context(
            offline=True, viewport={"width": 1240, "height": 1100}, **options
        )
        page = context.new_page()
        page.on("request", lambda r: requests.append(r.url))
        page.on("pageerror", lambda e: problems.append(str(e)))
        page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        page.goto(path.as_uri())
        opened.append(context)
        return page

    yield open_page
    for context in opened:
        context.close()
    assert not problems
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def shot(page, name):
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def painted(page, selector):
    """Count the pixels of a canvas on which there is anything."""
    return page.evaluate(
        """(s) => { const c = document.querySelector(s);
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++;
            return n }""",
        selector,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_inspector_page(offline, inspector, tmp_path, scheme):
    page = offline(inspector.save_html(tmp_path / "inspector.html"), color_scheme=scheme)
    n = len(inspector.fixed_points)
    until(page, f"document.querySelector('{SPECTRUM}').dataset.eigenvalues === '3'")
    page.wait_for_timeout(300)
    shot(page, f"inspector_page_{scheme}")
    title = page.inner_text('[data-testid="fpf-inspected"]')
    assert title.startswith("0: stable")
    # Walk through the points, once around.
    before = still(page, SPECTRUM)
    page.click('[data-testid="fpf-point-previous"]')
    until(
        page,
        "document.querySelector('[data-testid=\"fpf-inspected\"]').textContent"
        f".startsWith('{n - 1}:')",
    )
    repainted(page, SPECTRUM, before)
    page.click('[data-testid="fpf-point-next"]')
    # Modes by button and by keyboard, the same in title and bars.
    bars = still(page, '[data-testid="fpf-mode"]')
    page.click('[data-testid="fpf-mode-next"]')
    assert page.inner_text('[data-testid="fpf-mode-title"]').startswith("mode 2:")
    repainted(page, '[data-testid="fpf-mode"]', bars)
    page.focus(SPECTRUM)
    page.keyboard.press("ArrowRight")
    assert page.inner_text('[data-testid="fpf-mode-title"]').startswith("mode 3:")
    # Values of the heat map on hover.
    page.hover('[data-testid="fpf-heatmap"]', position={"x": 60, "y": 60})
    page.wait_for_selector(".fpf-tooltip:visible")
    assert "← unit" in page.inner_text(".fpf-tooltip:visible")
    with page.expect_download() as got:
        page.click('[data-testid="fpf-svg"]')
    assert Path(got.value.path()).read_text().startswith("<svg")


def test_monitor_page(offline, trained, tmp_path):
    _, monitor = trained
    page = offline(monitor.save_html(tmp_path / "monitor.html"))
    curves = '[data-testid="fpf-loss"] canvas'
    page.wait_for_selector(curves)
    page.wait_for_timeout(400)
    shot(page, "monitor_page")
    # The whole of the training, and each of its snapshots.
    last = page.inner_text('[data-testid="fpf-snapshot-text"]')
    assert last.startswith("epoch 24:")
    assert page.inner_text('[data-testid="fpf-status"]').startswith("finished · epoch 24/24")
    cube, spectrum = still(page, PLOT), still(page, SPECTRUM)
    page.focus('[data-testid="fpf-snapshot"]')
    page.keyboard.press("Home")
    assert page.inner_text('[data-testid="fpf-snapshot-text"]').startswith("epoch 1:")
    first = repainted(page, PLOT, cube)
    repainted(page, SPECTRUM, spectrum)
    page.keyboard.press("End")
    assert page.inner_text('[data-testid="fpf-snapshot-text"]') == last
    repainted(page, PLOT, first)
    assert still(page, PLOT) == cube
    # Curves are drawn again when they are looked at otherwise.
    logarithmic = still(page, curves)
    page.click('[data-testid="fpf-log"]')
    repainted(page, curves, logarithmic)
    linear = still(page, curves)
    assert painted(page, curves) > 2000
    assert page.get_attribute('[data-testid="fpf-log"]', "aria-pressed") == "false"
    page.click('[data-testid="fpf-log"]')
    repainted(page, curves, linear)
    assert still(page, curves) == logarithmic
    page.focus('[data-testid="fpf-smoothing"]')
    page.keyboard.press("PageUp")
    smoothed = repainted(page, curves, logarithmic)
    page.emulate_media(color_scheme="dark")
    repainted(page, curves, smoothed)
    still(page, curves)
    assert painted(page, curves) > 2000
    shot(page, "monitor_page_dark")


def test_sharp_on_dense_screens_and_after_resizing(offline, inspector, tmp_path):
    page = offline(inspector.save_html(tmp_path / "dense.html"), device_scale_factor=2)
    page.wait_for_selector(SPECTRUM)
    size = f"(() => {{ const c = document.querySelector('{SPECTRUM}');" + (
        "return [c.width, c.height, c.clientWidth, c.clientHeight] })()"
    )
    until(page, f"{size}[0] > 300")
    width, height, css_width, css_height = page.evaluate(size)
    assert (width, height) == (2 * css_width, 2 * css_height)
    page.set_viewport_size({"width": 500, "height": 900})
    until(page, f"{size}[2] !== {css_width} && {size}[0] === 2 * {size}[2]")
    # Stacked: one column.
    spectrum, heatmap = (
        page.locator(f'[data-testid="{name}"]').bounding_box()
        for name in ("fpf-spectrum", "fpf-heatmap")
    )
    assert heatmap["y"] >= spectrum["y"] + spectrum["height"]
    shot(page, "inspector_narrow")


# A host with nothing but what the anywidget front-end module asks for: marimo, VS Code and Colab
# have models of their own, which share no more than these six calls.
HOST = """async ([source, state]) => {
    const bytes = (v) => {
        if (Array.isArray(v)) return v.map(bytes);
        if (v === null || typeof v !== 'object') return v;
        if ('view' in v && 'dtype' in v) {
            const raw = Uint8Array.from(atob(v.view), (c) => c.charCodeAt(0));
            return {...v, view: new DataView(raw.buffer)};
        }
        return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, bytes(x)]));
    };
    const traits = bytes(state), heard = new Map(), saved = [];
    window.host = {traits, heard, saved};
    const model = {
        get: (name) => traits[name],
        set: (name, value) => {
            traits[name] = value;
            for (const f of [...(heard.get('change:' + name) ?? [])]) f();
        },
        save_changes: () => saved.push({selected: traits.selected, mode: traits.mode}),
        on: (name, f) => heard.set(name, [...(heard.get(name) ?? []), f]),
        off: (name, f) => heard.set(name, (heard.get(name) ?? []).filter((g) => g !== f)),
        send: () => {},
    };
    const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
    const module = (await import(url)).default;
    const widget = typeof module === 'function' ? await module() : module;
    window.forget = await widget.initialize?.({model});
    window.el = document.body.appendChild(document.createElement('div'));
    window.cleanUp = await widget.render({model, el: window.el});
}"""


@pytest.mark.parametrize("kind", ["inspector", "monitor", "explorer"])
def test_the_module_in_a_bare_host(page, inspector, trained, kind):
    from fpf_notebook.widgets import FixedPointExplorer
    from fpf_notebook.widgets.arrays import pack
    from fpf_notebook.widgets.view import BUNDLE

    if kind == "explorer":
        states = np.random.default_rng(0).uniform(-1, 1, (4, 8, 3))
        widget = FixedPointExplorer(trained[0], states, noise_scale=0.2).wait(60)
    else:
        widget = inspector if kind == "inspector" else trained[1]
    state = json.loads(
        json.dumps(
            pack(widget.picture.saved_state()), default=lambda v: base64.b64encode(v).decode()
        )
    )
    if kind == "explorer":
        widget.close()
    page.goto("about:blank")
    problems: list[str] = []
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.evaluate(HOST, [BUNDLE.read_text(encoding="utf-8"), state])
    page.wait_for_timeout(300)
    if kind == "explorer":
        page.click('[data-testid="fpf-point-0"]')
        assert page.evaluate("host.saved.at(-1).selected") == 0
        assert painted(page, PLOT) > 500
    elif kind == "inspector":
        page.click('[data-testid="fpf-mode-next"]')
        assert page.evaluate("host.saved.at(-1).mode") == 1
        assert painted(page, SPECTRUM) > 500
    else:
        assert painted(page, PLOT) > 500
    page.evaluate("() => { cleanUp(); if (typeof forget === 'function') forget() }")
    assert page.evaluate("el.children.length") == 0
    assert page.evaluate("[...host.heard.values()].flat().length") == 0
    page.wait_for_timeout(300)  # nothing is drawn any more that could fail
    assert not problems
