"""What the explorer shows: it puts results into the traits that the view draws."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.explorer import search as searching
from fpf_notebook.widgets.explorer.settings import Settings
from fpf_notebook.widgets.live import Report
from fpf_notebook.widgets.status import report_status

if TYPE_CHECKING:
    from traitlets import Bunch

    from fpf_notebook.plots.projection import Projection


class Showing(Settings):
    """Mix-in of the explorer."""

    state_traj: np.ndarray
    _found: searching.Found | None
    _going_on: bool
    _handed: np.ndarray | None  # points that the next search starts from as well
    _launches: list[tuple[np.ndarray, str]]
    _bounds: JsonObject | None
    _axes: Any
    _own: Projection | None = None  # axes that the user has named
    _paths: np.ndarray
    _lock: threading.RLock
    _turn = 0  # counts what was found; equal points may be an answer as well

    @property
    def picture(self) -> Showing:
        """What is drawn: since the controls are in the view, the explorer itself."""
        return self

    def _threshold_dragged(self, change: Bunch) -> None:
        if abs(np.log10(max(self.tol_q, 1e-36)) - change["new"]) > 1e-6:
            self.tol_q = float(10.0 ** change["new"])

    def _shown_changed(self, change: Bunch) -> None:
        if bool(change["old"].get("starts")) != bool(change["new"].get("starts")):
            self._show()

    def _recolour(self) -> None:
        self._show()
        self._say(scenes.unhonoured(self._points(), self.colour_by))

    def _say(self, text: str, error: str = "") -> None:
        raise NotImplementedError

    def _reproject(self) -> None:
        self._axes = self._bounds = None
        try:
            self._show()
        except ValueError as problem:
            self.put(status={**self.status, "error": str(problem)})

    def _show_empty(self) -> None:
        """Trajectories and axes are there before the first search has ended."""
        self._show()
        words = "searching…" if self.auto else "press Find to search"
        self.put(status=report_status(Report("idle"), words))

    def _points(self) -> FixedPoints:
        return FixedPoints() if self._found is None else self._found.unique

    def _shown_places(self) -> np.ndarray | None:
        points = self._points()
        return points.xstar[points.is_fixed] if len(points) else None

    def _take_over(self, states: np.ndarray, here: bool = False) -> None:
        """Start the next search from points that the page has followed, too: now, or when moved."""
        if states.ndim != 2 or states.shape[1] != self.step_map.n_states:
            return
        self._handed = states
        if here:
            self._going_on = True
            try:
                self.find()
            finally:
                self._going_on = False

    def find(self) -> object:
        """Search now."""
        raise NotImplementedError

    def _starts(self) -> JsonObject:
        everything = FixedPoints() if self._found is None else self._found.everything
        return {"xyz": scenes.starts_of(everything, self._axes)}

    def _show(self) -> None:
        with self._lock, self.hold_sync():
            points = self._points()
            per_points = self.projection == "fixed points"
            if self._axes is None or per_points:
                self._axes = scenes.projection_for(
                    self.projection, self.state_traj, points, self.step_map, self.units, self._own
                )
                self._paths = scenes.paths_of(self.state_traj, self._axes, self.n_trajectories)
            states = points.xstar if len(points) else np.zeros((0, self.step_map.n_states))
            places = scenes.padded(self._axes.transform(states))
            self._bounds = scenes.bounds_of([self._paths, places], self._bounds)
            state = scenes.state_scene(
                points if len(points) else FixedPoints(states),
                self._axes,
                self._bounds,
                colour_by=self.colour_by,
                launches=self._launches,
                sample=scenes.sample_words(self.state_traj, self.n_trajectories),
            )
            q = scenes.EMPTY_Q if self._found is None else scenes.q_scene(self._found)
            starts = self._starts() if self.options.get("starts") else {}
            place = place_of(self._found, self._axes, self.step_map.n_states, self._turn)
            scene = {"state": state, "q": q}
            self.put(paths={"xyz": self._paths}, starts=starts, scene=scene, place=place)


def place_of(
    found: searching.Found | None, axes: Projection, n_states: int, turn: int = 0
) -> JsonObject:
    """Return which points are shown, where they hold, and the axes, for a page that follows them.

    Slow points are left out: they are no fixed points, and have no number of their own there.
    `turn` tells one answer from the next one with the same points.
    """
    points = FixedPoints(np.zeros((0, n_states))) if found is None else found.unique
    fixed = np.zeros(0, dtype=int) if found is None else np.flatnonzero(~points.is_slow)
    inputs = None if found is None else found.request.inputs
    return {
        "x": points.xstar[fixed] if len(fixed) else np.zeros((0, n_states)),
        "numbers": fixed.tolist(),
        "u": [] if inputs is None else inputs[0].tolist(),
        "parameters": {} if found is None else dict(found.parameters),
        "whole": found is not None and not found.following,
        "turn": turn,
        "center": axes.mean,
        "basis": axes.components,
    }
