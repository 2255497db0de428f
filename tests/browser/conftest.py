"""One Chromium and one JupyterLab for all browser tests of a session."""

from __future__ import annotations

import os

import pytest

from tests.browser.lab import FLAGS, Server, find_chromium


def _missing(what: str) -> None:
    """Skip, or fail where the tests have to run."""
    if os.environ.get("FPF_REQUIRE_BROWSER"):
        pytest.fail(f"the browser tests have to run here, but {what}")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser():
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed: pip install playwright")
    path = find_chromium()
    if path is None:
        _missing(
            "there is no Chrome or Chromium: apt-get install chromium, or set FPF_CHROMIUM to one"
        )
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory, browser):
    try:
        import jupyterlab  # noqa: F401
    except ImportError:
        _missing("JupyterLab is not installed: pip install jupyterlab")
    server = Server(tmp_path_factory.mktemp("lab"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def page(browser):
    context = browser.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
    opened = context.new_page()
    yield opened
    context.close()
