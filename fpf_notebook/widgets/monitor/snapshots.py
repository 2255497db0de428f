"""Fixed points through training: snapshots, what is born and lost, paths of eigenvalues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from fpf_notebook.dynamics.step_map import StepMap
from fpf_notebook.finder import engine
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.request import SearchRequest
from fpf_notebook.plots.projection import Projection, fit_projection
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.points import class_codes, point_names

MAX_SNAPSHOTS = 80
_KEPT_TRAJECTORIES = 10


@dataclass(frozen=True)
class Snapshot:
    """One moment of training.

    Attributes
    ----------
    epoch : int
        When.
    points : FixedPoints
        What the search found, without Jacobians and eigenvectors.
    trajectories : array, [n, time, n_states]
        Some trajectories of the network at that moment.
    seconds : float
        What the search cost.
    """

    epoch: int
    points: FixedPoints
    trajectories: np.ndarray
    seconds: float

    # What the browser shows of it and what no other snapshot changes: it is sent many times.

    @cached_property
    def names(self) -> list[str]:
        """What each point is, in one line."""
        return point_names(self.points) if len(self.points) else []

    @cached_property
    def code(self) -> np.ndarray:
        """[n] The class of each point, as the browser knows it."""
        return class_codes(self.points) if len(self.points) else np.zeros(0, np.int32)

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        """[n, mode, 2] Real and imaginary parts."""
        values = self.points.eigval_J_xstar
        if values is None or not len(self.points):
            return np.zeros((0, 0, 2))
        return np.stack([values.real, values.imag], axis=-1)


def take_snapshot(
    step_map: StepMap,
    params: Any,
    epoch: int,
    h0: np.ndarray,
    inputs: np.ndarray,
    constant: np.ndarray,
    known: np.ndarray,
    *,
    n_inits: int = 384,
    cancel: CancelToken | None = None,
) -> Snapshot:
    """Search with the weights of one moment. Compiles nothing after the first time.

    Parameters
    ----------
    step_map, params
        The network, and its weights then.
    epoch
        When.
    h0, inputs
        [n, n_states] and [n, time, n_inputs]: the trials whose trajectories are shown.
    constant
        [n_inputs] The constant input under which fixed points are sought.
    known
        [k, n_states] Points of the snapshot before, where the search starts too.
    n_inits
        Starts.
    cancel
        Ends the search early.
    """
    import time

    began = time.perf_counter()
    now = step_map.with_params(params)
    states = now.trajectory(h0, inputs)
    request = SearchRequest(
        options=Options(n_runs=0),  # the trajectories are runs already
        state_traj=states,
        inputs=constant[None],
        n_inits=n_inits,  # one size, one compilation
        known_states=known,
    )  # one seed: equal weights give equal snapshots
    searched = engine.run_search(request, now, cancel=cancel)
    points = engine.finish(searched, request, now, cancel=cancel).unique
    lean = points.update(
        J_xstar=None, dFdu=None, eigvec_J_xstar=None, eigvec_left_J_xstar=None, audit=None
    )
    kept = states[:_KEPT_TRAJECTORIES].astype(np.float32)
    return Snapshot(epoch, lean, kept, time.perf_counter() - began)


class SnapshotBook:
    """Snapshots by epoch, a bounded number of them.

    Parameters
    ----------
    limit
        When there are more, every second one is dropped, but never the first, the last, or one at
        which the number of points changed.

    Attributes
    ----------
    unit : str
        What `Snapshot.epoch` counts: "epoch", or "step" for a loop that knows no epochs.
    """

    def __init__(self, limit: int = MAX_SNAPSHOTS) -> None:
        self.unit = "epoch"
        self._limit = limit
        self._pages: dict[int, Snapshot] = {}
        self._signs: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, snapshot: Snapshot) -> None:
        """Enter a snapshot; an older one of the same epoch is replaced."""
        self._pages[snapshot.epoch] = snapshot
        if len(self._pages) > self._limit:
            self._thin()

    def pages(self) -> list[Snapshot]:
        """Return the snapshots by epoch."""
        pages = dict(self._pages)
        return [pages[epoch] for epoch in sorted(pages)]

    def before(self, epoch: int) -> np.ndarray | None:
        """Return the points of the last snapshot before an epoch."""
        earlier = [e for e in self._pages if e < epoch]
        return self._pages[max(earlier)].points.xstar if earlier else None

    def clear(self) -> None:
        """Forget everything."""
        self._pages.clear()
        self._signs = None

    def _thin(self) -> None:
        pages = self.pages()
        counts = [len(page.points) for page in pages]
        removable = [
            k for k in range(1, len(pages) - 1) if counts[k] == counts[k - 1] == counts[k + 1]
        ]
        removable = removable or list(range(1, len(pages) - 1))
        for k in removable[::2]:
            del self._pages[pages[k].epoch]

    def projection(self) -> Projection:
        """Return axes that suit all snapshots, without sudden flips of sign."""
        pages = self.pages()
        states = np.concatenate(
            [p.trajectories.reshape(-1, p.trajectories.shape[2]) for p in pages]
        )
        fitted = fit_projection(states[None], np.zeros((0, states.shape[1])))
        if self._signs is not None and self._signs.shape == fitted.components.shape:
            flip = np.sign(np.einsum("kn,kn->k", fitted.components, self._signs))
            components = fitted.components * np.where(flip == 0, 1, flip)[:, None]
            fitted = Projection(
                fitted.mean,
                components,
                fitted.explained_variance_ratio,
                fitted.names,
                fitted.source,
            )
        self._signs = fitted.components
        return fitted


def changes(pages: list[Snapshot], limit: int = 12) -> list[dict[str, Any]]:
    """Return the epochs at which points were born or lost, the largest changes first kept."""
    found: list[tuple[int, int]] = []
    for before, after in pairwise(pages):
        delta = len(after.points) - len(before.points)
        if delta:
            found.append((after.epoch, delta))
    largest = sorted(found, key=lambda entry: -abs(entry[1]))[:limit]
    return [
        {"epoch": epoch, "label": f"{delta:+d}".replace("-", "−")}
        for epoch, delta in sorted(largest)
    ]


def eigenvalue_paths(pages: list[Snapshot], limit: int = 20_000) -> np.ndarray:
    """Return paths of eigenvalues through training: real, imaginary, ...; NaN ends a piece.

    A point is followed from one snapshot to the next where the two are each other's nearest; its
    eigenvalues in the order of their magnitude.
    """
    pieces: list[np.ndarray] = []
    for a, b in pairwise(pages):
        first, second = a.points, b.points
        if not len(first) or not len(second):
            continue
        if first.eigval_J_xstar is None or second.eigval_J_xstar is None:
            continue
        distance = np.linalg.norm(first.xstar[:, None] - second.xstar[None], axis=2)
        there, back = distance.argmin(axis=1), distance.argmin(axis=0)
        mutual = np.flatnonzero(back[there] == np.arange(len(first)))
        old = first.eigval_J_xstar[mutual].ravel()
        new = second.eigval_J_xstar[there[mutual]].ravel()
        near = np.abs(old - new) < 0.5  # a swap of order is no path
        piece = np.full((int(near.sum()), 3, 2), np.nan)
        piece[:, 0] = np.stack([old.real, old.imag], axis=1)[near]
        piece[:, 1] = np.stack([new.real, new.imag], axis=1)[near]
        pieces.append(piece.reshape(-1))
    joined = np.concatenate(pieces) if pieces else np.zeros(0)
    return joined[-6 * (limit // 6) :]


def history_scene(book: SnapshotBook) -> dict[str, Any] | None:
    """Return all snapshots as the browser shows them, or None while there are none."""
    pages = book.pages()
    if not pages:
        return None
    axes = book.projection()
    clouds, snapshots = [], []
    for page in pages:
        points = page.points
        paths = scenes.padded(axes.transform(page.trajectories))
        n_states = page.trajectories.shape[2]
        places = points.xstar if len(points) else np.zeros((0, n_states))
        places = scenes.padded(axes.transform(places))
        clouds += [paths, places]
        snapshots.append(
            {
                "epoch": page.epoch,
                "label": f"{book.unit} {page.epoch}",
                "points": places,
                "code": page.code,
                "names": page.names,
                "eigenvalues": page.eigenvalues,
                "trajectories": paths,
            }
        )
    return {
        "unit": book.unit,
        "snapshots": snapshots,
        "bounds": scenes.bounds_of(clouds),
        "labels": list(axes.labels),
        "dim": max(2, axes.n_dims),
        "events": changes(pages),
        "paths": eigenvalue_paths(pages),
    }


def book_to_arrays(book: SnapshotBook) -> dict[str, np.ndarray]:
    """Return all snapshots as plain arrays, for a file."""
    out: dict[str, np.ndarray] = {}
    for page in book.pages():
        points, key = page.points, f"snapshot/{page.epoch}"
        out[f"{key}/trajectories"] = page.trajectories
        out[f"{key}/seconds"] = np.array(page.seconds)
        for name in ("xstar", "qstar", "eigval_J_xstar", "stability", "kind", "n_unstable",
                     "index", "is_stable"):  # fmt: skip
            value = getattr(points, name)
            if value is not None and len(points):
                out[f"{key}/points/{name}"] = np.asarray(value)
    return out


def book_from_arrays(arrays: Mapping[str, np.ndarray]) -> SnapshotBook:
    """Undo `book_to_arrays`."""
    book = SnapshotBook()
    epochs = sorted({int(name.split("/")[1]) for name in arrays if name.startswith("snapshot/")})
    for epoch in epochs:
        key = f"snapshot/{epoch}"
        prefix = f"{key}/points/"
        fields: dict[str, Any] = {
            n[len(prefix) :]: a for n, a in arrays.items() if n.startswith(prefix)
        }
        trajectories = arrays[f"{key}/trajectories"]
        points = FixedPoints(**fields) if fields else FixedPoints()
        book.add(Snapshot(epoch, points, trajectories, float(arrays[f"{key}/seconds"])))
    return book
