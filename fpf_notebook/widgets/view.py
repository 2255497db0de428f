"""The pictures: anywidget models of the views in the one bundle, traits and nothing else."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from fpf_notebook.widgets.arrays import ArrayDict

BUNDLE = Path(__file__).parent / "static" / "views.js"


class Picture(anywidget.AnyWidget):
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
        Names and tooltips of the controls beside the picture, from `hints_of`.
    """

    _esm = BUNDLE

    kind = traitlets.Unicode("").tag(sync=True)
    status = traitlets.Dict().tag(sync=True)
    group = traitlets.Unicode("").tag(sync=True)
    options = traitlets.Dict().tag(sync=True)
    key = traitlets.Unicode().tag(sync=True)
    hints = traitlets.Dict().tag(sync=True)

    @traitlets.default("key")
    def _new_key(self) -> str:
        return uuid.uuid4().hex

    #: Names of the traits that a saved page needs.
    SAVED: tuple[str, ...] = ("kind", "status", "group", "options")

    def saved_state(self) -> dict[str, Any]:
        """Return the traits that a page without a kernel needs, arrays as numpy arrays."""
        return {name: getattr(self, name) for name in self.SAVED}


class ExplorerPicture(Picture):
    """State space, histogram of q and list of points."""

    kind = traitlets.Unicode("explorer").tag(sync=True)
    scene: Any = ArrayDict()
    # Apart from the scene: they are the most of it, and a search changes the one not at all and
    # the other unseen, as a rule.
    paths: Any = ArrayDict()
    starts: Any = ArrayDict()
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    selection = traitlets.List(traitlets.Int()).tag(sync=True)
    log_tol_q = traitlets.Float(-12.0).tag(sync=True)

    SAVED = (*Picture.SAVED, "scene", "paths", "starts", "selected", "selection", "log_tol_q")


class InspectorPicture(Picture):
    """Spectrum, heat maps and modes of one point."""

    kind = traitlets.Unicode("inspector").tag(sync=True)
    scene: Any = ArrayDict()
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    mode = traitlets.Int(0).tag(sync=True)

    SAVED = (*Picture.SAVED, "scene", "selected", "mode")


class MonitorPicture(Picture):
    """Training curves, an example trial, and the snapshots of fixed points."""

    kind = traitlets.Unicode("monitor").tag(sync=True)
    curves: Any = ArrayDict()
    trial: Any = ArrayDict()
    history: Any = ArrayDict()
    snapshot = traitlets.Int(-1).tag(sync=True)

    SAVED = (*Picture.SAVED, "curves", "trial", "history", "snapshot")
