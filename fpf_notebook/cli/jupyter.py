"""Starting a server of Jupyter's, and waiting for its end."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any


def is_installed(module: str) -> bool:
    """Whether a module can be imported here; it is not."""
    return importlib.util.find_spec(module) is not None


def run_server(
    module: str,
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> int:
    """Run ``python -m module`` until it ends or is stopped by Ctrl-C.

    Parameters
    ----------
    module
        The server, ``"jupyterlab"`` or ``"voila"``, of this environment.
    arguments
        Its arguments.
    folder
        Where it runs.
    variables
        Of its environment, beside those of this process: what others must not read from the list
        of processes.

    Returns
    -------
    int
        Its exit status; 0 after Ctrl-C, the usual way to end a server.
    """
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, **(variables or {})}
    with subprocess.Popen(command, cwd=folder, env=environment) as server:
        before = _raise_when_terminated()
        try:
            return server.wait()
        except KeyboardInterrupt:
            # The terminal has sent it Ctrl-C as well. JupyterLab asks whether it is meant; a second
            # Ctrl-C is the answer, and ends both.
            with contextlib.suppress(KeyboardInterrupt):
                server.wait()
            return 0
        finally:
            if server.poll() is None:
                server.terminate()
            if before is not None:
                signal.signal(signal.SIGTERM, before)


def _raise_when_terminated() -> Any:
    """Have SIGTERM raise SystemExit, so that it does not leave the server behind."""
    if threading.current_thread() is not threading.main_thread():
        return None  # only the main thread can

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    return signal.signal(signal.SIGTERM, leave)
