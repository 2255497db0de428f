"""What leaves the explorer: a figure, a page, a script, the picture in a saved notebook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer.live_page import live_state
from fpf_notebook.widgets.explorer.panel import for_page
from fpf_notebook.widgets.explorer.parameters import Movable
from fpf_notebook.widgets.panel import items_of
from fpf_notebook.widgets.static_picture import StaticPicture


class ExplorerExport(StaticPicture):
    """Mix-in of the explorer."""

    state_traj: np.ndarray
    selected: int | None
    panel: list[JsonObject]
    status: JsonObject
    group: str
    live: JsonObject
    _found: object
    _axes: Any
    _model_options: JsonObject
    _movable: Movable

    if TYPE_CHECKING:  # what the explorer has

        @property
        def step_map(self) -> StepMap:
            """The network."""

        @property
        def fixed_points(self) -> FixedPoints:
            """What is shown."""

        @property
        def request(self) -> SearchRequest:
            """What is searched for."""

        def saved_state(self) -> JsonObject:
            """Return the traits that a page needs."""

        def _starts(self) -> JsonObject: ...

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
        state = {**self.saved_state(), "starts": self._starts(), "selected": selected}
        if live is not False:
            try:
                state |= {"live": self._live(), "panel": for_page(self.panel)}
                state |= {
                    item["trait"]: getattr(self, item["trait"]) for item in items_of(state["panel"])
                }
            except ValueError as problem:
                if live:
                    raise ValueError(f"live=True, but the page cannot compute: {problem}") from None
        inspector = {
            "kind": "inspector",
            "status": {"state": "idle", "text": "modes of the selected point"},
            "group": self.group,
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

    def _live(self) -> JsonObject:
        if self._found is None:
            raise ValueError("no search has ended yet.")
        network = self._movable
        return live_state(network.step_map, list(network.ranges), self.request)

    def to_code(self) -> str:
        """Return the script that computes what is shown."""
        return self.request.to_code(self._model_options)

    def _summary(self) -> str:
        return f"FixedPointExplorer: {self.status.get('text', '')}"

    def _static_figure(self) -> object:
        from fpf_notebook.plots import plot_fixed_points

        if self._found is None:
            return None
        return plot_fixed_points(self.fixed_points, self.state_traj, projection=self._axes)
