"""Weights wait here for their search, which must not slow the training down."""

from __future__ import annotations

import contextlib
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fpf_notebook._types import PyTree
from fpf_notebook.analysis.snapshots import take_snapshot
from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.widgets.live import Job, LatestWins
from fpf_notebook.widgets.monitor.snapshots import SnapshotBook

_MAX_WAITING = 60
# Seconds between two pictures of the history, each of which holds all snapshots: within these
# limits so many that making pictures takes this share of the time.
_SHOW_EVERY, _SHOW_SELDOM = 1.0, 5.0
_SHARE = 0.01
_TRIALS = 24
# A picture of the points is never older than this while weights wait, whatever the budget says.
_OLDEST = 1.5


class SnapshotQueue:
    """Searches the fixed points of waiting weights on its own thread.

    Parameters
    ----------
    book
        Where the snapshots go.
    changed
        Called from the thread when there are new snapshots; every one to five seconds, and at the
        end.
    budget
        Share of the training's time that searches may take.
    n_inits
        Starts of each search.
    constant_input
        [n_inputs], or None for zero.
    """

    def __init__(
        self,
        book: SnapshotBook,
        changed: Callable[[], None],
        budget: float,
        n_inits: int,
        constant_input: object = None,
    ) -> None:
        self._book = book
        self._changed = changed
        self._budget = budget
        self._n_inits = n_inits
        self._constant = constant_input
        self._waiting: dict[int, PyTree] = {}
        self._lock = threading.Lock()
        self._spent = self._last_ended = 0.0
        self._compiled = False
        self._unshown, self._next_show = False, 0.0
        self._elapsed = 0.0
        self._unlimited = False
        self._step_map: Any = None
        self._trials: Any = None
        self._worker = LatestWins(lambda _: None, "fpf-monitor-snapshots")

    def prepare(self, model: object, inputs: Any) -> StepMap:
        """Trace a model, in the caller's thread, which must be the one that trains it.

        Parameters
        ----------
        model
            Whatever `as_step_map` takes.
        inputs
            [trial, time, n_inputs] Trials whose trajectories are shown.

        Raises
        ------
        TypeError, ValueError
            If the model is no step map, or the inputs do not fit it.
        """
        from fpf_notebook.dynamics import as_step_map

        trials = np.asarray(inputs, dtype=np.float64)
        if trials.ndim != 3 or not trials.size:
            raise ValueError(
                f"inputs has shape {trials.shape}, expected [trial, time, n_inputs], none empty."
            )
        if not np.isfinite(trials).all():
            raise ValueError("inputs holds NaN or infinite numbers, expected finite ones.")
        self.forget()
        try:
            step_map = as_step_map(model)
        except ValueError:
            step_map = as_step_map(model, n_inputs=trials.shape[2])
        if trials.shape[2] != step_map.n_inputs:
            raise ValueError(
                f"inputs has shape {trials.shape}, expected n_inputs={step_map.n_inputs} channels "
                f"for {step_map.name}."
            )
        self._trials = trials[:_TRIALS]
        if self._constant is None:
            self._constant = np.zeros(step_map.n_inputs)
        self._step_map = (weakref.ref(model), step_map)
        return step_map

    def prepare_for(self, model: object, task: Any) -> None:
        """Prepare with trials of a task; a second call for the same model is free.

        A model that is no step map is trained all the same, without snapshots.
        """
        if self._step_map is not None and self._step_map[0]() is model:
            return
        with contextlib.suppress(TypeError, ValueError):
            self.prepare(model, task.sample(_TRIALS, 54321).inputs)

    def forget(self) -> None:
        """Forget the model."""
        self._step_map = None

    def checked(self, params: PyTree) -> PyTree:
        """Return weights in the form in which they are searched.

        Raises
        ------
        ValueError
            If they do not fit the model.
        """
        return self._step_map[1].with_params(params).params

    def put(self, epoch: int, params: PyTree, elapsed: float) -> None:
        """Leave weights to be searched when there is time."""
        if self._step_map is None:
            return
        with self._lock:
            self._waiting[epoch] = params
            self._elapsed = elapsed
            if len(self._waiting) > _MAX_WAITING:
                for old in sorted(self._waiting)[1::2]:
                    del self._waiting[old]
        self._start()

    def finish(self) -> None:
        """Training is over: search all that waits."""
        self._unlimited = True
        self._start()

    def clear(self) -> None:
        """Forget what waits."""
        self._worker.cancel()
        with self._lock:
            self._waiting.clear()
        self._spent = self._elapsed = self._next_show = self._last_ended = 0.0
        self._compiled = self._unshown = self._unlimited = False

    def show(self) -> None:
        """Show the snapshots that are not shown yet."""
        if self._unshown:
            self._unshown = False
            began = time.perf_counter()
            self._changed()
            ended = time.perf_counter()
            self._next_show = ended + min(max((ended - began) / _SHARE, _SHOW_EVERY), _SHOW_SELDOM)

    def wait(self, timeout: float | None = None) -> None:
        """Wait until nothing is searched."""
        self._worker.wait(timeout)

    def close(self) -> None:
        """Stop the thread."""
        self._worker.close()

    def _start(self) -> None:
        if self._worker.busy and not self._unlimited:
            return
        me = weakref.ref(self)

        def work(cancel: CancelToken, _: object) -> None:
            queue = me()
            while queue is not None and not cancel.cancelled and queue._one(cancel):
                del queue  # a queue that nobody needs any more may go between two searches
                queue = me()
            if queue is not None and queue._unlimited:
                queue.show()

        self._worker.submit(Job(work, lambda _: None))

    def _one(self, cancel: CancelToken) -> bool:
        """Search one; return whether to go on."""
        with self._lock:
            # The first one is free: it is compiled then, and shows what is coming.
            free = self._unlimited or not self._compiled
            free |= time.perf_counter() - self._last_ended > _OLDEST
            if not self._waiting or not (free or self._spent < self._budget * self._elapsed):
                return False
            epoch = max(self._waiting) if not self._unlimited else min(self._waiting)
            params = self._waiting.pop(epoch)
        began = time.perf_counter()
        step_map = self._step_map[1]
        known = self._book.before(epoch)
        n_states = step_map.n_states
        start = _initial_state(params, n_states)
        snapshot = take_snapshot(
            step_map,
            params,
            epoch,
            np.broadcast_to(start, (len(self._trials), n_states)),
            self._trials,
            np.asarray(self._constant, dtype=np.float64),
            known,
            n_inits=self._n_inits,
            cancel=cancel,
        )
        if cancel.cancelled:
            with self._lock:
                self._waiting.setdefault(epoch, params)
            return False
        self._book.add(snapshot)
        self._unshown = True
        if time.perf_counter() > self._next_show:
            self.show()
        # Most of the first one's time was compilation, which comes once and is no measure of the
        # searches to come.
        self._spent += time.perf_counter() - began if self._compiled else 0.0
        self._compiled = True
        self._last_ended = time.perf_counter()
        return True


def _initial_state(params: PyTree, n_states: int) -> np.ndarray:
    """Return the trained initial state, which our models have under this name, or zeros."""
    if isinstance(params, Mapping):
        given = params.get("given", params)
        start = given.get("h0") if isinstance(given, Mapping) else None
        if start is not None and np.shape(start) == (n_states,):
            return np.asarray(start, dtype=np.float64)
    return np.zeros(n_states)
