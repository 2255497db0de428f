"""Train LFADS with settings that work: they are here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import optax

from fpf_notebook.analysis.spike_checks import check_count
from fpf_notebook.models.lfads import LFADS
from fpf_notebook.tasks.spikes.chaotic import ChaoticRNNSpikes
from fpf_notebook.tasks.spikes.lorenz import LorenzSpikes
from fpf_notebook.tasks.spikes.task import SpikeTask
from fpf_notebook.tasks.spikes.two_regimes import TwoRegimeSpikes
from fpf_notebook.training.history import TrainingHistory
from fpf_notebook.training.lfads import lfads_loss
from fpf_notebook.training.trainer import train

__all__ = ["LFADSRecipe", "lfads_recipe", "train_lfads"]


@dataclass(frozen=True)
class LFADSRecipe:
    """Settings of `train_lfads`; the model's own are the defaults of `LFADS`.

    Attributes
    ----------
    n_epochs : int
        How often to go through the training trials. Default 50.
    batch_size : int
        Trials of a step, at most as many as there are. Default 128.
    learning_rate : float
        Of Adam, at the first step; it falls on a cosine to a hundredth. Default 0.01.
    clip_norm : float
        Longest gradient. Default 5.
    kl_share : float
        Share of the steps over which the divergence from the priors rises. Default 0.4.
    jslds_share : float
        Share of the steps over which R_e and R_a of a JSLDS generator rise. Default 0.7.
    jslds_start : float
        Share of `lambda_e` and `lambda_a` at the first step. Default 0.001.
    lambda_a : float
        Factor of R_a, by which the two systems of a JSLDS stay together. Default 20, twice that of
        `lfads_loss`.
    """

    n_epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-2
    clip_norm: float = 5.0
    kl_share: float = 0.4
    jslds_share: float = 0.7
    jslds_start: float = 1e-3
    lambda_a: float = 20.0


_OTHERS: tuple[tuple[type[SpikeTask], LFADSRecipe], ...] = (
    (TwoRegimeSpikes, LFADSRecipe(n_epochs=90)),
    (LorenzSpikes, LFADSRecipe(n_epochs=120)),
    (ChaoticRNNSpikes, LFADSRecipe(n_epochs=40)),
)


def lfads_recipe(task: SpikeTask | type[SpikeTask]) -> LFADSRecipe:
    """Return the settings with which `train_lfads` trains on a set.

    These are the settings that ``python -m benchmarks.lfads`` measures. They differ between sets in
    the number of epochs: some have fewer trials, or dynamics that are harder to find.

    Parameters
    ----------
    task : SpikeTask or subclass of it
        The spikes. Your own are trained as `fpf_notebook.tasks.RotationSpikes` are.

    Raises
    ------
    TypeError
        If it is no such task.

    Examples
    --------
    >>> from fpf_notebook.tasks import RotationSpikes
    >>> lfads_recipe(RotationSpikes).n_epochs
    50
    """
    given = task if isinstance(task, type) else type(task)
    if not issubclass(given, SpikeTask):
        raise TypeError(f"task must be a SpikeTask, got {given.__name__}")
    for kind, recipe in _OTHERS:
        if issubclass(given, kind):
            return recipe
    return LFADSRecipe()


def train_lfads(
    model: LFADS,
    task: SpikeTask,
    *,
    n_epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    seed: int = 0,
    callbacks: Iterable[object] = (),
    **loss_options: Any,
) -> TrainingHistory:
    """Train an LFADS on a set of spikes; at the end it has the best weights on held-out trials.

    An epoch goes once through the training trials. The learning rate falls on a cosine to a
    hundredth. The divergence from the priors rises over the first two fifths of the steps, R_e and
    R_a (of a JSLDS generator) over the first seven tenths. Settings that are not given are those of
    `lfads_recipe` for this set.

    Parameters
    ----------
    model : LFADS
        Made for the sizes of the task, ``LFADS.for_data(task.data, ...)``.
    task : SpikeTask
        The spikes.
    n_epochs : int, optional
        By default 50, and more for some of the synthetic sets.
    batch_size : int, optional
        Trials of a step, by default 128, at most as many as there are.
    learning_rate : float, optional
        Of Adam at the start, by default 0.01.
    seed : int
        Of the order of trials, of samples and of dropout.
    callbacks : iterable of Callback
        As for `train`.
    loss_options
        As for `lfads_loss`.

    Returns
    -------
    history : TrainingHistory

    Raises
    ------
    TypeError, ValueError
        If model and task do not fit together, or an argument is out of range.

    See Also
    --------
    fpf_notebook.train, fpf_notebook.training.lfads_loss : for any other way to train.
    """
    if not isinstance(model, LFADS):
        raise TypeError(f"model must be an LFADS, got {type(model).__name__}")
    recipe = lfads_recipe(task)
    n_epochs = recipe.n_epochs if n_epochs is None else check_count("n_epochs", n_epochs)
    n_trials = len(task.data.training_rows)
    if batch_size is None:
        batch_size = recipe.batch_size
    batch_size = min(check_count("batch_size", batch_size), n_trials)
    steps_per_epoch = n_trials // batch_size
    n_steps = n_epochs * steps_per_epoch
    options = {
        "kl_increase_steps": round(recipe.kl_share * n_steps),
        "jslds_increase_steps": round(recipe.jslds_share * n_steps),
        "jslds_start": recipe.jslds_start,
        "lambda_a": recipe.lambda_a,
        "seed": seed,
        **loss_options,
    }
    if learning_rate is None:
        learning_rate = recipe.learning_rate
    return train(
        model,
        task,
        loss=lfads_loss(model, **options),
        n_epochs=n_epochs,
        steps_per_epoch=steps_per_epoch,
        batch_size=batch_size,
        learning_rate=optax.cosine_decay_schedule(learning_rate, n_steps, 0.01),
        clip_norm=recipe.clip_norm,
        seed=seed,
        callbacks=callbacks,
    )
