"""``fpf-notebook serve``: the explorer as a page for a lecture, with all its controls, by Voila."""

from __future__ import annotations

import contextlib
import io
import ipaddress
import json
import secrets
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpf_notebook._types import JsonObject
from fpf_notebook.cli.jupyter import is_installed, run_server
from fpf_notebook.cli.served_model import ServedModel

if TYPE_CHECKING:
    from fpf_notebook.widgets import FixedPointExplorer


INTERRUPTED = 130
WRONG_ARGUMENT = 2

_N_TRIALS = 48  # trajectories: enough to see, few enough to turn smoothly on an old projector
_CELLS = (
    """from fpf_notebook.cli.serve import {maker}
from fpf_notebook.widgets import JacobianInspector

explorer = {maker}({settings})
explorer""",
    "JacobianInspector(explorer)",
)


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def lecture_notebook(title: str, settings: JsonObject, maker: str = "explorer_of") -> JsonObject:
    """Return the notebook of the page, as JSON knows it.

    Parameters
    ----------
    title
        Its heading.
    settings
        Arguments of the maker.
    maker
        What makes the explorer: ``"explorer_of"`` or ``"explorer_of_model"``.
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
            "source": source.format(settings=given, maker=maker),
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


def explorer_of_model(**settings: Any) -> FixedPointExplorer:
    """Return the explorer of a model that was named on the command line.

    Parameters
    ----------
    **settings
        Those of `ServedModel`.
    """
    from fpf_notebook.cli.served_model import ServedModel
    from fpf_notebook.widgets import FixedPointExplorer

    served = ServedModel(**settings)
    model = served.model()
    return FixedPointExplorer(model, served.trajectories(model))


def run_serve(
    *,
    n_bits: int,
    cell: str,
    n_hidden: int | None,
    seed: int,
    host: str,
    port: int,
    open_browser: bool,
    model: str | None = None,
    checkpoint: str | None = None,
    states: str | None = None,
) -> int:
    """Train the network if need be, and serve the page until Ctrl-C.

    Parameters
    ----------
    n_bits, cell, n_hidden, seed
        As for `fpf_notebook.train_flip_flop`.
    model, checkpoint, states : str, optional
        Serve this model instead, as `ServedModel` has it.
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
    if model is None and (checkpoint is not None or states is not None):
        option = "--states" if checkpoint is None else "--checkpoint"
        print(f"fpf-notebook serve: error: {option} belongs to --model", file=sys.stderr)
        return WRONG_ARGUMENT
    if model is not None:
        maker = "explorer_of_model"
        made = _named(ServedModel(model, checkpoint, states, seed, str(Path.cwd())))
    else:
        maker = "explorer_of"
        made = _trained({"n_bits": n_bits, "cell": cell, "n_hidden": n_hidden, "seed": seed})
    if isinstance(made, int):
        return made
    title, settings = made
    page = lecture_notebook(title, settings, maker)
    # A page in the browser of somebody here must not reach this server by another name (DNS
    # rebinding), nor anybody from elsewhere without the token: each visitor gets a kernel.
    arguments = ["--Voila.port_retries=0", "--show_tracebacks=True"]
    variables: dict[str, str] = {}
    address = f"http://{host}:{port}/"
    if is_loopback(host):
        arguments.append("--Voila.tornado_settings={'allow_remote_access': False}")
    else:
        token = secrets.token_urlsafe(24)
        arguments.append("--Voila.auto_token=True")
        variables["JUPYTER_TOKEN"] = token
        address += f"?token={token}"
        print(
            f"Whoever has this link and can reach {host}:{port} can use the page, each with a "
            "kernel of their own on this machine."
        )
    print(f"Serving {address} ; Ctrl-C ends it.", flush=True)
    with tempfile.TemporaryDirectory(prefix="fpf-serve-") as folder:
        path = Path(folder) / "lecture.ipynb"
        path.write_text(json.dumps(page), encoding="utf-8")
        arguments = [path.name, f"--Voila.ip={host}", f"--port={port}", *arguments]
        arguments += [] if open_browser else ["--no-browser"]
        return run_server("voila", arguments, path.parent, variables)


def _named(served: ServedModel) -> tuple[str, JsonObject] | int:
    """Return heading and settings of a model that was named, once it has been tried."""
    from fpf_notebook.dynamics.adapt import as_step_map

    try:
        model = served.model()
        as_step_map(model, n_states=served.trajectories(model).shape[-1])
    except (ValueError, TypeError, OSError) as error:
        hint = ""
        if "as_step_map" in str(error):
            hint = " For `serve` name what as_step_map returns, kept in the module."
        print(f"fpf-notebook serve: error: {error}{hint}", file=sys.stderr)
        return WRONG_ARGUMENT
    return f"Fixed points of {served.spec}", served._asdict()


def _trained(settings: JsonObject) -> tuple[str, JsonObject] | int:
    """Return heading and settings of a flip-flop network, which is now in the cache."""
    from fpf_notebook.cli.network import trained_network

    try:
        # Now, once: every visitor's kernel then finds it.
        network = trained_network(**settings, use_cache=True)
    except KeyboardInterrupt:
        return INTERRUPTED
    if network.interrupted:
        print("Stopped while training: there is no network to show.", file=sys.stderr)
        return INTERRUPTED
    title = f"Fixed points of a {settings['n_bits']}-bit flip-flop network ({network.name})"
    return title, settings
