"""Make shipped weights again: ``python -m fpf_notebook.training.make_weights NAME…``.

Interrupted, it goes on where it was when it is called again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from fpf_notebook.training.pretraining import (
    RECIPES,
    held_out_figures,
    train_recipe,
    write_network,
)
from fpf_notebook.training.state import TrainingState

_DEFAULT_OUT = Path(__file__).parents[1] / "models" / "weights"


class _Saver:
    """Saves the state of training every few seconds, and prints a line."""

    def __init__(self, filepath: Path, seconds: float = 20.0) -> None:
        self.filepath, self.seconds, self.last = filepath, seconds, time.monotonic()

    def on_epoch(self, run: Any, info: Any) -> None:
        """Take note of an epoch."""
        if time.monotonic() - self.last < self.seconds:
            return
        self.last = time.monotonic()
        run.state().save(self.filepath)
        print(
            f"  step {run.step} of {run.n_steps}, validation loss {info.validation_loss:.3e}",
            flush=True,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Train networks by name and write weights and the record of how they came to be."""
    parser = argparse.ArgumentParser(prog="fpf_notebook.training.make_weights", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*RECIPES], metavar="NAME")
    parser.add_argument("--out", type=Path, default=_DEFAULT_OUT, help="folder for the weights")
    arguments = parser.parse_args(argv)
    for name in arguments.names:
        make(name, arguments.out)
    return 0


def make(name: str, out: Path) -> dict[str, Any]:
    """Train one network, write ``NAME.npz`` and ``NAME.json``, and return the latter's content."""
    recipe = RECIPES[name]
    partial = out / f".{name}.state"
    resume = TrainingState.load(partial) if partial.exists() else None
    began = time.process_time()
    print(f"{name}: {recipe}" + (f"; going on at step {resume.step}" if resume else ""), flush=True)
    model, history = train_recipe(recipe, callbacks=[_Saver(partial)], resume=resume)
    if history.stopped_because != "finished":
        history.state.save(partial)
        raise SystemExit(f"{name}: {history.message}")
    record = {
        "command": f"python -m fpf_notebook.training.make_weights {name}",
        "recipe": dataclasses.asdict(recipe),
        "best_step": history.best_step,
        "validation_loss": history.best_loss,
        "held_out": held_out_figures(model, recipe.make_task()),
        "cpu_seconds": None if resume else round(time.process_time() - began, 1),
        "versions": {package: metadata.version(package) for package in ("brainpy", "jax", "optax")},
        "sha256": write_network(out / f"{name}.npz", name, model),
    }
    (out / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    partial.unlink(missing_ok=True)
    print(json.dumps(record, indent=2), flush=True)
    return record


if __name__ == "__main__":
    raise SystemExit(main())
