"""What stands in a saved notebook: a PNG and a line of text next to the live view."""

from __future__ import annotations

import base64
import io
from typing import Any

_DPI = 90
# Seconds that displaying a widget may wait for its first picture, compilation included.
_PATIENCE = 10.0


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
        self._settle(_PATIENCE)
        data["text/plain"] = self._summary()
        if self._png is None:
            figure = self._static_figure()
            if figure is not None:
                self._png = png_of(figure)
        if self._png is not None:
            data["image/png"] = self._png
        return data, metadata
