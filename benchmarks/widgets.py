"""How quick the widgets are, in a real JupyterLab in Chromium: ``python -m benchmarks.widgets``.

The network is the 3-bit flip-flop with 4 tanh units that the demo trains; 1024 initial states.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from fpf_notebook.widgets.view import BUNDLE
from tests.browser.lab import FLAGS, Notebook, Server, find_chromium

_SETUP = """
import gc, os, resource, threading, time, numpy as np
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import train
from fpf_notebook.widgets import FixedPointExplorer, TrainingMonitor
task, model = FlipFlop(3), VanillaRNN(3, 4, 3, seed=1)
train(model, task, n_epochs=60, learning_rate=0.02)
states = np.asarray(model.run(task.sample(128, seed=0).inputs)[1])
explorer = FixedPointExplorer(model, states, noise_scale=0.4).wait(120)
explorer._repr_mimebundle_()
def resident():
    with open('/proc/self/statm') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6
"""

# A key press on a slider's handle is one change; the clock runs from the key to the paint that
# follows the arrival of the new scene.
_PRESS = """([handle, key]) => new Promise((resolve) => {
    const canvas = document.querySelector('[data-testid="fpf-plot"]');
    const before = canvas.dataset.scenes;
    const watch = new MutationObserver(() => {
        if (canvas.dataset.scenes === before) return;
        const painted = canvas.dataset.frames;
        const wait = () => canvas.dataset.frames !== painted
            ? (resolve(performance.now() - start), watch.disconnect())
            : requestAnimationFrame(wait);
        watch.disconnect();
        wait();
    });
    watch.observe(canvas, {attributes: true, attributeFilter: ['data-scenes']});
    const target = document.querySelector(handle);
    const start = performance.now();
    target.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}));
    setTimeout(() => resolve(-1), 5000);
})"""


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(v for v in values if v >= 0)
    return {
        "median_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "n": len(ordered),
    }


def _latency(notebook: Notebook, selector: str, n: int = 40) -> dict[str, float]:
    page, times = notebook.page, []
    for k in range(n):
        key = "ArrowRight" if k % 2 == 0 else "ArrowLeft"
        times.append(page.evaluate(_PRESS, [f"{selector} .noUi-handle", key]))
        page.wait_for_timeout(60)
    return _spread(times)


def _first_paint(page: Any, notebook: Notebook, slow: bool) -> float:
    """Milliseconds from running the cell that shows the widget to its first picture."""
    session = page.context.new_cdp_session(page)
    if slow:
        session.send("Network.enable")
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 100, "downloadThroughput": 1.25e6,
             "uploadThroughput": 1.25e6},
        )  # fmt: skip
    elapsed = page.evaluate(
        """() => new Promise((resolve) => {
            const known = document.querySelectorAll('[data-testid="fpf-plot"]').length;
            const start = performance.now();
            const wait = () => {
                const all = document.querySelectorAll('[data-testid="fpf-plot"]');
                if (all.length > known && [...all].every((c) => Number(c.dataset.frames) > 0))
                    resolve(performance.now() - start);
                else requestAnimationFrame(wait);
            };
            window.jupyterapp.commands.execute('notebook:run-cell');
            wait();
        })"""
    )
    if slow:
        session.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1},
        )
    return round(elapsed, 0)


def _monitor_cost(notebook: Notebook) -> dict[str, float]:
    """Training time with and without the monitor, alternating, best of three each."""
    notebook.page.evaluate("0")
    code = (
        "(lambda run: {'plain': min(run([]) for _ in range(3)),"
        " 'watched': min(run([TrainingMonitor(snapshot_every=5)]) for _ in range(3))})"
        "(lambda callbacks: (lambda h: h.total_seconds - h.compile_seconds)(train("
        "VanillaRNN(3, 4, 3, seed=1), task, n_epochs=150, learning_rate=0.02,"
        " callbacks=callbacks)))"
    )
    seconds: dict[str, float] = notebook.ask(code)
    seconds["slower_percent"] = round(100 * (seconds["watched"] / seconds["plain"] - 1), 1)
    return seconds


def main() -> None:
    """Measure and print one JSON object."""
    from playwright.sync_api import sync_playwright

    results: dict[str, Any] = {
        "bundle_bytes": BUNDLE.stat().st_size,
        "load_average": round(os.getloadavg()[0], 1),
    }
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), headless=True, args=FLAGS
        )
        server = Server(Path(home))
        try:
            page = browser.new_page(viewport={"width": 1360, "height": 1000})
            notebook = Notebook(page, server, "latency", [_SETUP, "explorer", "explorer"])
            page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell')")
            notebook.until("'resident' in globals()", timeout=300)
            for name, slow in (("first_paint_local_ms", False), ("first_paint_10mbit_ms", True)):
                page.evaluate("window.jupyterapp.commands.execute('notebook:move-cursor-down')")
                results[name] = _first_paint(page, notebook, slow)
            page.evaluate(
                "document.querySelectorAll('.jp-OutputArea-output').forEach((n, i) => "
                "{ if (i > 0) n.style.display = 'none' })"
            )
            results["noise_to_repaint"] = _latency(notebook, ".fpf-noise-scale")
            results["input_to_repaint"] = _latency(notebook, ".fpf-input-0")
            results["tol_q_to_repaint"] = _latency(notebook, ".fpf-tol-q")
            before = notebook.ask("(gc.collect(), resident())[1]")
            for _ in range(2):
                notebook.ask(
                    "[(setattr(explorer, 'noise_scale', 0.3 + 0.001 * k), explorer.wait())[0]"
                    " for k in range(100)]"
                )
            results["memory_growth_after_200_updates_mb"] = round(
                notebook.ask("(gc.collect(), resident())[1]") - before, 1
            )
            results["pause_ms"] = _pause(notebook)
            results["monitor"] = _monitor_cost(notebook)
        finally:
            browser.close()
            server.stop()
    print(json.dumps(results, indent=2))


def _pause(notebook: Notebook) -> dict[str, float]:
    """From the click to the moment at which the training thread has stopped."""
    notebook.ask(
        "globals().update(monitor=TrainingMonitor(snapshot_every=20)) or"
        " (monitor.watch(VanillaRNN(3, 4, 3, seed=2), task, n_epochs=10**6),"
        " globals().update(held=[]),"
        " monitor.observe(lambda c: held.append((c['new'], time.time())), names='phase'))[1]"
    )
    notebook.until("monitor.phase == 'training'", timeout=120)
    times = []
    for _ in range(20):
        time.sleep(0.15)
        asked = notebook.ask("(time.time(), monitor.pause())[0]")
        notebook.until("monitor.phase == 'paused'")
        times.append(1000 * (notebook.ask("held[-1][1]") - asked))
        notebook.ask("monitor.resume()")
        notebook.until("monitor.phase == 'training'")
    notebook.ask("monitor.stop()")
    return _spread(times)


if __name__ == "__main__":
    main()
