"""What training needs to know of a task."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from fpf_notebook.tasks.trials import Trials

Seed = int | Sequence[int] | np.random.SeedSequence
"""A seed, or several numbers that make one together."""


@runtime_checkable
class Task(Protocol):
    """Anything that samples trials and scores outputs.

    The same seed must give the same trials, and ``repr(task)`` must name every setting: resumed
    training compares it.
    """

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""

    @property
    def n_outputs(self) -> int:
        """Number of output channels."""

    @property
    def n_time(self) -> int:
        """Number of steps of a trial."""

    def sample(self, n_trials: int, seed: Seed) -> Trials:
        """Return new trials."""

    def accuracy(self, outputs: Float[np.ndarray, "trial time n_outputs"], trials: Trials) -> float:
        """Return a score from 0 to 1 of a network's answers to these trials."""
