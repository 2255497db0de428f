"""`FixedPoints`: the one result type, an immutable record of points and what is known of them.

Importing this file brings in numpy and nothing heavier.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from numpy.typing import ArrayLike

from fpf_notebook._types import JsonObject
from fpf_notebook.arguments import checks
from fpf_notebook.result import coordinates as projection
from fpf_notebook.result import decomposition, spectrum, summary
from fpf_notebook.result import subsets as selection
from fpf_notebook.result.fields import FIELDS, FROM_JACOBIANS, METADATA, TIMES, as_field
from fpf_notebook.result.manifolds import Manifold, as_manifolds, on_continuum
from fpf_notebook.result.other_names import missing_attribute

if TYPE_CHECKING:
    import pandas
    import xarray

    from fpf_notebook._types import Figure
    from fpf_notebook.dynamics.step_map import StateSlice
    from fpf_notebook.result.audit import Audit
    from fpf_notebook.result.completeness import Completeness

PerPoint = np.ndarray | None


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class FixedPoints:
    """Fixed points of a network, with all that was found out about them.

    An immutable record of numpy arrays whose first axis counts the points. Every field but `xstar`
    may be None. The arrays are read-only; :meth:`update` returns a new record with other arrays.
    The field names are those of FixedPointFinder and canns.

    In the shapes below, n is the number of points, N the number of states, I the number of inputs
    and M the number of modes (eigenvalues; as a rule M = N).

    Parameters
    ----------
    xstar
        [n, N] The points. Default: the empty set.
    F_xstar
        [n, N] The next states F(x*) of a map; the derivatives f(x*) of a flow.
    x_init
        [n, N] The initial states of the searches.
    inputs
        [n, I] The constant inputs.
    qstar
        [n] q at `xstar` itself: half the squared length of F(x*) - x* (map) or f(x*) (flow).
    dq
        [n] Change of q in the last iteration.
    n_iters
        [n] Number of iterations.
    J_xstar
        [n, N, N] Jacobians dF/dx at the points.
    dFdu
        [n, N, I] Jacobians dF/du at the points.
    eigval_J_xstar
        [n, M] Eigenvalues of the Jacobians, complex, the least stable first: by magnitude for a
        map, by real part for a flow.
    eigval_condition
        [n, M] Condition numbers of the eigenvalues: how many times a change of the Jacobian may
        appear in each. 1 for normal matrices, infinite for defective ones.
    eigvec_J_xstar
        [n, N, M] Right eigenvectors, as columns, in the order of the eigenvalues.
    eigvec_left_J_xstar
        [n, N, M] Left eigenvectors, as columns: l_k^H r_j is 1 for j = k and 0 otherwise.
    is_stable
        [n] Whether the stability class is "stable".
    cond_id
        [n] Number of the condition that the input belongs to.
    kind
        [n] "fixed", "slow" (a minimum of q above zero) or "unconverged".
    status
        [n] Why the search of this point stopped, in words.
    stability
        [n] "stable" (all directions), "saddle", "unstable" (all directions), "marginal" (the
        leading eigenvalue lies on the unit circle or the imaginary axis, within a tolerance),
        "undetermined" (a change of the Jacobian of the size of rounding could move an eigenvalue
        across), or "unknown" (the Jacobian is not finite).
    margin
        [n] Distance of the leading eigenvalue from the unit circle (map) or the imaginary axis
        (flow), positive if stable.
    n_unstable
        [n] Number of unstable directions.
    index
        [n] Sign of det(I - J) (map) or det(-J) (flow), 0 if degenerate.
    forward_error
        [n] Length of the Newton step from the point: about its distance from the true point.
    hits
        [n] Number of initial states that ended here.
    certified
        [n] Whether it is proved that there is one fixed point here, and only one: of the real
        function of the parameters, rounding included.
    enclosure_radius, uniqueness_radius
        [n] The true point lies within the first of these distances, and no other one within the
        second, in the maximum norm over the states; NaN where that is not proved.
    manifold_id
        [n] Which of `manifolds` the point lies on, or -1.
    orbit_id, period
        [n] For periodic orbits: which orbit the point belongs to, and its period.
    tol_unique
        Points nearer than this, in the Euclidean norm over states and inputs, are the same, unless
        certificates prove that they are two.
        Default 1e-3.
    dtype
        Working precision of the search. Default: the type of `xstar`. The arrays keep their types.
    time
        "discrete" for a map (stable inside the unit circle), "continuous" for a flow (stable left
        of the imaginary axis). Default "discrete".
    dt
        Duration of a step, in the unit of your choice. Default None: time is counted in steps.
    completeness
        What is known of the completeness of the set.
    audit
        What became of each initial state.
    manifolds
        Lines, rings and sheets of fixed or slow points. Points that are samples of a continuum of
        fixed points are not counted as fixed points one by one.
    interrupted
        Whether the search was stopped before its end.
    slices
        The arrays of the model of which the state vector is composed.
    provenance
        How the set was made (versions, seed, options): anything that JSON can hold.

    Raises
    ------
    TypeError, ValueError
        If an array has entries of another type, or a shape that does not fit to the others.

    See Also
    --------
    fpf_notebook.io.load : reads a saved set; `fpf_notebook.io.load_legacy_fps` an old pickled one.

    Examples
    --------
    >>> fps = FixedPoints(np.zeros((2, 3)), qstar=np.zeros(2))
    >>> len(fps), fps.n_states
    (2, 3)
    """

    xstar: Float[np.ndarray, "n n_states"] = None  # type: ignore[assignment]  # see __post_init__
    _: dataclasses.KW_ONLY
    F_xstar: Float[np.ndarray, "n n_states"] | None = None
    x_init: Float[np.ndarray, "n n_states"] | None = None
    inputs: Float[np.ndarray, "n n_inputs"] | None = None
    qstar: Float[np.ndarray, "n"] | None = None
    dq: Float[np.ndarray, "n"] | None = None
    n_iters: Int[np.ndarray, "n"] | None = None
    J_xstar: Float[np.ndarray, "n n_states n_states"] | None = None
    dFdu: Float[np.ndarray, "n n_states n_inputs"] | None = None
    eigval_J_xstar: Complex[np.ndarray, "n n_modes"] | None = None
    eigval_condition: Float[np.ndarray, "n n_modes"] | None = None
    eigvec_J_xstar: Complex[np.ndarray, "n n_states n_modes"] | None = None
    eigvec_left_J_xstar: Complex[np.ndarray, "n n_states n_modes"] | None = None
    is_stable: Bool[np.ndarray, "n"] | None = None
    cond_id: Int[np.ndarray, "n"] | None = None
    kind: PerPoint = None
    status: PerPoint = None
    stability: PerPoint = None
    margin: Float[np.ndarray, "n"] | None = None
    n_unstable: Int[np.ndarray, "n"] | None = None
    index: Int[np.ndarray, "n"] | None = None
    forward_error: Float[np.ndarray, "n"] | None = None
    hits: Int[np.ndarray, "n"] | None = None
    certified: Bool[np.ndarray, "n"] | None = None
    enclosure_radius: Float[np.ndarray, "n"] | None = None
    uniqueness_radius: Float[np.ndarray, "n"] | None = None
    manifold_id: Int[np.ndarray, "n"] | None = None
    orbit_id: Int[np.ndarray, "n"] | None = None
    period: Int[np.ndarray, "n"] | None = None
    tol_unique: float = 1e-3
    dtype: Any = None
    time: Literal["discrete", "continuous"] = "discrete"
    dt: float | None = None
    completeness: Completeness | None = None
    audit: Audit | None = None
    manifolds: tuple[Manifold, ...] = ()
    interrupted: bool = False
    slices: tuple[StateSlice, ...] = ()
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the arrays and make them read-only."""
        if self.xstar is None:
            others = [name for name in FIELDS if getattr(self, name) is not None]
            if others:
                raise ValueError(f"xstar is None, expected an array, since {others[0]} is given.")
            object.__setattr__(self, "xstar", np.zeros((0, 0)))
        sizes: dict[str, int] = {}
        for name in FIELDS:  # xstar comes first and gives the sizes
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, as_field(name, value, sizes))
                sizes["state_from"] = sizes["state"]
        self._check_metadata()

    def _check_metadata(self) -> None:
        tol, dt = float(self.tol_unique), self.dt
        if not tol >= 0:  # NaN is refused as well
            raise ValueError(f"tol_unique is {tol}, expected a number of at least 0.")
        if self.time not in TIMES:
            raise ValueError(f"time is {self.time!r}, expected one of {', '.join(TIMES)}.")
        if dt is not None and not 0 < float(dt) < np.inf:
            raise ValueError(f"dt is {dt!r}, expected a positive number or None.")
        dtype = self.xstar.dtype if self.dtype is None else np.dtype(self.dtype)
        checked = {
            "tol_unique": tol,
            "dt": None if dt is None else float(dt),
            "dtype": dtype,
            "manifolds": as_manifolds(self.manifolds),
            "interrupted": bool(self.interrupted),
            "slices": tuple(self.slices),
            "provenance": MappingProxyType(dict(self.provenance)),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    # -- sizes and derived quantities --------------------------------------------------------------

    if not TYPE_CHECKING:  # a type checker is to go on telling what there is not

        def __getattr__(self, name: str) -> object:
            raise missing_attribute("FixedPoints", name)

    @property
    def n(self) -> int:
        """Number of points."""
        return len(self.xstar)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return self.xstar.shape[1]

    @property
    def n_inputs(self) -> int:
        """Number of inputs; 0 if the inputs are not known."""
        return 0 if self.inputs is None else self.inputs.shape[1]

    @property
    def has_decomposed_jacobians(self) -> bool:
        """Whether the eigenvalues are known."""
        return self.eigval_J_xstar is not None

    @property
    def time_constants(self) -> Float[np.ndarray, "n n_modes"]:
        """Time constant of each mode in steps, or in the unit of `dt`; negative if it grows."""
        return spectrum.time_constants(self.require("eigval_J_xstar"), self.time, self.dt)

    @property
    def frequencies(self) -> Float[np.ndarray, "n n_modes"]:
        """Frequency of each mode in cycles per step, or per unit of `dt`."""
        return spectrum.frequencies(self.require("eigval_J_xstar"), self.time, self.dt)

    @property
    def is_fixed(self) -> Bool[np.ndarray, "n"]:
        """Which points are fixed points; all of them when `kind` is not known."""
        return np.ones(self.n, bool) if self.kind is None else self.kind == "fixed"

    @property
    def is_slow(self) -> Bool[np.ndarray, "n"]:
        """Which points are slow points; none of them when `kind` is not known."""
        return np.zeros(self.n, bool) if self.kind is None else self.kind == "slow"

    @property
    def on_continuum(self) -> Bool[np.ndarray, "n"]:
        """Which points are samples of a line, ring or sheet of fixed points, and none by itself."""
        return on_continuum(self)

    def counts(self) -> dict[str, int]:
        """Return the number of points of each class, as they stand in the summary.

        Returns
        -------
        dict
            ``{"fixed": …, "slow": …, "unconverged": …}``, and the fixed ones among ``"stable"``,
            ``"saddle"``, ``"unstable"``, ``"marginal"``, ``"undetermined"`` and ``"unknown"`` where
            that is known.
        """
        return summary.counts(self)

    def require(self, name: str) -> np.ndarray:
        """Return a per-point field that must not be None.

        Parameters
        ----------
        name
            Name of the field.

        Raises
        ------
        ValueError
            If the field is None.
        """
        value = getattr(self, name)
        if value is None:
            hint = (
                "Find the points with do_compute_jacobians=True and do_decompose_jacobians=True, "
                "or call decompose_jacobians()."
                if name in FROM_JACOBIANS
                else f"Add it by update({name}=...)."
            )
            raise ValueError(f"These fixed points have no {name}. {hint}")
        return value

    # -- selecting and combining -------------------------------------------------------------------

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, which: slice | ArrayLike) -> FixedPoints:
        """Return some of the points.

        Parameters
        ----------
        which
            An integer (gives a set of one point), a slice, a boolean mask or an array of positions.

        Returns
        -------
        FixedPoints
            `completeness` speaks of the whole set, and stays only if no point is left out or
            repeated; `audit` refers to positions, and stays only if they are the same.
        """
        return selection.select(self, which)

    def __iter__(self) -> Iterator[FixedPoints]:
        return (self[i] for i in range(self.n))

    @staticmethod
    def concatenate(
        parts: Sequence[FixedPoints], *, missing: Literal["raise", "drop"] = "raise"
    ) -> FixedPoints:
        """Join several sets into one.

        Parameters
        ----------
        parts
            The sets, at least one, with equal `n_states`, `n_inputs`, `time`, `dt` and
            `tol_unique`. Those without points have no say.
        missing
            What to do with a field that some parts have and others lack: ``"raise"`` an error
            (default) or ``"drop"`` it.

        Returns
        -------
        FixedPoints
            The other metadata are those of the first part; `completeness` and `audit` speak of one
            search, and are dropped.

        Raises
        ------
        ValueError
            If there are no parts, or if they do not fit together.
        """
        return selection.concatenate(parts, missing)

    def update(self, new_points: FixedPoints | None = None, /, **fields: Any) -> FixedPoints:
        """Return a new record, with points added or with fields replaced.

        Parameters
        ----------
        new_points
            Points to append, which is what `update` means in FixedPointFinder. (There it changes
            the object itself; here use what is returned.)
        **fields
            Arrays or metadata that replace the present ones, None to remove one. They are applied
            after the points were appended.

        Returns
        -------
        FixedPoints
            The new record; this one stays as it is.

        Raises
        ------
        TypeError
            If there is no field of that name.
        """
        base = self if new_points is None else selection.append(self, new_points)
        strange = [name for name in fields if name not in FIELDS and name not in METADATA]
        if strange:
            known = ", ".join((*FIELDS, *METADATA))
            raise TypeError(f"FixedPoints has no field {strange[0]!r}. Its fields are: {known}.")
        return dataclasses.replace(base, **fields)

    @checks("FixedPoints.find")
    def find(self, x: object, tol: float | None = None) -> Int[np.ndarray, "n_matches"]:
        """Return the positions of the points that are the same as a given one, the nearest first.

        Parameters
        ----------
        x
            A state [N], or a set of one point, whose input then counts as well.
        tol
            Largest distance. Default: `tol_unique`.

        Returns
        -------
        numpy.ndarray
            Empty if there is none.
        """
        return selection.find(self, x, self.tol_unique if tol is None else tol)

    def nearest(self, x: object) -> int:
        """Return the position of the point nearest to `x`, which is as in :meth:`find`.

        Raises
        ------
        ValueError
            If there are no points.
        """
        matches = selection.find(self, x, np.inf)
        if not len(matches):
            raise ValueError("There is no nearest point: this set of fixed points is empty.")
        return int(matches[0])

    def __contains__(self, x: object) -> bool:
        return len(self.find(x)) > 0

    @checks("FixedPoints.get_unique")
    def get_unique(self, tol: float | None = None) -> FixedPoints:
        """Return each point once: of every cluster the point with the smallest q.

        Parameters
        ----------
        tol
            Points nearer than this, in the Euclidean norm over states and inputs, are the same.
            Default: `tol_unique`.

        Returns
        -------
        FixedPoints
            In the present order, any two points further than `tol` apart. Points that are not
            finite are left out. `hits` counts how many points were merged into each.
        """
        return selection.unique(self, self.tol_unique if tol is None else tol)

    @checks("FixedPoints.transform")
    def transform(self, U: ArrayLike, offset: ArrayLike = 0.0) -> FixedPoints:
        """Map the states by x -> x U + offset, for example to principal components.

        Parameters
        ----------
        U
            [N, k] Matrix; the states are rows.
        offset
            [k] or a scalar. Default 0.

        Returns
        -------
        FixedPoints
            With k states. `dFdu` and the right eigenvectors (as directions, not normalized again)
            are mapped, and the eigenvalues kept. The Jacobians and the left eigenvectors are mapped
            if U is square and invertible; otherwise they are dropped, since the dynamics do not
            close on a projection. What was measured in the original space (q, errors, classes,
            `tol_unique`) stays as it is; `slices` are dropped.

        Raises
        ------
        ValueError
            If the shapes do not fit.
        """
        return projection.transform(self, U, offset)

    @checks("FixedPoints.decompose_jacobians")
    def decompose_jacobians(
        self, marginal_tol: float | None = None, *, verbose: bool = False
    ) -> FixedPoints:
        """Return a new record with eigenvalues, eigenvectors, stability and index.

        In FixedPointFinder and canns this changes the object itself; here use what is returned.
        (The finder has done it already, unless it was told not to.)

        Parameters
        ----------
        marginal_tol
            Distance from the unit circle (map) or imaginary axis (flow) within which an eigenvalue
            counts as marginal. Default: `spectrum.MARGINAL_TOL`, 1e-6.
        verbose
            Print how many points there are of which class. Default False.

        Raises
        ------
        TypeError
            If `marginal_tol` is a boolean (canns has `verbose` in its place).
        ValueError
            If the Jacobians are not known.
        """
        if isinstance(marginal_tol, bool):
            raise TypeError(
                f"marginal_tol is {marginal_tol}, expected a number. If verbose was meant, give it "
                "by name."
            )
        decomposed = decomposition.decompose(self, marginal_tol)
        if verbose:
            print(summary.headline(decomposed))
        return decomposed

    # -- showing, converting, keeping --------------------------------------------------------------

    def summary(self) -> str:
        """Return what :meth:`print_summary` prints."""
        return summary.text(self)

    def print_summary(self) -> None:
        """Print how many points there are of which class, their q, and the completeness line."""
        print(self.summary())

    def __repr__(self) -> str:
        return f"<FixedPoints: {summary.headline(self)}>"

    def _repr_html_(self) -> str:
        from fpf_notebook.result.table import html_table

        return html_table(self)

    def to_xarray(self) -> xarray.Dataset:
        """Return an xarray dataset with the dimensions point, state, input and mode."""
        from fpf_notebook.result.convert import to_xarray

        return to_xarray(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """Return a pandas data frame: one row per point, one column per number that it has."""
        from fpf_notebook.result.convert import to_dataframe

        return to_dataframe(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save to a ``.nc`` or ``.h5`` (NetCDF4) or an ``.npz`` file; see `fpf_notebook.io`."""
        from fpf_notebook.io import save

        save(self, path)

    @staticmethod
    def load(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> FixedPoints:
        """Load what :meth:`save` has written; see `fpf_notebook.io`."""
        from fpf_notebook.io import load

        return load(path, max_bytes=max_bytes)

    def plot(self, state_traj: Any = None, **options: Any) -> Figure:
        """Draw the points; see `fpf_notebook.plots.plot_fixed_points` for the options.

        Those of `fpf_notebook.plots.plot_fps` (``plot_batch_idx``, ``plot_start_time`` …) are taken
        as well.
        """
        from fpf_notebook.plots.fixed_points import plot_fixed_points, plot_fps

        if any(name.startswith("plot_") for name in options):
            return plot_fps(self, state_traj, **options)
        return plot_fixed_points(self, state_traj, **options)

    def __reduce__(self) -> tuple[Callable[..., FixedPoints], tuple[dict[str, Any]]]:
        # Through the constructor, so that copies and unpickled records are read-only as well.
        fields = {name: getattr(self, name) for name in (*FIELDS, *METADATA)}
        return _restored, (fields | {"provenance": dict(self.provenance)},)


def _refuse(self: FixedPoints, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(
        f"FixedPoints cannot be changed. Use new = fps.update({name}=...) instead."
    )


# Afterwards, since a frozen dataclass makes its own, whose message does not tell what to do.
FixedPoints.__setattr__ = _refuse  # type: ignore[assignment,method-assign]


def _restored(fields: JsonObject) -> FixedPoints:
    return FixedPoints(**fields)
