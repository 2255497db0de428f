"""The snapshots of a training by epoch: kept within bounds, as the browser shows them, in files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.analysis.snapshots import Snapshot, count_changes, eigenvalue_paths
from fpf_notebook.plots.projection import Projection, fit_projection
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.widgets.explorer import scene as scenes
from fpf_notebook.widgets.points import class_codes, point_names

MAX_SNAPSHOTS = 80


class _Shown(NamedTuple):
    """What the browser shows of a snapshot and what no other one changes: it is sent many times."""

    names: list[str]
    code: np.ndarray  # [n] the class of each point, as the browser knows it
    eigenvalues: np.ndarray  # [n, mode, 2] real and imaginary parts


def _shown(points: FixedPoints) -> _Shown:
    if not len(points):
        return _Shown([], np.zeros(0, np.int32), np.zeros((0, 0, 2)))
    values = points.eigval_J_xstar
    parts = np.zeros((0, 0, 2)) if values is None else np.stack([values.real, values.imag], axis=-1)
    return _Shown(point_names(points), class_codes(points), parts)


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
        self._shown: dict[int, tuple[Snapshot, _Shown]] = {}
        self._signs: np.ndarray | None = None
        self._searched: set[int] = set()  # those that were dropped since, too

    def __len__(self) -> int:
        return len(self._pages)

    def add(self, snapshot: Snapshot) -> None:
        """Enter a snapshot; an older one of the same epoch is replaced."""
        self._pages[snapshot.epoch] = snapshot
        self._searched.add(snapshot.epoch)
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

    @property
    def last(self) -> int | None:
        """The last epoch that was searched."""
        return max(self._pages, default=None)

    def joined(self) -> np.ndarray:
        """Tell for each snapshot whether nothing was left out between it and the one before.

        Epochs are left out where the training was quicker than the searches: two snapshots are
        then further apart than twice what is usual.
        """
        epochs = np.array(sorted(self._pages))
        searched = np.array(sorted(self._searched))
        joined = np.zeros(len(epochs), dtype=bool)
        if len(searched) < 2:
            return joined
        steps = np.diff(searched)
        usual = np.median(steps)
        for k in range(1, len(epochs)):
            between = (searched[:-1] >= epochs[k - 1]) & (searched[1:] <= epochs[k])
            joined[k] = steps[between].max(initial=0) <= 2 * usual
        return joined

    def clear(self) -> None:
        """Forget everything."""
        self._pages.clear()
        self._shown.clear()
        self._searched.clear()
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
            self._shown.pop(pages[k].epoch, None)

    def shown(self, page: Snapshot) -> _Shown:
        """Return what the browser shows of a snapshot, made once."""
        known = self._shown.get(page.epoch)
        if known is None or known[0] is not page:
            known = self._shown[page.epoch] = page, _shown(page.points)
        return known[1]

    def projection(self) -> Projection:
        """Return axes that suit all snapshots, without sudden flips of sign."""
        pages = self.pages()
        states = np.concatenate(
            [p.trajectories.reshape(-1, p.trajectories.shape[2]) for p in pages]
        )
        fitted = fit_projection(states[None], np.zeros((0, states.shape[1])))
        if self._signs is not None and self._signs.shape == fitted.components.shape:
            fitted = fitted.with_signs_of(self._signs)
        self._signs = fitted.components
        return fitted


def changes(pages: list[Snapshot], limit: int = 12) -> list[JsonObject]:
    """Return the epochs at which points were born or lost, the largest changes first kept."""
    largest = sorted(count_changes(pages), key=lambda entry: -abs(entry[1]))[:limit]
    return [
        {"epoch": epoch, "label": f"{delta:+d}".replace("-", "−")}
        for epoch, delta in sorted(largest)
    ]


def path_numbers(pages: list[Snapshot], limit: int = 20_000) -> np.ndarray:
    """Return paths of eigenvalues as the browser draws them: real, imaginary, …; NaN ends a piece.

    Of more than `limit` numbers, the last ones.
    """
    paths = eigenvalue_paths(pages)
    pieces = np.full((len(paths), 3, 2), np.nan)
    pieces[:, :2, 0], pieces[:, :2, 1] = paths.real, paths.imag
    return pieces[-(limit // 6) :].reshape(-1)


def history_scene(book: SnapshotBook) -> JsonObject | None:
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
        shown = book.shown(page)
        clouds += [paths, places]
        snapshots.append(
            {
                "epoch": page.epoch,
                "label": f"{book.unit} {page.epoch}",
                "points": places,
                "code": shown.code,
                "names": shown.names,
                "eigenvalues": shown.eigenvalues,
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
        "joined": book.joined(),
        "paths": path_numbers(pages),
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
        fields: JsonObject = {
            n[len(prefix) :]: a for n, a in arrays.items() if n.startswith(prefix)
        }
        trajectories = arrays[f"{key}/trajectories"]
        points = FixedPoints(**fields) if fields else FixedPoints()
        book.add(Snapshot(epoch, points, trajectories, float(arrays[f"{key}/seconds"])))
    return book
