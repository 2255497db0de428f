"""From the states of a network to the two or three dimensions of a figure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, eq=False)
class Projection:
    """An affine map from states to figure coordinates: ``(x − mean) @ components.T``.

    Attributes
    ----------
    mean
        The state in the middle of the figure, ``[n_states]``.
    components
        Orthonormal rows, ``[n_dims, n_states]``.
    explained_variance_ratio
        The share of the states' variance along each component, ``[n_dims]``; NaN where
        there is no variance to share, or where the axes are not chosen by it.
    names
        What each axis is called.
    source
        What the components were computed from.
    """

    mean: Float[np.ndarray, " n_states"]
    components: Float[np.ndarray, "n_dims n_states"]
    explained_variance_ratio: Float[np.ndarray, " n_dims"]
    names: tuple[str, ...]
    source: str

    @property
    def n_dims(self) -> int:
        """The number of figure coordinates."""
        return len(self.components)

    @property
    def n_states(self) -> int:
        """The number of state dimensions."""
        return self.components.shape[1]

    def transform(self, states: np.ndarray) -> Float[np.ndarray, "... n_dims"]:
        """Return the figure coordinates of states, ``[..., n_states]``."""
        return (np.asarray(states, np.float64) - self.mean) @ self.components.T

    def transform_direction(self, vectors: np.ndarray) -> Float[np.ndarray, "... n_dims"]:
        """Return the figure coordinates of directions: like `transform`, without the shift."""
        return np.asarray(vectors, np.float64) @ self.components.T

    def with_signs_of(self, components: Float[np.ndarray, "n_dims n_states"]) -> Projection:
        """Return the projection with its axes turned where they point away from others.

        For pictures one after another, which must not flip from one to the next.

        Parameters
        ----------
        components
            Those of the picture before, ``[n_dims, n_states]``.
        """
        signs = np.sign(np.einsum("kn,kn->k", self.components, components))
        turned = self.components * np.where(signs == 0, 1, signs)[:, None]
        return dataclasses.replace(self, components=turned)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the axes with their explained variance, such as ``"PC 1 (46 %)"``."""
        if self.n_states == 1:
            return self.names  # the only dimension there is explains everything: no news
        return tuple(
            name if np.isnan(share) else f"{name} ({percent(share)})"
            for name, share in zip(self.names, self.explained_variance_ratio, strict=True)
        )


def percent(share: float) -> str:
    """Write a share as a percentage: two digits at most, and never a false 0 or 100."""
    value = 100 * float(share)
    if value == 0:
        return "0 %"
    if value < 0.1:
        return "<0.1 %"
    if value < 9.95:
        return f"{value:.1f} %".replace(".0 ", " ")
    if 99.5 <= value < 99.95:
        return f"{value:.1f} %"
    return f"{value:.0f} %"


def fit_projection(
    state_traj: Float[np.ndarray, "n_batch n_time n_states"] | None,
    points: Float[np.ndarray, "n_points n_states"],
    n_dims: int = 3,
) -> Projection:
    """Fit a principal component analysis (scikit-learn's) to trajectories.

    Parameters
    ----------
    state_traj
        Trajectories, ``[n_batch, n_time, n_states]``. Where there are none (None, or no rows),
        the components are those of ``points``.
    points
        Fixed points, ``[n_points, n_states]``; there may be none.
    n_dims
        How many components to keep; never more than there are state dimensions.

    Returns
    -------
    Projection
        Its signs do not depend on the order of the samples: the largest weight of every
        component is positive. Components beyond the rank of the data (fewer samples than
        dimensions, no variance) are completed to an orthonormal set and explain nothing. A
        state of one dimension is not analysed: it is its own axis.

    Examples
    --------
    >>> import numpy as np
    >>> states = np.random.default_rng(0).normal(size=(5, 20, 4)) * [3.0, 1.0, 0.1, 0.1]
    >>> projection = fit_projection(states, np.zeros((1, 4)), n_dims=2)
    >>> projection.transform(states[0]).shape
    (20, 2)
    """
    n_states = np.shape(points)[1]
    n_dims = min(n_dims, n_states)
    samples, source = np.asarray(points, np.float64), "fixed points"
    if state_traj is not None and np.size(state_traj):
        samples, source = np.asarray(state_traj, np.float64).reshape(-1, n_states), "trajectories"
        samples = samples[np.isfinite(samples).all(axis=1)]  # what is masked out is NaN

    if n_states == 1:
        return Projection(np.zeros(1), np.ones((1, 1)), np.ones(1), ("h",), source)

    names = tuple(f"PC {k + 1}" for k in range(n_dims))
    mean = samples.mean(axis=0) if len(samples) else np.zeros(n_states)
    components, ratio = _principal_components(samples, n_dims)
    components = _complete(components, n_dims, n_states)
    missing = 0.0 if len(ratio) else np.nan  # shares of nothing are not shown
    ratio = np.concatenate([ratio, np.full(n_dims - len(ratio), missing)])
    return Projection(mean, components, ratio, names, source)


def state_axes(n_states: int, dims: tuple[int, ...]) -> Projection:
    """Return the projection that shows some state dimensions as they are.

    Parameters
    ----------
    n_states
        The number of state dimensions.
    dims
        The zero-based dimensions to show, two or three.
    """
    for dim in dims:
        if not 0 <= dim < n_states:
            raise ValueError(f"dims: {dim} given, the state has dimensions 0 to {n_states - 1}")
    components = np.eye(n_states)[list(dims)]
    names = tuple("h" + str(dim + 1).translate(_SUBSCRIPTS) for dim in dims)
    return Projection(np.zeros(n_states), components, np.full(len(dims), np.nan), names, "states")


def _principal_components(samples: np.ndarray, n_dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Return up to ``n_dims`` components with variance, and their share of it."""
    n_samples, n_states = samples.shape
    nothing = np.zeros((0, n_states)), np.zeros(0)
    if n_samples < 2:
        return nothing  # scikit-learn would divide by n_samples - 1
    spread = np.abs(samples - samples.mean(axis=0)).max()
    if spread <= 1e-12 * max(1.0, np.abs(samples).max()):
        return nothing  # all in one place: the shares would be 0 / 0

    from sklearn.decomposition import PCA

    # Never the randomized solver, which draws from numpy's global random state. The covariance
    # is much cheaper for long recordings, and loses only components far too small to be seen.
    tall = samples.size > 2_000_000 and n_samples > 5 * n_states
    pca = PCA(
        n_components=min(n_dims, n_samples, n_states),
        svd_solver="covariance_eigh" if tall else "full",
    ).fit(samples)
    keep = pca.explained_variance_ratio_ > 1e-15
    components = pca.components_[keep]
    largest = np.abs(components).argmax(axis=1)
    signs = np.sign(components[np.arange(len(components)), largest])
    return components * signs[:, None], pca.explained_variance_ratio_[keep]


def _complete(components: np.ndarray, n_dims: int, n_states: int) -> np.ndarray:
    """Add coordinate axes, made orthogonal, until there are ``n_dims`` rows."""
    rows = list(components)
    while len(rows) < n_dims:
        basis = np.array(rows).reshape(len(rows), n_states)
        left_over = np.eye(n_states) - basis.T @ basis  # the axes without their known part
        length = np.linalg.norm(left_over, axis=1)
        best = int(np.argmax(length > length.max() - 1e-9))  # the first of the longest
        rows.append(left_over[best] / length[best])
    return np.array(rows).reshape(n_dims, n_states)
