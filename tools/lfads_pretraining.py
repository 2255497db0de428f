"""How the shipped LFADS were made: spikes, sizes, settings and seeds, and the making itself."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook.analysis import (
    bits_per_spike,
    generator_modes,
    r2_of_rates,
    relative_error,
    smoothed_spikes,
)
from fpf_notebook.files import write_arrays
from fpf_notebook.models import JSLDS, LFADS
from fpf_notebook.models.lfads.saved import header_of_lfads
from fpf_notebook.tasks.spikes import RotationSpikes, SpikeTask, TwoRegimeSpikes
from fpf_notebook.training import train_lfads

SIZES = {"gen_dim": 32, "ic_enc_dim": 24, "ic_dim": 16, "fac_dim": 12}
"""Of all of them: small enough to be shipped, and for a minute of training."""

_SETS: dict[str, type[SpikeTask]] = {
    "RotationSpikes": RotationSpikes,
    "TwoRegimeSpikes": TwoRegimeSpikes,
}


@dataclass(frozen=True)
class LFADSRecipe:
    """Everything that a shipped LFADS follows from.

    Attributes
    ----------
    task : str
        Class of the set.
    data : dict
        Its settings; all others are the defaults.
    has_jslds : bool
        Whether the generator is a JSLDS, or plain.
    n_epochs, batch_size : int
        As for `train_lfads`.
    jslds_start : float
        As for `lfads_loss`; all other factors are those of `lfads_recipe`.
    seed : int
        Of weights and training.
    """

    task: str
    data: dict[str, Any] = field(hash=False)
    has_jslds: bool
    n_epochs: int
    batch_size: int = 64
    jslds_start: float = 1e-3
    seed: int = 0

    def make_task(self) -> SpikeTask:
        """Return the spikes."""
        return _SETS[self.task](**self.data)

    def make_model(self, task: SpikeTask) -> LFADS:
        """Return the model before training."""
        generator = JSLDS if self.has_jslds else None
        return LFADS.for_data(task.data, generator=generator, seed=self.seed, **SIZES)


ROTATIONS = {
    "n_trials": 640, "n_neurons": 80, "n_conditions": 40,
    "frequencies": (0.9, 1.8), "time_constants": (1.0, 0.8),
}  # fmt: skip
TWO_REGIMES = {"n_trials": 960, "n_neurons": 80, "n_conditions": 48}

LFADS_RECIPES = {
    "lfads-rotations": LFADSRecipe("RotationSpikes", ROTATIONS, True, 60, jslds_start=0.03),
    "lfads-two-regimes": LFADSRecipe("TwoRegimeSpikes", TWO_REGIMES, True, 110),
    "lfads-two-regimes-alone": LFADSRecipe("TwoRegimeSpikes", TWO_REGIMES, False, 90),
}
"""The shipped ones by name."""


def figures(model: LFADS, task: SpikeTask) -> dict[str, float]:
    """Measure a model on the trials that it was not trained on."""
    data = task.data.trials(task.data.valid)
    run = model.run(data.model_inputs())
    n = data.n_heldin
    if data.rates is None:
        raise ValueError("the true rates of the set are needed")
    found = {
        "r2": r2_of_rates(run.rates, data.rates),
        "r2_smoothed": max(
            r2_of_rates(smoothed_spikes(data.spikes, width), data.rates)
            for width in (1.5, 2.5, 4.0, 6.0)
        ),
        "co_smoothing": bits_per_spike(run.rates[..., n:], data.spikes[..., n:]),
        "co_smoothing_true": bits_per_spike(data.rates[..., n:], data.spikes[..., n:]),
    }
    if run.jslds_states is not None:
        found["relative_error"] = relative_error(run.generator_states, run.jslds_states)
        found["n_systems"] = generator_modes(run).n_systems
    return {name: float(value) for name, value in found.items()}


def make_lfads(name: str, out: Path, recipe: LFADSRecipe | None = None) -> dict[str, Any]:
    """Train one, write ``NAME.npz`` and ``NAME.json``, and return the latter's content."""
    recipe = LFADS_RECIPES[name] if recipe is None else recipe
    print(f"{name}: {recipe}", flush=True)
    task = recipe.make_task()
    model = recipe.make_model(task)
    began = time.process_time()
    history = train_lfads(
        model,
        task,
        n_epochs=recipe.n_epochs,
        batch_size=recipe.batch_size,
        jslds_start=recipe.jslds_start,
        seed=recipe.seed,
    )
    if history.stopped_because != "finished":
        raise SystemExit(f"{name}: {history.message}")
    record = {
        "command": f"python -m tools.make_weights {name}",
        "recipe": {**dataclasses.asdict(recipe), "model": SIZES},
        "best_step": history.best_step,
        "cpu_seconds": round(time.process_time() - began, 1),
        "held_out": figures(model, task),
        "versions": {package: metadata.version(package) for package in ("brainpy", "jax", "optax")},
        "sha256": write_lfads(out / f"{name}.npz", name, model),
    }
    (out / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2), flush=True)
    return record


def write_lfads(filepath: Path, name: str, model: LFADS) -> str:
    """Write a model in the format of the shipped ones; return the SHA-256."""
    params = {key: np.asarray(value) for key, value in model.parameters().items()}
    write_arrays(
        filepath, params, content="network", header={"name": name, **header_of_lfads(model)}
    )
    return hashlib.sha256(filepath.read_bytes()).hexdigest()
