"""The explorer's settings: traits, what they may be, and who may set them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.explorer.parameters import Movable
from fpf_notebook.widgets.guard import SettingError
from fpf_notebook.widgets.view import ExplorerPicture

if TYPE_CHECKING:
    from traitlets import Bunch

__all__ = ["FINDER", "OPTIONS", "STARTS", "VIEW", "Settings"]

# Traits that are options of the finder, and those that say where it starts.
OPTIONS = ("method", "random_seed", "tol_q", "tol_unique", "final_q_threshold")
STARTS = ("n_inits", "noise_scale", "exhaustive")
PLACE = ("input", "parameters")
VIEW = ("projection", "colour_by", "units", "push_size", "n_trajectories", "show_controls")
FINDER = tuple(f.name for f in dataclasses.fields(Options) if f.name not in OPTIONS)


class Settings(ExplorerPicture):
    """The picture of the explorer, with the settings that its controls show and set."""

    tol_q = traitlets.Float(1e-12).tag(sync=True)
    noise_scale = traitlets.Float(0.0).tag(sync=True)
    n_inits = traitlets.Int(1024).tag(sync=True)
    tol_unique = traitlets.Float(1e-3).tag(sync=True)
    final_q_threshold = traitlets.Float(1e-8).tag(sync=True)
    method = traitlets.Unicode("newton").tag(sync=True)
    exhaustive = traitlets.Bool(False).tag(sync=True)
    random_seed = traitlets.Int(0).tag(sync=True)
    input = traitlets.Any(()).tag(sync=True)
    parameters = traitlets.Dict().tag(sync=True)
    auto = traitlets.Bool(True).tag(sync=True)
    projection = traitlets.Enum(scenes.PROJECTIONS, default_value="trajectories").tag(sync=True)
    colour_by = traitlets.Enum(list(scenes.COLOUR_BY), default_value="stability").tag(sync=True)
    units = traitlets.Tuple(default_value=(0, 1, 2)).tag(sync=True)
    push_size = traitlets.Float(0.05).tag(sync=True)
    n_trajectories = traitlets.Int(scenes.MAX_PATHS, min=0).tag(sync=True)

    FROM_BROWSER = (
        *ExplorerPicture.FROM_BROWSER, *OPTIONS, *STARTS, *PLACE, *VIEW, "auto",
    )  # fmt: skip

    _base: SearchRequest
    _movable: Movable
    _ready = False  # whether changes have consequences yet

    @property
    def step_map(self) -> StepMap:
        """The network, with the present values of the parameters that can be moved."""
        return self._movable.at(self.parameters)

    def notify_change(self, change: Bunch) -> None:
        """Do what a change asks for, then tell the browser and the observers."""
        # No observers of our own: `unobserve_all` is for those of the user.
        if self._ready and change["type"] == "change":
            self._changed(change)
        super().notify_change(change)

    def _changed(self, change: Bunch) -> None:
        raise NotImplementedError

    @traitlets.validate("input")
    def _valid_input(self, proposal: Bunch) -> tuple[float, ...]:
        n_inputs = self._movable.step_map.n_inputs
        try:
            values = tuple(float(v) for v in np.ravel(proposal["value"]))
        except (TypeError, ValueError):
            values = ()
        if len(values) != n_inputs or not np.isfinite(values).all():
            raise SettingError(
                f"input is {proposal['value']!r}, expected {n_inputs} finite numbers."
            )
        return values

    @traitlets.validate("parameters")
    def _valid_parameters(self, proposal: Bunch) -> dict[str, float]:
        try:
            given = self._movable.checked(proposal["value"])
        except ValueError as problem:
            raise SettingError(str(problem)) from None
        return {**self._movable.values, **self.parameters, **given}

    @traitlets.validate(*OPTIONS, *STARTS)
    def _valid_setting(self, proposal: Bunch) -> Any:
        """Refuse what no search can be made with; the old value stays."""
        name, value = proposal["trait"].name, proposal["value"]
        try:
            if name in STARTS:
                return getattr(self._base.replace(**{name: value}), name)
            return getattr(dataclasses.replace(self._base.options, **{name: value}), name)
        except (TypeError, ValueError) as problem:
            raise SettingError(str(problem)) from None

    @traitlets.validate("push_size")
    def _valid_push(self, proposal: Bunch) -> float:
        if not 0 < proposal["value"] < np.inf:
            raise SettingError(f"push_size is {proposal['value']!r}, expected a positive number.")
        return float(proposal["value"])

    @traitlets.validate("units")
    def _valid_units(self, proposal: Bunch) -> tuple[int, ...]:
        n_states = self._movable.step_map.n_states
        try:
            units = tuple(int(k) for k in proposal["value"])
        except (TypeError, ValueError):
            units = ()
        expected = min(3, n_states)
        if len(units) < expected or not all(0 <= k < n_states for k in units):
            raise SettingError(f"units is {units}, expected {expected} numbers below {n_states}.")
        return units
