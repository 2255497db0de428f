"""A fit of `brainpy.BPTT` that can be held, ended and watched."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from fpf_notebook._types import JsonObject, PyTree
from fpf_notebook.widgets.monitor.loop_control import LoopControl, Stopped


class BpttRun(LoopControl):
    """Training by `brainpy.BPTT` on another thread: tells every step, can be held and ended.

    Parameters
    ----------
    trainer : brainpy.BPTT
        The trainer; its ``fit`` is called as it is, with its training step wrapped meanwhile.
    log
        Called with ``step, metrics`` after each step.
    notify
        Called with each new phase.
    on_batch
        Called with the first batch, ``(inputs, targets)``, before it is trained on.
    on_epoch
        Called with the number of epochs made, after each.

    Attributes
    ----------
    step, epoch, n_epochs : int
        How far the training is.
    """

    def __init__(
        self,
        trainer: Any,
        log: Callable[[int, dict[str, float]], None],
        notify: Callable[[str], None],
        on_batch: Callable[[Any], None],
        on_epoch: Callable[[int], None],
    ) -> None:
        super().__init__(notify)
        self._trainer = trainer
        self._log = log
        self._on_batch, self._on_epoch = on_batch, on_epoch
        self._began = 0.0
        self.step = self.epoch = self.n_epochs = 0
        self._losses: list[float] = []
        self._best: tuple[float, JsonObject] | None = None

    @property
    def n_steps(self) -> int:
        """Steps in all, estimated from the epochs made; 0 while there are none."""
        return self.n_epochs * self.step // self.epoch if self.epoch else 0

    @property
    def seconds(self) -> float:
        """Seconds since the training began, without pauses."""
        return time.perf_counter() - self._began - self.paused_seconds if self._began else 0.0

    def present_rate(self) -> float | None:
        """Return the optimizer's learning rate, or None if it does not tell."""
        rate = getattr(self._trainer.optimizer, "lr", None)
        value = rate() if callable(rate) else rate
        try:
            return None if value is None else float(value)
        except TypeError:
            return None

    def fit(self, train_data: Any, **options: Any) -> Any:
        """Run ``trainer.fit`` to its end, or until somebody stops it, and return the trainer.

        The model keeps its weights of the lowest mean loss over an epoch; those from before the
        training if there is none, since a loss was not finite. Nothing is printed.
        """
        trainer, original = self._trainer, self._trainer.f_train
        # `f_train` is a property that returns one of these two.
        jitted = "_jit_step_func_fit"
        held = jitted if original is getattr(trainer, jitted, None) else "_step_func_fit"
        self.n_epochs = int(options.get("num_epoch", 100))
        self._best = (float("inf"), self._values())
        self._began = time.perf_counter()
        self._notify("compiling")

        def step(*args: PyTree, **kwargs: PyTree) -> PyTree:
            if not self.may_go_on():
                raise Stopped
            self._apply_rate()
            result = original(*args, **kwargs)
            loss = float(result[0])
            metrics = {"loss": loss}
            if getattr(trainer, "loss_has_aux", False) and isinstance(result[1], dict):
                metrics |= {str(k): float(v) for k, v in result[1].items()}
            if self.step == 0:
                self._notify("training")
            self._log(self.step, metrics)
            self.step += 1
            self._losses.append(loss)
            return result

        # A generator has no length: no bar is drawn into some other cell.
        options.setdefault("num_report", 10**12)  # fit prints its reports
        setattr(trainer, held, step)
        try:
            trainer.fit(lambda: self._batches(train_data), **options)
        except Stopped:
            self._remember()
        finally:
            setattr(trainer, held, original)
            for name, variable in self._weights().items():
                variable.value = self._best[1][name]
        return trainer

    def _batches(self, train_data: Any) -> Iterator[Any]:
        batches: Iterable[Any] = train_data() if callable(train_data) else train_data
        for batch in batches:
            if self.step == 0:
                self._on_batch(batch)
            yield batch
        self.epoch += 1
        self._remember()
        self._on_epoch(self.epoch)

    def _weights(self) -> dict[str, PyTree]:
        return dict(self._trainer.target.train_vars().unique().items())

    def _values(self) -> dict[str, object]:
        return {name: variable.value for name, variable in self._weights().items()}

    def _remember(self) -> None:
        losses, self._losses = self._losses, []
        assert self._best is not None
        # A mean that is not finite is less than nothing.
        if losses and sum(losses) / len(losses) < self._best[0]:
            self._best = (sum(losses) / len(losses), self._values())

    def _apply_rate(self) -> None:
        if self.learning_rate is None:
            return
        rate = getattr(self._trainer.optimizer, "lr", None)
        if rate is not None and hasattr(rate, "set_value"):
            rate.set_value(self.learning_rate)
        elif rate is not None and hasattr(rate, "lr"):
            rate.lr = self.learning_rate
