"""Progress in a notebook: a bar in the output of the cell, which leaves nothing behind."""

from __future__ import annotations

import html
import sys
import time
from typing import Any

from fpf_notebook.finder.progress import Progress, SilentProgress, TerminalProgress

__all__ = ["NotebookProgress", "default_progress"]

_PAINTS_PER_SECOND = 8


class NotebookProgress(SilentProgress):
    """A bar that appears when the work takes a while, and is gone at its end.

    What a terminal's bar writes to stderr would stay in the notebook as an empty red strip.

    Parameters
    ----------
    delay
        Seconds before the bar appears. Default 1: a search that is over at once shows none.
    """

    def __init__(self, delay: float = 1.0) -> None:
        self.delay = float(delay)
        self._handle: Any = None
        self._total, self._description = 0, ""
        self._began = self._painted = 0.0

    def start(self, total: int, description: str) -> None:
        """Begin a bar."""
        self.close()
        self._total, self._description = total, description
        self._began, self._painted = time.perf_counter(), -1.0

    def update(self, done: int, message: str) -> None:
        """Move the bar."""
        now = time.perf_counter()
        if now - self._began < self.delay or now - self._painted < 1 / _PAINTS_PER_SECOND:
            return
        self._painted = now
        text = f"{self._description}: {done} of {self._total} starts, {message}"
        bar = (
            f'<progress max="{self._total}" value="{done}" aria-label="progress"></progress> '
            f"<small>{html.escape(text)}</small>"
        )
        self._show({"text/html": bar, "text/plain": text})

    def close(self) -> None:
        """Remove the bar."""
        if self._handle is not None:
            self._show({"text/html": "", "text/plain": ""})
            self._handle = None

    def _show(self, bundle: dict[str, str]) -> None:
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)


def default_progress() -> Progress:
    """Return the bar that suits the place: the cell of a notebook, or a terminal."""
    return NotebookProgress() if _in_notebook() else TerminalProgress()


def _in_notebook() -> bool:
    # A kernel has imported IPython; nobody else needs to.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
