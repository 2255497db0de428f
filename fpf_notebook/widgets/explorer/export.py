"""What leaves the explorer: a figure, a page, a script, the picture in a saved notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.explorer.live_page import live_state, why_not_live
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

    def _page(self, live: bool | None = None) -> tuple[list[dict[str, object]], str]:
        from fpf_notebook.widgets.inspector.scene import inspector_scene

        points = self.fixed_points
        # A page with an empty inspector looks broken, and nobody there knows what to click.
        selected = 0 if self.selected is None and len(points) else self.selected
        state = {**self.picture.saved_state(), "starts": self._starts(), "selected": selected}
        if live is not False:
            try:
                state["live"] = self._live()
            except ValueError as problem:
                if live:
                    raise ValueError(f"live=True, but the page cannot compute: {problem}") from None
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

    def save_html(self, path: str | Path, *, live: bool | None = None) -> Path:
        """Write one self-contained interactive page: no kernel, no network; return its path.

        Parameters
        ----------
        path
            The file; its folder must exist.
        live
            Whether the page computes: it then has sliders for the constant input, the noise and the
            number of starts, and finds the fixed points anew while they move, with the solver and
            the network inside (about 50 kB). Default None: where the network can be written as a
            program. False: what is shown now, to be turned and looked at.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            With ``live=True``, if the network cannot be written as a program; the message names the
            operation and the line of your code. Or if no search has ended yet.

        Notes
        -----
        What the page computes is *open* at best: it has no proofs, and does not claim that a set is
        complete. What Python found at the saved input keeps its grade until a slider moves.
        """
        from fpf_notebook.widgets.export import write_page

        if live is not None and not isinstance(live, bool):
            raise TypeError(f"live is {live!r}, expected True, False or None.")
        return write_page(path, *self._page(live))

    def _live(self) -> dict[str, object]:
        if self._found is None:
            raise ValueError("no search has ended yet.")
        request = self.request
        reason = why_not_live(self.step_map, request)
        if reason:
            raise ValueError(f"{reason}.")
        return live_state(self.step_map, request, self.fixed_points, self._axes)

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
