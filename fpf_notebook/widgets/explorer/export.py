"""What leaves the explorer: a figure, a page, a script, the picture in a saved notebook."""

from __future__ import annotations

import contextlib
import threading
import weakref
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
    camera: JsonObject
    parameters: dict[str, float]
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
        """Return the script that computes what is shown.

        Points that were followed from another setting, and that this search alone has not found,
        are none of its: a comment says how many there are.
        """
        n_known = getattr(self._found, "n_known", 0)
        note = (
            f"# {n_known} of the points shown were followed from another setting of the sliders;\n"
            "# this search alone need not find them (exhaustive=True looks for all).\n"
        )
        return (note if n_known else "") + self._code()

    def _code(self) -> str:
        values = {k: v for k, v in self.parameters.items() if v != self._movable.values[k]}
        if not values:
            return self.request.to_code(self._model_options)
        sizes = {"n_states": self.step_map.n_states, "n_inputs": self.step_map.n_inputs}
        return self.request.to_code({**sizes, **self._model_options}, values)

    def _summary(self) -> str:
        return f"FixedPointExplorer: {self.status.get('text', '')}"

    def _static_figure(self) -> object:
        from fpf_notebook.plots import plot_fixed_points

        if self._found is None:
            return None
        figure = plot_fixed_points(self.fixed_points, self.state_traj, projection=self._axes)
        for axes in getattr(figure, "axes", ()):
            if self.camera and hasattr(axes, "view_init"):
                elevation, azimuth, roll = angles_of(np.array(self.camera["rotation"]))
                axes.view_init(elev=elevation, azim=azimuth, roll=roll)
        return figure

    def _picture_again(self) -> None:
        """Draw what is saved in the notebook as the live view shows it, in the background."""
        self._prepare_static()
        if self._shown is None:
            return
        me = weakref.ref(self)

        def draw() -> None:
            widget = me()
            if widget is not None:
                with contextlib.suppress(Exception):  # closed meanwhile
                    widget._show_static_again()

        threading.Thread(target=draw, name="fpf-picture", daemon=True).start()


def angles_of(rotation: np.ndarray) -> tuple[float, float, float]:
    """Return matplotlib's elevation, azimuth and roll, in degrees, of a camera of the view.

    Parameters
    ----------
    rotation
        [9] Row by row what points to the right, up, and to the viewer, in the picture's axes.
    """
    right, up, viewer = rotation.reshape(3, 3)
    elevation = np.arcsin(np.clip(viewer[2], -1, 1))
    azimuth = np.arctan2(viewer[1], viewer[0])
    if abs(viewer[2]) > 1 - 1e-9:  # from above or below: which way is up says the rest
        azimuth = np.arctan2(-up[1], -up[0]) if viewer[2] > 0 else np.arctan2(up[1], up[0])
        return float(np.degrees(elevation)), float(np.degrees(azimuth)), 0.0
    # Without roll matplotlib's third axis points up.
    level = np.array([0.0, 0.0, 1.0]) - viewer[2] * viewer
    level /= np.linalg.norm(level)
    roll = np.arctan2(-right @ level, up @ level)
    return tuple(float(np.degrees(angle)) for angle in (elevation, azimuth, roll))  # type: ignore[return-value]
