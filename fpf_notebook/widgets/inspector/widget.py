"""`JacobianInspector`: spectrum, Jacobian and modes of a fixed point."""

from __future__ import annotations

import uuid
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.suggest import refuse_unknown
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets import panel
from fpf_notebook.widgets.guard import SettingError
from fpf_notebook.widgets.inspector import scene as scenes
from fpf_notebook.widgets.live import Job, LatestWins, Report
from fpf_notebook.widgets.panel_widgets import close_all, close_parts, panel_widgets
from fpf_notebook.widgets.points import ShowsPoints
from fpf_notebook.widgets.static_picture import StaticPicture
from fpf_notebook.widgets.status import report_status
from fpf_notebook.widgets.view import InspectorPicture

if TYPE_CHECKING:
    from traitlets import Bunch

    from fpf_notebook._types import Figure
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.widgets.explorer.widget import FixedPointExplorer


_PANEL = [
    panel.group(
        "heat map, spectrum, push",
        [
            panel.slider(
                "amplitude", "amplitude", "how far the point is pushed along the mode", -5, 1, 0.05,
                scale="log10", shown=".1e",
            ),
            panel.choice(
                "order", "sort units", "order of rows and columns of the heat map", scenes.ORDERS
            ),
            panel.text(
                "compare", "compare", "points whose spectra are drawn as crosses", "such as 0, 4"
            ),
        ],
    )
]  # fmt: skip


class JacobianInspector(StaticPicture, InspectorPicture):
    """Inspect the linearization at fixed points: eigenvalues, Jacobian, modes, pushes.

    Parameters
    ----------
    source : FixedPoints, FixedPointExplorer, StepMap or model
        Fixed points with Jacobians; an explorer, whose selected point is followed; or a network
        together with `point`.
    point : array, [n_states], optional
        With a network: the state to linearize it at, fixed point or not.
    inputs : array, [n_inputs], optional
        With a network: the constant input. Default zero.
    step_map : StepMap or model, optional
        With `FixedPoints`: the network they belong to. Without it there is no nonlinear response
        and no overlap with the readout.
    selected : int, optional
        The point shown first. Default: 0, or that of the explorer.
    **options
        ``compare`` (points whose spectra are drawn too), ``amplitude`` and ``order`` (one of
        "clustering", "participation", "unit number"); with a model, options of `as_step_map`.

    Attributes
    ----------
    selected, mode, amplitude, order, compare
        Observable and assignable.
    fixed_points : FixedPoints
        What is shown.

    Raises
    ------
    TypeError, ValueError
        For a source of another type, points without Jacobians, and unknown keywords.
    """

    amplitude = traitlets.Float(0.05).tag(sync=True)
    order = traitlets.Enum(scenes.ORDERS, default_value="clustering").tag(sync=True)
    compare = traitlets.List(traitlets.Int()).tag(sync=True)

    FROM_BROWSER = (*InspectorPicture.FROM_BROWSER, "amplitude", "order", "compare")
    _ready = False  # whether changes have consequences yet

    def __init__(
        self,
        source: object,
        *,
        point: object = None,
        inputs: ArrayLike | None = None,
        step_map: StepMap | None = None,
        selected: int | None = None,
        **options: Any,
    ) -> None:
        own = ("compare", "amplitude", "order", "mode")
        model_options = ("time", "dt", "n_states", "n_inputs", "state_vars", "convention",
                         "batched", "params", "invariant_box", "readout",
                         "framework")  # fmt: skip
        refuse_unknown(type(self).__name__, options, (*own, *model_options))
        for_model = {k: v for k, v in options.items() if k in model_options}
        self._explorer: Any = None
        self._points, self._step_map = _resolved(self, source, point, inputs, step_map, for_model)
        group = uuid.uuid4().hex if self._explorer is None else self._explorer.picture.group
        me = weakref.ref(self)
        self._worker = LatestWins(lambda report: _tell(me, report), "fpf-inspector")
        self._controls: ipw.Widget | None = None
        self._unfollow: Callable[[], None] | None = None
        super().__init__(
            layout=ipw.Layout(width="100%"), **{k: v for k, v in options.items() if k in own}
        )
        self.put(group=group, panel=_PANEL)
        if self._explorer is not None:
            self._follow(self._explorer)
        elif selected is not None or len(self._points):
            self.selected = 0 if selected is None else selected
        self._ready = True
        self._refresh()

    @property
    def picture(self) -> JacobianInspector:
        """What is drawn: since the controls are in the view, the inspector itself."""
        return self

    @property
    def controls(self) -> ipw.Widget:
        """The controls as ipywidgets, linked to the traits: for a panel of one's own."""
        if self._controls is None:
            self._controls = panel_widgets(self, self.panel, lambda *_: None)
        return self._controls

    def notify_change(self, change: Bunch) -> None:
        """Do what a change asks for, then tell the browser and the observers."""
        asks = change["name"] in ("selected", "mode", "amplitude", "order", "compare")
        if self._ready and asks and change["type"] == "change":
            if change["name"] == "selected" and self._unfollow is not None:
                self._explorer.selected = change["new"]
            self._refresh()
        super().notify_change(change)

    @traitlets.validate("selected")
    def _valid_selected(self, proposal: Bunch) -> int | None:
        index = proposal["value"]
        # The explorer has its new points before it says so.
        points = self._points if self._explorer is None else self._explorer.fixed_points
        if index is not None and not 0 <= index < len(points):
            raise SettingError(f"selected is {index}, but there are {len(points)} points.")
        return index

    @traitlets.validate("amplitude")
    def _valid_amplitude(self, proposal: Bunch) -> float:
        value = proposal["value"]
        if not 0 < value < np.inf:
            raise SettingError(f"amplitude is {value!r}, expected a positive number.")
        return float(value)

    def _follow(self, explorer: FixedPointExplorer) -> None:
        """Keep step with an explorer, without keeping either alive."""
        me = weakref.ref(self)

        def changed(_: object) -> None:
            widget = me()
            if widget is not None:
                widget._points = explorer.fixed_points
                widget._refresh()

        def selected(change: Bunch) -> None:
            widget = me()
            if widget is not None:
                widget.selected = change["new"]

        def unfollow() -> None:
            explorer.unobserve(changed, names="version")
            explorer.unobserve(selected, names="selected")

        self._unfollow = unfollow
        self.selected = explorer.selected
        explorer.observe(changed, names="version")
        explorer.observe(selected, names="selected")

    @property
    def fixed_points(self) -> FixedPoints:
        """The points that are shown."""
        return self._points

    # -- computing ---------------------------------------------------------------------------------

    def _refresh(self) -> None:
        points, step_map = self._points, self._step_map
        selected = self.selected if self.selected is not None else -1
        settings = {
            "compare": [k for k in self.compare if 0 <= k < len(points)],
            "mode": self.mode,
            "amplitude": self.amplitude,
            "order": self.order,
        }

        def work(_: object, __: object) -> JsonObject:
            return scenes.inspector_scene(points, step_map, selected, **settings)  # type: ignore[arg-type]

        me = weakref.ref(self)

        def deliver(scene: dict[str, object]) -> None:
            widget = me()
            if widget is not None:
                widget.put(scene=scene)
                widget._prepare_static()

        self._worker.submit(Job(work, deliver))

    def wait(self, timeout: float | None = None) -> JacobianInspector:
        """Wait until the picture is up to date; raises what went wrong in the background."""
        self._worker.wait(timeout)
        return self

    def close(self) -> None:
        """Stop the background thread, let go of the explorer, and remove the widget."""
        unfollow = getattr(self, "_unfollow", None)
        if unfollow is not None:
            unfollow()
            self._unfollow = None
        # Called by __del__ too, for a widget whose constructor has refused its arguments.
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.close()
            close_all(self._controls)
            close_parts(self)
        super().close()

    # -- exporting ---------------------------------------------------------------------------------

    def _page(self) -> tuple[list[dict[str, object]], str]:
        state = self.saved_state()
        state["scene"] = scenes.inspector_scene(
            self._points, self._step_map, None, compare=self.compare, order=self.order,
            amplitude=self.amplitude,
        )  # fmt: skip
        return [state], "Jacobian"

    def _settle(self, timeout: float) -> None:
        self._worker.settle(timeout)

    def _summary(self) -> str:
        return f"JacobianInspector: {self.status.get('text', '')}"

    def _static_figure(self) -> Figure | None:
        from fpf_notebook.plots import plot_spectrum

        points = self._points
        if points.eigval_J_xstar is None or not len(points):
            return None
        chosen = points if self.selected is None else points[[self.selected]]
        return plot_spectrum(chosen)


def _resolved(
    inspector: JacobianInspector,
    source: Any,
    point: Any,
    inputs: Any,
    step_map: Any,
    model_options: dict[str, Any],
) -> tuple[FixedPoints, StepMap | None]:
    """Tell the three kinds of sources apart."""
    from fpf_notebook.dynamics import as_step_map

    if isinstance(source, ShowsPoints):
        inspector._explorer = source
        return source.fixed_points, source.step_map
    if isinstance(source, FixedPoints):
        if len(source) and source.J_xstar is None:
            raise ValueError(
                "source has no Jacobians (J_xstar is None), expected fixed points that were found "
                "with do_compute_jacobians=True."
            )
        if len(source) and source.eigval_J_xstar is None:
            source = source.decompose_jacobians()
        if step_map is not None and not isinstance(step_map, StepMap):
            step_map = as_step_map(step_map, n_states=source.n_states, **model_options)
        return source, step_map
    if point is None:
        raise TypeError(
            f"source is {type(source).__name__}, expected FixedPoints, a FixedPointExplorer, or a "
            "network together with point=."
        )
    states = np.atleast_2d(np.asarray(point, dtype=np.float64))
    if not isinstance(source, StepMap):
        sizes = {"n_states": states.shape[1]}
        if inputs is not None:
            sizes["n_inputs"] = np.atleast_2d(inputs).shape[1]
        source = as_step_map(source, **{**sizes, **model_options})
    u = np.zeros(source.n_inputs) if inputs is None else np.asarray(inputs)
    return scenes.points_at(source, states, u), source


def _tell(me: weakref.ref[JacobianInspector], report: Report) -> None:
    widget = me()
    if widget is None:
        return
    points, index = widget._points, widget.selected
    text = "select a point" if index is None else f"point {index} of {len(points)}"
    if not len(points):
        text = "no fixed points yet"
    widget.put(status=report_status(report, text))
