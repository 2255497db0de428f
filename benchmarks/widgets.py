"""How quick the widgets are, in a real JupyterLab in Chromium: ``python -m benchmarks.widgets``.

The network is the 3-bit flip-flop with 4 tanh units that the demo trains; 1024 initial states.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

from fpf_notebook.widgets.view import BUNDLE
from tests.browser.lab import FLAGS, Notebook, Server, control, find_chromium

_SETUP = """
import gc, os, time, numpy as np
from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import train
from fpf_notebook.widgets import FixedPointExplorer, TrainingMonitor
task, model = FlipFlop(3), VanillaRNN(3, 4, 3, seed=1)
train(model, task, n_epochs=60, learning_rate=0.02)
states = np.asarray(model.run(task.sample(128, seed=0).inputs)[1])
explorer = FixedPointExplorer(model, states, noise_scale=0.4).wait(120)
def resident():
    with open('/proc/self/statm') as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 1e6
"""

_TRAINING = """
held_monitor, held = TrainingMonitor(snapshot_every=20), []
held_monitor.observe(lambda c: held.append((c['new'], time.time())), names='phase')
held_monitor.watch(VanillaRNN(3, 4, 3, seed=2), task, n_epochs=10**6)
"""
LOSS = '[data-testid="fpf-loss"]'

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
    if (key === "ArrowRight") target.stepUp();
    else target.stepDown();
    for (const type of ["input", "change"]) target.dispatchEvent(new Event(type, {bubbles: true}));
    setTimeout(() => resolve(-1), 3000);
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
        times.append(page.evaluate(_PRESS, [selector, key]))
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


_PAIRS = """
def seconds_of(callbacks):
    began = time.process_time()
    history = train(VanillaRNN(3, 4, 3, seed=1), task, n_epochs=300, learning_rate=0.02,
                    callbacks=callbacks)
    return history.total_seconds - history.compile_seconds, time.process_time() - began

monitor = TrainingMonitor(snapshot_every=5)
monitor
"""


def _monitor_cost(notebook: Notebook, pairs: int = 9) -> dict[str, Any]:
    """Training time with a monitor that is looked at, and without, in alternating pairs.

    Both trainings of a pair see about the same load, which the machine's other users make; the
    median of the ratios is hardly touched by a pair that was disturbed half way. Compilation of
    the training and of the first search are left out: they come once. On a machine that is busy
    with other things the wall clock says little; the kernel's processor time says what the monitor
    costs there.
    """
    ratios, processor, plain = [], [], []
    for k in range(pairs + 1):
        callbacks = ["[monitor]", "[]"] if k % 2 else ["[]", "[monitor]"]
        taken = {c: notebook.ask(f"(seconds_of({c}), monitor.wait())[0]") for c in callbacks}
        if k:  # the first pair compiles
            ratios.append(taken["[monitor]"][0] / taken["[]"][0])
            processor.append(taken["[monitor]"][1] / taken["[]"][1])
            plain.append(taken["[]"][0])
    quartiles = statistics.quantiles(ratios, n=4)
    return {
        "plain_seconds": round(statistics.median(plain), 2),
        "slower_percent": round(100 * (statistics.median(ratios) - 1), 1),
        "quartiles_percent": [round(100 * (quartiles[i] - 1), 1) for i in (0, 2)],
        "more_processor_time_percent": round(100 * (statistics.median(processor) - 1), 1),
        "pairs": len(ratios),
        "snapshots": notebook.ask("len(monitor.snapshots)"),
    }


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
            # The model of the first is in the browser already; of the others everything has to be
            # sent, code and data.
            new = "FixedPointExplorer(model, states, noise_scale=0.4)"
            cells = [_SETUP, "explorer", new, new, _TRAINING, _PAIRS]
            notebook = Notebook(page, server, "latency", cells)
            page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell')")
            notebook.until("'resident' in globals()", timeout=300)
            for name, slow in (
                ("paint_of_a_known_model_ms", False),
                ("first_paint_local_ms", False),
                ("first_paint_10mbit_ms", True),
            ):
                page.evaluate("window.jupyterapp.commands.execute('notebook:move-cursor-down')")
                results[name] = _first_paint(page, notebook, slow)
                page.wait_for_timeout(3000)  # its search, and its still picture
            page.evaluate(
                "document.querySelectorAll('.jp-OutputArea-output').forEach((n, i) => "
                "{ if (i > 0) n.style.display = 'none' })"
            )
            results["noise_to_repaint"] = _latency(notebook, control("fpf-noise-scale"))
            results["input_to_repaint"] = _latency(notebook, control("fpf-input-0"))
            results["tol_q_to_repaint"] = _latency(notebook, control("fpf-tol-q"))
            before = notebook.ask("(gc.collect(), resident())[1]")
            for _ in range(2):
                notebook.ask(
                    "[(setattr(explorer, 'noise_scale', 0.3 + 0.001 * k), explorer.wait())[0]"
                    " for k in range(100)]"
                )
            results["memory_growth_after_200_updates_mb"] = round(
                notebook.ask("(gc.collect(), resident())[1]") - before, 1
            )
            _run_next(notebook)
            results["pause_click_to_rest"] = _pause(notebook)
            _run_next(notebook)
            results["monitor"] = _monitor_cost(notebook)
            results["load_average_at_the_end"] = round(os.getloadavg()[0], 1)
        finally:
            browser.close()
            server.stop()
    print(json.dumps(results, indent=2))


def _run_next(notebook: Notebook) -> None:
    """Run the cell below, and look at what it shows."""
    page = notebook.page
    page.evaluate("window.jupyterapp.commands.execute('notebook:move-cursor-down')")
    shown = page.locator(LOSS).count()
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-cell')")
    page.wait_for_function(f"document.querySelectorAll('{LOSS}').length > {shown}", timeout=120_000)
    page.locator(LOSS).last.scroll_into_view_if_needed()


def _pause(notebook: Notebook, n: int = 20) -> dict[str, float]:
    """From the click on Pause in the browser to the moment at which the training rests.

    Both are read off the same clock, that of the machine.
    """
    notebook.until("held_monitor.phase == 'training'", timeout=120)
    notebook.until("len(held_monitor.snapshots) > 0", timeout=120)  # not while that is compiled
    times = []
    for _ in range(n):
        notebook.page.wait_for_timeout(150)
        clicked = notebook.page.evaluate(
            "() => { const now = performance.timeOrigin + performance.now();"
            " document.querySelector('.fpf-pause').click(); return now / 1000 }"
        )
        notebook.until("held_monitor.phase == 'paused'")
        times.append(1000 * (notebook.ask("held[-1][1]") - clicked))
        notebook.ask("held_monitor.resume()")
        notebook.until("held_monitor.phase == 'training'")
    notebook.ask("(held_monitor.stop(), held_monitor.result(60))[0]")
    return _spread(times)


if __name__ == "__main__":
    main()
