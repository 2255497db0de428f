"""The pictures: anywidget models of the views in the one bundle, traits and nothing else."""

from __future__ import annotations

import functools
import math
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from fpf_notebook._types import JsonObject
from fpf_notebook.widgets.arrays import ArrayDict
from fpf_notebook.widgets.guard import GuardedView, SettingError

if TYPE_CHECKING:
    from traitlets import Bunch


BUNDLE = Path(__file__).parent / "static" / "views.js"


@functools.cache
def bundle() -> str:
    """Return the text of the views' bundle."""
    return BUNDLE.read_text(encoding="utf-8")


class Picture(GuardedView, anywidget.AnyWidget):
    """What all pictures share.

    Attributes
    ----------
    kind : str
        Which of the bundle's pictures to draw.
    status : dict
        ``state`` ("idle", "computing", "error", "empty"), ``text``, ``tooltip``, ``progress``
        (0 to 1, negative where unknown) and ``error``.
    group : str
        Pictures of one group share hover and selection in the browser.
    key : str
        Names the picture's static stand-in in a notebook, which a live view hides.
    hints : dict
        Names and tooltips of ipywidgets beside the picture, from `hints_of`.
    panel : list
        The controls that the view draws, as `fpf_notebook.widgets.panel` describes them.
    show_controls : bool
        Whether it does. Assignable.

    Notes
    -----
    What the widget makes itself is read-only; `put` sets it.
    """

    # As text: of a path anywidget keeps a watcher, and the watcher keeps the widget.
    _esm = traitlets.Unicode(read_only=True).tag(sync=True)

    kind = traitlets.Unicode("", read_only=True).tag(sync=True)
    status = traitlets.Dict(read_only=True).tag(sync=True)
    group = traitlets.Unicode("", read_only=True).tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    key = traitlets.Unicode(read_only=True).tag(sync=True)
    hints = traitlets.Dict(read_only=True).tag(sync=True)
    panel: traitlets.List[JsonObject] = traitlets.List(read_only=True).tag(sync=True)
    show_controls = traitlets.Bool(True).tag(sync=True)

    @traitlets.default("_esm")
    def _bundle(self) -> str:
        return bundle()

    @traitlets.default("key")
    def _new_key(self) -> str:
        return uuid.uuid4().hex

    #: Names of the traits that a saved page needs.
    SAVED: tuple[str, ...] = ("kind", "status", "group", "options")

    FROM_BROWSER: tuple[str, ...] = ("options",)

    @traitlets.validate("options")
    def _valid_options(self, proposal: Bunch) -> JsonObject:
        """Options are a few switches and numbers; a large or deep value is none."""
        value = proposal["value"]
        if len(value) > 20 or not all(
            isinstance(k, str) and (v is None or isinstance(v, bool | int | float | str))
            for k, v in value.items()
        ):
            raise SettingError(f"options is {str(value)[:80]}, expected switches by name.")
        return dict(value)

    def _observer_raised(self, words: str) -> None:
        self.put(status={**self.status, "error": words})

    def _refused(self, words: str) -> None:
        self.put(status={**self.status, "note": f"refused: {words[:200]}"})

    def saved_state(self) -> JsonObject:
        """Return the traits that a page without a kernel needs, arrays as numpy arrays."""
        return {name: getattr(self, name) for name in self.SAVED}


class ExplorerPicture(Picture):
    """State space, histogram of q, list of points, and the controls."""

    kind = traitlets.Unicode("explorer", read_only=True).tag(sync=True)
    scene: Any = ArrayDict()
    # Apart from the scene: they are the most of it, and a search changes the one not at all and
    # the other unseen, as a rule.
    paths: Any = ArrayDict()
    starts: Any = ArrayDict()
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    log_tol_q = traitlets.Float(-12.0).tag(sync=True)
    #: How the picture was turned last: ``rotation`` (9 numbers, row by row: what points to the
    #: right, up, and to the viewer), ``zoom`` and ``dim``. Empty before.
    camera = traitlets.Dict().tag(sync=True)
    #: What the page needs to compute by itself: program and solver. Sent when a view asks for it.
    live: Any = ArrayDict()
    #: The points that are shown, where they hold, and the axes of the picture.
    place: Any = ArrayDict()
    #: For debugging: pictures that the page made itself, and how often the kernel's set differed.
    page_counts = traitlets.Dict().tag(sync=True)

    SAVED = (
        *Picture.SAVED, "scene", "paths", "starts", "selected", "selection", "log_tol_q", "place",
        "camera",
    )  # fmt: skip
    FROM_BROWSER = (
        *Picture.FROM_BROWSER,
        "selected",
        "selection",
        "log_tol_q",
        "page_counts",
        "camera",
    )

    @property
    def n_points(self) -> int:
        """Number of points shown."""
        scene = self.scene or {}
        return len(scene["state"]["names"]) if "state" in scene else 0

    @traitlets.validate("selected")
    def _valid_selected(self, proposal: Bunch) -> int | None:
        return _known_point(proposal["value"], self.n_points)

    @traitlets.validate("selection")
    def _valid_selection(self, proposal: Bunch) -> list[int]:
        # Points may have gone since the browser chose: those that are there are taken.
        return [k for k in dict.fromkeys(proposal["value"]) if 0 <= k < self.n_points]

    @traitlets.validate("camera")
    def _valid_camera(self, proposal: Bunch) -> JsonObject:
        value = proposal["value"]
        if not value:
            return {}
        try:
            rotation = [float(v) for v in value["rotation"]]
            zoom, dim = float(value["zoom"]), int(value["dim"])
            turned = np.array(rotation).reshape(3, 3)
            right = bool(np.allclose(turned @ turned.T, np.eye(3), atol=1e-3))
        except (KeyError, TypeError, ValueError):
            right, zoom, dim = False, 1.0, 3
        if not right or dim not in (2, 3) or not 0 < zoom < math.inf:
            raise SettingError(f"camera is {str(value)[:80]}, expected rotation, zoom and dim.")
        return {"rotation": rotation, "zoom": zoom, "dim": dim}

    @traitlets.validate("page_counts")
    def _valid_counts(self, proposal: Bunch) -> dict[str, int]:
        value = proposal["value"]
        names = ("pictures", "answers", "differences", "page", "kernel")
        if not all(k in names and type(v) is int and v >= 0 for k, v in value.items()):
            raise SettingError(f"page_counts is {str(value)[:80]}, expected whole numbers.")
        return dict(value)

    @traitlets.validate("log_tol_q")
    def _valid_threshold(self, proposal: Bunch) -> float:
        value = float(proposal["value"])
        if not math.isfinite(value):
            raise SettingError(f"log_tol_q is {value}, expected a finite number.")
        return min(max(value, -36.0), 2.0)


class InspectorPicture(Picture):
    """Spectrum, heat maps and modes of one point."""

    kind = traitlets.Unicode("inspector", read_only=True).tag(sync=True)
    scene: Any = ArrayDict()
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    mode = traitlets.Int(0, min=0).tag(sync=True)

    SAVED = (*Picture.SAVED, "scene", "selected", "mode")
    FROM_BROWSER = (*Picture.FROM_BROWSER, "selected", "mode")

    @traitlets.validate("selected")
    def _valid_selected(self, proposal: Bunch) -> int | None:
        names = (self.scene or {}).get("names")
        n = None if names is None else len(names)
        return proposal["value"] if n is None else _known_point(proposal["value"], n)


class MonitorPicture(Picture):
    """Training curves, an example trial, and the snapshots of fixed points."""

    kind = traitlets.Unicode("monitor", read_only=True).tag(sync=True)
    curves: Any = ArrayDict()
    trial: Any = ArrayDict()
    history: Any = ArrayDict()
    snapshot = traitlets.Int(-1, min=-1).tag(sync=True)

    SAVED = (*Picture.SAVED, "curves", "trial", "history", "snapshot")
    FROM_BROWSER = (*Picture.FROM_BROWSER, "snapshot")


def _known_point(index: int | None, n: int) -> int | None:
    if index is not None and not 0 <= index < n:
        raise SettingError(f"selected is {index}, but there are {n} points.")
    return index
