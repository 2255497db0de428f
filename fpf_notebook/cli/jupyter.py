"""Starting a server of Jupyter's, and waiting for its end."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def is_installed(module: str) -> bool:
    """Whether a module can be imported here; it is not."""
    return importlib.util.find_spec(module) is not None


def run_server(module: str, arguments: Sequence[str], folder: Path) -> int:
    """Run ``python -m module`` until it ends or is stopped by Ctrl-C.

    Parameters
    ----------
    module
        The server, ``"jupyterlab"`` or ``"voila"``, of this environment.
    arguments
        Its arguments.
    folder
        Where it runs.

    Returns
    -------
    int
        Its exit status; 0 after Ctrl-C, the usual way to end a server.
    """
    with subprocess.Popen([sys.executable, "-m", module, *arguments], cwd=folder) as server:
        try:
            return server.wait()
        except KeyboardInterrupt:
            # The terminal has sent it Ctrl-C as well. JupyterLab asks whether it is meant; a second
            # Ctrl-C is the answer, and ends both.
            try:
                server.wait()
            except KeyboardInterrupt:
                server.terminate()
                server.wait()
            return 0
