"""Where starts ended: what every solver returns, whatever the method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fpf_notebook.finder.solvers.lanes import Lanes

__all__ = ["Candidates", "concatenate_candidates"]


@dataclass(frozen=True)
class Candidates:
    """Where every start ended.

    Attributes
    ----------
    x_init, inputs : arrays, [n, n_states] and [n, n_inputs]
        Start and constant input of each lane.
    lanes : Lanes
        The final state of each lane (numpy arrays).
    F_x : array, [n, n_states]
        The step at the point returned, in double precision.
    low, high : arrays, [n, n_states]
        The invariant box of each lane; infinite where none is known.
    precision : str
        In which the step computes, whatever holds the states.
    interrupted : bool
        Whether the search ended before all lanes had.
    seconds : float
        Time spent.
    """

    x_init: np.ndarray
    inputs: np.ndarray
    lanes: Lanes
    F_x: np.ndarray
    low: np.ndarray
    high: np.ndarray
    precision: Literal["float64", "float32"]
    interrupted: bool
    seconds: float

    def __len__(self) -> int:
        """Return the number of lanes."""
        return len(self.x_init)


def concatenate_candidates(parts: list[Candidates]) -> Candidates:
    """Join the lanes of several searches of one network, in order."""

    def join(name: str) -> np.ndarray:
        return np.concatenate([getattr(part, name) for part in parts])

    return Candidates(
        x_init=join("x_init"),
        inputs=join("inputs"),
        lanes=Lanes(*map(np.concatenate, zip(*(part.lanes for part in parts), strict=True))),
        F_x=join("F_x"),
        low=join("low"),
        high=join("high"),
        precision=parts[0].precision,
        interrupted=any(part.interrupted for part in parts),
        seconds=sum(part.seconds for part in parts),
    )
