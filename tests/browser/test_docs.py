"""The built documentation, in a browser that is not connected to anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.lab import ARTEFACTS, ROOT, picture_hash

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BUILT = ROOT / "docs" / "_build" / "html"
PLOT = '[data-testid="fpf-plot"]'
# The network's files; everything else would have to be asked for elsewhere.
OWN = ("file:", "blob:", "data:", "about:")


@pytest.fixture(scope="module", autouse=True)
def built():
    if not (BUILT / "index.html").exists():
        if os.environ.get("FPF_REQUIRE_DOCS"):
            pytest.fail("the documentation has to be there: make docs")
        pytest.skip("the documentation is not built: make docs")


@pytest.fixture
def open_page(browser):
    context = browser.new_context(offline=True, viewport={"width": 1440, "height": 1000})
    troubles: list[str] = []

    def open_page(name: str):
        page = context.new_page()
        page.on("request", lambda r: r.url.startswith(OWN) or troubles.append(r.url))
        page.on("requestfailed", lambda r: troubles.append(f"failed: {r.url}"))
        page.on("pageerror", lambda e: troubles.append(str(e)))
        page.on("console", lambda m: troubles.append(m.text) if m.type == "error" else None)
        page.goto((BUILT / name).as_uri())
        return page

    yield open_page
    context.close()
    assert troubles == []


def drag(page, place, dx: float, dy: float) -> None:
    box = place.bounding_box()
    x, y = box["x"] + 30, box["y"] + box["height"] - 40  # away from points and buttons
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=6)
    page.mouse.up()


def until_it_changes(page, frame, before: str) -> None:
    """Wait until the picture is another one; a busy machine draws late."""
    for _ in range(100):
        if picture_hash(frame, PLOT) != before:
            return
        page.wait_for_timeout(100)
    pytest.fail("the picture did not turn")


def notebooks() -> list[str]:
    return sorted(path.stem for path in (ROOT / "tutorials").glob("*.ipynb"))


def test_the_landing_page_has_an_explorer_that_turns_and_selects(open_page):
    page = open_page("index.html")
    live = page.frame_locator("iframe.fpf-live")
    live.locator('[data-testid="fpf-point-26"]').wait_for(timeout=20_000)
    frame = page.frames[1]
    before = picture_hash(frame, PLOT)
    drag(page, live.locator(PLOT), 90, -40)
    until_it_changes(page, frame, before)
    live.locator('[data-testid="fpf-point-3"]').click()
    page.mouse.move(5, 5)
    inspected = '[data-testid="fpf-inspected"]'
    frame.wait_for_function(f"document.querySelector('{inspected}').textContent.startsWith('3:')")
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / "docs_landing.png")


@pytest.mark.parametrize("name", notebooks())
def test_every_tutorial_is_there_with_its_widgets_alive(open_page, name):
    page = open_page(f"tutorials/{name}.html")
    source = (ROOT / "tutorials" / f"{name}.ipynb").read_text(encoding="utf-8")
    shows = any(word in source for word in ("FixedPointExplorer(", "TrainingMonitor("))
    frames = page.locator("iframe.fpf-frame")
    if not shows:
        return
    assert frames.count() >= 1
    for k in range(frames.count()):
        frames.nth(k).scroll_into_view_if_needed()
        inner = frames.nth(k).content_frame
        inner.locator(".fpf-root").first.wait_for(timeout=20_000)
        # The frame is as high as what it shows: nothing scrolls inside of it.
        page.wait_for_function(
            "([frame]) => { const d = frame.contentDocument.documentElement;"
            " return d.scrollHeight <= frame.clientHeight + 2 && d.scrollHeight > 200 }",
            arg=[frames.nth(k).element_handle()],
        )
    explorers = [
        k
        for k in range(frames.count())
        if frames.nth(k).content_frame.locator('[data-testid="fpf-histogram"]').count()
    ]
    if explorers:
        chosen = frames.nth(explorers[0])
        chosen.scroll_into_view_if_needed()
        inner = chosen.element_handle().content_frame()
        inner.evaluate(f"document.querySelector('{PLOT}').scrollIntoView({{block: 'center'}})")
        before = picture_hash(inner, PLOT)
        drag(page, chosen.content_frame.locator(PLOT), 80, -30)
        until_it_changes(page, inner, before)
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTEFACTS / f"docs_{name}.png", full_page=True)


def test_the_switch_of_the_theme_reaches_the_widgets(open_page):
    page = open_page("tutorials/widgets.html")
    root = page.locator("iframe.fpf-frame").first.content_frame.locator(".fpf-root").first
    root.wait_for(timeout=20_000)
    for theme in ("dark", "light"):
        page.evaluate(f"document.body.dataset.theme = '{theme}'")
        page.wait_for_timeout(300)
        assert ("fpf-dark" in root.get_attribute("class")) == (theme == "dark")


def test_formulas_are_set_without_a_network(open_page):
    page = open_page("explanation/q.html")
    page.wait_for_selector("mjx-container svg", timeout=20_000)
    page.wait_for_timeout(500)
    assert page.locator("mjx-container").count() > 20
    assert page.locator("mjx-merror").count() == 0


def test_no_page_asks_another_server_for_anything(open_page):
    pages = sorted(path.relative_to(BUILT) for path in BUILT.rglob("*.html"))
    assert len(pages) > 30
    for path in pages:
        page = open_page(Path(path).as_posix())  # the fixture collects what was asked for
        page.close()
