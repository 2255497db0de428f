"""What became of a model: how it was read, its state, its parameters, its box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import numpy as np

if TYPE_CHECKING:
    from fpf_notebook.dynamics.reading import Reading
    from fpf_notebook.dynamics.step_map import StateSlice, StepMap


@dataclass(frozen=True, eq=False)
class Explanation:
    """How a model became a step map; ``print`` shows it.

    Parameters
    ----------
    name
        What the network is called.
    reading
        How it was read, or None for a step map that was written out by hand or read by weights.
    time
        ``"discrete"`` or ``"continuous"``.
    state
        The arrays of the model's state, and where they lie in the flat state.
    n_inputs, n_outputs
        Lengths of input and output; None without an output.
    parameters
        Name and shape of each array of ``step_map.params``.
    box
        ``(low, high)``, the invariant box under an input of zeros, or None.
    box_reason
        Where the box comes from, or why there is none.
    precision
        The coarsest floating-point type inside the step.
    """

    name: str
    reading: Reading | None
    time: str
    state: tuple[StateSlice, ...]
    n_inputs: int
    n_outputs: int | None
    parameters: tuple[tuple[str, tuple[int, ...]], ...]
    box: tuple[np.ndarray, np.ndarray] | None
    box_reason: str
    precision: str

    def __str__(self) -> str:
        rows = [("network", self.name)]
        if self.reading is not None:
            rows += self.reading.rows()
        kind = "a map, h -> F(h, u)" if self.time == "discrete" else "a flow, dh/dt = f(h, u)"
        outputs = "no output" if self.n_outputs is None else f"{self.n_outputs} outputs"
        rows += [
            ("kind", f"{kind}; {self.n_inputs} inputs, {outputs}, inside in {self.precision}"),
            ("state", ", ".join(f"{s.name}{list(s.shape)} at {s.start}" for s in self.state)),
            ("arrays", ", ".join(f"{k}{list(shape)}" for k, shape in self.parameters) or "none"),
            ("box", f"{_range(self.box)}{self.box_reason}"),
        ]
        return "\n".join(f"{label:<11} {text}" for label, text in rows)


def explain(step_map: StepMap) -> Explanation:
    """Return how a model became a step map.

    Parameters
    ----------
    step_map
        The step map.

    Returns
    -------
    Explanation
        To be printed, or read field by field.
    """
    leaves, _ = jax.tree_util.tree_flatten_with_path(step_map.params)
    return Explanation(
        name=step_map.name,
        reading=step_map.reading,
        time=step_map.time,
        state=step_map.slices,
        n_inputs=step_map.n_inputs,
        n_outputs=step_map.n_outputs,
        parameters=tuple(
            (jax.tree_util.keystr(path, simple=True, separator="."), tuple(np.shape(leaf)))
            for path, leaf in leaves
        ),
        box=step_map.invariant_box(np.zeros(step_map.n_inputs)),
        box_reason=step_map.box_reason,
        precision=step_map.precision,
    )


def _range(box: tuple[np.ndarray, np.ndarray] | None) -> str:
    if box is None:
        return "none: "
    low, high = (np.asarray(edge) for edge in box)
    return f"within [{low.min():g}, {high.max():g}] under an input of zeros: "
