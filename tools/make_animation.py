"""Make the animated picture of the README: the real explorer, moved by a mouse in JupyterLab.

    python tools/make_animation.py [docs/explorer.gif]

Needs the extras ``test`` and ``browser``, Pillow (which matplotlib brings) and a Chromium. Some
minutes. The picture is smaller than 1.5 MB, or there is none.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.browser.lab import (  # noqa: E402
    FLAGS,
    Notebook,
    Server,
    control,
    find_chromium,
    thumb,
)

MAX_BYTES = 1_500_000
WIDTH = 960  # pixels of the picture
COLOURS = 128
PROVED = (31, 158, 122)  # the dot of a proved set
MARGIN = 8  # pixels around the widget
PLOT = '[data-testid="fpf-plot"]'
FRAME, STILL = 110, 900  # ms

NETWORK = """
import numpy as np
from fpf_notebook import FixedPointExplorer, train_flip_flop
model, task, _ = train_flip_flop(n_bits=3, cell="tanh")
_, states = model.run(task.sample(24, seed=0).inputs)
"""
EXPLORER = """
explorer = FixedPointExplorer(model, np.asarray(states), noise_scale=0.5, exhaustive=True)
explorer
"""


class Film:
    """Screenshots of one part of a page, with a pointer drawn in, as a browser shows none."""

    def __init__(self, page: Any, clip: dict[str, float]) -> None:
        self.page, self.clip = page, clip
        self.frames: list[Image.Image] = []
        self.durations: list[int] = []
        self.pointer = (clip["x"] + clip["width"] / 2, clip["y"] + clip["height"] / 2)

    def shoot(self, duration: int = FRAME) -> None:
        """Take one picture."""
        image = Image.open(io.BytesIO(self.page.screenshot(clip=self.clip))).convert("RGB")
        x, y = self.pointer[0] - self.clip["x"], self.pointer[1] - self.clip["y"]
        arrow = [(0, 0), (0, 17), (4, 13), (7, 20), (10, 19), (7, 12), (12, 12)]
        ImageDraw.Draw(image).polygon(
            [(x + dx, y + dy) for dx, dy in arrow], fill="black", outline="white"
        )
        height = round(image.height * WIDTH / image.width)
        self.frames.append(image.resize((WIDTH, height), Image.Resampling.LANCZOS))
        self.durations.append(duration)

    def move(self, x: float, y: float, frames: int = 4, settle: int = 60) -> None:
        """Move the mouse in steps, and take a picture after each."""
        x0, y0 = self.pointer
        for k in range(1, frames + 1):
            self.pointer = (x0 + (x - x0) * k / frames, y0 + (y - y0) * k / frames)
            self.page.mouse.move(*self.pointer)
            self.page.wait_for_timeout(settle)
            self.shoot()

    def drag(self, x: float, y: float, frames: int, settle: int = 60) -> None:
        """Move the mouse with its button held."""
        self.page.mouse.down()
        self.move(x, y, frames, settle)
        self.page.mouse.up()

    def save(self, path: Path) -> None:
        """Write a GIF with one palette for all frames."""
        sample = Image.new("RGB", (WIDTH, self.frames[0].height * 3))
        for k, index in enumerate((0, len(self.frames) // 2, -1)):
            sample.paste(self.frames[index], (0, k * self.frames[0].height))
        sample.paste(PROVED, (0, 0, 80, 80))  # the dot is too small to get a colour by itself
        palette = sample.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
        drawn = [f.quantize(palette=palette, dither=Image.Dither.NONE) for f in self.frames]
        drawn[0].save(
            path, save_all=True, append_images=drawn[1:], duration=self.durations, loop=0,
            optimize=True,
        )  # fmt: skip


def center(locator: Any) -> tuple[float, float]:
    """Return where the middle of an element is."""
    box = locator.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def play(notebook: Notebook) -> Film:
    """Turn the picture, select a saddle and push the network off it, move the input."""
    page = notebook.page
    widget = page.locator(".jp-OutputArea-output .fpf-root").first
    widget.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = widget.bounding_box()
    film = Film(
        page,
        {
            "x": box["x"] - MARGIN,
            "y": box["y"] - MARGIN,
            "width": box["width"] + 2 * MARGIN,
            "height": box["height"] + 2 * MARGIN,
        },
    )
    x, y = center(page.locator(PLOT))
    film.shoot(STILL)

    film.move(x - 60, y + 110, frames=2)
    film.drag(x + 30, y + 110, frames=14)
    film.drag(x - 30, y + 105, frames=8)
    film.shoot(STILL // 2)

    saddle = notebook.ask("int((explorer.fixed_points.n_unstable == 2).nonzero()[0][0])")
    entry = page.locator(f'[data-testid="fpf-point-{saddle}"]')
    entry.evaluate(
        """e => {
        let list = e.parentElement;
        while (list.scrollHeight <= list.clientHeight) list = list.parentElement;
        list.scrollTop += e.getBoundingClientRect().top - list.getBoundingClientRect().top - 60;
    }"""
    )
    film.move(*center(entry), frames=4)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(300)
    film.shoot(STILL // 2)
    launch = page.locator(control("fpf-launch"))
    film.move(*center(launch), frames=4)
    page.mouse.down()
    page.mouse.up()
    notebook.until("explorer._launches")
    page.wait_for_timeout(300)
    film.shoot(STILL)
    notebook.ask("setattr(explorer, 'selected', None)")
    film.move(*center(page.locator(control("fpf-clear-launches"))), frames=2)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_timeout(300)

    x, y = thumb(page, control("fpf-input-0"))
    film.move(x, y, frames=4)
    film.drag(x + 36, y, frames=18, settle=350)  # long enough for each search to be shown
    page.wait_for_timeout(700)
    film.shoot(STILL)
    film.drag(x, y, frames=8, settle=350)
    page.wait_for_timeout(700)
    film.shoot(STILL)
    return film


def main() -> None:
    """Make the picture."""
    from playwright.sync_api import sync_playwright

    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "explorer.gif")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        server = Server(Path(home))
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=FLAGS
        )
        try:
            page = browser.new_page(viewport={"width": 1480, "height": 1000})
            notebook = Notebook(page, server, "film", [NETWORK, EXPLORER])
            notebook.command("application:toggle-left-area")
            notebook.run_all()
            page.wait_for_selector('[data-testid="fpf-point-26"]', timeout=120_000)
            notebook.until("not explorer._worker.busy")
            page.wait_for_timeout(1000)
            film = play(notebook)
        finally:
            browser.close()
            server.stop()
    film.save(target)
    size = target.stat().st_size
    print(f"{target}: {len(film.frames)} frames, {sum(film.durations) / 1000:.1f} s, {size} bytes")
    if size > MAX_BYTES:
        target.unlink()
        sys.exit(
            f"more than {MAX_BYTES} bytes: take fewer frames, a smaller WIDTH or fewer COLOURS"
        )


if __name__ == "__main__":
    main()
