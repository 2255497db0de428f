"""Pictures a second while a slider is dragged: ``python -m benchmarks.dragging [--page] [case …]``.

Each case is measured twice: with the page's own solver, and (``kernel``) with it switched off;
``--page`` leaves the second out.

In a real JupyterLab in Chromium the mouse drags the slider of the first input for three seconds,
there and back. Counted are repaints of the state space that show a new scene, in the page; the
clock of the last picture runs from the release of the mouse. And from Python: ``explorer.input`` is
set every 16, 50 and 100 ms for three seconds, counting results.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.lab import FLAGS, Notebook, Server, control, find_chromium, thumb

_LATCHES = """
import time, jax.numpy as jnp, numpy as np
from fpf_notebook.widgets import FixedPointExplorer
n = {n}
model = lambda state, input: jnp.tanh(1.6 * state + input)
rng = np.random.default_rng(0)
pulses = rng.choice([-1.5, 0, 1.5], p=[.1, .8, .1], size=(24, 40, n))
states = np.zeros((24, 41, n))
for t in range(40):
    states[:, t + 1] = np.tanh(1.6 * states[:, t] + pulses[:, t])
explorer = FixedPointExplorer(model, states, np.zeros(n), exhaustive=True, invariant_box=(-1, 1))
explorer.wait(300)
"""
_TRAINED = """
import time, numpy as np
from fpf_notebook import train_flip_flop
from fpf_notebook.widgets import FixedPointExplorer
model, task, _ = train_flip_flop(n_bits={n}, cell="{cell}"{more})
states = np.asarray(model.run(task.sample(64, seed=0).inputs)[1])
explorer = FixedPointExplorer(model, states, exhaustive={exhaustive})
explorer.wait(600)
"""
CASES = {
    "3 bits, 27 points, exhaustive": _TRAINED.format(n=3, cell="tanh", more="", exhaustive=True),
    "4 bits, 81 points, exhaustive": _TRAINED.format(n=4, cell="tanh", more="", exhaustive=True),
    "6 latches, 729 points, exhaustive": _LATCHES.format(n=6),
    "GRU-16, 3 bits": _TRAINED.format(n=3, cell="gru", more=", n_hidden=16", exhaustive=False),
    "LSTM-16, 3 bits": _TRAINED.format(n=3, cell="lstm", more=", n_hidden=16", exhaustive=False),
    "GRU-64, 3 bits": _TRAINED.format(n=3, cell="gru", more=", n_hidden=64", exhaustive=False),
}

_PYTHON = """
def pictures(pace, seconds=3.0):
    shown = []
    def heard(_):
        shown.append((time.perf_counter(), explorer._found.following))
    explorer.observe(heard, "version")
    rest = tuple(explorer.input)[1:]
    end, k = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        k += 1
        explorer.input = (float(0.1 * np.sin(3 * k * pace)), *rest)
        time.sleep(pace)
    released, n = time.perf_counter(), len(shown)
    explorer.wait(600)
    explorer.unobserve(heard, "version")
    return dict(moves=k, pictures_per_second=round(n / seconds, 1),
                whole_after_ms=round(1000 * (shown[-1][0] - released)),
                search_ms=round(1000 * explorer._found.seconds))
explorer
"""

_PAGE = "document.querySelector('.fpf-root').dataset.page"

# Frames that show another scene than the frame before.
_COUNT = """() => {
    const canvas = document.querySelector('[data-testid="fpf-plot"]');
    const root = canvas.closest('.fpf-root');
    const state = { times: [], shown: [], delays: [], moved: null, scene: canvas.dataset.scenes };
    document.addEventListener('input', () => { state.moved ??= performance.now(); }, true);
    state.watch = new MutationObserver(() => {
        if (canvas.dataset.scenes === state.scene) return;
        state.scene = canvas.dataset.scenes;
        state.times.push(performance.now());
        if (root.dataset.pictures !== state.last) state.shown.push(performance.now());
        state.last = root.dataset.pictures;
        // From the first move that this picture can show to the frame in which it is there.
        if (state.moved !== null) state.delays.push(performance.now() - state.moved);
        state.moved = null;
    });
    state.watch.observe(canvas, { attributes: true, attributeFilter: ['data-frames'] });
    window.fpfDrag = state;
}"""


def drag(notebook: Notebook, selector: str, seconds: float = 3.0) -> dict[str, Any]:
    """Drag a slider there and back with the mouse, and count what is painted meanwhile."""
    page = notebook.page
    x, y = thumb(page, selector)
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(_COUNT)
    began = page.evaluate("performance.now()")
    moves, there = 0, True
    # Many moves in one call: as quick as the browser takes them, about one a frame.
    while page.evaluate("performance.now()") < began + 1000 * seconds:
        page.mouse.move(x + (24 if there else 0), y, steps=48)
        moves, there = moves + 48, not there
    page.mouse.up()
    released = page.evaluate("performance.now()")
    page.wait_for_timeout(300)
    notebook.until("not explorer._worker.busy", timeout=600)
    page.wait_for_timeout(500)
    times = page.evaluate("fpfDrag.times")
    marks = page.evaluate("({shown: fpfDrag.shown, delays: fpfDrag.delays})")
    page.evaluate("fpfDrag.watch.disconnect()")
    during = [t for t in times if t <= released]
    gaps = [b - a for a, b in zip([began, *during], [*during, released], strict=True)]
    return {
        "moves": moves,
        "repaints_per_second": round(1000 * len(during) / (released - began), 1),
        "longest_gap_ms": round(max(gaps)),
        "last_picture_after_ms": round(max(0, times[-1] - released)) if times else None,
        "search_ms": round(1000 * notebook.ask("explorer._found.seconds")),
        "pictures_of_the_page": len(marks["shown"]),
        "input_to_frame_ms": _quantiles(marks["delays"]),
        "counts": notebook.ask("dict(explorer.page_counts)"),
        "right": notebook.ask(
            "not explorer._found.following and"
            " bool((explorer._found.request.inputs[0] == np.array(explorer.input)).all())"
        ),
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    at = {"median": 0.5, "p95": 0.95}
    return {k: round(ordered[min(len(ordered) - 1, int(q * len(ordered)))]) for k, q in at.items()}


def main() -> None:
    """Measure the cases asked for, or all, and print one JSON object."""
    from playwright.sync_api import sync_playwright

    wanted = [word for word in sys.argv[1:] if word != "--page"]
    only_page = "--page" in sys.argv
    cases = {k: v for k, v in CASES.items() if not wanted or any(w in k for w in wanted)}
    results: dict[str, Any] = {"load_average": round(os.getloadavg()[0], 1)}
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=FLAGS
        )
        server = Server(Path(home))
        try:
            for number, (name, setup) in enumerate(cases.items()):
                page = browser.new_page(viewport={"width": 1360, "height": 1000})
                notebook = Notebook(page, server, f"drag{number}", [setup, _PYTHON])
                notebook.run_all()
                notebook.until("'pictures' in globals()", timeout=900)
                page.wait_for_selector('[data-testid="fpf-plot"]', timeout=60_000)
                notebook.until("not explorer._worker.busy", timeout=600)
                page.wait_for_timeout(2000)
                slider = control("fpf-input-0")
                results[name] = {"page": page.evaluate(_PAGE)}
                if results[name]["page"] == "ready":
                    results[name]["mouse"] = drag(notebook, slider)
                if only_page:
                    continue
                notebook.ask("setattr(explorer, 'options', {**explorer.options, 'page': False})")
                page.wait_for_timeout(300)
                results[name]["mouse, kernel"] = drag(notebook, slider)
                for pace in (0.016, 0.05, 0.1):
                    results[name][f"python, every {1000 * pace:.0f} ms"] = notebook.ask(
                        f"pictures({pace})"
                    )
                results[name]["load_average"] = round(os.getloadavg()[0], 1)
                page.close()
        finally:
            browser.close()
            server.stop()
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
