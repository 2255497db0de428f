"""The handle of a running training: watch it, pause it, stop it, from any thread."""

import threading
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook.training.callbacks import Phase
from fpf_notebook.training.compiled import predict
from fpf_notebook.training.optimizer import Optimizer, check_rate
from fpf_notebook.training.state import TrainingState

if TYPE_CHECKING:
    from fpf_notebook.training.history import TrainingHistory
    from fpf_notebook.training.loop import Moment

# How often a paused training looks whether Ctrl-C was pressed, in seconds.
_PATIENCE = 0.1


class TrainingRun:
    """A running training, as callbacks get it.

    Every method may be called from any thread; requests are answered after the compiled chunk
    that is under way, within about 50 ms (or one step, if that takes longer).

    Attributes
    ----------
    model, task
        What is trained, and on what. The model's own weights change only at the end; see
        `parameters` for those of now.
    n_epochs, steps_per_epoch, n_steps : int
        How long the training is planned.
    history : TrainingHistory or None
        The history, once training has ended.
    """

    def __init__(
        self,
        model: object,
        task: object,
        *,
        n_epochs: int,
        steps_per_epoch: int,
        optimizer: Optimizer,
        forward: Callable[..., object] | None,
        snapshot: Callable[[], TrainingState],
        moment: "Moment",
    ) -> None:
        self.model = model
        self.task = task
        self.n_epochs = n_epochs
        self.steps_per_epoch = steps_per_epoch
        self.n_steps = n_epochs * steps_per_epoch
        self.history: TrainingHistory | None = None
        self._optimizer = optimizer
        self._forward = forward
        self._snapshot = snapshot
        # Replaced as a whole by the training thread, so that readers never see half of a change.
        self._moment = moment
        self._phase: Phase = "starting"
        self._rate_by_hand: float | None = None
        self._going = threading.Event()
        self._going.set()
        self._stopping = threading.Event()

    @property
    def phase(self) -> Phase:
        """What is going on: starting, compiling, training, paused or stopped."""
        return self._phase

    @property
    def step(self) -> int:
        """Steps made so far."""
        return self._moment.step

    @property
    def epoch(self) -> int:
        """Epochs completed so far."""
        return self.step // self.steps_per_epoch

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without pauses and compilation."""
        return self._moment.seconds

    def pause(self) -> None:
        """Ask for a pause. Nothing is computed until `resume` or `stop`."""
        self._going.clear()

    def resume(self) -> None:
        """End a pause."""
        self._going.set()

    def stop(self) -> None:
        """Ask for the end of the training; the model gets the best weights so far."""
        self._stopping.set()
        self._going.set()

    @property
    def pausing(self) -> bool:
        """Whether a pause was asked for; `phase` tells when it has begun."""
        return not self._going.is_set()

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stopping.is_set()

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; NaN if the optimizer keeps it to itself.

        Setting it holds from the next chunk on, for the rest of the training: a schedule no
        longer counts. Setting ``None`` goes back to the rate that `train` was given.

        Raises
        ------
        ValueError
            On setting a negative, infinite or NaN rate, or if the optimizer does not let it be
            set.
        """
        if self._rate_by_hand is not None:
            return self._rate_by_hand
        return float(self._optimizer.rates(self.step, self.step + 1)[0])

    @learning_rate.setter
    def learning_rate(self, value: float | None) -> None:
        if self._optimizer.learning_rate is None:
            raise ValueError(
                "the learning rate of this optimizer cannot be set. Train with a function that "
                "makes the optimizer, for example optimizer=optax.adam, or with "
                "optax.inject_hyperparams(optax.adam)(learning_rate=0.01)."
            )
        self._rate_by_hand = None if value is None else check_rate(value)

    def parameters(self) -> dict[str, np.ndarray]:
        """Return the present weights by name."""
        return {name: np.asarray(v) for name, v in self._moment.weights.params.items()}

    def predict(
        self, inputs: Float[np.ndarray, "trial time n_inputs"]
    ) -> Float[np.ndarray, "trial time n_outputs"]:
        """Return the outputs of the present weights; compiled once for each shape.

        Raises
        ------
        TypeError
            If the model has no pure ``forward``.
        """
        if self._forward is None:
            raise TypeError(f"{type(self.model).__name__} has no forward(params, inputs)")
        return np.asarray(predict(self._forward, self._moment.weights.params, np.asarray(inputs)))

    def state(self) -> TrainingState:
        """Return what is needed to go on from here, for example to save it now and then."""
        return self._snapshot()

    def wait_while_paused(self, notify: Callable[[Phase], None]) -> float:
        """Block while a pause is wanted, and return how many seconds that was.

        Called by the training thread between chunks.
        """
        if not self.pausing:
            return 0.0
        began = perf_counter()
        notify("paused")
        while not self._going.wait(_PATIENCE):
            pass
        if not self.stopping:
            notify("training")
        return perf_counter() - began
