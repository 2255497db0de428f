"""`JacobianInspector`: spectrum, Jacobian and modes of a fixed point."""

from __future__ import annotations

import uuid
import weakref
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
import numpy as np
import traitlets
from numpy.typing import ArrayLike

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.suggest import refuse_unknown
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.guard import Guarded, SettingError
from fpf_notebook.widgets.hints import hints_of
from fpf_notebook.widgets.inspector import scene as scenes
from fpf_notebook.widgets.live import Job, LatestWins, Report
from fpf_notebook.widgets.points import ShowsPoints
from fpf_notebook.widgets.static_picture import StaticPicture
from fpf_notebook.widgets.status import report_status
from fpf_notebook.widgets.view import InspectorPicture

if TYPE_CHECKING:
    from fpf_notebook._types import Figure
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.widgets.explorer.widget import FixedPointExplorer


_STYLE = {"description_width": "92px"}


class JacobianInspector(StaticPicture, Guarded, ipw.VBox):
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

    selected = traitlets.Int(None, allow_none=True)
    mode = traitlets.Int(0, min=0)
    amplitude = traitlets.Float(0.05)
    order = traitlets.Enum(scenes.ORDERS, default_value="clustering")
    compare = traitlets.List(traitlets.Int())

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
        self.picture = InspectorPicture()
        self.picture.put(group=group)
        self.picture.layout = ipw.Layout(width="100%")
        me = weakref.ref(self)
        self._worker = LatestWins(lambda report: _tell(me, report), "fpf-inspector")
        super().__init__(
            layout=ipw.Layout(width="100%"), **{k: v for k, v in options.items() if k in own}
        )
        controls = self._controls()
        self.picture.put(hints=hints_of(controls, self.picture.key))
        self.children = [self.picture, controls]
        traitlets.link((self, "selected"), (self.picture, "selected"))
        traitlets.link((self, "mode"), (self.picture, "mode"))
        if self._explorer is not None:
            self._follow(self._explorer)
        elif selected is not None or len(self._points):
            self.selected = 0 if selected is None else selected
        names = ["selected", "mode", "amplitude", "order", "compare"]
        self.observe(lambda _: self._refresh(), names=names)
        self._refresh()

    @traitlets.validate("amplitude")
    def _valid_amplitude(self, proposal: Any) -> float:
        value = proposal["value"]
        if not 0 < value < np.inf:
            raise SettingError(f"amplitude is {value!r}, expected a positive number.")
        return float(value)

    def _observer_raised(self, words: str) -> None:
        self.picture.put(status={**self.picture.status, "error": words})

    def _controls(self) -> ipw.Widget:
        wide = ipw.Layout(width="300px")
        amplitude = ipw.FloatLogSlider(
            base=10, min=-5, max=1, step=0.05, description="amplitude", readout_format=".1e",
            tooltip="how far the point is pushed along the mode", style=_STYLE, layout=wide,
        )  # fmt: skip
        amplitude.add_class("fpf-amplitude")
        order = ipw.Dropdown(
            options=list(scenes.ORDERS), description="sort units by", style=_STYLE,
            tooltip="order of rows and columns of the heat map", layout=wide,
        )  # fmt: skip
        compare = ipw.Text(
            description="compare with", placeholder="points, such as 0, 4", style=_STYLE,
            tooltip="points whose spectra are drawn as crosses", layout=wide,
            continuous_update=False,
        )  # fmt: skip
        traitlets.link((self, "amplitude"), (amplitude, "value"))
        traitlets.link((self, "order"), (order, "value"))

        def typed(_: object) -> None:
            words = compare.value.replace(",", " ").split()
            self.compare = [int(word) for word in words if word.isdigit()]

        compare.observe(typed, names="value")
        return ipw.HBox([amplitude, order, compare], layout=ipw.Layout(flex_flow="row wrap"))

    def _follow(self, explorer: FixedPointExplorer) -> None:
        """Keep step with an explorer, without keeping either alive."""
        self._selection_link: Any = traitlets.link((explorer, "selected"), (self, "selected"))
        me = weakref.ref(self)

        def changed(_: object) -> None:
            widget = me()
            if widget is not None:
                widget._points = widget._explorer.fixed_points
                widget._refresh()

        self._unfollow = lambda: explorer.unobserve(changed, names="version")
        explorer.observe(changed, names="version")

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
                widget.picture.put(scene=scene)
                widget._prepare_static()

        self._worker.submit(Job(work, deliver))

    def wait(self, timeout: float | None = None) -> JacobianInspector:
        """Wait until the picture is up to date; raises what went wrong in the background."""
        self._worker.wait(timeout)
        return self

    def close(self) -> None:
        """Stop the background thread, let go of the explorer, and remove the widget."""
        if getattr(self, "_selection_link", None) is not None:
            self._selection_link.unlink()
            self._unfollow()
            self._selection_link = None
        # Called by __del__ too, for a widget whose constructor has refused its arguments.
        for part in (getattr(self, "_worker", None), getattr(self, "picture", None)):
            if part is not None:
                part.close()
        super().close()

    # -- exporting ---------------------------------------------------------------------------------

    def _page(self) -> tuple[list[dict[str, object]], str]:
        state = self.picture.saved_state()
        state["scene"] = scenes.inspector_scene(
            self._points, self._step_map, None, compare=self.compare, order=self.order,
            amplitude=self.amplitude,
        )  # fmt: skip
        return [state], "Jacobian"

    def _settle(self, timeout: float) -> None:
        self._worker.settle(timeout)

    def _summary(self) -> str:
        return f"JacobianInspector: {self.picture.status.get('text', '')}"

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
    widget.picture.put(status=report_status(report, text))
