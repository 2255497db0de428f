"""Launching trajectories from the explorer: pushes, clicks and pulses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis import launches
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.plots.projection import Projection


class Launching:
    """Mix-in of the explorer: see where the nonlinear dynamics goes."""

    status: JsonObject
    selected: int | None
    push_size: float
    input: tuple[float, ...]
    _axes: Projection
    _launches: list[tuple[np.ndarray, str]]

    if TYPE_CHECKING:  # what the explorer has

        @property
        def fixed_points(self) -> FixedPoints:
            """What is shown."""

        @property
        def step_map(self) -> StepMap:
            """The network."""

        def _show(self) -> None: ...

        def put(self, **values: object) -> None:
            """Set derived traits."""

    def launch(self, size: float | None = None, n_steps: int = 150) -> np.ndarray:
        """Push the selected point along its leading modes, both ways, and run the network.

        Parameters
        ----------
        size
            Distance from the point. Default: `push_size`.
        n_steps
            Steps to run.

        Returns
        -------
        numpy.ndarray
            [n_launches, n_steps + 1, n_states]; empty when no point is selected.
        """
        if self.selected is None:
            self._say("select a point to launch from")
            return np.zeros((0, n_steps + 1, self.step_map.n_states))
        size = self.push_size if size is None else size
        starts = launches.pushes(self.fixed_points, self.selected, size)
        return self._run(starts, n_steps, f"from point {self.selected}")

    def launch_at(self, x: float, y: float, n_steps: int = 150) -> np.ndarray:
        """Run the network from a place in the 2-D picture, given in its coordinates."""
        axes = self._axes
        start = axes.mean + x * axes.components[0]
        if axes.n_dims > 1:
            start = start + y * axes.components[1]
        return self._run(start[None], n_steps, f"from ({x:.2f}, {y:.2f})")

    def pulse(
        self, channel: int = 0, amplitude: float = 1.0, n_pulse: int = 3, n_after: int = 120
    ) -> np.ndarray:
        """Apply an input for some steps, from the selected point, and see where it leads.

        Returns
        -------
        numpy.ndarray
            [1 + n_pulse + n_after, n_states]; empty when no point is selected.
        """
        if self.selected is None:
            self._say("select a point to pulse")
            return np.zeros((0, self.step_map.n_states))
        base = np.array(self.input)
        driven = base.copy()
        driven[channel] += amplitude
        state = self.fixed_points.xstar[self.selected]
        path = launches.pulse(self.step_map, state, base, driven, n_pulse, n_after)
        self._add_launches(path[None], f"pulse of u{channel + 1}")
        return path

    def clear_launches(self) -> None:
        """Remove the launched trajectories."""
        self._launches = []
        self._show()
        self._say("")

    def _run(self, starts: np.ndarray, n_steps: int, label: str) -> np.ndarray:
        try:
            paths = launches.launch(self.step_map, starts, np.array(self.input), n_steps)
        except ValueError as problem:
            self._say("", error=str(problem))
            raise
        self._add_launches(paths, label)
        return paths

    def _add_launches(self, paths: np.ndarray, label: str) -> None:
        self._launches = [*self._launches, *((path, label) for path in paths)][-12:]
        self._show()
        ends = [launches.destination(self.fixed_points, path[-1]) for path in paths]
        reached = ["no fixed point yet" if end is None else f"point {end}" for end in ends]
        self._say(f"{label}: reached {', '.join(dict.fromkeys(reached))}")

    def _say(self, text: str, error: str = "") -> None:
        self.put(status={**self.status, "error": error, "note": text})
