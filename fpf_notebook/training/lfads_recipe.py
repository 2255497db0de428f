"""Train LFADS with settings that work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import optax

from fpf_notebook.analysis.spike_checks import check_count
from fpf_notebook.models.lfads import LFADS
from fpf_notebook.tasks.spikes.task import SpikeTask
from fpf_notebook.training.history import TrainingHistory
from fpf_notebook.training.lfads import lfads_loss
from fpf_notebook.training.trainer import train


def train_lfads(
    model: LFADS,
    task: SpikeTask,
    *,
    n_epochs: int = 50,
    batch_size: int = 128,
    learning_rate: float = 1e-2,
    seed: int = 0,
    callbacks: Iterable[object] = (),
    **loss_options: Any,
) -> TrainingHistory:
    """Train an LFADS on a set of spikes; at the end it has the best weights on held-out trials.

    An epoch goes once through the training trials. The learning rate falls on a cosine to a
    hundredth. The divergence from the priors rises over the first two fifths of the steps, R_e and
    R_a (of a JSLDS generator) over the first seven tenths.

    Parameters
    ----------
    model : LFADS
        Made for the sizes of the task, ``LFADS.for_data(task.data, ...)``.
    task : SpikeTask
        The spikes.
    n_epochs : int
        Default 50.
    batch_size : int
        Trials of a step, by default 128, at most as many as there are.
    learning_rate : float
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
    if not isinstance(task, SpikeTask):
        raise TypeError(f"task must be a SpikeTask, got {type(task).__name__}")
    n_epochs = check_count("n_epochs", n_epochs, least=1)
    n_trials = len(task.data.training_rows)
    batch_size = min(check_count("batch_size", batch_size, least=1), n_trials)
    steps_per_epoch = n_trials // batch_size
    n_steps = n_epochs * steps_per_epoch
    options = {
        "kl_increase_steps": round(0.4 * n_steps),
        "jslds_increase_steps": round(0.7 * n_steps),
        "seed": seed,
        **loss_options,
    }
    return train(
        model,
        task,
        loss=lfads_loss(model, **options),
        n_epochs=n_epochs,
        steps_per_epoch=steps_per_epoch,
        batch_size=batch_size,
        learning_rate=optax.cosine_decay_schedule(learning_rate, n_steps, 0.01),
        clip_norm=5.0,
        seed=seed,
        callbacks=callbacks,
    )
