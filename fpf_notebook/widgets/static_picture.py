"""What stands in a saved notebook: a PNG and a line of text next to the live view.

With ``FPF_WIDGETS=html`` in the environment it is a page in a frame instead, which works wherever
there is no kernel: documentation, slides, a notebook sent by mail.
"""

from __future__ import annotations

import base64
import contextlib
import html
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpf_notebook.widgets.guard import GuardedView

if TYPE_CHECKING:
    from fpf_notebook._types import Figure


_DPI = 90
# Seconds that displaying a widget may wait for its first picture, compilation included.
_PATIENCE = 10.0
# A page shows one moment for good: it is worth waiting for the end of a search or a training.
_PATIENCE_FOR_PAGE = 300.0

_SWITCH = "FPF_WIDGETS"

# Where Jupyter trusts a notebook but has no kernel, the live view's place says "model not found",
# and the picture in the same output is not looked at. Hence the picture is an output of its own,
# which hides the one before it as long as no view is alive there; a live view hides the picture.
_STYLE = (
    "<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child .fpf-static):not(:has(.fpf-root))"
    "{display:none}.fpf-static{margin:0}.fpf-static img{max-width:100%}"
    ".fpf-static figcaption{font-size:12px;opacity:.7}</style>"
)


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


def png_of(figure: Figure) -> str:
    """Return a matplotlib figure as base64 of a PNG. No backend is chosen, nothing is shown."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI, facecolor="white")
    return base64.b64encode(buffer.getvalue()).decode("ascii")


_seen: set[Any] = set()


def keep_while_seen(widget: Any) -> None:
    """Keep a widget alive that nobody has a name for, until its last view is gone."""
    if not isinstance(widget, GuardedView):
        return  # ipywidgets keeps it
    _seen.add(widget)
    if widget._view_count is None:
        widget._view_count = 0  # asks the browser to count


def let_go(widget: Any) -> None:
    """Forget that a widget is seen."""
    _seen.discard(widget)


class StaticPicture:
    """Mix-in of the widgets: what is displayed carries a picture for readers without a kernel."""

    picture: Any
    _png: str | None = None
    _shown: Any = None
    _without = False  # whether there was nothing to draw yet when it was displayed

    def _static_figure(self) -> Figure:
        """Return a matplotlib figure of what is seen, or None when there is nothing yet."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """Say in one line what is shown."""
        try:
            return f"<{' '.join(self._summary().split())}>"
        except AttributeError:  # its constructor has refused the arguments
            return f"<{type(self).__name__}>"

    def _summary(self) -> str:
        raise NotImplementedError

    def _page(self) -> tuple[list[dict[str, object]], str]:
        """Return the states of the pictures that a page of this widget shows, and its title."""
        raise NotImplementedError

    def save_html(self, path: str | Path) -> Path:
        """Write one self-contained interactive page: no kernel, no network; return its path."""
        from fpf_notebook.widgets.export import write_page

        return write_page(path, *self._page())

    def wait(self, timeout: float | None = None) -> Any:
        """Wait until nothing is being computed."""
        raise NotImplementedError

    def _settle(self, timeout: float) -> None:
        """Wait a little for what is being computed, so that there is something to draw."""

    def _prepare_static(self) -> None:
        """Forget the old picture; a new one is drawn when somebody asks."""
        self._png = None

    def _ipython_display_(self) -> None:
        """Show the live view at once, and after it the picture, which the live view hides."""
        from IPython import get_ipython
        from IPython.display import display

        if shown_as_page():
            data, metadata = self._repr_mimebundle_()
            display(data, metadata=metadata, raw=True)
            return
        bundle = super()._repr_mimebundle_()  # type: ignore[misc]
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        keep_while_seen(self)
        words = f"{type(self).__name__}, live where there is a kernel; a picture of it:"
        display({**data, "text/plain": words}, metadata=metadata, raw=True)
        if getattr(get_ipython(), "kernel", None) is not None:
            self._settle(_PATIENCE)
            still = self._static_bundle()
            self._without = "image/png" not in still
            self._shown = display(still, raw=True, display_id=True)

    def notify_change(self, change: Any) -> None:
        """Tell the observers; a widget whose last view is gone need not be kept for it."""
        super().notify_change(change)  # type: ignore[misc]
        if change["name"] == "_view_count" and change["old"] and not change["new"]:
            let_go(self)

    def close(self) -> None:
        """Close the widget; displayed afterwards, it is a line of text."""
        let_go(self)
        super().close()  # type: ignore[misc]
        self._ipython_display_ = None  # type: ignore[assignment,method-assign]

    def _show_static_again(self) -> None:
        """Replace the picture that was displayed, when something has come to its end."""
        if self._shown is not None:
            self._shown.update(self._static_bundle(), raw=True)

    def _show_static_late(self) -> None:
        """Add the picture to what was displayed before there was anything to draw."""
        if self._without and self._shown is not None:
            self._without = False
            self._show_static_again()

    def _static_bundle(self) -> dict[str, str]:
        png, words = self._picture(), html.escape(self._summary())
        image = f'<img alt="{words}" src="data:image/png;base64,{png}">' if png else ""
        bundle = {
            "text/html": f'{_STYLE}<figure class="fpf-static" data-fpf="{self.picture.key}">{image}'
            f"<figcaption>{words} · saved picture: run the cell for the live one</figcaption>"
            "</figure>",
            "text/plain": self._summary(),
        }
        return bundle | ({"image/png": png} if png else {})

    def _picture(self) -> str | None:
        png = self._png  # another thread may forget it meanwhile
        if png is None:
            figure = self._static_figure()
            png = self._png = None if figure is None else png_of(figure)
        return png

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
        png = self._picture()
        if png is not None:
            data["image/png"] = png
        return data, metadata
