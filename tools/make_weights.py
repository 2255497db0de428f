"""Make shipped weights again: ``python -m tools.make_weights NAME…``.

Interrupted, it goes on where it was when it is called again; an LFADS, which takes a minute, begins
anew.
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

from fpf_notebook.training.checkpoint import load_checkpoint, save_checkpoint
from fpf_notebook.training.state import TrainingState
from tools.lfads_pretraining import LFADS_RECIPES, make_lfads
from tools.pretraining import (
    HELD_OUT_SEED,
    RECIPES,
    Recipe,
    held_out_figures,
    train_phase,
    write_network,
)

_DEFAULT_OUT = Path(__file__).parents[1] / "fpf_notebook" / "models" / "weights"


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
    parser = argparse.ArgumentParser(prog="tools.make_weights", description=__doc__)
    names = [*RECIPES, *LFADS_RECIPES]
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME")
    parser.add_argument("--out", type=Path, default=_DEFAULT_OUT, help="folder for the weights")
    arguments = parser.parse_args(argv)
    for name in arguments.names:
        make_any = make_lfads if name in LFADS_RECIPES else make
        make_any(name, arguments.out)
    return 0


def make(name: str, out: Path, recipe: Recipe | None = None) -> dict[str, Any]:
    """Train one network, write ``NAME.npz`` and ``NAME.json``, and return the latter's content.

    Parameters
    ----------
    name : str
        One of `RECIPES`.
    out : path
        The folder to write to. Unfinished work lies there too, in files that begin with a dot.
    recipe : Recipe, optional
        Another recipe than that of the name.
    """
    recipe = RECIPES[name] if recipe is None else recipe
    model, task = recipe.make_model(), recipe.make_task()
    print(f"{name}: {recipe}", flush=True)
    phases: list[dict[str, Any]] = []
    for number in range(len(recipe.phases)):
        done, partial = (out / f".{name}.{number}.{suffix}" for suffix in ("done", "state"))
        began = time.process_time()
        if load_checkpoint(model, done):
            phases.append(json.loads(done.with_suffix(".json").read_text()))
            continue
        resume = TrainingState.load(partial) if partial.exists() else None
        history = train_phase(model, recipe, number, callbacks=[_Saver(partial)], resume=resume)
        if history.stopped_because != "finished":
            history.state.save(partial)
            raise SystemExit(f"{name}: {history.message}")
        seconds = time.process_time() - began
        phases.append(
            {
                "best_step": history.best_step,
                "validation_loss": history.best_loss,
                "cpu_seconds": None if resume else round(seconds, 1),
                **held_out_figures(model, task),
            }
        )
        done.with_suffix(".json").write_text(json.dumps(phases[-1]))
        save_checkpoint(model, done)
        partial.unlink(missing_ok=True)
    record = {
        "command": f"python -m tools.make_weights {name}",
        "recipe": dataclasses.asdict(recipe),
        "phases": phases,
        "held_out": held_out_figures(model, task),
        "held_out_trials": {"n_trials": 1024, "seed": HELD_OUT_SEED},
        "versions": {package: metadata.version(package) for package in ("brainpy", "jax", "optax")},
        "sha256": write_network(out / f"{name}.npz", name, model),
    }
    (out / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    for leftover in out.glob(f".{name}.*"):
        leftover.unlink()
    print(json.dumps(record, indent=2), flush=True)
    return record


if __name__ == "__main__":
    raise SystemExit(main())
