"""The points that a JSLDS expands around, against the fixed points that a search finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int

from fpf_notebook.analysis.record_points import record_points
from fpf_notebook.arguments import checks
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap


__all__ = [
    "NEAR_ONE",
    "ExpansionClusters",
    "ExpansionComparison",
    "cluster_expansion_points",
    "compare_expansion_points",
]

NEAR_ONE = 0.025
"""Distance from 1 within which the paper calls an eigenvalue marginal."""


@dataclass(frozen=True, eq=False)
class ExpansionClusters:
    """Expansion points in groups.

    Attributes
    ----------
    centres : array, [k, n_states]
        Mean of each group, the group of most points first.
    labels : array of int, [m]
        The group of each point; −1: in none.
    counts : array of int, [k]
        Points of each group.
    spread : array, [k]
        Largest distance of a member from its centre.
    separation : array, [k]
        Distance of the centre from the next one; infinite where there is but one.
    """

    centres: Float[np.ndarray, "k n_states"]
    labels: Int[np.ndarray, "m"]
    counts: Int[np.ndarray, "k"]
    spread: Float[np.ndarray, "k"]
    separation: Float[np.ndarray, "k"]

    @property
    def k(self) -> int:
        """Number of groups."""
        return len(self.centres)


@checks("analysis.cluster_expansion_points")
def cluster_expansion_points(
    points: Float[np.ndarray, "*any n_states"],
    radius: float | None = None,
    min_share: float = 0.005,
) -> ExpansionClusters:
    """Group expansion points: points belong together that a chain of short steps connects.

    Parameters
    ----------
    points : array, [..., n_states]
        Expansion points; leading dimensions are flattened.
    radius : float, optional
        Longest step of a chain. By default a tenth of the points' root mean square distance from
        their mean.
    min_share : float
        Smaller shares of all points are no group: a few points lie between groups, while the
        network goes from one to the other. Default 0.5 %.

    Returns
    -------
    clusters : ExpansionClusters

    Raises
    ------
    ValueError
        If there are no points, something is not finite, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> places = np.array([[0.0, 0.0], [3.0, 0.0]])
    >>> e = places[rng.integers(2, size=(8, 20))] + 0.01 * rng.normal(size=(8, 20, 2))
    >>> found = cluster_expansion_points(e)
    >>> found.k, found.labels.shape
    (2, (160,))
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    flat = np.asarray(points, np.float64)
    if flat.ndim < 2 or flat.size == 0:
        raise ValueError(f"points must have the shape [..., n_states], got {list(flat.shape)}")
    flat = flat.reshape(-1, flat.shape[-1])
    if not np.isfinite(flat).all():
        raise ValueError("points must be finite, got NaN or infinity in it")
    if not 0 <= min_share < 1:
        raise ValueError(f"min_share must be from 0 to below 1, got {min_share!r}")
    if radius is None:
        scale = np.sqrt(((flat - flat.mean(axis=0)) ** 2).sum(axis=1).mean())
        radius = max(0.1 * float(scale), 1e-12)
    if not radius > 0:
        raise ValueError(f"radius must be positive, got {radius!r}")
    # Boxes of half the radius first: points by the ten thousand in one place need no pairs.
    cells, member_of = np.unique(
        np.floor(_few_coordinates(flat) / (radius / 2)), axis=0, return_inverse=True
    )
    n_cells = len(cells)
    member_of = member_of.reshape(-1)
    weight = np.bincount(member_of)
    middle = np.stack(
        [np.bincount(member_of, flat[:, k]) / weight for k in range(flat.shape[1])], axis=1
    )
    pairs = cKDTree(middle).query_pairs(radius, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n_cells, n_cells))
    _, group_of_cell = connected_components(graph, directed=False)
    labels = group_of_cell[member_of]
    counts = np.bincount(labels)
    kept = np.flatnonzero(counts >= max(1, min_share * len(flat)))
    kept = kept[np.argsort(-counts[kept], kind="stable")]
    renamed = np.full(len(counts), -1)
    renamed[kept] = np.arange(len(kept))
    labels = renamed[labels]
    centres = np.stack([flat[labels == k].mean(axis=0) for k in range(len(kept))])
    spread = [np.linalg.norm(flat[labels == k] - c, axis=1).max() for k, c in enumerate(centres)]
    return ExpansionClusters(centres, labels, counts[kept], np.array(spread), _separation(centres))


@dataclass(frozen=True, eq=False)
class ExpansionComparison:
    """Each group of expansion points and the numerical fixed or slow point next to it.

    Attributes
    ----------
    clusters : ExpansionClusters
        The groups.
    at_centres : FixedPoints
        The network linearized at the centres: q, eigenvalues, stability.
    nearest : array of int, [k]
        Index of the numerical point nearest to each centre.
    distance : array, [k]
        How far it is.
    share : array, [k]
        The distance over the distance between groups: small where the group belongs to the point.
    kind, stability : array of str, [k]
        Of the numerical point: "fixed", or "slow" where F only nearly stands still; "stable",
        "saddle", "unstable" or "marginal".
    q : array, [k]
        Of the numerical point.
    eigenvalues : array, [k, n_states]
        Of the Jacobian there.
    n_near_one : array of int, [k]
        Eigenvalues within `near_one` of 1.
    near_one : float
        That distance.
    """

    clusters: ExpansionClusters
    at_centres: FixedPoints
    nearest: Int[np.ndarray, "k"]
    distance: Float[np.ndarray, "k"]
    share: Float[np.ndarray, "k"]
    kind: np.ndarray
    stability: np.ndarray
    q: Float[np.ndarray, "k"]
    eigenvalues: np.ndarray
    n_near_one: Int[np.ndarray, "k"]
    near_one: float

    @property
    def is_marginal(self) -> Bool[np.ndarray, "k"]:
        """Whether a point has an eigenvalue within `near_one` of 1."""
        return self.n_near_one > 0

    def __str__(self) -> str:
        clusters = self.clusters
        n_fixed = int((self.kind == "fixed").sum())
        lines = [
            f"{clusters.k} clusters of expansion points; next to {n_fixed} of them is a fixed "
            f"point, next to {clusters.k - n_fixed} a slow one; {int(self.is_marginal.sum())} "
            f"are marginal (an eigenvalue within {self.near_one} of 1)",
            "cluster  points  spread   distance  of gap   kind   stability  q         "
            "near 1  leading |λ|",
        ]
        for k in range(clusters.k):
            leading = " ".join(f"{abs(value):.3f}" for value in self.eigenvalues[k, :4])
            lines.append(
                f"{k:7d} {clusters.counts[k]:7d}  {clusters.spread[k]:.4f}   {self.distance[k]:.2e}"
                f"  {100 * self.share[k]:5.2f} %  {self.kind[k]:5s}  {self.stability[k]:9s}  "
                f"{self.q[k]:.1e}  {self.n_near_one[k]:6d}  {leading}"
            )
        return "\n".join(lines)


@checks("analysis.compare_expansion_points")
def compare_expansion_points(
    step_map: StepMap,
    expansion_points: Float[np.ndarray, "*any n_states"],
    fixed_points: FixedPoints,
    *,
    inputs: Float[np.ndarray, "1 n_inputs"] | None = None,
    radius: float | None = None,
    min_share: float = 0.005,
    near_one: float = NEAR_ONE,
) -> ExpansionComparison:
    """Set expansion points against numerical fixed and slow points (Fig. 2E of the paper).

    Parameters
    ----------
    step_map : StepMap
        The nonlinear network, ``as_step_map(model.rnn)``.
    expansion_points : array, [..., n_states]
        As `JSLDS.run` gives them; leave out the first steps, which are far from everywhere.
    fixed_points : FixedPoints
        What a search found, with ``include_slow=True``: a co-trained network can do with slow
        points where an exact search finds no fixed one.
    inputs : array, [1, n_inputs], optional
        u*, by default zero.
    radius, min_share : float
        As for `cluster_expansion_points`.
    near_one : float
        Eigenvalues nearer to 1 than this are counted as marginal. Default 0.025.

    Returns
    -------
    comparison : ExpansionComparison
        Prints as a table.

    Raises
    ------
    ValueError
        If shapes do not fit, or there are no numerical points.
    """
    if fixed_points.n == 0:
        raise ValueError("fixed_points is empty; search with include_slow=True")
    clusters = cluster_expansion_points(expansion_points, radius, min_share)
    if clusters.centres.shape[1] != step_map.n_states:
        raise ValueError(
            f"expansion_points have the width {clusters.centres.shape[1]}, expected "
            f"n_states={step_map.n_states}"
        )
    at_centres = record_points(step_map, clusters.centres, inputs)
    x = np.asarray(fixed_points.xstar, np.float64)
    distances = np.linalg.norm(clusters.centres[:, None] - x, axis=-1)
    nearest = distances.argmin(axis=1)
    there = fixed_points[nearest]
    if not there.has_decomposed_jacobians:
        there = record_points(step_map, there.xstar, there.inputs).update(kind=there.kind)
    distance = distances.min(axis=1)
    eigenvalues = there.require("eigval_J_xstar")
    kind = there.kind if there.kind is not None else np.full(clusters.k, "fixed")
    return ExpansionComparison(
        clusters=clusters,
        at_centres=at_centres,
        nearest=nearest,
        distance=distance,
        share=distance / clusters.separation,
        kind=np.asarray(kind),
        stability=there.require("stability"),
        q=there.require("qstar"),
        eigenvalues=eigenvalues,
        n_near_one=(np.abs(eigenvalues - 1) <= near_one).sum(axis=1),
        near_one=near_one,
    )


def _separation(centres: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(centres[:, None] - centres, axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1)


def _few_coordinates(points: np.ndarray, n: int = 8) -> np.ndarray:
    """Return at most n coordinates, along the principal directions; the rest is left out."""
    centred = points - points.mean(axis=0)
    if centred.shape[1] <= n:
        return centred
    _, directions = np.linalg.eigh(centred.T @ centred)
    return centred @ directions[:, -n:]
