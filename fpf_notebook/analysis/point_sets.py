"""How far sets of fixed points are from each other: over a training, or of many networks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from fpf_notebook.arguments import checks
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["embed_distances", "set_distances"]

KINDS = ("matched", "procrustes")
_AXES = 3  # principal axes whose signs are tried
_TURNS = 20  # of matching and rotating in turn; a handful are needed


@checks("analysis.set_distances")
def set_distances(
    sets: Sequence[FixedPoints], kind: str = "procrustes", *, stable_only: bool = False
) -> Float[np.ndarray, "n_sets n_sets"]:
    """Measure how far sets of fixed points are from each other.

    The points of two sets are matched one to one, so that the sum of squared distances is least; a
    point that has no partner counts as if it were as far away as the size of its set (the mean
    squared distance from the centre). The distance is the root of the mean over the larger set.

    Parameters
    ----------
    sets
        The sets.
    kind : {"procrustes", "matched"}
        ``"procrustes"``: each set is centred, scaled to unit size, and turned or mirrored onto the
        other, as for networks whose units have nothing to do with each other (Maheswaranathan et
        al. 2019 compare shapes so). The best of several beginnings is taken (principal axes, and
        points with similar distances from the others); a better one may exist. ``"matched"``: as
        the points are, as for the epochs of one training.
    stable_only : bool
        Whether to look at stable points alone. Default False.

    Returns
    -------
    array, [n_sets, n_sets]
        Symmetric, zero on the diagonal; NaN where one of the two sets is empty.

    Raises
    ------
    ValueError
        If there is no such kind, or the states differ in width for ``"matched"``.

    References
    ----------
    Maheswaranathan et al., "Universality and individuality in neural dynamics across large
    populations of recurrent networks", NeurIPS 2019.

    Examples
    --------
    A square, and the same square turned and twice as large:

    >>> square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
    >>> turned = 2 * square @ np.array([[0.6, -0.8], [0.8, 0.6]])
    >>> sets = [FixedPoints(square), FixedPoints(turned)]
    >>> set_distances(sets).round(6)
    array([[0., 0.],
           [0., 0.]])
    """
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KINDS)}.")
    points = [_points(one, stable_only) for one in sets]
    widths = {one.shape[1] for one in points}
    if kind == "matched" and len(widths) > 1:
        raise ValueError(
            f"the sets have {sorted(widths)} states, expected equal numbers for kind='matched'; "
            "'procrustes' compares shapes."
        )
    if kind == "procrustes":
        widest = max(widths, default=0)
        points = [_normalized(np.pad(p, ((0, 0), (0, widest - p.shape[1])))) for p in points]
    found = np.zeros((len(points), len(points)))
    for i, j in itertools.combinations(range(len(points)), 2):
        found[i, j] = found[j, i] = _distance(points[i], points[j], turning=kind == "procrustes")
    return found


@checks("analysis.embed_distances")
def embed_distances(
    distances: Float[np.ndarray, "n n"], n_components: int = 2
) -> Float[np.ndarray, "n n_components"]:
    """Lay out sets so that their distances are kept as well as can be (classical scaling).

    Parameters
    ----------
    distances
        What `set_distances` returned.
    n_components
        How many coordinates. Default 2.

    Returns
    -------
    array, [n, n_components]
        Coordinates, centred, the first with the largest spread.

    Raises
    ------
    ValueError
        If it is no square array of finite numbers, or they are no distances.

    References
    ----------
    Torgerson, "Multidimensional scaling: I. Theory and method", Psychometrika 17 (1952).

    Examples
    --------
    >>> places = embed_distances(np.array([[0.0, 3.0], [3.0, 0.0]]), 1)
    >>> np.abs(places).round(6).tolist()
    [[1.5], [1.5]]
    """
    D = np.asarray(distances, dtype=float)
    if D.ndim != 2 or D.shape[0] != D.shape[1] or not np.isfinite(D).all():
        raise ValueError(
            f"distances has shape {D.shape}, expected a square array of finite numbers; leave out "
            "empty sets."
        )
    if (D < 0).any() or not np.allclose(D, D.T) or not np.allclose(np.diag(D), 0):
        raise ValueError(
            "distances is negative somewhere, not symmetric, or not zero on its diagonal; expected "
            "what set_distances returns."
        )
    n = len(D)
    centring = np.eye(n) - 1.0 / n
    values, vectors = np.linalg.eigh(-0.5 * centring @ D**2 @ centring)
    order = np.argsort(-values)[:n_components]
    places = vectors[:, order] * np.sqrt(np.maximum(values[order], 0.0))
    return np.pad(places, ((0, 0), (0, max(0, n_components - n))))


def _points(fps: FixedPoints, stable_only: bool) -> Float[np.ndarray, "n n_states"]:
    chosen = fps.is_fixed
    if stable_only:
        chosen = chosen & fps.require("is_stable")
    return np.asarray(fps.xstar[chosen], dtype=float)


def _normalized(x: Float[np.ndarray, "n n_states"]) -> Float[np.ndarray, "n n_states"]:
    if not len(x):
        return x
    centred = x - x.mean(axis=0)
    size = np.sqrt(np.mean(np.sum(centred**2, axis=1)))
    return centred / size if size > 0 else centred


def _distance(a: np.ndarray, b: np.ndarray, *, turning: bool) -> float:
    if not len(a) or not len(b):
        return float("nan")
    if len(a) > len(b):
        a, b = b, a
    if not turning:
        return _matched(a, b)[0]
    frames = [_principal(x) for x in (a, b)]
    k = min(_AXES, a.shape[1])
    best = _aligned(a, b, _alike(a, b))
    for signs in itertools.product((1.0, -1.0), repeat=k):
        flips = np.ones(a.shape[1])
        flips[:k] = signs
        first, other = a @ frames[0], (b @ frames[1]) * flips
        best = min(best, _aligned(first, other, _matched(first, other)[1]))
    return best


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return for each point of the first set the one with the most similar distances from others.

    These do not change when a set is turned.
    """
    from scipy.optimize import linear_sum_assignment

    shares = np.linspace(0, 1, 16)
    profiles = [
        np.quantile(np.linalg.norm(x[:, None] - x[None], axis=2), shares, axis=1).T for x in (a, b)
    ]
    costs = np.sum((profiles[0][:, None] - profiles[1][None]) ** 2, axis=2)
    return np.asarray(linear_sum_assignment(costs)[1])


def _aligned(a: np.ndarray, b: np.ndarray, partners: np.ndarray) -> float:
    """Turn and match in turn until nothing gets better."""
    best = np.inf
    for _ in range(_TURNS):
        U, _, V = np.linalg.svd(b[partners].T @ a)
        b = b @ (U @ V)
        found, partners = _matched(a, b)
        if not found < best - 1e-12:
            break
        best = found
    return min(best, found)


def _matched(a: np.ndarray, b: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the distance of the best matching, and the partner of each point of the first."""
    from scipy.optimize import linear_sum_assignment

    squares = np.sum((a[:, None] - b[None]) ** 2, axis=2)
    _, partners = linear_sum_assignment(squares)
    matched = squares[np.arange(len(a)), partners].sum()
    # Not its own distance from the centre: a saddle in the middle is a point too many as well.
    lonely = np.mean(np.sum((b - b.mean(axis=0)) ** 2, axis=1))
    return float(np.sqrt((matched + (len(b) - len(a)) * lonely) / len(b))), partners


def _principal(x: np.ndarray) -> np.ndarray:
    """Return the principal axes as columns, those of no spread among them."""
    _, _, V = np.linalg.svd(x, full_matrices=True)
    return V.T
