"""How the shipped networks were made: sizes, tasks, settings and seeds, and the making itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np
import optax

from fpf_notebook.analysis.linearized import relative_error
from fpf_notebook.models import GRU, VanillaRNN
from fpf_notebook.models.input_point import KeepChannels
from fpf_notebook.models.jslds import JSLDS
from fpf_notebook.tasks import ContextIntegration, FlipFlop, Task
from fpf_notebook.training.arrays_file import write_arrays
from fpf_notebook.training.history import TrainingHistory
from fpf_notebook.training.jslds import co_training_loss
from fpf_notebook.training.losses import masked_mean_squared_error
from fpf_notebook.training.state import TrainingState
from fpf_notebook.training.trainer import train

STEPS_PER_EPOCH = 250
HELD_OUT_SEED = (2111, 1256)
"""Seed of the trials that shipped figures are measured on; training uses none of them."""


@dataclass(frozen=True)
class Recipe:
    """Everything that a shipped network follows from.

    Attributes
    ----------
    task : {"3bit", "context"}
        One-hot flip-flop of three bits with a GRU of 100 units, or context-dependent integration
        with a tanh network of 128.
    co_trained : bool
        Whether as a JSLDS, or alone.
    lambdas : tuple of float
        λ_RNN, λ_JSLDS, λ_e, λ_a.
    learning_rate : float
        Of Adam, at the start; it falls to 0 on a cosine.
    n_steps, batch_size : int
        Steps, and trials of each.
    clip_norm : float
        Longest gradient.
    l2 : float
        Factor of the sum of the squares of all parameters.
    seed : int
        Of weights and trials.
    """

    task: Literal["3bit", "context"]
    co_trained: bool
    lambdas: tuple[float, float, float, float] | None
    learning_rate: float
    n_steps: int
    batch_size: int = 64
    clip_norm: float = 10.0
    l2: float = 0.0
    seed: int = 0

    def make_task(self) -> Task:
        """Return the task."""
        return FlipFlop(3, encoding="one_hot") if self.task == "3bit" else ContextIntegration()

    def make_model(self) -> Any:
        """Return the model before training."""
        if self.task == "3bit":
            gru = GRU(6, 100, 3, seed=self.seed)
            return JSLDS(gru) if self.co_trained else gru
        rnn = VanillaRNN(4, 128, 1, seed=self.seed)
        context = KeepChannels(ContextIntegration.context_channels)
        return JSLDS(rnn, input_point=context) if self.co_trained else rnn


RECIPES = {
    "jslds-3bit-gru100": Recipe("3bit", True, (3.0, 1.0, 100.0, 10.0), 5e-3, 14_000, l2=1e-5),
    "gru100-3bit": Recipe("3bit", False, None, 5e-3, 4_000, l2=1e-5),
    "jslds-context-vanilla128": Recipe("context", True, (1.0, 1.0, 100.0, 10.0), 2e-3, 20_000),
    "vanilla128-context": Recipe("context", False, None, 2e-3, 6_000),
}
"""The shipped networks by name."""


def train_recipe(
    recipe: Recipe, *, callbacks: Iterable[Any] = (), resume: TrainingState | None = None
) -> tuple[Any, TrainingHistory]:
    """Train a network as a recipe says, and return it with its history."""
    model = recipe.make_model()
    loss = None
    if recipe.lambdas is not None:
        names = ("lambda_rnn", "lambda_jslds", "lambda_e", "lambda_a")
        loss = co_training_loss(model, **dict(zip(names, recipe.lambdas, strict=True)))
    history = train(
        model,
        recipe.make_task(),
        loss=loss,
        n_epochs=-(-recipe.n_steps // STEPS_PER_EPOCH),
        steps_per_epoch=STEPS_PER_EPOCH,
        batch_size=recipe.batch_size,
        learning_rate=optax.cosine_decay_schedule(recipe.learning_rate, recipe.n_steps),
        clip_norm=recipe.clip_norm,
        l2=recipe.l2,
        seed=recipe.seed,
        callbacks=callbacks,
        resume=resume,
    )
    return model, history


def held_out_figures(model: Any, task: Task, n_trials: int = 1024) -> dict[str, float]:
    """Measure a network on trials that training did not see.

    Returns
    -------
    figures : dict
        ``rnn_loss``, and for a JSLDS ``jslds_loss``, ``relative_error`` and the means
        ``fixed_point`` (R_e) and ``approximation`` (R_a).
    """
    trials = task.sample(n_trials, HELD_OUT_SEED)

    def loss(outputs: Any) -> float:
        arrays = (jnp.asarray(outputs), jnp.asarray(trials.targets), jnp.asarray(trials.mask))
        return float(masked_mean_squared_error(*arrays))

    if not isinstance(model, JSLDS):
        return {"rnn_loss": loss(model.run(trials.inputs)[0])}
    run = model.run(trials.inputs)
    return {
        "rnn_loss": loss(run.rnn_outputs),
        "jslds_loss": loss(run.jslds_outputs),
        "relative_error": relative_error(run.rnn_states, run.jslds_states),
        "fixed_point": float(np.mean((run.F_expansion - run.expansion_points) ** 2)),
        "approximation": float(np.mean((run.rnn_states - run.jslds_states) ** 2)),
    }


def write_network(filepath: Path, name: str, model: Any) -> str:
    """Write a network's parameters in the format of the shipped ones; return the SHA-256."""
    rnn = model.rnn if isinstance(model, JSLDS) else model
    header = {
        "name": name,
        "class": type(model).__name__,
        "rnn": rnn.kind,
        "keep_channels": list(getattr(getattr(model, "input_point", None), "channels", ())),
    }
    params = {key: np.asarray(value) for key, value in model.parameters().items()}
    if model is rnn:
        params = {f"rnn.{key}": value for key, value in params.items()}
    write_arrays(filepath, params, content="network", header=header)
    return hashlib.sha256(filepath.read_bytes()).hexdigest()
