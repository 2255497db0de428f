"""A saved page that computes, in Chromium without a network: a real mouse on its sliders."""

from __future__ import annotations

import json
import re

import jax.numpy as jnp
import numpy as np
import pytest

from tests.browser.lab import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = ".fpf-root"
STATUS = '[data-testid="fpf-status"]'
SLIDER = '[data-testid="fpf-input-0"]'
READY = f'{ROOT}[data-page="ready"]'
W = np.array([[2.0, 0.3, 0.0], [-0.2, 1.8, 0.1], [0.0, 0.2, 1.6]])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A page, and what Python finds at two inputs of its first channel."""
    from fpf_notebook.widgets import FixedPointExplorer

    states = np.random.default_rng(0).uniform(-1, 1, (12, 20, 3))
    explorer = FixedPointExplorer(
        lambda state, input: jnp.tanh(W @ state + input),
        states,
        np.zeros(3),
        n_inputs=3,
        batched=False,
        noise_scale=0.5,
        invariant_box=(-1, 1),
        exhaustive=True,
    )
    explorer.wait(200)
    path = explorer.save_html(tmp_path_factory.mktemp("page") / "live.html", live=True)
    counts = {0.0: len(explorer.fixed_points)}
    for u in (0.3, 2.0):
        explorer.input = (u, 0.0, 0.0)
        counts[u] = len(explorer.wait(200).fixed_points)
    explorer.close()
    return path, counts


@pytest.fixture
def page(browser, saved):
    path, _ = saved
    context = browser.new_context(offline=True, viewport={"width": 1240, "height": 1000})
    page = context.new_page()
    problems, requests = [], []
    page.on("request", lambda r: requests.append(r.url))
    page.on("pageerror", lambda e: problems.append(str(e)))
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.goto(path.as_uri())
    page.wait_for_selector(READY, timeout=60_000)
    yield page
    context.close()
    assert problems == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []


def set_to(page, value):
    """Move the first slider by the keyboard's events, and wait for the search at rest."""
    before = page.inner_text(STATUS)
    page.evaluate(
        """([where, value]) => {
            const input = document.querySelector(where);
            input.value = value;
            input.dispatchEvent(new Event("input", {bubbles: true}));
        }""",
        [SLIDER, value],
    )
    page.wait_for_function(
        "([where, before]) => document.querySelector(where).innerText !== before",
        arg=[STATUS, before],
        timeout=30_000,
    )
    page.wait_for_timeout(1500)
    return int(re.match(r"(\d+) fixed points?", page.inner_text(STATUS))[1])


def test_the_page_finds_what_python_finds(page, saved):
    _, counts = saved
    assert page.inner_text(STATUS).startswith(f"{counts[0.0]} fixed points")
    assert len(set(counts.values())) > 1
    for u, count in (*counts.items(), (0.0, counts[0.0])):
        if u != 0.0 or "computed in this page" in page.inner_text(STATUS):
            assert set_to(page, u) == count, u
    status = page.inner_text(STATUS)
    assert "index sum 1 of 1" in status
    assert "computed in this page" in status
    assert page.get_attribute(STATUS, "title").startswith("Complete? open: ")
    assert page.locator(f'[data-testid="fpf-point-{counts[0.0] - 1}"]').count() == 1
    assert page.locator(f'[data-testid="fpf-point-{counts[0.0]}"]').count() == 0


def test_a_drag_repaints_and_a_selected_point_stays(page):
    page.click('[data-testid="fpf-point-1"]')
    box = page.locator(SLIDER).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for k in range(40):
        page.mouse.move(x + 0.06 * box["width"] * np.sin(k / 6), y)
    frames = int(page.locator(ROOT).first.get_attribute("data-pictures"))
    assert frames >= 10, frames
    assert "selected: " in page.inner_text('[data-testid="fpf-selected"]')
    page.mouse.up()
    page.wait_for_timeout(1500)
    assert "computed in this page" in page.inner_text(STATUS)
    inspected = page.inner_text('[data-testid="fpf-inspected"]')
    assert re.match(r"\d+: ", inspected)


def test_a_damaged_program_is_a_message_in_the_page(browser, saved, tmp_path):
    path, _ = saved
    text = path.read_text()
    state = re.search(r'id="fpf-state">(.*?)</script>', text, re.S)[1]
    states = json.loads(state)
    states[0]["live"]["program"]["operations"][0][1] = 99
    bad = tmp_path / "bad.html"
    bad.write_text(text.replace(state, json.dumps(states).replace("<", "\\u003c")))
    page = browser.new_page()
    page.goto(bad.as_uri())
    error = page.locator('[data-testid="fpf-error"]').first
    error.filter(has_text="This program cannot be computed").wait_for(timeout=30_000)
    assert page.locator(SLIDER).is_disabled()
    assert page.locator('[data-testid="fpf-point-0"]').count() == 1  # the saved picture stays
    page.close()


def test_branches_fold_where_the_counts_change(page, saved):
    _, counts = saved
    page.click('[data-testid="fpf-show-strip"]')
    until(
        page,
        "document.querySelector('[data-testid=\"fpf-strip-words\"]')"
        ".textContent.includes('there may be more')",
        60,
    )
    strip = page.locator('[data-testid="fpf-strip"]')
    strip.scroll_into_view_if_needed()
    box = strip.bounding_box()
    left, right = box["x"] + 52, box["x"] + box["width"] - 10  # the ends of its axis
    assert strip.get_attribute("aria-valuenow") == "0"
    page.mouse.move((left + right) / 2, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(right, box["y"] + 80, steps=6)
    page.mouse.up()
    page.wait_for_timeout(1500)
    assert page.input_value(SLIDER) == strip.get_attribute("aria-valuenow") == "2"
    assert page.inner_text(STATUS).startswith(f"{counts[2.0]} fixed point")
