"""What may watch a training, and what it is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from fpf_notebook.training.run import TrainingRun

Phase = Literal["starting", "compiling", "training", "paused", "stopped"]
_METHODS = ("on_start", "on_phase", "on_epoch", "on_stop")


@dataclass(frozen=True, eq=False)
class EpochInfo:
    """An epoch that has been made.

    Attributes
    ----------
    epoch : int
        Its number, from 1.
    step : int
        Steps made so far.
    loss : float
        Mean of the loss over the epoch's steps.
    terms : dict of float
        The same for each term of the loss, by name.
    gradient_norm : float
        Mean norm of the gradient, before clipping.
    learning_rate : float
        Rate of the last step; NaN if the optimizer keeps it to itself.
    validation_loss, validation_accuracy : float or None
        Of the weights after the epoch; ``None`` if not measured.
    validation_terms : dict of float
        The terms of the validation loss.
    is_best : bool
        Whether this is the best validation loss so far.
    seconds : float
        Seconds of training so far, without pauses and compilation.
    steps : array of int, [step]
        For each step of the epoch, how many were made before it.
    series : dict of arrays, [step]
        ``loss``, ``gradient_norm``, ``learning_rate`` and the terms at these steps.
    """

    epoch: int
    step: int
    loss: float
    terms: Mapping[str, float]
    gradient_norm: float
    learning_rate: float
    validation_loss: float | None
    validation_accuracy: float | None
    validation_terms: Mapping[str, float]
    is_best: bool
    seconds: float
    steps: Int[np.ndarray, "step"]
    series: Mapping[str, Float[np.ndarray, "step"]]


class Callback:
    """Base class of callbacks; each method does nothing unless it is overridden.

    Any object with some of these methods will do. They are called in the thread that trains. An
    exception in one ends the training: `KeyboardInterrupt` as Ctrl-C does, any other is raised by
    `train`, after the model has got its best weights.
    """

    def on_start(self, run: "TrainingRun") -> None:
        """Hear that training is about to begin; `run` may be kept, and used from any thread."""

    def on_phase(self, run: "TrainingRun", phase: Phase) -> None:
        """Hear that a phase begins: compiling, training, paused or stopped."""

    def on_epoch(self, run: "TrainingRun", info: EpochInfo) -> None:
        """Hear that an epoch has been made."""

    def on_stop(self, run: "TrainingRun") -> None:
        """Hear that training has ended, for whatever reason, and the model has its weights.

        ``run.history`` is the history, or ``None`` after an exception.
        """


class TrainingProgressBar(Callback):
    """A progress bar on the terminal, by tqdm, on standard error.

    Parameters
    ----------
    description : str
        What stands before the bar.
    """

    def __init__(self, description: str = "training") -> None:
        self._description = description
        self._bar: Any = None

    def on_start(self, run: "TrainingRun") -> None:
        """Draw the empty bar."""
        from tqdm import tqdm

        self._bar = tqdm(
            total=run.n_epochs, initial=run.epoch, desc=self._description, unit="epoch"
        )

    def on_phase(self, run: "TrainingRun", phase: Phase) -> None:
        """Show what is going on."""
        self._bar.set_postfix_str("" if phase == "training" else phase)

    def on_epoch(self, run: "TrainingRun", info: EpochInfo) -> None:
        """Move the bar."""
        loss = info.loss if info.validation_loss is None else info.validation_loss
        self._bar.set_postfix_str(f"loss {loss:.2e}", refresh=False)
        self._bar.update(1)

    def on_stop(self, run: "TrainingRun") -> None:
        """Leave the bar as it is."""
        self._bar.close()


class Callbacks:
    """Several callbacks, called one after the other.

    Raises
    ------
    TypeError
        If one of them has none of the methods of `Callback`.
    """

    def __init__(self, callbacks: Iterable[object]) -> None:
        self._callbacks = tuple(callbacks)
        for callback in self._callbacks:
            if isinstance(callback, type) or not any(hasattr(callback, m) for m in _METHODS):
                raise TypeError(
                    f"callbacks must be objects with some of the methods {', '.join(_METHODS)}, "
                    f"got {callback!r}"
                )

    def call(self, method: str, *args: object) -> None:
        """Call a method of all callbacks that have it."""
        for callback in self._callbacks:
            function = getattr(callback, method, None)
            if function is not None:
                function(*args)
