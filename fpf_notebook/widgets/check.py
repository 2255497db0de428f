"""Why does no widget appear? Versions, and what the usual messages mean."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

_NEEDED = {"ipywidgets": (8, 0), "anywidget": (0, 9), "traitlets": (5, 0)}
_SERVER = ("jupyterlab", "notebook", "jupyterlab_widgets", "voila")


def check(show: Callable[[str], None] = print) -> bool:
    """Diagnose a display that fails: say what is missing, and what to do.

    Parameters
    ----------
    show
        Where the lines go. Default: printed.

    Returns
    -------
    bool
        Whether everything that can be seen from the kernel is as it should be.
    """
    problems = []
    show(f"Python {sys.version.split()[0]} at {sys.executable}")
    for name, least in _NEEDED.items():
        version = _version(name)
        show(f"  {name:20s} {version or 'not installed'}   (this kernel)")
        if version is None:
            problems.append(f'{name} is missing: pip install "fpf-notebook[widgets]"')
        elif _numbers(version) < least:
            wanted = ".".join(map(str, least))
            problems.append(f"{name} {version} is too old: pip install -U '{name}>={wanted}'")
    for name in _SERVER:
        show(f"  {name:20s} {_version(name) or 'not in this environment'}")
    bundle = Path(__file__).parent / "static" / "views.js"
    size = bundle.stat().st_size if bundle.exists() else 0
    show(f"  {'views.js':20s} {size} bytes")
    if not size:
        problems.append("the package lacks its views.js: install it again, from a wheel")
    extension = _lab_extension()
    show(f"  {'anywidget in Lab':20s} {extension or 'not found beside this kernel'}")
    for problem in problems:
        show(f"✗ {problem}")
    if not problems:
        show("✓ The kernel's side is fine.")
    show(_MESSAGES)
    return not problems


_MESSAGES = """
If the picture is still missing, look for these words in its place:

"Failed to load model class 'AnyModel' from module 'anywidget'"
    The server that shows the notebook has no anywidget: it may run in another environment than
    this kernel. Install it there (pip install anywidget), restart the server, reload the page.
"Error displaying widget: model not found"
    The notebook was opened without its kernel. Run its cells, or look at the saved picture.
"Loading widget..." that does not end
    The browser has kept older files: reload the page with Shift held. In VS Code, allow its
    Jupyter extension to download widget scripts.
Text such as FixedPointExplorer(...) and no picture
    ipywidgets is not active in this front end. In Colab: %load_ext fpf_notebook.
"""


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    parts = []
    for part in version.split(".")[:2]:
        digits = "".join(c for c in part if c.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)


def _lab_extension() -> str | None:
    """Return the version of anywidget's JupyterLab extension in the places that Lab looks at."""
    prefixes = [Path(sys.prefix) / "share" / "jupyter"]
    prefixes += [Path(p) for p in os.environ.get("JUPYTER_PATH", "").split(os.pathsep) if p]
    for prefix in prefixes:
        package = prefix / "labextensions" / "anywidget" / "package.json"
        if package.exists():
            return str(json.loads(package.read_text())["version"])
    return None
