"""Pause, resume, stop and learning rate of a training, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Stopped(Exception):  # noqa: N818 - it is no error: somebody pressed Stop
    """Leaves a training loop that was asked to stop."""


class LoopControl:
    """Control of a loop that asks for leave between two steps.

    Attributes
    ----------
    learning_rate : float or None
        What the slider says, for loops that read it.
    """

    def __init__(self) -> None:
        self._going = threading.Event()
        self._going.set()
        self._stopping = threading.Event()
        self.learning_rate: float | None = None
        self.paused_seconds = 0.0

    @property
    def pausing(self) -> bool:
        """Whether a pause was asked for."""
        return not self._going.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    def pause(self) -> None:
        """Hold the loop before its next step."""
        self._going.clear()

    def resume(self) -> None:
        """Let it go on."""
        self._going.set()

    def stop(self) -> None:
        """End it before its next step."""
        self._stopping.set()
        self._going.set()

    def may_go_on(self) -> bool:
        """Block while a pause is wanted; return False when the loop should end."""
        if self.pausing and not self.stopping:
            began = time.perf_counter()
            while not self._going.wait(0.1):
                pass  # short waits: Ctrl-C must get through
            self.paused_seconds += time.perf_counter() - began
        return not self.stopping

    def over(self, batches: Iterable[T]) -> Iterator[T]:
        """Iterate, and stop or pause between two items."""
        for batch in batches:
            if not self.may_go_on():
                return
            yield batch


class BpttRun(LoopControl):
    """Training by `brainpy.BPTT` on another thread: logs every step, can be held and ended.

    Parameters
    ----------
    trainer : brainpy.BPTT
        The trainer; its ``fit`` is called as it is, with its training step wrapped meanwhile.
    log : callable
        Called with ``step, metrics`` after each step.
    """

    def __init__(self, trainer: Any, log: Any) -> None:
        super().__init__()
        self._trainer = trainer
        self._log = log
        self.step = 0
        self.best: tuple[float, dict[str, Any]] | None = None

    def fit(self, train_data: Any, **options: Any) -> Any:
        """Run ``trainer.fit`` to its end, or until somebody stops it.

        The model keeps its weights of the lowest mean loss over an epoch. Nothing is printed.
        """
        trainer, original = self._trainer, self._trainer.f_train
        # `f_train` is a property that returns one of these two.
        jitted = "_jit_step_func_fit"
        held = jitted if original is getattr(trainer, jitted, None) else "_step_func_fit"
        epoch_losses: list[float] = []

        def step(*args: Any, **kwargs: Any) -> Any:
            if not self.may_go_on():
                raise Stopped
            self._apply_rate()
            result = original(*args, **kwargs)
            loss = float(result[0])
            metrics = {"loss": loss}
            if getattr(trainer, "loss_has_aux", False) and isinstance(result[1], dict):
                metrics |= {str(k): float(v) for k, v in result[1].items()}
            self._log(self.step, metrics)
            self.step += 1
            epoch_losses.append(loss)
            return result

        def data() -> Any:
            if epoch_losses:
                self._remember(sum(epoch_losses) / len(epoch_losses))
                epoch_losses.clear()
            # A generator has no length: no bar is drawn into some other cell.
            return iter(train_data() if callable(train_data) else train_data)

        options.setdefault("num_report", 10**12)  # fit prints its reports
        setattr(trainer, held, step)
        try:
            trainer.fit(data, **options)
        except Stopped:
            pass
        finally:
            setattr(trainer, held, original)
            if epoch_losses:
                self._remember(sum(epoch_losses) / len(epoch_losses))
            if self.best is not None:
                for name, variable in self._weights().items():
                    variable.value = self.best[1][name]
        return trainer

    def _weights(self) -> dict[str, Any]:
        return dict(self._trainer.target.train_vars().unique().items())

    def _remember(self, loss: float) -> None:
        if self.best is None or loss < self.best[0]:
            self.best = (loss, {name: v.value for name, v in self._weights().items()})

    def _apply_rate(self) -> None:
        if self.learning_rate is None:
            return
        rate = getattr(self._trainer.optimizer, "lr", None)
        if rate is not None and hasattr(rate, "set_value"):
            rate.set_value(self.learning_rate)
        elif rate is not None and hasattr(rate, "lr"):
            rate.lr = self.learning_rate
