"""A real JupyterLab (and Voila) in a real Chromium, driven as a person does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = Path(__file__).parent / "artefacts"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
KERNEL = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"

# Three independent one-bit latches: 3^3 fixed points, 2^3 of them stable, index sum 1. Under an
# input beyond the fold of one latch (|u| > 0.267) two of its three points vanish: 9 remain.
SETUP = """
import jax.numpy as jnp, numpy as np
from fpf_notebook.widgets import FixedPointExplorer, JacobianInspector, TrainingMonitor
rng = np.random.default_rng(0)
latches = lambda state, input: jnp.tanh(1.6 * state + input)
pulses = rng.choice([-1.5, 0, 1.5], p=[.1, .8, .1], size=(24, 40, 3))
states = np.zeros((24, 41, 3))
for t in range(40):
    states[:, t + 1] = np.tanh(1.6 * states[:, t] + pulses[:, t])
"""


def find_chromium() -> str | None:
    """Return any Chrome or Chromium."""
    given = os.environ.get("FPF_CHROMIUM")
    return given or next((path for name in NAMES if (path := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Server:
    """JupyterLab, Notebook or Voila on a free port, with a home of its own."""

    def __init__(
        self,
        home: Path,
        command: str = "lab",
        notebook: Path | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        self.root = home / "notebooks"
        self.root.mkdir(parents=True, exist_ok=True)
        config = home / ".jupyter" / "labconfig"
        config.mkdir(parents=True, exist_ok=True)
        news = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (config / "page_config.json").write_text(json.dumps(news))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = {
            **os.environ,
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / ".jupyter"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "PYTHONPATH": str(ROOT),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        }
        shared = [
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            "--ServerApp.port_retries=0",
            "--IdentityProvider.token=",
            "--ServerApp.password=",
            "--ServerApp.disable_check_xsrf=True",
        ]
        if command == "voila":
            arguments = ["voila", str(notebook), "--no-browser", f"--port={self.port}"]
        else:
            app = {"lab": "LabApp", "notebook": "JupyterNotebookApp"}[command]
            arguments = [
                "jupyter",
                command,
                "--allow-root",
                *shared,
                f"--ServerApp.root_dir={self.root}",
                f"--{app}.expose_app_in_browser=True",
                *options,
            ]
        self.log = home / f"{command}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.root,
            )
        self._until_up()

    def _until_up(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    def write(self, name: str, cells: list[str]) -> Path:
        """Write a notebook with these code cells."""
        notebook = nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {
            "name": "python3",
            "display_name": "Python 3",
            "language": "python",
        }
        notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
        path = self.root / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)


class Notebook:
    """An open notebook: run it, ask its kernel, look at it."""

    def __init__(self, page: Any, server: Server, name: str, cells: list[str]) -> None:
        self.page, self.server, self.name = page, server, name
        self.path = server.write(name, cells)
        self.open()

    def open(self) -> None:
        url = f"{self.server.url}/lab/workspaces/{self.name}/tree/{self.name}.ipynb?reset"
        self.page.goto(url)
        self.page.wait_for_function(
            f"() => {{ try {{ return {KERNEL}.status === 'idle' }} catch (e) {{ return false }} }}",
            timeout=60_000,
        )

    def run_all(self) -> None:
        self.page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")

    def command(self, name: str) -> None:
        self.page.evaluate(f"window.jupyterapp.commands.execute('{name}')")

    def ask(self, expression: str) -> Any:
        """Return the value of a Python expression in the kernel (as JSON knows it)."""
        answer = self.page.evaluate(
            f"""async (code) => {{
                const future = {KERNEL}.requestExecute(
                    {{ code: '', silent: true, store_history: false,
                       user_expressions: {{ value: code }} }});
                return (await future.done).content.user_expressions.value;
            }}""",
            f"__import__('json').dumps({expression}, default=lambda v: v.item())",
        )
        if answer["status"] != "ok":
            raise RuntimeError(f"{expression}: {answer['ename']}: {answer['evalue']}")
        text = answer["data"]["text/plain"]
        import ast

        return json.loads(ast.literal_eval(text))

    def until(self, expression: str, timeout: float = 20) -> None:
        """Wait until an expression is true in the kernel."""
        deadline = time.monotonic() + timeout
        while not self.ask(f"bool({expression})"):
            if time.monotonic() > deadline:
                raise AssertionError(f"not true within {timeout} s: {expression}")
            time.sleep(0.05)

    def shot(self, name: str) -> Path:
        ARTEFACTS.mkdir(exist_ok=True)
        path = ARTEFACTS / f"{name}.png"
        self.page.screenshot(path=path)
        return path

    def drag_slider(self, selector: str, dx: float) -> None:
        """Drag a real slider's thumb with the mouse."""
        drag_slider(self.page, selector, dx)
        # The last value waits in the browser for the answer to the one before it.
        self.page.wait_for_timeout(250)


def control(name: str) -> str:
    """Return the selector of a control of a view."""
    return f'[data-testid="{name}"]'


def thumb(page: Any, selector: str) -> tuple[float, float]:
    """Return where the thumb of a slider is, a native one or one of ipywidgets."""
    theirs = page.locator(f"{selector} .noUi-handle")
    if theirs.count():
        theirs.first.scroll_into_view_if_needed()
        box = theirs.first.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    slider = page.locator(selector).first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    share = slider.evaluate("e => (e.value - e.min) / (e.max - e.min)")
    size = 16  # Chromium's
    return box["x"] + size / 2 + share * (box["width"] - size), box["y"] + box["height"] / 2


def drag_slider(page: Any, selector: str, dx: float, steps: int = 12) -> None:
    """Drag a slider's thumb by some pixels."""
    x, y = thumb(page, selector)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y, steps=steps)
    page.mouse.up()


def picture_hash(page: Any, selector: str) -> str:
    """Return a checksum of what a canvas shows."""
    return str(
        page.evaluate(
            """(s) => {
            const c = document.querySelector(s);
            const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let hash = 5381;
            for (let i = 0; i < d.length; i += 7) hash = ((hash * 33) ^ d[i]) >>> 0;
            return hash;
        }""",
            selector,
        )
    )


def repainted(page: Any, selector: str, before: str, seconds: float = 5) -> str:
    """Wait until a canvas shows something else than before; return its new checksum."""
    deadline = time.monotonic() + seconds
    while (now := picture_hash(page, selector)) == before:
        if time.monotonic() > deadline:
            raise AssertionError(f"{selector} has not changed within {seconds} s")
        page.wait_for_timeout(50)
    return now


def still(page: Any, selector: str) -> str:
    """Wait until a canvas has come to rest; return its checksum."""
    before = ""
    while (now := picture_hash(page, selector)) != before:
        before = now
        page.wait_for_timeout(250)
    return now


def until(page: Any, expression: str, seconds: float = 10) -> None:
    """Wait until a JavaScript expression is true, on pages that forbid `eval` as well.

    While it asks for something of an element that is not there yet, it is not true.
    """
    deadline = time.monotonic() + seconds
    attempt = f"() => {{ try {{ return {expression} }} catch (error) {{ return false }} }}"
    while not page.evaluate(attempt):
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {seconds} s: {expression}")
        page.wait_for_timeout(50)
