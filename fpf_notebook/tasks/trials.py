"""The record of what a task asks for: inputs, targets, and which of them count."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials of a task.

    Attributes
    ----------
    inputs : array, [trial, time, n_inputs]
        What the network is given.
    targets : array, [trial, time, n_outputs]
        What it should answer.
    mask : array, [trial, time, n_outputs]
        Weight of each answer in loss and score: 1 counts, 0 does not.

    Raises
    ------
    ValueError
        If an array has no such shape.
    """

    inputs: Float[np.ndarray, "trial time n_inputs"]
    targets: Float[np.ndarray, "trial time n_outputs"]
    mask: Float[np.ndarray, "trial time n_outputs"]

    def __post_init__(self) -> None:
        for name in ("inputs", "targets", "mask"):
            if np.ndim(getattr(self, name)) != 3:
                raise ValueError(
                    f"{name} must have the shape [trial, time, channel], got "
                    f"{list(np.shape(getattr(self, name)))}"
                )
        if self.mask.shape != self.targets.shape:
            raise ValueError(
                f"mask must have the shape of targets, {list(self.targets.shape)}, got "
                f"{list(self.mask.shape)}"
            )
        if self.inputs.shape[:2] != self.targets.shape[:2]:
            raise ValueError(
                "inputs and targets must have as many trials and steps, got "
                f"{list(self.inputs.shape)} and {list(self.targets.shape)}"
            )

    @property
    def n_trials(self) -> int:
        """Number of trials."""
        return self.inputs.shape[0]

    @property
    def n_time(self) -> int:
        """Number of steps of each trial."""
        return self.inputs.shape[1]

    def checked_outputs(
        self, outputs: Float[np.ndarray, "trial time n_outputs"]
    ) -> Float[np.ndarray, "trial time n_outputs"]:
        """Return a network's outputs for these trials as an array.

        Raises
        ------
        ValueError
            If they have another shape than the targets.
        """
        outputs = np.asarray(outputs)
        if outputs.shape != self.targets.shape:
            raise ValueError(
                f"outputs must have the shape of the targets, {list(self.targets.shape)}, got "
                f"{list(outputs.shape)}"
            )
        return outputs
