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
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.finder.suggest import refuse_unknown
from fpf_notebook.finder.traced_model import MODEL_OPTIONS
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.explorer import search as searching
from fpf_notebook.widgets.explorer.export import ExplorerExport
from fpf_notebook.widgets.explorer.launches import Launching
from fpf_notebook.widgets.explorer.live_page import send_program
from fpf_notebook.widgets.explorer.messages import act
from fpf_notebook.widgets.explorer.own_axes import own_axes
from fpf_notebook.widgets.explorer.panel import explorer_panel
from fpf_notebook.widgets.explorer.parameters import movable
from fpf_notebook.widgets.explorer.settings import FINDER, OPTIONS, PLACE, STARTS, VIEW
from fpf_notebook.widgets.explorer.showing import Showing
from fpf_notebook.widgets.live import GRACE, Job, LatestWins, Report, ThrottledProgress
from fpf_notebook.widgets.panel_widgets import close_all, close_parts, panel_widgets
from fpf_notebook.widgets.status import report_status

if TYPE_CHECKING:
    from traitlets import Bunch


_LONGEST_PATIENCE = 0.5  # seconds for which a newer setting waits where nothing can be followed


class FixedPointExplorer(ExplorerExport, Launching, Showing):
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
    parameters : dict or list of str, optional
        Parameters of the network that get a slider: names as `StepMap.to_program` takes them, with
        the ends of their sliders, ``{"gain": (0.5, 2.0), "W[0, 1]": (-1.0, 1.0)}``.
    axes : dict, optional
        One to three directions [n_states] by name, ``{"choice": v}``: axes of the picture.
    auto : bool
        Search at once, and again whenever a setting changes. Default True.
    **options
        ``tol_q, noise_scale, n_inits, tol_unique, final_q_threshold, method, exhaustive,
        random_seed`` (the sliders' start), ``projection, colour_by, units, n_trajectories,
        push_size, show_controls``, further options of
        `FixedPointFinder`, and those of `as_step_map`.

    Attributes
    ----------
    fixed_points, all_candidates : FixedPoints
        What is shown (slow points included), and where every start ended.
    selected : int or None
        The selected point; observable and assignable. `selection` holds several (box, lasso).
    tol_q, noise_scale, n_inits, tol_unique, final_q_threshold, method, exhaustive, random_seed, \
    input, parameters, auto, projection, colour_by, units, n_trajectories, push_size
        Settings; assigning one has the same effect as moving its control. `parameters` are numbers
        by name; those that are not assigned keep theirs.
    show_controls : bool
        Whether the view draws the controls; see `controls`.
    page_counts : dict
        For debugging: ``pictures`` that the page made while a slider moved, ``answers`` of the
        kernel, ``differences``: how many ``page`` and ``kernel`` had the last time they differed.

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

    #: Grows with each new set of points, for those who observe (a linked inspector does).
    version = traitlets.Int(0, read_only=True)

    def __init__(
        self,
        model: object,
        state_traj: object,
        inputs: object = None,
        *,
        valid_bxt: object = None,
        parameters: object = None,
        axes: object = None,
        auto: bool = True,
        **options: Any,
    ) -> None:
        settings = (*OPTIONS, *STARTS, *VIEW)
        refuse_unknown(type(self).__name__, options, (*settings, *FINDER, *MODEL_OPTIONS))
        self._model_options = {name: options[name] for name in MODEL_OPTIONS if name in options}
        finder_options = {n: options[n] for n in (*OPTIONS, *FINDER) if n in options}
        self._search_tol_q = finder_options.get("search_tol_q", searching.SEARCH_TOL_Q)
        # Checks every option before anything is traced.
        finder = FixedPointFinder(model, **finder_options, **self._model_options)
        given = None if inputs is None else np.atleast_2d(np.asarray(inputs, dtype=np.float64))
        if given is not None and len(given) != 1:
            raise ValueError(
                f"inputs has shape {given.shape}, expected [1, n_inputs]: the explorer shows one "
                "constant input at a time, which its sliders change."
            )
        starts = {name: options[name] for name in STARTS if name in options}
        request = finder.request(
            state_traj, given, valid_bxt=valid_bxt, include_slow=True, **starts
        )
        traj = request.state_traj
        if traj is None:  # states of another shape: this says why they are refused
            traj = arguments.check_states("state_traj", state_traj, 3, None)
        step_map = finder.step_map(request.n_states, request.n_inputs)
        self._movable = movable(step_map, parameters)
        u = request.check_fits(step_map)[0]
        single = finder.in_single_precision(step_map)
        self._single = None if single is None else movable(single, self._movable.ranges)
        self._base = request.replace(inputs=u[None])
        if request.valid_bxt is not None:  # what is masked out is not shown either
            traj = np.where(request.valid_bxt[..., None], traj, np.nan)
        self.state_traj = traj
        self._own = None if axes is None else own_axes(axes, traj)
        options = options if axes is None else {"projection": "axes", **options}
        self._found: searching.Found | None = None  # what is shown
        self._whole: searching.Found | None = None  # the last search that ended
        self._tracker = searching.Tracker()
        self._handed: np.ndarray | None = None  # points that the next search starts from as well
        self._going_on = False
        self._prepared = False  # whether what follows points is compiled
        self._usual = 0.0  # seconds of a search
        self._launches: list[tuple[np.ndarray, str]] = []
        self._bounds: JsonObject | None = None
        self._axes: Any = None
        self._lock = threading.RLock()
        self._controls: ipw.Widget | None = None
        self._program_asked = False
        me = weakref.ref(self)
        self._worker = LatestWins(lambda report: _tell(me, report), "fpf-explorer")
        values = tuple(float(v) for v in u)
        super().__init__(
            layout=ipw.Layout(width="100%"),
            auto=auto,
            input=values,
            parameters=self._movable.values,
            **{name: options[name] for name in settings if name in options},
        )
        self.log_tol_q = float(np.log10(max(self.tol_q, 1e-36)))
        self.put(
            group=uuid.uuid4().hex,
            panel=explorer_panel(
                values,
                noise_scale=self.noise_scale,
                parameters=self._movable.ranges,
                has_readout=self.has_readout,
                has_axes=self._own is not None,
                n_trajectories=len(traj),
            ),
        )
        self.on_msg(act)
        self._show_empty()
        self._ready = True
        if auto:
            self._refresh()

    def _changed(self, change: Bunch) -> None:
        name = change["name"]
        if name in (*OPTIONS, *STARTS, *PLACE):
            self._refresh()
        elif name in ("projection", "units", "n_trajectories"):
            self._reproject()
        elif name == "colour_by":
            self._recolour()
        elif name == "log_tol_q":
            self._threshold_dragged(change)
        elif name == "options":
            self._shown_changed(change)
        elif name == "camera":
            self._picture_again()

    @property
    def controls(self) -> ipw.Widget:
        """The controls as ipywidgets, linked to the traits: for a panel of one's own.

        ``explorer.show_controls = False`` takes those in the view away.
        """
        if self._controls is None:
            self._controls = panel_widgets(self, self.panel, act)
        return self._controls

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
        self._handed = self._shown_places()
        self._going_on = True  # whoever looks for more forgets none
        try:
            return self._do_more()
        finally:
            self._going_on = False

    def _do_more(self) -> FixedPointExplorer:
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
        worker = getattr(self, "_worker", None)
        if worker is not None:
            worker.close()
            close_all(self._controls)
            close_parts(self)
        super().close()

    @property
    def request(self) -> SearchRequest:
        """What is searched for with the present settings; ``request.to_code()`` is the script."""
        options: JsonObject = {name: getattr(self, name) for name in OPTIONS}
        options["search_tol_q"] = self._search_tol_q if self.method == "newton" else None
        return self._base.replace(
            options=dataclasses.replace(self._base.options, **options),
            inputs=np.array([self.input], dtype=np.float64).reshape(1, -1),
            **{name: getattr(self, name) for name in STARTS},
        )

    def _refresh(self, force: bool = False) -> None:
        try:
            request = self.request
        except (TypeError, ValueError) as problem:  # shown, and raised by `wait`
            self._worker.submit(Job(_failing(problem), lambda _: None))
            return
        self.log_tol_q = float(np.log10(max(self.tol_q, 1e-36)))
        earlier = None if force else self._whole
        parameters = tuple(self.parameters.items())
        known = searching.is_known(self._whole, request, parameters)
        if not (known or force or self.auto):
            waiting = {"text": "settings changed: press Find", "state": "empty"}
            self.put(status={**self.status, **waiting})
            return
        step_map, tracker = self.step_map, self._tracker
        single = None if self._single is None else self._single.at(self.parameters)
        follows = not force and searching.can_follow(self._found, request, parameters)
        handed = self._handed if follows or self._going_on else None
        if not force and searching.only_tolerances(self._whole, request, parameters):
            handed = self._shown_places()  # they were followed to here: a filter forgets none

        def look(cancel: Any) -> searching.Found | None:
            return tracker.look(step_map, request, cancel, parameters)

        def work(cancel: Any, progress: Any) -> searching.Found:
            known = [tracker.places(step_map.n_states)] if follows else []
            known += [] if handed is None else [handed]
            return searching.find(
                step_map, request, earlier, single=single, parameters=parameters,
                known=np.concatenate(known) if known else None,
                progress=progress, cancel=cancel,
            )  # fmt: skip

        me = weakref.ref(self)

        def deliver(result: searching.Found) -> None:
            widget = me()
            if widget is not None:
                widget._deliver(result)

        # Where nothing can be followed, a search that usually ends soon may do so.
        patience = GRACE if follows else min(max(GRACE, 1.5 * self._usual), _LONGEST_PATIENCE)
        afterwards = None
        if not self._prepared and (self.input or self.parameters):
            self._prepared = True

            def afterwards(_: Any) -> None:
                tracker.prepare(step_map, request)

        self._worker.submit(Job(work, deliver, look if follows else None, patience, afterwards))

    def _deliver(self, found: searching.Found) -> None:
        with self._lock:
            before, index = self.fixed_points, self.selected
            self._found = found
            self._turn += 1
            if not found.following:
                self._whole, self._handed = found, None
                self._usual = found.seconds if found.is_new else self._usual
                self._tracker.restart(found, self.step_map.n_states)
            keep = scenes.followed(before, index, found.unique)
            with self.hold_sync():
                if keep != index:
                    self.selected = None
                self.selection = []
                self._show()
                self.selected = keep
                self.put(status=scenes.status_of(found))
        self.set_trait("version", self.version + 1)
        self._prepare_static()
        if not found.following:
            self._show_static_late()

    def _send_program(self) -> None:
        """Write what a page needs to compute by itself, once, in the background."""
        if self._program_asked:
            return
        self._program_asked = True
        me = weakref.ref(self)
        write = threading.Thread(target=lambda: send_program(me), name="fpf-program", daemon=True)
        write.start()

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
        return self._movable.step_map.readout is not None

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
    widget.put(status=report_status(report, widget.status.get("text", "")))
