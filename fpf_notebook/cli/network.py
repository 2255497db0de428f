"""The network of the demo: trained now, or taken from the cache."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NamedTuple

from fpf_notebook.cli.cache import checkpoint_path
from fpf_notebook.cli.ctrl_c import CtrlC
from fpf_notebook.cli.pages import keep_record, new_monitor
from fpf_notebook.models import GRU, LSTM, RecurrentModel, VanillaRNN
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import TrainingProgressBar, load_checkpoint, save_checkpoint
from fpf_notebook.training.recipes import flip_flop_recipe, train_flip_flop

_MODELS = {"tanh": VanillaRNN, "gru": GRU, "lstm": LSTM}


class Network(NamedTuple):
    """A trained network, its task, its name, as "4 tanh units, seed 0", and where it is kept."""

    model: RecurrentModel
    task: FlipFlop
    name: str
    interrupted: bool
    checkpoint: Path | None = None


def trained_network(
    n_bits: int,
    cell: str,
    n_hidden: int | None,
    seed: int,
    *,
    use_cache: bool,
    folder: Path | None = None,
) -> Network:
    """Return a flip-flop network, and print where it comes from.

    Parameters
    ----------
    n_bits, cell, n_hidden, seed
        As for `fpf_notebook.train_flip_flop`.
    use_cache : bool
        Whether a network from the cache may be returned. One that is trained is kept either way.
    folder : path, optional
        The cache; by default one in the user's cache folder.

    Returns
    -------
    Network
        Trained, unless it says that it was interrupted.
    """
    n_hidden = flip_flop_recipe(n_bits, cell).n_hidden if n_hidden is None else n_hidden
    settings = {"bits": n_bits, "cell": cell, "hidden": n_hidden, "seed": seed}
    checkpoint = checkpoint_path(settings, folder)
    name = f"{n_hidden} {cell} unit{'' if n_hidden == 1 else 's'}, seed {seed}"
    what = f"{n_bits}-bit flip-flop network, {name}"
    if use_cache:
        model = _MODELS[cell](n_bits, n_hidden, n_bits, seed=seed)
        if _loaded(model, checkpoint):
            print(f"Not trained now: a {what}, trained earlier with the same settings and code.")
            print(f"It is kept in {checkpoint} (--no-cache trains anew).", flush=True)
            return Network(model, FlipFlop(n_bits), name, False, checkpoint)

    with CtrlC() as ctrl_c:
        print(f"Training a {what} …", flush=True)
        began = time.perf_counter()
        monitor = new_monitor()
        watching = [ctrl_c, TrainingProgressBar(), *([] if monitor is None else [monitor])]
        model, task, history = train_flip_flop(n_bits, cell, n_hidden, seed, callbacks=watching)
    print(f"Trained for {time.perf_counter() - began:.1f} s: {history.message}.")
    for note in history.notes:
        print(f"Note: {note}.")
    if not history.interrupted:
        _keep(model, checkpoint)
        keep_record(monitor, checkpoint)
    if monitor is not None:
        monitor.close()
    return Network(model, task, name, history.interrupted, checkpoint)


def _loaded(model: RecurrentModel, checkpoint: Path) -> bool:
    try:
        return load_checkpoint(model, checkpoint)
    except (OSError, ValueError) as error:
        print(f"The network in the cache cannot be used: {error}", file=sys.stderr)
        return False


def _keep(model: RecurrentModel, checkpoint: Path) -> None:
    try:
        save_checkpoint(model, checkpoint)
    except OSError as error:  # a cache is a convenience: the demo goes on without it
        print(f"The network could not be kept in the cache: {error}", file=sys.stderr)
    else:
        print(f"Kept for the next time in {checkpoint}.")
