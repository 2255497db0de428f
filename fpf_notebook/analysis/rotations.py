"""jPCA: the rotations that describe trajectories best, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fpf_notebook.arguments import checks

__all__ = ["JPCA", "jpca", "subspace_angles"]


@dataclass(frozen=True, eq=False)
class JPCA:
    """Rotations of trajectories.

    Attributes
    ----------
    planes : array, [plane, n_states, 2]
        Orthonormal bases, the fastest rotation first. In each, states turn from the first axis
        towards the second, and initial states are spread most along the first.
    frequencies : array, [plane]
        Of the rotations: in Hz if `dt` is known, else in turns a bin.
    variance : array, [plane]
        Share of the variance of the states that lies in each plane.
    r2_skew, r2_full : float
        Share of the variance of the change of state that the rotations explain, and that any linear
        dynamics in the same principal components explain. Where the first is much smaller, the
        trajectories do not just rotate.
    r2_plane : array, [plane]
        The first, for the change of state within each plane.
    M : array, [n_pcs, n_pcs]
        The skew-symmetric matrix, in principal components.
    components : array, [n_states, n_pcs]
        These components.
    mean : array, [n_states] or [time, n_states]
        What was taken off the states.
    variance_kept : float
        Share of the variance that the components hold.
    dt : float or None
        Seconds a bin.
    """

    planes: Float[np.ndarray, "plane n_states 2"]
    frequencies: Float[np.ndarray, "plane"]
    variance: Float[np.ndarray, "plane"]
    r2_skew: float
    r2_full: float
    r2_plane: Float[np.ndarray, "plane"]
    M: Float[np.ndarray, "n_pcs n_pcs"]
    components: Float[np.ndarray, "n_states n_pcs"]
    mean: np.ndarray
    variance_kept: float
    dt: float | None

    def project(
        self, states: Float[np.ndarray, "trial time n_states"], plane: int = 0
    ) -> Float[np.ndarray, "trial time 2"]:
        """Return states in the coordinates of a plane, the mean taken off.

        Raises
        ------
        ValueError
            If there is no such plane, or the states have another width.
        """
        if isinstance(plane, bool) or not 0 <= plane < len(self.planes):
            raise ValueError(f"plane must be from 0 to below {len(self.planes)}, got {plane!r}")
        states = np.asarray(states, np.float64)
        if states.ndim != 3 or states.shape[2] != self.planes.shape[1]:
            raise ValueError(
                f"states must have the shape [trial, time, n_states={self.planes.shape[1]}], got "
                f"{list(states.shape)}"
            )
        return (states - self.mean) @ self.planes[plane]

    def __str__(self) -> str:
        unit = "Hz" if self.dt else "turns a bin"
        lines = [
            f"{len(self.planes)} planes in {len(self.components.T)} components "
            f"({100 * self.variance_kept:.0f} % of the variance); rotations explain "
            f"{self.r2_skew:.3f} of the change of state, any linear dynamics {self.r2_full:.3f}",
        ]
        lines += [
            f"plane {k + 1}: {f:.3g} {unit}, {100 * share:.0f} % of the variance, R² {r2:.2f}"
            for k, (f, share, r2) in enumerate(
                zip(self.frequencies, self.variance, self.r2_plane, strict=True)
            )
        ]
        return "\n".join(lines)


@checks("analysis.jpca")
def jpca(
    states: Float[np.ndarray, "trial time n_states"],
    *,
    n_pcs: int = 6,
    subtract_condition_mean: bool = True,
    dt: float | None = None,
) -> JPCA:
    """Find the planes in which trajectories rotate.

    States are reduced to principal components; the skew-symmetric matrix M is found for which
    ``z_{t+1} - z_t`` is nearest to ``M (z_t + z_{t+1}) / 2``. That is the least-squares solution
    itself, not an iteration: ``S M + M S = Q - Qᵀ``, a Sylvester equation. With differences taken
    at midpoints, frequencies of pure rotations are exact at any speed.

    Parameters
    ----------
    states : array, [trial, time, n_states]
        Trajectories: of single trials, or averages of conditions.
    n_pcs : int
        Principal components to keep; even, for whole planes. Default 6. Rotations that share few
        components are mixed: with four of them, take 8 or more.
    subtract_condition_mean : bool
        Whether to take the mean over trials off at each bin (default), or one mean in all.
    dt : float, optional
        Seconds a bin.

    Raises
    ------
    ValueError
        If the states are of another shape, not finite or constant, or `n_pcs` is not even or too
        large.

    References
    ----------
    Churchland et al., "Neural population dynamics during reaching", Nature 487, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> turns = np.exp(2j * np.pi * (0.05 * np.arange(30) + np.arange(8)[:, None] / 8))
    >>> found = jpca(np.stack([turns.real, turns.imag], axis=-1), n_pcs=2, dt=0.02)
    >>> round(float(found.frequencies[0]), 6), round(found.r2_skew, 6)
    (2.5, 1.0)
    """
    from scipy.linalg import solve_sylvester

    X = np.asarray(states, np.float64)
    if X.ndim != 3 or X.shape[1] < 2 or not X.shape[0]:
        raise ValueError(
            "states must have the shape [trial, time, n_states] with two bins at least, got "
            f"{list(X.shape)}"
        )
    if not np.isfinite(X).all():
        raise ValueError("states must be finite, got NaN or infinity in it")
    limit = min(X.shape[2], X.shape[0] * X.shape[1])
    if isinstance(n_pcs, bool) or not isinstance(n_pcs, int | np.integer) or n_pcs % 2:
        raise ValueError(f"n_pcs must be an even number, got {n_pcs!r}")
    if not 2 <= n_pcs <= limit:
        raise ValueError(f"n_pcs must be from 2 to {limit}, got {n_pcs}")
    if dt is not None and not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"dt must be a finite number of seconds above 0, got {dt!r}")
    mean = X.mean(axis=0) if subtract_condition_mean else X.mean(axis=(0, 1))
    centred = X - mean
    flat = centred.reshape(-1, X.shape[2])
    total = float((flat**2).sum())
    if total <= 1e-20 * max(1.0, float((X**2).sum())):
        raise ValueError("states do not differ between trials: there is nothing that could rotate")
    components = np.linalg.svd(flat, full_matrices=False)[2][:n_pcs].T
    z = centred @ components
    change = (z[:, 1:] - z[:, :-1]).reshape(-1, n_pcs)
    middle = ((z[:, 1:] + z[:, :-1]) / 2).reshape(-1, n_pcs)
    S, Q = middle.T @ middle, change.T @ middle
    # A little more on the diagonal where a component is empty: the equation stays solvable.
    S = S + np.eye(n_pcs) * 1e-12 * np.trace(S) / n_pcs
    M = solve_sylvester(S, S, Q - Q.T)
    M = (M - M.T) / 2
    full = np.linalg.lstsq(middle, change, rcond=None)[0].T
    values, vectors = np.linalg.eig(M)
    order = np.argsort(-values.imag)[: n_pcs // 2]
    planes, r2_plane = [], []
    for k in order:
        basis = _plane_basis(M, vectors[:, k])
        basis = _conventional(basis, z[:, 0])
        planes.append(components @ basis)
        part = basis.T @ M @ basis
        r2_plane.append(_explained(change @ basis, middle @ basis @ part.T))
    stacked = np.stack(planes)
    speeds = np.abs(values.imag[order])
    # A turn by an angle a changes the state by 2 tan(a / 2) of the middle between the two.
    turns = 2 * np.arctan(speeds / 2) / (2 * np.pi)
    return JPCA(
        planes=stacked,
        frequencies=turns / dt if dt else turns,
        variance=np.array([((flat @ plane) ** 2).sum() / total for plane in stacked]),
        r2_skew=_explained(change, middle @ M.T),
        r2_full=_explained(change, middle @ full.T),
        r2_plane=np.array(r2_plane),
        M=M,
        components=components,
        mean=mean,
        variance_kept=float((z**2).sum() / total),
        dt=None if dt is None else float(dt),
    )


@checks("analysis.subspace_angles")
def subspace_angles(
    A: Float[np.ndarray, "n_states a"], B: Float[np.ndarray, "n_states b"]
) -> Float[np.ndarray, "k"]:
    """Return the principal angles between two subspaces, in degrees, the smallest first.

    The smallest alone, which papers report, is lax: two planes that share one direction have a
    smallest angle of 0 and may be orthogonal otherwise. The largest says whether they are one.

    Parameters
    ----------
    A, B : array, [n_states, k]
        Columns that span them, not necessarily orthonormal; complex ones count as two.

    Raises
    ------
    ValueError
        If they have not as many rows, or a number is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> subspace_angles(np.eye(3)[:, :2], np.eye(3)[:, 1:]).round(6).tolist()
    [0.0, 90.0]
    """
    from scipy.linalg import subspace_angles as angles

    first, second = (_real_columns(name, x) for name, x in (("A", A), ("B", B)))
    if len(first) != len(second):
        raise ValueError(
            f"A and B must have as many rows, got the shapes {list(first.shape)} and "
            f"{list(second.shape)}"
        )
    return np.degrees(np.sort(angles(first, second)))


def _real_columns(name: str, given: object) -> np.ndarray:
    array = np.asarray(given)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, of the shape [n_states, k], got {array.shape}")
    return np.column_stack([array.real, array.imag]) if np.iscomplexobj(array) else array


def _plane_basis(M: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of an eigenvector's plane, oriented as M turns."""
    basis, _ = np.linalg.qr(np.column_stack([vector.real, vector.imag]))
    if basis[:, 1] @ M @ basis[:, 0] < 0:
        basis = basis[:, ::-1]
    return basis


def _conventional(basis: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Turn a plane's basis so that initial states are spread most along its first axis."""
    z = start @ basis
    spread = np.linalg.eigh(z.T @ z)[1][:, 1]
    turn = np.array([[spread[0], -spread[1]], [spread[1], spread[0]]])
    turned = basis @ turn
    largest = turned[np.argmax(np.abs(turned[:, 0])), 0]
    return turned if largest > 0 else -turned


def _explained(change: np.ndarray, predicted: np.ndarray) -> float:
    total = float((change**2).sum())
    return 1 - float(((change - predicted) ** 2).sum()) / total if total else 0.0
