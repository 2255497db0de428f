"""The record of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook._types import JsonObject, PyTree
from fpf_notebook.training.state import TrainingState

StoppedBecause = Literal["finished", "min_loss", "stopped", "interrupted", "diverged"]


@dataclass(frozen=True, eq=False)
class TrainingHistory:
    """What happened in a training.

    Attributes
    ----------
    steps : array of int, [n]
        Numbers of steps made. Entry k of every series belongs to the weights after ``steps[k]``
        steps.
    series : dict of arrays [n]
        Named curves, NaN where something was not measured: ``loss``, ``validation_loss``,
        ``validation_accuracy``, ``gradient_norm`` (before clipping), ``learning_rate``, and
        every term of the loss by its name, also as ``validation_<name>``.
    seconds : array, [n]
        Seconds of training up to then; pauses and compilation are not counted.
    compile_seconds : float
        Seconds of compilation.
    stopped_because : {"finished", "min_loss", "stopped", "interrupted", "diverged"}
        Why training ended.
    message : str
        The same in words, with the step and, for a loss that was not finite, the term.
    final_step : int
        Steps made in all.
    best_step : int
        The step of the weights that the model has now.
    best_loss : float
        Their validation loss; NaN without validation.
    diverged_step : int or None
        The step at which the loss was not finite.
    diverged_term : str or None
        The first term that was not; ``"gradient"`` if only the gradient was not.
    state : TrainingState
        What is needed to go on.
    notes : tuple of str
        Anything else worth knowing, for example restarts.
    """

    steps: Int[np.ndarray, "n"]
    series: Mapping[str, Float[np.ndarray, "n"]]
    seconds: Float[np.ndarray, "n"]
    compile_seconds: float
    stopped_because: StoppedBecause
    message: str
    final_step: int
    best_step: int
    best_loss: float
    diverged_step: int | None
    diverged_term: str | None
    state: TrainingState
    notes: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self.stopped_because == "interrupted"

    @property
    def diverged(self) -> bool:
        """Whether the loss or its gradient became infinite or NaN."""
        return self.stopped_because == "diverged"

    @property
    def total_seconds(self) -> float:
        """Seconds of training and compilation, without pauses."""
        return self.compile_seconds + float(np.nanmax(self.seconds, initial=0.0))

    def to_dataframe(self) -> PyTree:
        """Return the series as a pandas data frame with one row for each entry of `steps`.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError(
                'to_dataframe needs pandas: pip install "fpf-notebook[dataframes]"'
            ) from error
        index = pd.Index(self.steps, name="step")
        return pd.DataFrame({**self.series, "seconds": self.seconds}, index=index)

    def __repr__(self) -> str:
        return (
            f"TrainingHistory({self.stopped_because} after {self.final_step} steps, "
            f"{self.total_seconds:.1f} s, best validation loss {self.best_loss:.3g} at step "
            f"{self.best_step})"
        )


class HistoryRecorder:
    """Collects series, one row for each step.

    Parameters
    ----------
    first_step : int
        The number of steps made before.
    """

    def __init__(self, first_step: int) -> None:
        self._first = first_step
        self._columns: dict[str, np.ndarray] = {}
        self._n_rows = 0

    def add(self, step: int, values: JsonObject) -> None:
        """Write values, scalars or one-dimensional arrays, at the rows from `step` on."""
        row = step - self._first
        for name, value in values.items():
            value = np.atleast_1d(np.asarray(value, np.float64))
            stop = row + len(value)
            column = self._columns.setdefault(name, np.full(1024, np.nan))
            if stop > len(column):
                longer = np.full(max(stop, 2 * len(column)), np.nan)
                longer[: len(column)] = column
                column = self._columns[name] = longer
            column[row:stop] = value
            self._n_rows = max(self._n_rows, stop)

    def columns(self) -> tuple[Int[np.ndarray, "n"], dict[str, Float[np.ndarray, "n"]]]:
        """Return the steps and copies of all series."""
        columns = {}
        for name, column in self._columns.items():
            padded = np.full(self._n_rows, np.nan)
            padded[: len(column)] = column[: self._n_rows]
            columns[name] = padded
        return self._first + np.arange(self._n_rows), columns
