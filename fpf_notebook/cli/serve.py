"""``fpf-notebook serve``: the explorer as a page for a lecture, with all its controls, by Voila."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fpf_notebook._types import JsonObject
from fpf_notebook.cli.jupyter import is_installed, run_server

if TYPE_CHECKING:
    from fpf_notebook.widgets import FixedPointExplorer


INTERRUPTED = 130
WRONG_ARGUMENT = 2

_N_TRIALS = 48  # trajectories: enough to see, few enough to turn smoothly on an old projector
_CELLS = (
    """from fpf_notebook.cli.serve import explorer_of
from fpf_notebook.widgets import JacobianInspector

explorer = explorer_of({settings})
explorer""",
    "JacobianInspector(explorer)",
)


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def lecture_notebook(title: str, settings: JsonObject) -> JsonObject:
    """Return the notebook of the page, as JSON knows it.

    Parameters
    ----------
    title
        Its heading.
    settings
        Arguments of `explorer_of`.
    """
    given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
    heading = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {title}"}
    cells: list[JsonObject] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell-{k}",
            "metadata": {},
            "outputs": [],
            "source": source.format(settings=given),
        }
        for k, source in enumerate(_CELLS)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {
        "cells": [heading, *cells],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def explorer_of(n_bits: int, cell: str, n_hidden: int | None, seed: int) -> FixedPointExplorer:
    """Return the explorer of a flip-flop network, which is trained if it is not in the cache."""
    import numpy as np

    from fpf_notebook.cli.network import trained_network
    from fpf_notebook.widgets import FixedPointExplorer

    with contextlib.redirect_stdout(io.StringIO()):  # what it prints is for a terminal
        network = trained_network(n_bits, cell, n_hidden, seed, use_cache=True)
    _, states = network.model.run(network.task.sample(_N_TRIALS, seed).inputs)
    return FixedPointExplorer(network.model, np.asarray(states), noise_scale=0.4)


def run_serve(
    *,
    n_bits: int,
    cell: str,
    n_hidden: int | None,
    seed: int,
    host: str,
    port: int,
    open_browser: bool,
) -> int:
    """Train the network if need be, and serve the page until Ctrl-C.

    Parameters
    ----------
    n_bits, cell, n_hidden, seed
        As for `fpf_notebook.train_flip_flop`.
    host : str
        Address to listen on.
    port : int
        Port to listen on.
    open_browser : bool
        Whether to open a browser.

    Returns
    -------
    int
        The exit status: 0 after Ctrl-C, 2 if Voila is missing, or that of Voila.
    """
    if not (is_installed("voila") and is_installed("anywidget")):
        print(
            'fpf-notebook serve: error: Voila is not installed: pip install "fpf-notebook[voila]"',
            file=sys.stderr,
        )
        return WRONG_ARGUMENT
    from fpf_notebook.cli.network import trained_network

    try:
        # Now, once: every visitor's kernel then finds it in the cache.
        network = trained_network(n_bits, cell, n_hidden, seed, use_cache=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    if network.interrupted:
        print("Stopped while training: there is no network to show.", file=sys.stderr)
        return INTERRUPTED
    settings = {"n_bits": n_bits, "cell": cell, "n_hidden": n_hidden, "seed": seed}
    title = f"Fixed points of a {n_bits}-bit flip-flop network ({network.name})"
    if not is_loopback(host):
        print(
            f"Anybody who can reach {host}:{port} can use this page, each with a kernel of their "
            "own on this machine."
        )
    print(f"Serving http://{host}:{port}/ ; Ctrl-C ends it.", flush=True)
    with tempfile.TemporaryDirectory(prefix="fpf-serve-") as folder:
        path = Path(folder) / "lecture.ipynb"
        notebook = lecture_notebook(title, settings)
        path.write_text(json.dumps(notebook), encoding="utf-8")
        arguments = [path.name, f"--Voila.ip={host}", f"--port={port}"]
        arguments += ["--Voila.port_retries=0", "--show_tracebacks=True"]
        arguments += [] if open_browser else ["--no-browser"]
        return run_server("voila", arguments, path.parent)
