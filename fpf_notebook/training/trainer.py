"""Train a model on a task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np
import optax

from fpf_notebook._types import JsonObject
from fpf_notebook.arguments import checked_argument
from fpf_notebook.models.forward import Forward
from fpf_notebook.tasks import Task, Trials
from fpf_notebook.training.callbacks import Callbacks
from fpf_notebook.training.compiled import GRADIENT_NORM, L2, LOSS
from fpf_notebook.training.history import TrainingHistory
from fpf_notebook.training.loop import Settings, TrainingLoop, validation_trials
from fpf_notebook.training.losses import Loss, StochasticLoss, as_terms, task_loss
from fpf_notebook.training.optimizer import Schedule, make_optimizer
from fpf_notebook.training.state import TrainingState

if TYPE_CHECKING:
    import brainpy as bp

    from fpf_notebook.tasks import Task


_RESERVED = {LOSS, GRADIENT_NORM, L2, "learning_rate", "accuracy", "seconds"}


def train(
    model: bp.DynamicalSystem,
    task: Task,
    *,
    n_epochs: int = 100,
    steps_per_epoch: int = 20,
    batch_size: int = 64,
    learning_rate: float | Schedule | None = None,
    optimizer: optax.GradientTransformation | Callable[..., object] | None = None,
    clip_norm: float | None = 1.0,
    l2: float = 0.0,
    loss: Loss | None = None,
    min_loss: float | None = None,
    validation: int | Trials | None = 256,
    seed: int = 0,
    callbacks: Iterable[object] = (),
    resume: TrainingState | None = None,
) -> TrainingHistory:
    """Train a model; at the end it has the weights with the best validation loss.

    Every step takes new trials from the task. The steps run in compiled chunks of about 50 ms,
    between which requests of callbacks and other threads are answered. The same seed gives the
    same result.

    Parameters
    ----------
    model : bp.DynamicalSystem
        A model with trainable variables (``bm.TrainVar``), and with a pure
        ``forward(params, inputs) -> (outputs, states)`` unless `loss` is given. All models of
        this package have one. Its weights are replaced at the end, not before.
    task : Task
        What samples the trials and scores the outputs.
    n_epochs, steps_per_epoch : int
        How many steps to make in all, and after how many of them to validate and to report.
    batch_size : int
        Trials of each step.
    learning_rate : float or Schedule, optional
        The rate, or a function of the step that gives it, for example one of optax's schedules;
        by default 0.01, or what the optimizer has built in.
    optimizer : optax.GradientTransformation or callable, optional
        By default Adam. A function such as ``optax.adamw``, or
        ``functools.partial(optax.sgd, momentum=0.9)``, which makes an optimizer from
        ``learning_rate``; or a finished optimizer, whose learning rate can be set only if it is
        wrapped in ``optax.inject_hyperparams``.
    clip_norm : float, optional
        Gradients longer than this are shortened to it; ``None`` leaves them.
    l2 : float
        Adds the term ``l2``, this number times the sum of the squares of all parameters.
    loss : Loss, optional
        ``loss(params, inputs, targets, mask)``, a pure function that returns a scalar or a
        dictionary of scalars, the sum of which is minimized. By default the mean squared error
        weighted by the mask, as the term ``task``. A `StochasticLoss` is told the step.
    min_loss : float, optional
        Stop after an epoch whose validation loss (without validation: the mean of its losses)
        is not above this.
    validation : int, Trials or None
        Trials to measure the loss on (without `l2`) before the first and after each epoch: given
        ones, or how many to sample. A task that has trials for validation
        (``task.validation_trials()``) gives these, all of them. With ``None`` the model gets the
        last weights.
    seed : int
        Decides all trials.
    callbacks : iterable of Callback
        What watches the training, and may pause or stop it.
    resume : TrainingState, optional
        Go on from there; `n_epochs` counts from the very beginning. The weights that the model
        has now do not count.

    Returns
    -------
    history : TrainingHistory
        Every loss term at every step, and why training ended: all steps made, `min_loss`
        reached, stopped by a callback, interrupted by Ctrl-C, or diverged (a loss or gradient
        was not finite, see its ``diverged_step`` and ``diverged_term``; the weights are those
        from before).

    Raises
    ------
    TypeError, ValueError
        If an argument is wrong, if model and task do not fit together, or if the state to resume
        belongs to another model or other settings.

    Examples
    --------
    >>> from fpf_notebook.models import GRU
    >>> from fpf_notebook.tasks import FlipFlop
    >>> model, task = GRU(2, 8, 2), FlipFlop(2)
    >>> history = train(model, task, n_epochs=2, batch_size=16)
    >>> history.stopped_because
    'finished'
    """
    params = _trainable(model)
    _check_channels(model, task)
    forward: Forward | None = getattr(model, "forward", None)
    if loss is None:
        if forward is None:
            raise TypeError(
                f"model {type(model).__name__} has no pure forward(params, inputs); give loss="
            )
        loss = task_loss(forward)
    dtype = np.dtype(jnp.result_type(*params.values()))
    seed = checked_argument("training.train", "seed", seed)
    clip_norm = checked_argument("training.train", "clip_norm", clip_norm)
    settings = Settings(
        loss=loss,
        forward=forward,
        optimizer=make_optimizer(optimizer, learning_rate, params),
        n_epochs=checked_argument("training.train", "n_epochs", n_epochs),
        steps_per_epoch=checked_argument("training.train", "steps_per_epoch", steps_per_epoch),
        batch_size=checked_argument("training.train", "batch_size", batch_size),
        clip_norm=float("inf") if clip_norm is None else clip_norm,
        l2=checked_argument("training.train", "l2", l2),
        min_loss=checked_argument("training.train", "min_loss", min_loss),
        validation=_validation(validation, task, seed),
        seed=seed,
        dtype=dtype,
        to_compare={
            "seed": seed,
            "batch_size": batch_size,
            "steps_per_epoch": steps_per_epoch,
            "task": repr(task),
            "validation": "given trials" if isinstance(validation, Trials) else validation,
        },
    )
    _check_loss(settings, params, task)
    watchers = Callbacks(callbacks)
    if resume is not None:
        _check_settings(resume, settings.to_compare)
    loop = TrainingLoop(model, task, params, settings, watchers, resume)
    try:
        reason = loop.train()
        loop.run.history = loop.history(reason)
    finally:
        # Also when a callback has failed: what was learned so far is kept.
        for name, variable in _variables(model).items():
            variable.value = loop.final_parameters()[name]
        loop.finish()
    return loop.run.history


def _variables(model: bp.DynamicalSystem) -> JsonObject:
    return dict(model.train_vars(method="relative").unique().items())


def _trainable(model: bp.DynamicalSystem) -> dict[str, jax.Array]:
    if not isinstance(model, bp.DynamicalSystem):
        raise TypeError(f"model must be a bp.DynamicalSystem, got {type(model).__name__}")
    params = {name: jnp.asarray(v.value) for name, v in _variables(model).items()}
    if not params:
        raise ValueError(
            f"model {type(model).__name__} has no trainable variables (bm.TrainVar). BrainPy's "
            "own layers have them in training mode: mode=bm.training_mode."
        )
    for name, value in params.items():
        if not jnp.issubdtype(value.dtype, jnp.floating):
            raise TypeError(f"model: {name} must be of a floating dtype, got {value.dtype}")
    return params


def _check_channels(model: bp.DynamicalSystem, task: Task) -> None:
    if not isinstance(task, Task):
        raise TypeError(
            "task must have n_inputs, n_outputs, n_time, sample(n_trials, seed) and "
            f"accuracy(outputs, trials), got {type(task).__name__}"
        )
    for name in ("n_inputs", "n_outputs"):
        has = getattr(model, name, None)
        wants = getattr(task, name)
        if has is not None and has != wants:
            raise ValueError(f"the model has {name} = {has}, but the task has {name} = {wants}")


def _validation(validation: int | Trials | None, task: Task, seed: int) -> Trials | None:
    if isinstance(validation, Trials):
        for name, width in (("inputs", task.n_inputs), ("targets", task.n_outputs)):
            if getattr(validation, name).shape[2] != width:
                raise ValueError(
                    f"validation {name} must have {width} channels, got "
                    f"{getattr(validation, name).shape[2]}"
                )
        return validation
    if validation is None:
        return None
    n_trials = checked_argument("training.train", "validation", validation)
    held_out = getattr(task, "validation_trials", None)
    return validation_trials(task, n_trials, seed) if held_out is None else held_out()


def _check_loss(settings: Settings, params: dict[str, jax.Array], task: Task) -> None:
    """Trace the loss once, without computing anything, to see what it returns."""
    if not callable(settings.loss):
        raise TypeError(f"loss must be a function, got {settings.loss!r}")
    size = (settings.batch_size, task.n_time)
    batch = [
        jax.ShapeDtypeStruct((*size, width), settings.dtype)
        for width in (task.n_inputs, task.n_outputs, task.n_outputs)
    ]
    loss = settings.loss
    results = [jax.eval_shape(loss, params, *batch)]
    if isinstance(loss, StochasticLoss):
        results.append(jax.eval_shape(loss.at_step, params, *batch, 0))
        results.append(jax.eval_shape(loss.measure, params, *batch)[1])
    if any(isinstance(result, Mapping) and not result for result in results[:2]):
        raise ValueError("loss returned no terms")
    for name, value in [item for result in results for item in as_terms(result).items()]:
        if not isinstance(name, str) or name in _RESERVED or name.startswith("validation_"):
            raise ValueError(
                f"loss returned a term named {name!r}; a term's name must be a string, and not "
                f"one of {sorted(_RESERVED)} or validation_…"
            )
        shape = getattr(value, "shape", None)
        if shape != ():
            raise ValueError(
                f"loss must return a scalar or a dictionary of scalars; {name!r} has the shape "
                f"{None if shape is None else list(shape)}"
            )


def _check_settings(state: TrainingState, now: JsonObject) -> None:
    if not isinstance(state, TrainingState):
        raise TypeError(f"resume must be a TrainingState, got {type(state).__name__}")
    for name, value in now.items():
        if state.settings.get(name) != value:
            raise ValueError(
                f"resume: the state was trained with {name} = {state.settings.get(name)}, now it "
                f"is {value}; going on would not continue the same training"
            )
