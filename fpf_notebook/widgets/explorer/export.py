"""What leaves the explorer: a figure, a page, a script, the picture in a saved notebook."""

from __future__ import annotations

from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.static_picture import StaticPicture


class ExplorerExport(StaticPicture):
    """Mix-in of the explorer."""

    step_map: StepMap
    state_traj: np.ndarray
    selected: int | None
    _found: object
    _axes: Any
    _model_options: JsonObject

    @property
    def fixed_points(self) -> FixedPoints:
        """What is shown."""
        raise NotImplementedError

    @property
    def all_candidates(self) -> FixedPoints:
        """Where every start ended."""
        raise NotImplementedError

    @property
    def request(self) -> SearchRequest:
        """What is searched for."""
        raise NotImplementedError

    def _starts(self) -> JsonObject:
        return {"xyz": scenes.starts_of(self.all_candidates, self._axes)}

    def figure(self) -> JsonObject:
        """Return what is seen as a plotly figure."""
        from fpf_notebook.plots import plot_fixed_points

        return plot_fixed_points(
            self.fixed_points, self.state_traj, projection=self._axes, backend="plotly"
        )

    def _page(self) -> tuple[list[dict[str, object]], str]:
        from fpf_notebook.widgets.inspector.scene import inspector_scene

        points = self.fixed_points
        # A page with an empty inspector looks broken, and nobody there knows what to click.
        selected = 0 if self.selected is None and len(points) else self.selected
        state = {**self.picture.saved_state(), "starts": self._starts(), "selected": selected}
        inspector = {
            "kind": "inspector",
            "status": {"state": "idle", "text": "modes of the selected point"},
            "group": self.picture.group,
            "options": {},
            "mode": 0,
            "selected": selected,
            "scene": inspector_scene(points, self.step_map, None, compare=()),
        }
        has_modes = points.J_xstar is not None and len(points) > 0
        return [state, inspector] if has_modes else [state], "Fixed points"

    def to_code(self) -> str:
        """Return the script that computes what is shown."""
        return self.request.to_code(self._model_options)

    def _summary(self) -> str:
        return f"FixedPointExplorer: {self.picture.status.get('text', '')}"

    def _static_figure(self) -> object:
        from fpf_notebook.plots import plot_fixed_points

        if self._found is None:
            return None
        return plot_fixed_points(self.fixed_points, self.state_traj, projection=self._axes)
