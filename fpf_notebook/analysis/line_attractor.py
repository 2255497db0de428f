"""Line attractors: a curve of slow points, and not a crowd of fixed ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook.arguments import checks
from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["LineAttractor", "find_line_attractor", "order_along_curve"]


@dataclass(frozen=True, eq=False)
class LineAttractor:
    """What is known of points that may lie along a line attractor.

    Attributes
    ----------
    is_line : bool
        Whether the points are those of a line attractor.
    reason : str
        Why, or why not, in words.
    order : array of int, [n]
        The points from one end to the other.
    position : array, [n]
        Arc length of each point from the first end, in the order of `order`.
    length : float
        From end to end.
    thickness : float
        Root mean square distance of the points from a smooth curve through them, over `length`.
    gap : float
        The longest step from one point to the next, over `length`.
    leading : array, [n]
        The largest eigenvalue (by magnitude) of each point, in the order of `order`.
    second : array, [n]
        Magnitude of the next one: how fast states return to the line.
    alignment : array, [n]
        |cosine| of the angle between the curve and the leading right eigenvector.
    q : array, [n]
        Of each point, in the order of `order`: how slowly a state creeps along.
    """

    is_line: bool
    reason: str
    order: Int[np.ndarray, "n"]
    position: Float[np.ndarray, "n"]
    length: float
    thickness: float
    gap: float
    leading: np.ndarray
    second: Float[np.ndarray, "n"]
    alignment: Float[np.ndarray, "n"]
    q: Float[np.ndarray, "n"]

    def __str__(self) -> str:
        if not self.is_line:
            return f"no line attractor: {self.reason}"
        return (
            f"line attractor of {len(self.order)} points, {self.length:.3g} long: {self.reason}; "
            f"leading eigenvalue {np.median(np.abs(self.leading)):.3f}, the next "
            f"{np.median(self.second):.3f} (medians)"
        )


@checks("analysis.find_line_attractor")
def find_line_attractor(
    points: FixedPoints,
    *,
    near_one: float = 0.1,
    max_thickness: float = 0.05,
    max_gap: float = 0.25,
    min_alignment: float = 0.7,
    min_points: int = 5,
) -> LineAttractor:
    """Order points along a curve, and judge whether they are a line attractor.

    They are, if there are enough of them, the curve explains where they lie, none of its steps is
    long, and at most points exactly one eigenvalue is next to 1, its eigenvector along the curve.
    Whether F stands still at them exactly does not matter: the few true fixed points on an
    approximate line, and the slow ones between them, are one object.

    Parameters
    ----------
    points : FixedPoints
        With eigenvalues and right eigenvectors; of a map.
    near_one : float
        Distance of the leading eigenvalue from 1 at most. Default 0.1: a memory of ten steps.
    max_thickness : float
        Default 0.05.
    max_gap : float
        Default 0.25: at least four steps of any size from end to end.
    min_alignment : float
        Median |cosine| at least. Default 0.7, 45 degrees.
    min_points : int
        Default 5.

    Returns
    -------
    line : LineAttractor

    Raises
    ------
    ValueError
        If the record has no eigenvectors, or is that of a flow.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> s = np.linspace(-1, 1, 12)
    >>> J = np.tile(np.diag([1.0, 0.3]), (12, 1, 1))
    >>> points = FixedPoints(np.stack([s, 0 * s], axis=1), J_xstar=J).decompose_jacobians()
    >>> str(find_line_attractor(points)).split(":")[0]
    'line attractor of 12 points, 2 long'
    """
    if points.time != "discrete":
        raise ValueError("find_line_attractor is for maps; these are points of a flow")
    x = np.asarray(points.xstar, np.float64)
    if points.n < max(2, min_points):
        empty = np.zeros(points.n)
        return LineAttractor(
            False, f"{points.n} points, at least {min_points} are needed",
            np.arange(points.n), empty, 0.0, float("nan"), float("nan"),
            empty.astype(complex), empty, empty, empty,
        )  # fmt: skip
    values, vectors = points.require("eigval_J_xstar"), points.require("eigvec_J_xstar")
    order = order_along_curve(x)
    x, values, vectors = x[order], values[order], vectors[order]
    steps = np.linalg.norm(np.diff(x, axis=0), axis=1)
    smooth = _smoothed(x)
    position = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
    length = float(position[-1])
    tangent = np.gradient(smooth, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-300)
    leading = vectors[:, :, 0]
    alignment = np.abs(np.einsum("ni,ni->n", tangent, leading.conj()))
    alignment /= np.linalg.norm(leading, axis=1)
    size = max(length, 1e-300)
    thickness = float(np.sqrt(((x - smooth) ** 2).sum(axis=1).mean())) / size
    gap = float(steps.max()) / size
    one_slow = np.abs(values[:, 0] - 1) <= near_one
    if values.shape[1] > 1:
        second = np.abs(values[:, 1])
        one_slow &= np.abs(values[:, 1] - 1) > near_one
    else:
        second = np.zeros(len(x))
    share = float(one_slow.mean())
    checks = (
        (length > 0, "all points are in one place"),
        (thickness <= max_thickness, f"the points scatter about a curve by {thickness:.2g} of its "
                                     f"length, more than {max_thickness}"),
        (gap <= max_gap, f"there is a gap of {gap:.2g} of the length between neighbours, more than "
                         f"{max_gap}"),
        (share >= 0.5, f"exactly one eigenvalue is within {near_one} of 1 at {share:.0%} of the "
                       "points only"),
        (float(np.median(alignment)) >= min_alignment,
         f"the slow direction is not along the curve (median |cos| {np.median(alignment):.2f})"),
    )  # fmt: skip
    failed = [text for fine, text in checks if not fine]
    good = (
        f"one eigenvalue within {near_one} of 1 at {share:.0%} of the points, its eigenvector "
        f"along the curve (median |cos| {np.median(alignment):.2f})"
    )
    q = points.qstar if points.qstar is not None else np.full(points.n, np.nan)
    return LineAttractor(
        is_line=not failed,
        reason="; ".join(failed) or good,
        order=order,
        position=position,
        length=length,
        thickness=thickness,
        gap=gap,
        leading=values[:, 0],
        second=second,
        alignment=alignment,
        q=np.asarray(q)[order],
    )


@checks("analysis.order_along_curve")
def order_along_curve(x: Float[np.ndarray, "n n_states"]) -> Int[np.ndarray, "n"]:
    """Order points from one end to the other of the curve along which they lie.

    The longest path in their minimum spanning tree is the curve; a point beside it takes the
    place of the nearest point upon it. The end that lies lower on the first principal axis comes
    first (its sign is that of the axis's largest component).

    Examples
    --------
    >>> import numpy as np
    >>> order_along_curve(np.array([[0.0, 0.0], [2.0, 0.1], [1.0, 0.0], [3.0, 0.0]]))
    array([0, 2, 1, 3])
    """
    from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
    from scipy.spatial.distance import cdist

    n = len(x)
    if n <= 2:
        return np.arange(n)
    distances = cdist(x, x)
    # Zero, and what is nearly zero, would mean "no edge": points in one place are kept connected.
    scale = distances.max() or 1.0
    tree = minimum_spanning_tree(np.maximum(distances / scale, 1e-6))
    one_end = int(np.argmax(dijkstra(tree, directed=False, indices=0)))
    along, previous = dijkstra(tree, directed=False, indices=one_end, return_predecessors=True)
    path = [int(np.argmax(along))]
    while path[-1] != one_end:
        path.append(int(previous[path[-1]]))
    nearest = np.array(path)[distances[:, path].argmin(axis=1)]
    # Beside the path: by the place on it, then by how far beyond it the tree reaches.
    order = np.lexsort((along, along[nearest]))
    centred = x - x.mean(axis=0)
    axis = np.linalg.svd(centred, full_matrices=False)[2][0]
    axis *= np.sign(axis[np.argmax(np.abs(axis))])
    ends = centred[order[[0, -1]]] @ axis
    return order if ends[0] <= ends[1] else order[::-1].copy()


def _smoothed(x: np.ndarray) -> np.ndarray:
    """Return points moved onto a local straight-line fit along their order."""
    n = len(x)
    half = max(1, min(n // 10, 25))
    places = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(x, axis=0), axis=1))])
    out = np.empty_like(x)
    for k in range(n):
        rows = slice(max(0, k - half), min(n, k + half + 1))
        s = places[rows] - places[k]
        centre = s.mean()
        variance = ((s - centre) ** 2).sum()
        mean = x[rows].mean(axis=0)
        slope = (s - centre) @ (x[rows] - mean) / variance if variance > 0 else 0.0
        out[k] = mean - centre * slope
    return out
