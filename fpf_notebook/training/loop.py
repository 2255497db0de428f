"""The training loop: chunks of compiled steps, with ears open between them."""

from __future__ import annotations

from time import perf_counter
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.models.forward import Forward
from fpf_notebook.tasks import Task, Trials
from fpf_notebook.training.callbacks import Callbacks, EpochInfo, Phase
from fpf_notebook.training.compiled import GRADIENT_NORM, LOSS, Batches, Weights, advance, evaluate
from fpf_notebook.training.history import HistoryRecorder, StoppedBecause, TrainingHistory
from fpf_notebook.training.losses import Loss
from fpf_notebook.training.optimizer import Optimizer
from fpf_notebook.training.run import TrainingRun
from fpf_notebook.training.state import TrainingState, from_arrays, to_arrays

# Seconds that a compiled chunk may take: half of what a person notices as a delay.
_CHUNK_SECONDS = 0.05
# Kinds of random numbers that are derived from one seed.
_VALIDATION, _EPOCHS = 0, 1


class Moment(NamedTuple):
    """The state of a training between two chunks."""

    step: int
    seconds: float
    weights: Weights
    best: Any | None = None
    best_step: int | None = None
    best_loss: float = float("inf")


class Settings(NamedTuple):
    """What a training is asked to do; see `train` for the meaning of each."""

    loss: Loss
    forward: Forward | None
    optimizer: Optimizer
    n_epochs: int
    steps_per_epoch: int
    batch_size: int
    clip_norm: float
    l2: float
    min_loss: float | None
    validation: Trials | None
    seed: int
    dtype: np.dtype
    to_compare: JsonObject


def derived_seed(seed: int, kind: int, number: int = 0) -> int:
    """Return a seed for one use among many, independent of those for the others."""
    sequence = np.random.SeedSequence(seed, spawn_key=(kind, number))
    return int(sequence.generate_state(1, np.uint64)[0])


def validation_trials(task: Task, n_trials: int, seed: int) -> Trials:
    """Return the trials that a training with this seed is validated on."""
    return task.sample(n_trials, derived_seed(seed, _VALIDATION))


class TrainingLoop:
    """One training, from its first weights to its history.

    Parameters
    ----------
    model, task
        What is trained, on what.
    params : dict of arrays
        The first weights.
    settings : Settings
    callbacks : Callbacks
    resume : TrainingState, optional
        Where to go on.
    """

    def __init__(
        self,
        model: Any,
        task: Task,
        params: dict[str, jax.Array],
        settings: Settings,
        callbacks: Callbacks,
        resume: TrainingState | None = None,
    ) -> None:
        self._task = task
        self._settings = settings
        self._callbacks = callbacks
        self._transformation = settings.optimizer.transformation
        weights = Weights(params, params, self._transformation.init(params))
        moment = Moment(0, 0.0, weights)
        if resume is not None:
            moment = _resumed(resume, moment)
        self._recorder = HistoryRecorder(moment.step)
        self._compile_seconds = 0.0
        self._clock_start = 0.0
        self._chunk = 1
        self._failure: tuple[int, str] | None = None
        self.run = TrainingRun(
            model,
            task,
            n_epochs=settings.n_epochs,
            steps_per_epoch=settings.steps_per_epoch,
            optimizer=settings.optimizer,
            forward=settings.forward,
            snapshot=self.state,
            moment=moment,
        )
        if resume is not None and resume.learning_rate is not None:
            self.run.learning_rate = resume.learning_rate

    @property
    def _now(self) -> Moment:
        return self.run._moment

    @_now.setter
    def _now(self, moment: Moment) -> None:
        self.run._moment = moment

    def train(self) -> StoppedBecause:
        """Train until there is a reason to stop, and return it."""
        try:
            self._callbacks.call("on_start", self.run)
            if self._now.step >= self.run.n_steps:
                return "finished"
            self._compile()
            self._clock_start = perf_counter()
            self._enter("training")
            for epoch in range(self.run.epoch, self._settings.n_epochs):
                reason = self._epoch(epoch)
                if reason is not None:
                    return reason
            return "finished"
        except KeyboardInterrupt:
            return "interrupted"

    def final_parameters(self) -> dict[str, jax.Array]:
        """Return the weights that the model gets: the best, if they are known."""
        now = self._now
        if now.best is not None:
            return now.best
        return now.weights.params if self._failure is None else now.weights.last_good

    def finish(self) -> None:
        """Tell the callbacks that training has ended."""
        self._enter("stopped")
        self._callbacks.call("on_stop", self.run)

    def state(self) -> TrainingState:
        """Return what is needed to go on from here."""
        now = self._now
        return TrainingState(
            parameters=_numpy(now.weights.params),
            last_good=_numpy(now.weights.last_good),
            best_parameters=_numpy(now.best or {}),
            optimizer=to_arrays(now.weights.opt_state),
            step=now.step,
            best_step=now.best_step,
            best_loss=now.best_loss,
            learning_rate=self.run._rate_by_hand,
            settings=self._settings.to_compare,
        )

    def history(self, reason: StoppedBecause) -> TrainingHistory:
        """Return the record of what happened."""
        now = self._now
        steps, columns = self._recorder.columns()
        seconds = columns.pop("seconds", np.zeros(0))
        kept_step = now.best_step
        if kept_step is None:
            # The weights at the step that failed are not good; those before it were.
            kept_step = now.step if self._failure is None else max(now.step - 1, 0)
        return TrainingHistory(
            steps=steps,
            series=columns,
            seconds=seconds,
            compile_seconds=self._compile_seconds,
            stopped_because=reason,
            message=self._message(reason),
            final_step=now.step,
            best_step=kept_step,
            best_loss=now.best_loss if now.best is not None else float("nan"),
            diverged_step=None if self._failure is None else self._failure[0],
            diverged_term=None if self._failure is None else self._failure[1],
            state=self.state(),
        )

    def _enter(self, phase: Phase) -> None:
        self.run._phase = phase
        self._callbacks.call("on_phase", self.run, phase)

    def _message(self, reason: StoppedBecause) -> str:
        step = self._now.step
        if self._failure is not None:
            kept = "the best" if self._now.best is not None else "the last good"
            at, term = self._failure
            return (
                f"training diverged: {term!r} was not finite at step {at}. The model has {kept} "
                "weights from before. A smaller learning_rate or clip_norm may help."
            )
        return {
            "finished": f"all {step} steps were made",
            "min_loss": f"the loss reached min_loss = {self._settings.min_loss:g} at step {step}"
            if self._settings.min_loss is not None
            else "",
            "stopped": f"stopped on request after {step} steps",
            "interrupted": f"interrupted after {step} steps; the model has the best weights so far",
            "diverged": "",
        }[reason]

    def _compile(self) -> None:
        """Compile both functions, by making no steps and by a first validation."""
        self._enter("compiling")
        started = perf_counter()
        batches = self._batches(self.run.epoch)
        jax.block_until_ready(self._advance(batches, 0, 0))
        # An uninterrupted training validates between epochs only; so does a resumed one.
        if self._now.step % self._settings.steps_per_epoch == 0:
            self._validate()
        else:
            self._measure()
        self._compile_seconds = perf_counter() - started

    def _seconds(self) -> float:
        return perf_counter() - self._clock_start if self._clock_start else 0.0

    def _batches(self, epoch: int) -> Batches:
        s = self._settings
        seed = derived_seed(s.seed, _EPOCHS, epoch)
        trials = self._task.sample(s.steps_per_epoch * s.batch_size, seed)
        shape = (s.steps_per_epoch, s.batch_size)
        inputs, targets, mask = (
            jnp.asarray(np.asarray(x, s.dtype).reshape(*shape, *x.shape[1:]))
            for x in (trials.inputs, trials.targets, trials.mask)
        )
        return inputs, targets, mask

    def _advance(
        self, batches: Batches, start: int, stop: int, rates: np.ndarray | None = None
    ) -> tuple[Weights, jax.Array, dict[str, jax.Array]]:
        s = self._settings
        if rates is None:
            rates = np.zeros(s.steps_per_epoch, np.float32)
        return advance(
            s.loss,
            self._transformation,
            s.optimizer.learning_rate is not None,
            s.l2 > 0,
            self._now.weights,
            batches,
            rates,
            s.clip_norm,
            s.l2,
            start,
            stop,
            self.run.epoch * s.steps_per_epoch,
        )

    def _epoch(self, epoch: int) -> StoppedBecause | None:
        """Make the steps of an epoch that are not made yet; return a reason to stop, if any."""
        n = self._settings.steps_per_epoch
        first = epoch * n
        batches = self._batches(epoch)
        planned = self._settings.optimizer.rates(first, first + n)
        pieces: list[dict[str, np.ndarray]] = []
        k = begun = self._now.step - first
        while k < n:
            self._clock_start += self.run.wait_while_paused(self._enter)
            if self.run.stopping:
                return "stopped"
            by_hand = self.run._rate_by_hand
            rates = planned if by_hand is None else np.full(n, by_hand, np.float32)
            piece = self._one_chunk(batches, first, k, min(k + self._chunk, n), rates)
            if self._failure is not None:
                return "diverged"
            pieces.append(piece)
            k += len(piece[LOSS])
        series = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
        return self._end_of_epoch(epoch, first + np.arange(begun, n), series)

    def _one_chunk(
        self, batches: Batches, first: int, start: int, stop: int, rates: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Make some steps and write them down; `first` is the number of the epoch's first."""
        started = perf_counter()
        weights, reached, record = self._advance(batches, start, stop, rates)
        end = int(reached)
        piece = {name: np.asarray(values)[start:end] for name, values in record.items()}
        bad = [name for name, values in piece.items() if not np.isfinite(values[-1])]
        took = perf_counter() - started
        self._chunk = max(
            1, min(self._settings.steps_per_epoch, int(_CHUNK_SECONDS * (end - start) / took))
        )
        seconds = self._seconds()
        if bad:
            end -= 1
            terms = [name for name in bad if name not in (LOSS, GRADIENT_NORM)]
            self._failure = (first + end, terms[0] if terms else "gradient")
        self._now = self._now._replace(step=first + end, seconds=seconds, weights=weights)
        piece["learning_rate"] = rates[start : start + len(piece[LOSS])].astype(np.float64)
        self._recorder.add(first + start, piece)
        self._recorder.add(first + end, {"seconds": seconds})
        return piece

    def _end_of_epoch(
        self, epoch: int, steps: np.ndarray, series: dict[str, np.ndarray]
    ) -> StoppedBecause | None:
        loss = float(np.mean(series[LOSS]))
        measured = self._validate()
        validation_loss = measured.get("validation_loss")
        terms = series.keys() - {LOSS, GRADIENT_NORM, "learning_rate"}
        now = self._now
        info = EpochInfo(
            epoch=epoch + 1,
            step=now.step,
            loss=loss,
            terms={name: float(np.mean(series[name])) for name in series if name in terms},
            gradient_norm=float(np.mean(series[GRADIENT_NORM])),
            learning_rate=float(series["learning_rate"][-1]),
            validation_loss=validation_loss,
            validation_accuracy=measured.get("validation_accuracy"),
            validation_terms={
                name.removeprefix("validation_"): value
                for name, value in measured.items()
                if name not in ("validation_loss", "validation_accuracy")
            },
            is_best=bool(measured) and now.best_step == now.step,
            seconds=now.seconds,
            steps=steps,
            series=series,
        )
        self._callbacks.call("on_epoch", self.run, info)
        if self.run.stopping:
            return "stopped"
        reached = loss if validation_loss is None else validation_loss
        min_loss = self._settings.min_loss
        return "min_loss" if min_loss is not None and reached <= min_loss else None

    def _validate(self) -> dict[str, float]:
        """Measure the present weights, write it down, and keep them if they are the best."""
        measured = self._measure()
        if not measured:
            return {}
        now = self._now._replace(seconds=self._seconds())
        loss = measured["validation_loss"]
        if loss < now.best_loss:
            now = now._replace(best=now.weights.params, best_step=now.step, best_loss=loss)
        self._now = now
        self._recorder.add(now.step, {**measured, "seconds": now.seconds})
        return measured

    def _measure(self) -> dict[str, float]:
        """Return loss, terms and accuracy of the present weights on the validation trials."""
        s = self._settings
        if s.validation is None:
            return {}
        arrays = (s.validation.inputs, s.validation.targets, s.validation.mask)
        inputs, targets, mask = (np.asarray(x, s.dtype) for x in arrays)
        params = self._now.weights.params
        values, outputs = evaluate(s.loss, s.forward, params, inputs, targets, mask)
        measured = {f"validation_{name}": float(value) for name, value in values.items()}
        if outputs is not None:
            accuracy = self._task.accuracy(np.asarray(outputs), s.validation)
            measured["validation_accuracy"] = accuracy
        return measured


def _numpy(arrays: dict[str, jax.Array]) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in arrays.items()}


def _resumed(state: TrainingState, fresh: Moment) -> Moment:
    """Return the moment that a state describes; raise a ValueError if it is of another training."""
    weights = Weights(
        _named("parameters", state.parameters, fresh.weights.params),
        _named("last_good", state.last_good, fresh.weights.params),
        from_arrays("optimizer", state.optimizer, fresh.weights.opt_state),
    )
    best = None
    if state.best_parameters:
        best = _named("best_parameters", state.best_parameters, fresh.weights.params)
    return Moment(state.step, 0.0, weights, best, state.best_step, state.best_loss)


def _named(name: str, arrays: Any, like: dict[str, jax.Array]) -> dict[str, jax.Array]:
    keyed = {jax.tree_util.keystr((jax.tree_util.DictKey(key),)): x for key, x in arrays.items()}
    return from_arrays(name, keyed, like)
