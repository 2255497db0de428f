"""The pieces of work that are interrupted, each with what must not be lost."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress, StepMap, as_step_map
from fpf_notebook.finder import prove
from fpf_notebook.finder.following import follow, trail_of
from fpf_notebook.models import VanillaRNN
from fpf_notebook.sweep import sweep
from fpf_notebook.tasks import FlipFlop
from fpf_notebook.training import train

SILENT = SilentProgress()
STATES = np.random.default_rng(0).uniform(-1, 1, (64, 3))


@dataclass
class Piece:
    """Work that is done again and again.

    Parameters
    ----------
    run
        Does it, and returns what there is to compare.
    numbers_of
        Returns from a result what has to be the same each time.
    is_part
        Says of a result whether it calls itself interrupted.
    lost
        Says what is lost, "" for nothing, of a result (None if KeyboardInterrupt was raised).
    """

    run: Callable[[], Any]
    numbers_of: Callable[[Any], list[np.ndarray]]
    is_part: Callable[[Any], bool] = field(default=lambda result: False)
    lost: Callable[[Any, Any], str] = field(default=lambda result, reference: "")

    def kind_of(self, result: Any, reference: Any) -> str:
        """Say what a result is."""
        if self.is_part(result):
            return "so far"
        ours, theirs = self.numbers_of(result), self.numbers_of(reference)
        same = len(ours) == len(theirs) and all(map(np.array_equal, ours, theirs))
        return "whole" if same else "another result, which does not say so"


def _latches(n: int = 3) -> StepMap:
    return as_step_map(lambda h, u: jnp.tanh(2 * h + 0 * u[..., :1]), n_states=n, n_inputs=1)


def _points(found: tuple[FixedPoints, FixedPoints]) -> list[np.ndarray]:
    unique, everything = found
    return [unique.xstar, unique.qstar, everything.xstar, everything.qstar]


def _strangers(found: tuple[FixedPoints, FixedPoints] | None, reference: Any) -> str:
    """Say how many of the points found are none: those that a whole search does not find."""
    if found is None or not len(found[0]):
        return ""
    unique = found[0][np.flatnonzero(found[0].is_fixed)]
    if not len(unique):
        return ""
    F = np.tanh(2 * unique.xstar)
    for _ in range(1):
        F2 = np.tanh(2 * F)
    off = np.minimum(np.abs(F - unique.xstar).max(1), np.abs(F2 - unique.xstar).max(1))
    return f"{(off > 1e-4).sum()} points that are none" if (off > 1e-4).any() else ""


def _search(period: int = 1, exhaustive: bool = False, **options: Any) -> Callable[[], Any]:
    @contextlib.contextmanager
    def made() -> Iterator[Piece]:
        finder = FixedPointFinder(_latches(), **options)

        def run() -> tuple[FixedPoints, FixedPoints]:
            return finder.find_fixed_points(
                initial_states=STATES, period=period, exhaustive=exhaustive, progress=SILENT,
                include_slow=True,
            )  # fmt: skip

        yield Piece(run, _points, lambda found: found[0].interrupted, _strangers)

    return made


@contextlib.contextmanager
def _proof() -> Iterator[Piece]:
    # Not blocks of one unit each, which are proved at once.
    W = np.array([[1.9, 0.3, -0.2], [0.25, 2.1, 0.3], [-0.3, 0.2, 2.0]])
    step = as_step_map(lambda h, u: jnp.tanh(h @ jnp.asarray(W)), n_states=3, n_inputs=1)
    yield Piece(
        lambda: prove(step, np.zeros(1), max_seconds=60, max_boxes=4000),
        lambda proof: [proof.points, np.array([proof.complete, proof.whole])],
    )


@contextlib.contextmanager
def _tracking() -> Iterator[Piece]:
    step = _latches()
    finder = FixedPointFinder(step)
    request = finder.request(initial_states=STATES, inputs=np.zeros((1, 1)))
    points, _ = finder.run(request, progress=SILENT)
    trail = trail_of(points, 3)

    def run() -> list[Any]:
        now, found = trail, None
        for _ in range(5):
            searched, found, now = follow(now, request, step, seconds=np.inf)
            if searched.interrupted or found.unique.interrupted:
                return [found.unique, True]
        return [found.unique, False]

    yield Piece(run, lambda result: [result[0].xstar], lambda result: bool(result[1]),
                lambda result, _: _strangers(result and (result[0], None), None))  # fmt: skip


@contextlib.contextmanager
def _training() -> Iterator[Piece]:
    task = FlipFlop(2, n_time=12)
    models: list[VanillaRNN] = []

    def weights(model: VanillaRNN) -> list[np.ndarray]:
        return [np.asarray(value) for value in model.parameters().values()]

    def run() -> Any:
        models[:] = [VanillaRNN(2, 4, 2, seed=1)]
        history = train(models[0], task, n_epochs=8, steps_per_epoch=20, batch_size=16,
                        validation=32)  # fmt: skip
        return history, weights(models[0])

    def lost(result: Any, reference: Any) -> str:
        if not all(np.isfinite(value).all() for value in weights(models[0])):
            return "weights that are no numbers"
        old = weights(VanillaRNN(2, 4, 2, seed=1))
        moved = [not np.array_equal(a, b) for a, b in zip(weights(models[0]), old, strict=True)]
        # Those before or those after, and not some of them.
        return "half of the weights are new" if any(moved) and not all(moved) else ""

    yield Piece(run, lambda result: result[1], lambda result: result[0].interrupted, lost)


@contextlib.contextmanager
def _sweep() -> Iterator[Piece]:
    def net(gain: float) -> StepMap:
        return StepMap(lambda p, h, u: jnp.tanh(p * h + 0 * u[..., :1]), np.float64(gain), 3, 1,
                       signature="latches of the interrupted sweep")  # fmt: skip

    gains = {f"{g:g}": net(g) for g in (0.5, 1.2, 1.5, 2.0, 2.5, 3.0)}
    request = FixedPointFinder(net(1.0)).request(initial_states=STATES, inputs=np.zeros((1, 1)))
    folder = Path(tempfile.mkdtemp(prefix="fpf-sweep-"))

    def run() -> Any:
        shutil.rmtree(folder / "kept", ignore_errors=True)
        return sweep(gains, request, folder=folder / "kept", progress=SILENT)

    def numbers(result: Any) -> list[np.ndarray]:
        return [points.xstar for points in result.values()]

    def lost(result: Any, reference: Any) -> str:
        again = sweep(gains, request, folder=folder / "kept", progress=SILENT)
        same = all(map(np.array_equal, numbers(again), numbers(reference)))
        if not same or len(again) != len(reference):
            return "the sweep that goes on comes to another result"
        return "" if result is None or not result.failed else f"failed: {result.failed}"

    try:
        yield Piece(run, numbers, lambda result: result.interrupted, lost)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _save(suffix: str) -> Callable[[], Any]:
    @contextlib.contextmanager
    def made() -> Iterator[Piece]:
        rng = np.random.default_rng(0)
        old, new = (FixedPoints(rng.normal(size=(50, 20)), J_xstar=rng.normal(size=(50, 20, 20)))
                    for _ in range(2))  # fmt: skip
        folder = Path(tempfile.mkdtemp(prefix="fpf-save-"))
        path = folder / f"points{suffix}"

        def run() -> np.ndarray:
            old.save(path)
            new.save(path)
            return FixedPoints.load(path).xstar

        def lost(result: Any, reference: Any) -> str:
            left = [one.name for one in folder.iterdir() if one != path]
            if left:
                return f"left behind: {left}"
            found = FixedPoints.load(path).xstar  # a file that is torn raises here
            whole = np.array_equal(found, old.xstar) or np.array_equal(found, new.xstar)
            return "" if whole else "a file that is neither the old nor the new one"

        try:
            yield Piece(run, lambda xstar: [xstar], lost=lost)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return made


@contextlib.contextmanager
def _thread() -> Iterator[Piece]:
    """Search in a thread: Ctrl-C meets the main thread, which waits."""
    finder = FixedPointFinder(_latches())
    results: list[Any] = []

    ended = threading.Event()

    def work() -> None:
        results.append(
            finder.find_fixed_points(initial_states=STATES, exhaustive=True, progress=SILENT)
        )
        ended.set()

    def run() -> Any:
        results.clear()
        ended.clear()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return results[0]

    def lost(result: Any, reference: Any) -> str:
        # Not by joining: Python 3.11 takes a thread for ended once a join was interrupted.
        ended.wait(20)
        time.sleep(0.05)
        if not results:  # it was interrupted before the thread began
            return ""
        same = all(map(np.array_equal, _points(results[0]), _points(reference)))
        return "" if same else "the thread came to another result"

    yield Piece(run, _points, lost=lost)


@contextlib.contextmanager
def _explorer() -> Iterator[Piece]:
    """Search in the thread of the explorer, while the main thread waits for it."""
    from fpf_notebook.widgets import FixedPointExplorer

    explorer = FixedPointExplorer(_latches(), STATES[None], np.zeros((1, 1)), n_inits=64).wait()
    seeds = iter(range(1, 10**9))

    def run() -> Any:
        explorer.random_seed = next(seeds)
        explorer.wait()
        return np.sort(explorer.fixed_points.xstar.round(9), axis=0)

    def lost(result: Any, reference: Any) -> str:
        explorer.wait()
        found = np.sort(explorer.fixed_points.xstar.round(9), axis=0)
        return "" if np.array_equal(found, reference) else "the explorer shows other points"

    try:
        yield Piece(run, lambda xstar: [xstar], lost=lost)
    finally:
        explorer.close()


PIECES: dict[str, Callable[[], Any]] = {
    "newton": _search(),
    "joint": _search(method="joint", max_iters=300, lr_init=0.05),
    "sequential": _search(method="sequential", max_iters=60, lr_init=0.05),
    "float32": _search(dtype="float32"),
    "period 2": _search(period=2),
    "exhaustive": _search(exhaustive=True),
    "proof": _proof,
    "tracking": _tracking,
    "training": _training,
    "sweep": _sweep,
    "save nc": _save(".nc"),
    "save npz": _save(".npz"),
    "thread": _thread,
    "explorer": _explorer,
}
