"""`FixedPointExplorer`: the state space of a network, with fixed points that follow the sliders."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import uuid
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as ipw
import numpy as np
import traitlets

from fpf_notebook._types import JsonObject
from fpf_notebook.finder import arguments
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.finder.suggest import refuse_unknown
from fpf_notebook.finder.traced_model import MODEL_OPTIONS
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.explorer import search as searching
from fpf_notebook.widgets.explorer.controls import control_column
from fpf_notebook.widgets.explorer.export import ExplorerExport
from fpf_notebook.widgets.explorer.launches import Launching
from fpf_notebook.widgets.guard import Guarded, SettingError
from fpf_notebook.widgets.hints import hints_of
from fpf_notebook.widgets.live import GRACE, Job, LatestWins, Report, ThrottledProgress
from fpf_notebook.widgets.status import report_status
from fpf_notebook.widgets.view import ExplorerPicture

if TYPE_CHECKING:
    from traitlets import Bunch


# Traits that are options of the finder, and those that say where it starts.
_OPTIONS = ("method", "random_seed", "tol_q", "tol_unique", "final_q_threshold")
_STARTS = ("n_inits", "noise_scale", "exhaustive")
_LONGEST_PATIENCE = 0.5  # seconds for which a newer setting waits where nothing can be followed
_VIEW = ("projection", "colour_by", "units", "push_size", "n_trajectories", "auto")
_FINDER = tuple(f.name for f in dataclasses.fields(Options) if f.name not in _OPTIONS)


class FixedPointExplorer(ExplorerExport, Launching, Guarded, ipw.VBox):
    """Explore the fixed points of a network: they are found again while you move a slider.

    Parameters
    ----------
    model
        What `FixedPointFinder` takes. It is read once, here, and never changed.
    state_traj : array, [n_batch, n_time, n_states]
        Trajectories: the pool of initial states, and what the picture shows.
    inputs : array, [n_inputs] or [1, n_inputs], optional
        The constant input, zero by default; each channel gets a slider.
    valid_bxt : array of bool, [n_batch, n_time], optional
        Only states where this is True are drawn as initial states.
    auto : bool
        Search at once, and again whenever a setting changes. Default True.
    **options
        ``tol_q, noise_scale, n_inits, tol_unique, final_q_threshold, method, exhaustive,
        random_seed`` (the sliders' start), ``projection, colour_by, units``, further options of
        `FixedPointFinder`, and those of `as_step_map`.

    Attributes
    ----------
    fixed_points, all_candidates : FixedPoints
        What is shown (slow points included), and where every start ended.
    selected : int or None
        The selected point; observable and assignable. `selection` holds several (box, lasso).
    tol_q, noise_scale, n_inits, tol_unique, final_q_threshold, method, exhaustive, random_seed, \
    input, auto, projection, colour_by, units, n_trajectories
        Settings; assigning one has the same effect as moving its control.

    Raises
    ------
    TypeError, ValueError
        For an unknown keyword (with a suggestion), and for wrong shapes.

    See Also
    --------
    JacobianInspector : ``JacobianInspector(explorer)`` shows the selected point.

    Examples
    --------
    >>> explorer = FixedPointExplorer(model, states)          # doctest: +SKIP
    >>> explorer.tol_q = 1e-20                                # doctest: +SKIP
    >>> explorer.wait().fixed_points                          # doctest: +SKIP
    """

    tol_q = traitlets.Float(1e-12)
    noise_scale = traitlets.Float(0.0)
    n_inits = traitlets.Int(1024)
    tol_unique = traitlets.Float(1e-3)
    final_q_threshold = traitlets.Float(1e-8)
    method = traitlets.Unicode("newton")
    exhaustive = traitlets.Bool(False)
    random_seed = traitlets.Int(0)
    input = traitlets.Any(())
    auto = traitlets.Bool(True)
    projection = traitlets.Enum(scenes.PROJECTIONS, default_value="trajectories")
    colour_by = traitlets.Enum(list(scenes.COLOUR_BY), default_value="stability")
    units = traitlets.Tuple(default_value=(0, 1, 2))
    push_size = traitlets.Float(0.05)
    n_trajectories = traitlets.Int(scenes.MAX_PATHS, min=0)
    selected = traitlets.Int(None, allow_none=True)
    selection = traitlets.List(traitlets.Int())
    #: Grows with each new set of points, for those who observe (a linked inspector does).
    version = traitlets.Int(0, read_only=True)

    def __init__(
        self,
        model: object,
        state_traj: object,
        inputs: object = None,
        *,
        valid_bxt: object = None,
        auto: bool = True,
        **options: Any,
    ) -> None:
        settings = (*_OPTIONS, *_STARTS, *_VIEW[:-1])
        refuse_unknown(type(self).__name__, options, (*settings, *_FINDER, *MODEL_OPTIONS))
        self._model_options = {name: options[name] for name in MODEL_OPTIONS if name in options}
        finder_options = {n: options[n] for n in (*_OPTIONS, *_FINDER) if n in options}
        self._search_tol_q = finder_options.get("search_tol_q", searching.SEARCH_TOL_Q)
        # Checks every option before anything is traced.
        finder = FixedPointFinder(model, **finder_options, **self._model_options)
        given = None if inputs is None else np.atleast_2d(np.asarray(inputs, dtype=np.float64))
        if given is not None and len(given) != 1:
            raise ValueError(
                f"inputs has shape {given.shape}, expected [1, n_inputs]: the explorer shows one "
                "constant input at a time, which its sliders change."
            )
        starts = {name: options[name] for name in _STARTS if name in options}
        request = finder.request(
            state_traj, given, valid_bxt=valid_bxt, include_slow=True, **starts
        )
        traj = request.state_traj
        if traj is None:  # states of another shape: this says why they are refused
            traj = arguments.check_states("state_traj", state_traj, 3, None)
        self.step_map = finder.step_map(request.n_states, request.n_inputs)
        u = request.check_fits(self.step_map)[0]
        self._single = finder.in_single_precision(self.step_map)
        self._base = request.replace(inputs=u[None])
        if request.valid_bxt is not None:  # what is masked out is not shown either
            traj = np.where(request.valid_bxt[..., None], traj, np.nan)
        self.state_traj = traj
        self._found: searching.Found | None = None  # what is shown
        self._whole: searching.Found | None = None  # the last search that ended
        self._tracker = searching.Tracker()
        self._prepared = False  # whether what follows points is compiled
        self._usual = 0.0  # seconds of a search
        self._launches: list[tuple[np.ndarray, str]] = []
        self._bounds: JsonObject | None = None
        self._axes: Any = None
        self._lock = threading.RLock()
        self.picture = ExplorerPicture()
        self.picture.put(group=uuid.uuid4().hex)
        # Flex, not a fixed width: narrow outputs stack.
        self.picture.layout = ipw.Layout(flex="5 1 460px", min_width="0", width="auto")
        me = weakref.ref(self)
        self._worker = LatestWins(lambda report: _tell(me, report), "fpf-explorer")
        super().__init__(
            layout=ipw.Layout(width="100%"),
            auto=auto,
            input=tuple(float(v) for v in u),
            **{name: options[name] for name in settings if name in options},
        )
        self._link()
        row = ipw.Layout(width="100%", flex_flow="row wrap", align_items="flex-start")
        controls = control_column(self)
        self.picture.put(hints=hints_of(controls, self.picture.key))
        self.children = [ipw.HBox([self.picture, controls], layout=row)]
        self._show_empty()
        if auto:
            self._refresh()

    # -- wiring ------------------------------------------------------------------------------------

    def _link(self) -> None:
        picture = self.picture
        picture.log_tol_q = float(np.log10(max(self.tol_q, 1e-36)))
        traitlets.link((self, "selected"), (picture, "selected"))
        traitlets.link((self, "selection"), (picture, "selection"))
        picture.observe(self._threshold_dragged, names="log_tol_q")
        picture.on_msg(self._on_message)
        self.observe(lambda _: self._refresh(), names=[*_OPTIONS, *_STARTS, "input"])
        names = ["projection", "units", "n_trajectories"]
        self.observe(lambda _: self._reproject(), names=names)
        self.observe(lambda _: self._recolour(), names=["colour_by"])
        picture.observe(self._shown_changed, names="options")

    def _threshold_dragged(self, change: Bunch) -> None:
        if abs(np.log10(max(self.tol_q, 1e-36)) - change["new"]) > 1e-6:
            self.tol_q = float(10.0 ** change["new"])

    def _shown_changed(self, change: Bunch) -> None:
        if bool(change["old"].get("starts")) != bool(change["new"].get("starts")):
            self._show()

    def _recolour(self) -> None:
        self._show()
        self._say(scenes.unhonoured(self.fixed_points, self.colour_by))

    def _on_message(self, _: object, content: JsonObject, __: object) -> None:
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "go_on":
            self.go_on()
        if kind != "launch_at":
            return
        try:
            place = float(content["x"]), float(content["y"])
        except (KeyError, TypeError, ValueError):
            place = (np.nan, np.nan)
        if not np.isfinite(place).all():
            self._say("", error="a launch needs two numbers x and y")
            return
        with contextlib.suppress(ValueError):  # shown by the launch itself
            self.launch_at(*place)

    @traitlets.validate("input")
    def _valid_input(self, proposal: Bunch) -> tuple[float, ...]:
        try:
            values = tuple(float(v) for v in np.ravel(proposal["value"]))
        except (TypeError, ValueError):
            values = ()
        if len(values) != self.step_map.n_inputs or not np.isfinite(values).all():
            raise SettingError(
                f"input is {proposal['value']!r}, expected {self.step_map.n_inputs} finite numbers."
            )
        return values

    @traitlets.validate(*_OPTIONS, *_STARTS)
    def _valid_setting(self, proposal: Bunch) -> Any:
        """Refuse what no search can be made with; the old value stays."""
        name, value = proposal["trait"].name, proposal["value"]
        try:
            if name in _STARTS:
                return getattr(self._base.replace(**{name: value}), name)
            return getattr(dataclasses.replace(self._base.options, **{name: value}), name)
        except (TypeError, ValueError) as problem:
            raise SettingError(str(problem)) from None

    @traitlets.validate("push_size")
    def _valid_push(self, proposal: Bunch) -> float:
        if not 0 < proposal["value"] < np.inf:
            raise SettingError(f"push_size is {proposal['value']!r}, expected a positive number.")
        return float(proposal["value"])

    def _observer_raised(self, words: str) -> None:
        self.picture.put(status={**self.picture.status, "error": words})

    @traitlets.validate("units")
    def _valid_units(self, proposal: Bunch) -> tuple[int, ...]:
        try:
            units = tuple(int(k) for k in proposal["value"])
        except (TypeError, ValueError):
            units = ()
        expected = min(3, self.step_map.n_states)
        if len(units) < expected or not all(0 <= k < self.step_map.n_states for k in units):
            raise SettingError(
                f"units is {units}, expected {expected} numbers below {self.step_map.n_states}."
            )
        return units

    @traitlets.validate("selected")
    def _valid_selected(self, proposal: Bunch) -> int | None:
        index = proposal["value"]
        if index is not None and not 0 <= index < len(self.fixed_points):
            raise SettingError(
                f"selected is {index}, but there are {len(self.fixed_points)} points."
            )
        return index

    # -- searching ---------------------------------------------------------------------------------

    def find(self) -> FixedPointExplorer:
        """Search now, whatever `auto` says; use `wait` for the result."""
        self._refresh(force=True)
        return self

    def go_on(self) -> FixedPointExplorer:
        """Do more for an open set: search exhaustively, or, where that was done, longer.

        Twice the rounds, twice ``max_seconds``, and one more idle round before the end. The button
        in the status line calls this.
        """
        if not self.exhaustive:
            self.exhaustive = True
            return self if self.auto else self.find()
        base = self._base
        more: dict[str, Any] = {"patience": base.patience + 1, "max_rounds": 2 * base.max_rounds}
        if base.max_seconds is not None:
            more["max_seconds"] = 2 * base.max_seconds
        for name, value in more.items():
            with contextlib.suppress(ValueError):  # at its upper bound already
                self._base = self._base.replace(**{name: value})
        return self.find()

    def wait(self, timeout: float | None = None) -> FixedPointExplorer:
        """Wait until the picture is up to date.

        Raises
        ------
        TimeoutError
            If it takes longer than `timeout` seconds.
        Exception
            What went wrong in the background.
        """
        self._worker.wait(timeout)
        return self

    def close(self) -> None:
        """Stop the background thread and remove the widget."""
        # Called by __del__ too, for a widget whose constructor has refused its arguments.
        for part in (getattr(self, "_worker", None), getattr(self, "picture", None)):
            if part is not None:
                part.close()
        super().close()

    @property
    def request(self) -> SearchRequest:
        """What is searched for with the present settings; ``request.to_code()`` is the script."""
        options: JsonObject = {name: getattr(self, name) for name in _OPTIONS}
        options["search_tol_q"] = self._search_tol_q if self.method == "newton" else None
        return self._base.replace(
            options=dataclasses.replace(self._base.options, **options),
            inputs=np.array([self.input], dtype=np.float64).reshape(1, -1),
            **{name: getattr(self, name) for name in _STARTS},
        )

    def _refresh(self, force: bool = False) -> None:
        try:
            request = self.request
        except (TypeError, ValueError) as problem:  # shown, and raised by `wait`
            self._worker.submit(Job(_failing(problem), lambda _: None))
            return
        self.picture.log_tol_q = float(np.log10(max(self.tol_q, 1e-36)))
        earlier = None if force else self._whole
        known = searching.is_known(self._whole, request)
        if not (known or force or self.auto):
            waiting = {"text": "settings changed: press Find", "state": "empty"}
            self.picture.put(status={**self.picture.status, **waiting})
            return
        step_map, single, tracker = self.step_map, self._single, self._tracker
        follows = not force and searching.can_follow(self._found, request)

        def look(cancel: Any) -> searching.Found | None:
            return tracker.look(step_map, request, cancel)

        def work(cancel: Any, progress: Any) -> searching.Found:
            return searching.find(
                step_map, request, earlier, single=single, progress=progress, cancel=cancel
            )

        me = weakref.ref(self)

        def deliver(result: searching.Found) -> None:
            widget = me()
            if widget is not None:
                widget._deliver(result)

        # Where nothing can be followed, a search that usually ends soon may do so.
        patience = GRACE if follows else min(max(GRACE, 1.5 * self._usual), _LONGEST_PATIENCE)
        afterwards = None
        if not self._prepared and len(self.input):
            self._prepared = True

            def afterwards(_: Any) -> None:
                tracker.prepare(step_map, request)

        self._worker.submit(Job(work, deliver, look if follows else None, patience, afterwards))

    def _deliver(self, found: searching.Found) -> None:
        with self._lock:
            before, index = self.fixed_points, self.selected
            self._found = found
            if not found.following:
                self._whole = found
                self._usual = found.seconds if found.is_new else self._usual
                self._tracker.restart(found, self.step_map.n_states)
            keep = scenes.followed(before, index, found.unique)
            with self.picture.hold_sync():
                if keep != index:
                    self.selected = None
                self.selection = []
                self._show()
                self.selected = keep
                self.picture.put(status=scenes.status_of(found))
        self.set_trait("version", self.version + 1)
        self._prepare_static()

    # -- showing -----------------------------------------------------------------------------------

    def _reproject(self) -> None:
        self._axes = self._bounds = None
        try:
            self._show()
        except ValueError as problem:
            self.picture.put(status={**self.picture.status, "error": str(problem)})

    def _show_empty(self) -> None:
        """Trajectories and axes are there before the first search has ended."""
        self._show()
        words = "searching…" if self.auto else "press Find to search"
        self.picture.put(status=report_status(Report("idle"), words))

    def _show(self) -> None:
        with self._lock, self.picture.hold_sync():
            points = self.fixed_points
            per_points = self.projection == "fixed points"
            if self._axes is None or per_points:
                self._axes = scenes.projection_for(
                    self.projection, self.state_traj, points, self.step_map, self.units
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
            starts = self._starts() if self.picture.options.get("starts") else {}
            self.picture.put(
                paths={"xyz": self._paths}, starts=starts, scene={"state": state, "q": q}
            )

    # -- reading -----------------------------------------------------------------------------------

    @property
    def fixed_points(self) -> FixedPoints:
        """The points shown, slow ones included; empty before the first search has ended."""
        return FixedPoints() if self._found is None else self._found.unique

    @property
    def all_candidates(self) -> FixedPoints:
        """Where every start ended."""
        return FixedPoints() if self._found is None else self._found.everything

    @property
    def has_readout(self) -> bool:
        """Whether the network has a readout."""
        return self.step_map.readout is not None

    def _settle(self, timeout: float) -> None:
        if self._found is None and self._worker.busy:
            self._worker.settle(timeout)


def _failing(problem: Exception) -> Callable[[CancelToken, ThrottledProgress], None]:
    def work(cancel: CancelToken, progress: ThrottledProgress) -> None:
        raise problem

    return work


def _tell(me: weakref.ref[FixedPointExplorer], report: Report) -> None:
    widget = me()
    if widget is None:
        return
    if report.state == "idle":
        return  # the status line of the result is there already
    widget.picture.put(status=report_status(report, widget.picture.status.get("text", "")))
