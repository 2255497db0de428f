"""`SweepResult`: what was found in each network, and what can be said of all together."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from fpf_notebook._types import JsonObject
from fpf_notebook.result.fixed_points import FixedPoints

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["SweepResult", "SweepRow"]

STABILITIES = ("stable", "saddle", "unstable")


@dataclasses.dataclass(frozen=True, eq=False)
class SweepRow:
    """One network of a sweep.

    Parameters
    ----------
    name
        Its name.
    fixed_points
        What was found, or None if the search failed.
    error
        Why it failed, or "".
    seconds
        How long the search took.
    """

    name: str
    fixed_points: FixedPoints | None
    error: str = ""
    seconds: float = 0.0

    def to_dict(self) -> JsonObject:
        """Return the row of a table: numbers of points, grade, index sum, seconds, error."""
        row: JsonObject = {"name": self.name}
        points = self.fixed_points
        counts = {} if points is None else points.counts()
        row["n_fixed"] = counts.get("fixed", 0) if points is not None else None
        row |= {f"n_{name}": counts.get(name, 0) if counts else None for name in STABILITIES}
        known = None if points is None else points.completeness
        row["grade"] = "" if known is None else known.grade
        row["index_sum"] = None if known is None else known.index_sum
        row["seconds"] = self.seconds
        row["error"] = self.error
        return row


class SweepResult(Mapping[str, FixedPoints]):
    """The fixed points of many networks, by name, in the order of the sweep.

    ``result["seed 3"]`` are those of a network, ``for name in result`` goes through the networks
    that were searched; `failed` holds the others.

    Parameters
    ----------
    rows : sequence of SweepRow
        One for each network.
    interrupted : bool
        Whether the sweep was stopped before its end. Default False.

    Examples
    --------
    >>> import numpy as np
    >>> points = FixedPoints(np.zeros((2, 3)))
    >>> result = SweepResult([SweepRow("a", points), SweepRow("b", None, "ValueError: no")])
    >>> result
    <SweepResult: 2 networks, 1 failed; 2 fixed points>
    >>> list(result), result.failed
    (['a'], {'b': 'ValueError: no'})
    """

    def __init__(self, rows: list[SweepRow], *, interrupted: bool = False) -> None:
        self.rows = tuple(rows)
        self.interrupted = interrupted
        self._points = {row.name: row.fixed_points for row in rows if row.fixed_points is not None}

    def __getitem__(self, name: str) -> FixedPoints:
        """Return the points of a network."""
        if name in self._points:
            return self._points[name]
        if name in self.failed:
            raise KeyError(f"the search of {name!r} failed: {self.failed[name]}")
        raise KeyError(f"there is no network {name!r}; the first are {', '.join(list(self)[:5])}.")

    def __iter__(self) -> Iterator[str]:
        return iter(self._points)

    def __len__(self) -> int:
        return len(self._points)

    @property
    def failed(self) -> dict[str, str]:
        """The networks whose search failed, and why."""
        return {row.name: row.error for row in self.rows if row.fixed_points is None}

    def __repr__(self) -> str:
        n_points = sum(len(points) for points in self._points.values())
        networks = f"{len(self.rows)} network{'' if len(self.rows) == 1 else 's'}"
        failed = f", {len(self.failed)} failed" if self.failed else ""
        stopped = ", stopped" if self.interrupted else ""
        return f"<SweepResult: {networks}{failed}{stopped}; {n_points} fixed points>"

    def table(self) -> list[JsonObject]:
        """Return a row for each network, those that failed among them.

        Returns
        -------
        list of dict
            ``name``, ``n_fixed``, ``n_stable``, ``n_saddle``, ``n_unstable``, ``grade``,
            ``index_sum``, ``seconds``, ``error``.
        """
        return [row.to_dict() for row in self.rows]

    def to_dataframe(self) -> pandas.DataFrame:
        """Return `table` as a DataFrame of pandas (extra: ``dataframes``)."""
        import pandas

        return pandas.DataFrame(self.table()).set_index("name")

    def to_xarray(self) -> xarray.Dataset:
        """Return the points of all networks as one Dataset (extra: ``dataframes``).

        Its ``to_zarr`` and ``to_netcdf`` write it.

        Returns
        -------
        xarray.Dataset
            ``xstar`` [network, point, state], ``qstar`` and ``is_stable`` [network, point], and
            ``n_points`` [network]; NaN and False where a network has fewer points.

        Raises
        ------
        ValueError
            If the networks have different numbers of states.
        """
        import xarray

        sets = list(self._points.values())
        widths = {points.n_states for points in sets}
        if len(widths) > 1:
            raise ValueError(
                f"the networks have {sorted(widths)} states; only those of one width fit into one "
                "array. Select some of them."
            )
        most = max((len(points) for points in sets), default=0)
        shape = (len(sets), most)
        x = np.full((*shape, widths.pop() if widths else 0), np.nan)
        q, stable = np.full(shape, np.nan), np.zeros(shape, bool)
        for k, points in enumerate(sets):
            n = len(points)
            x[k, :n] = points.xstar
            q[k, :n] = np.nan if points.qstar is None else points.qstar
            stable[k, :n] = False if points.is_stable is None else points.is_stable
        return xarray.Dataset(
            {
                "xstar": (("network", "point", "state"), x),
                "qstar": (("network", "point"), q),
                "is_stable": (("network", "point"), stable),
                "n_points": (("network",), np.array([len(points) for points in sets], int)),
            },
            coords={"network": list(self)},
        )

    def distances(
        self, kind: str = "procrustes", *, stable_only: bool = False
    ) -> Float[np.ndarray, "n_networks n_networks"]:
        """Return how far the sets of fixed points are from each other.

        Parameters
        ----------
        kind, stable_only
            As for `fpf_notebook.analysis.set_distances`.

        Returns
        -------
        array, [n_networks, n_networks]
            In the order of ``list(result)``.
        """
        from fpf_notebook.analysis import set_distances

        return set_distances(list(self._points.values()), kind, stable_only=stable_only)
