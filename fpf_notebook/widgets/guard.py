"""What keeps a widget's threads and traits sound, whatever comes from outside.

Observers are the user's code, and the browser is another program: neither may end a background
thread, nor leave a trait with a value that nothing can be done with.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import ipywidgets as ipw
import traitlets
from ipywidgets.widgets import widget as _ipywidgets

__all__ = ["THREADS", "Guarded", "GuardedView", "SettingError"]

THREADS = "fpf-"
"""What the names of the widgets' own threads begin with."""


_register = _ipywidgets._instances

# What ipywidgets itself lets the browser set.
_PLAIN = ("layout", "tabbable", "tooltip", "_dom_classes", "_view_count")


class SettingError(traitlets.TraitError, ValueError):
    """A setting was given a value that it cannot have; the old one stays."""


class _Heard:
    """An observer whose exceptions are shown, on the widgets' own threads; equal to it."""

    def __init__(self, owner: Guarded, handler: Any) -> None:
        self._owner = weakref.ref(owner)
        self._handler = handler

    def __eq__(self, other: object) -> bool:
        theirs = other._handler if isinstance(other, _Heard) else other
        return bool(self._handler == theirs)

    def __hash__(self) -> int:
        return hash(self._handler)

    def __call__(self, change: Any) -> None:
        owner = self._owner()
        if owner is None or not threading.current_thread().name.startswith(THREADS):
            self._handler(change)
            return
        try:
            self._handler(change)
        # `sys.exit()` in an observer would end the thread as well as a mistake does.
        except BaseException as problem:
            owner._observer_failed(change["name"], problem)


class Guarded(traitlets.HasTraits):
    """Mix-in of widgets whose traits are set by background threads.

    There, an observer that raises is heard: its words are shown, the others hear of the change
    too, and the thread goes on. In the user's own thread it raises, as with any traits.
    """

    _complaining = False

    def observe(self, handler: Any, names: Any = traitlets.All, type: Any = "change") -> None:
        """Call a function when a trait changes, as `traitlets.HasTraits.observe` does."""
        if not isinstance(handler, traitlets.EventHandler):
            handler = _Heard(self, handler)
        super().observe(handler, names=names, type=type)

    def _observer_failed(self, name: str, problem: BaseException) -> None:
        if self._complaining:
            return  # an observer of what shows the words raises as well
        self._complaining = True
        words = f"an observer of {name!r} raised {problem.__class__.__name__}: {problem}"
        try:
            with contextlib.suppress(Exception):
                self._observer_raised(words)
        finally:
            self._complaining = False

    def _observer_raised(self, words: str) -> None:
        """Show it."""
        raise NotImplementedError


class GuardedView(Guarded, ipw.Widget):
    """A widget whose browser may set some of its traits, and nothing else."""

    #: What the browser may set. Everything else is made here, and its values are refused.
    FROM_BROWSER: tuple[str, ...] = ()

    def open(self) -> None:
        """Open the connection to the browser; it does not keep the widget alive."""
        super().open()
        # What marimo displays it knows by this connection only.
        if "marimo" not in sys.modules:
            held_weakly(self)

    _holding_sync: bool
    _states_to_send: set[str]
    _alone = False  # whether the browser sets a trait just now

    @contextlib.contextmanager
    def hold_trait_notifications(self) -> Iterator[None]:
        """Hold what observers are told, as `traitlets.HasTraits` does.

        Not while the browser sets traits, which it does one at a time: background threads set
        others meanwhile, which would be held, or undone, with it.
        """
        if self._alone:
            yield
            return
        with super().hold_trait_notifications():
            yield

    @contextlib.contextmanager
    def hold_sync(self) -> Iterator[None]:
        """Send what is set inside in one message, as ipywidgets does; from any thread."""
        if self._holding_sync:
            yield
            return
        try:
            self._holding_sync = True
            yield
        finally:
            self._holding_sync = False
            # Another thread may add to the set while its names are read.
            held, self._states_to_send = self._states_to_send, set()
            self.send_state(held)

    def put(self, **values: Any) -> None:
        """Set derived traits, which nobody else can."""
        for name, value in values.items():
            self.set_trait(name, value)

    def set_state(self, sync_data: Any) -> None:
        """Take what the browser has sent: trait by trait, refusing what does not fit.

        A value that is refused leaves the old one in place, which is sent back.
        """
        refused: dict[str, str] = {}
        given = sync_data if isinstance(sync_data, dict) else {}
        for name, value in given.items():
            if name not in self.FROM_BROWSER and name not in _PLAIN:
                refused[str(name)] = f"{name} cannot be set from outside"
                continue
            try:
                self._alone = True
                super().set_state({name: value})
            except Exception as problem:  # of the value, or of somebody's observer
                refused[name] = str(problem) or type(problem).__name__
            finally:
                self._alone = False
        if refused:
            for name in refused:
                if name in self.keys:
                    self.send_state(name)
            self._refused("; ".join(refused.values()))

    def _refused(self, words: str) -> None:
        """Show why a value was not taken."""
        raise NotImplementedError


def held_weakly(widget: ipw.Widget) -> None:
    """Have a widget freed with its last reference, as any object of Python is.

    ipywidgets keeps every widget until it is closed: its register holds it, and so does the
    connection to the browser, whose messages it hears.
    """
    hear = weakref.WeakMethod(widget._handle_msg)

    def heard(message: Any) -> None:
        handler = hear()
        if handler is not None:
            handler(message)

    widget.comm.on_msg(heard)
    _register[widget.model_id] = weakref.proxy(widget)
