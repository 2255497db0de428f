"""What stands in a saved notebook: a PNG and a line of text next to the live view.

With ``FPF_WIDGETS=html`` in the environment it is a page in a frame instead, which works wherever
there is no kernel: documentation, slides, a notebook sent by mail.
"""

from __future__ import annotations

import base64
import contextlib
import io
import os
from pathlib import Path
from typing import Any

_DPI = 90
# Seconds that displaying a widget may wait for its first picture, compilation included.
_PATIENCE = 10.0
# A page shows one moment for good: it is worth waiting for the end of a search or a training.
_PATIENCE_FOR_PAGE = 300.0

_SWITCH = "FPF_WIDGETS"


def shown_as_page() -> bool:
    """Whether widgets are shown as pages in frames: ``FPF_WIDGETS=html`` asks for it.

    Raises
    ------
    ValueError
        If the variable says something else than ``html`` or ``live``.
    """
    wanted = os.environ.get(_SWITCH) or "live"
    if wanted not in ("html", "live"):
        raise ValueError(
            f"{_SWITCH} is {wanted!r}, expected 'html' (a page that needs no kernel) or 'live' "
            "(a widget, the default)."
        )
    return wanted == "html"


def png_of(figure: Any) -> str:
    """Return a matplotlib figure as base64 of a PNG. No backend is chosen, nothing is shown."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, facecolor="white")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


class StaticPicture:
    """Mix-in of the widgets: their mimebundle carries a picture for readers without a kernel."""

    _png: str | None = None

    def _static_figure(self) -> Any:
        """Return a matplotlib figure of what is seen, or None when there is nothing yet."""
        raise NotImplementedError

    def _summary(self) -> str:
        raise NotImplementedError

    def _page(self) -> tuple[list[dict[str, Any]], str]:
        """Return the states of the pictures that a page of this widget shows, and its title."""
        raise NotImplementedError

    def save_html(self, path: str | Path) -> Path:
        """Write one self-contained interactive page: no kernel, no network; return its path."""
        from fpf_notebook.widgets.export import save_html

        return save_html(path, *self._page())

    def wait(self, timeout: float | None = None) -> Any:
        """Wait until nothing is being computed."""
        raise NotImplementedError

    def _settle(self, timeout: float) -> None:
        """Wait a little for what is being computed, so that there is something to draw."""

    def _prepare_static(self) -> None:
        """Forget the old picture; a new one is drawn when somebody asks."""
        self._png = None

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)  # type: ignore[misc]
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        if data is None:
            return bundle
        if shown_as_page():
            from fpf_notebook.widgets.export import frame

            # What goes wrong meanwhile stands in the picture itself.
            with contextlib.suppress(Exception):
                self.wait(_PATIENCE_FOR_PAGE)
            # Without the live view: readers that know both would prefer it, and ask a CDN for it.
            data, metadata = {"text/html": frame(*self._page())}, {}
        self._settle(_PATIENCE)
        data["text/plain"] = self._summary()
        if self._png is None:
            figure = self._static_figure()
            if figure is not None:
                self._png = png_of(figure)
        if self._png is not None:
            data["image/png"] = self._png
        return data, metadata
