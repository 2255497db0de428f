"""Progress and cancellation: protocols that a search talks to, and their simplest forms."""

from __future__ import annotations

import threading
import time
from typing import Any, Protocol, runtime_checkable

__all__ = [
    "CancelToken",
    "PrintedProgress",
    "Progress",
    "SilentProgress",
    "TerminalProgress",
]


@runtime_checkable
class Progress(Protocol):
    """What a search reports to. All methods are called from the thread that searches."""

    def start(self, total: int, description: str) -> None:
        """Begin a stage of ``total`` lanes."""

    def update(self, done: int, message: str) -> None:
        """Tell that ``done`` of the lanes have ended; ``message`` is one short line."""

    def log(self, message: str, *, detail: bool = False) -> None:
        """Tell something worth a line of its own; ``detail`` marks what only few want to read."""

    def close(self) -> None:
        """End the stage, also after an error."""


class SilentProgress:
    """Progress that shows nothing."""

    def start(self, total: int, description: str) -> None:
        """Do nothing."""

    def update(self, done: int, message: str) -> None:
        """Do nothing."""

    def log(self, message: str, *, detail: bool = False) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class TerminalProgress(SilentProgress):
    """A tqdm bar, in a terminal or a notebook, that appears only when the work takes a while.

    Parameters
    ----------
    delay
        Seconds before the bar appears. Default 1: a search that is over at once shows none.
    """

    def __init__(self, delay: float = 1.0) -> None:
        self.delay = float(delay)
        self._bar: Any = None

    def start(self, total: int, description: str) -> None:
        """Begin a bar."""
        self.close()
        # The plain bar: tqdm.auto would warn where ipywidgets is missing.
        from tqdm import tqdm

        self._bar = tqdm(total=total, desc=description, delay=self.delay, leave=False, unit="start")

    def update(self, done: int, message: str) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.set_postfix_str(message, refresh=False)
            self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class PrintedProgress(SilentProgress):
    """Lines of text on standard output: what ``verbose`` and ``super_verbose`` ask for.

    Parameters
    ----------
    detail
        Print the lines for single iterations too (``super_verbose``).
    """

    def __init__(self, detail: bool = False) -> None:
        self.detail = detail
        self._began = time.perf_counter()

    def start(self, total: int, description: str) -> None:
        """Print what begins."""
        self._began = time.perf_counter()
        self._print(f"{description} from {total} initial states.")

    def log(self, message: str, *, detail: bool = False) -> None:
        """Print a line."""
        if self.detail or not detail:
            elapsed = time.perf_counter() - self._began
            self._print(f"{message} ({elapsed:.2f} s)" if detail else message)

    def _print(self, line: str) -> None:
        print(line, flush=True)


class CancelToken:
    """A switch, safe to flip from any thread, that ends a search between two compiled chunks.

    Examples
    --------
    >>> token = CancelToken()
    >>> token.cancel()
    >>> token.cancelled
    True
    """

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the search to return what it has."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._event.is_set()
