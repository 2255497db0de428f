"""Lines, rings and sheets of fixed or slow points: one object each, not a crowd of points.

Needs numpy alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float, Int

from fpf_notebook._types import JsonObject

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints

__all__ = ["Manifold", "as_manifolds", "on_continuum"]

_DECIMALS = 3


@dataclass(frozen=True, eq=False)
class Manifold:
    """A line, a ring or a sheet on which the network stands still, or nearly so.

    *Fixed* ones are continua: every point of them is a fixed point, to within ``tol_q``. *Slow*
    ones are drifted along, so slowly that their whole length takes hundreds of steps, while states
    beside them move towards them (or away) much faster; isolated fixed points may lie on them.

    Parameters
    ----------
    points
        [m, n_states] Points along it, in order from one end to the other; of a ring once round, the
        first not repeated at the end; of a sheet the corners of its mesh.
    kind
        "fixed" or "slow".
    dimension
        1 for lines and rings, 2 for sheets. With 3 or more, `points` are a sample, and there is no
        mesh.
    closed
        Whether it has no ends: a ring, or a sheet without a border.
    length
        Of a line or a ring its length; of a sheet the longest way through its mesh between two of
        its points. In the Euclidean norm over states.
    area
        Of a sheet; NaN of others.
    drift
        [m, n_states] F(x) - x of a map, f(x) of a flow, at `points`.
    speed
        [m] Speed of the drift along it, a step (map) or a unit of time (flow). Of lines and rings
        it has a sign: positive in the order of the points.
    across
        [m] How the slowest of the other directions behaves: the eigenvalue's magnitude (map; below
        1 it is attracted from there) or its real part (flow; below 0). NaN where there is none.
    fixed_points
        [k, n_states] The isolated fixed points on it, in its order. Default: none.
    members
        [k] Where these stand in the record that the manifold belongs to; -1 if it has them not.
    edges
        [e, 2] Of sheets: which points are neighbours in the mesh. Default: none.
    ends
        Why it ends where it does, in words: two of a line, none of what is closed.
    inputs
        [n_inputs] The constant input. Default: none.

    Raises
    ------
    ValueError
        If a shape does not fit, or a word is not among the known ones.

    See Also
    --------
    fpf_notebook.finder.find_manifolds : looks for them.

    Examples
    --------
    >>> import numpy as np
    >>> from fpf_notebook.result import Manifold
    >>> angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    >>> circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    >>> ring = Manifold(circle, kind="fixed", dimension=1, closed=True, length=2 * np.pi)
    >>> print(ring)
    ring of fixed points, length 6.28
    """

    points: Float[np.ndarray, "m n_states"]
    _: dataclasses.KW_ONLY
    kind: Literal["fixed", "slow"]
    dimension: int
    closed: bool
    length: float
    area: float = float("nan")
    drift: Float[np.ndarray, "m n_states"] = None  # type: ignore[assignment]  # zeros
    speed: Float[np.ndarray, "m"] = None  # type: ignore[assignment]  # that of the drift
    across: Float[np.ndarray, "m"] = None  # type: ignore[assignment]  # not known
    fixed_points: Float[np.ndarray, "k n_states"] = None  # type: ignore[assignment]  # none
    members: Int[np.ndarray, "k"] = None  # type: ignore[assignment]  # -1
    edges: Int[np.ndarray, "e 2"] = None  # type: ignore[assignment]  # none
    ends: tuple[str, ...] = ()
    inputs: Float[np.ndarray, "n_inputs"] = None  # type: ignore[assignment]  # none

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        points = _array("points", self.points, float, 2)
        m, n_states = points.shape
        if self.kind not in ("fixed", "slow"):
            raise ValueError(f"kind is {self.kind!r}, expected 'fixed' or 'slow'.")
        if isinstance(self.dimension, bool) or self.dimension < 1:
            raise ValueError(f"dimension is {self.dimension!r}, expected at least 1.")
        drift = np.zeros_like(points) if self.drift is None else self.drift
        drift = _array("drift", drift, float, 2)
        speed = np.linalg.norm(drift, axis=1) if self.speed is None else self.speed
        isolated = np.zeros((0, n_states)) if self.fixed_points is None else self.fixed_points
        isolated = _array("fixed_points", isolated, float, 2)
        arrays = {
            "points": points,
            "drift": drift,
            "speed": _array("speed", speed, float, 1),
            "across": _array(
                "across", np.full(m, np.nan) if self.across is None else self.across, float, 1
            ),
            "fixed_points": isolated,
            "members": _array(
                "members",
                np.full(len(isolated), -1) if self.members is None else self.members,
                int,
                1,
            ),
            "edges": _array(
                "edges", np.zeros((0, 2)) if self.edges is None else self.edges, int, 2
            ),
            "inputs": _array("inputs", () if self.inputs is None else self.inputs, float, 1),
        }
        expected = {
            "drift": (m, n_states),
            "speed": (m,),
            "across": (m,),
            "fixed_points": (len(isolated), n_states),
            "members": (len(isolated),),
            "edges": (len(arrays["edges"]), 2),
        }
        for name, shape in expected.items():
            if arrays[name].shape != shape:
                raise ValueError(
                    f"{name} has shape {arrays[name].shape}, expected {list(shape)} with the "
                    f"{m} points and {len(isolated)} fixed_points given."
                )
        edges = arrays["edges"]
        if len(edges) and not (edges.min() >= 0 and edges.max() < m):
            raise ValueError(f"edges names a point that is not among the {m} points.")
        for name, array in arrays.items():
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        object.__setattr__(self, "dimension", int(self.dimension))
        object.__setattr__(self, "closed", bool(self.closed))
        object.__setattr__(self, "length", float(self.length))
        object.__setattr__(self, "area", float(self.area))
        object.__setattr__(self, "ends", tuple(str(end) for end in self.ends))

    @property
    def shape(self) -> str:
        """What it is called: "line", "ring", "sheet", "closed sheet" or "region"."""
        if self.dimension == 1:
            return "ring" if self.closed else "line"
        if self.dimension == 2:
            return "closed sheet" if self.closed else "sheet"
        return f"{self.dimension}-dimensional region"

    @property
    def max_speed(self) -> float:
        """The largest speed of the drift."""
        return float(np.abs(self.speed).max(initial=0.0))

    @property
    def name(self) -> str:
        """What it is, in a few words: "ring of slow points"."""
        return f"{self.shape} of {self.kind} points"

    @property
    def path(self) -> Float[np.ndarray, "m n_states"]:
        """The points in order; of a ring with the first once more at the end. To be drawn."""
        if self.dimension == 1 and self.closed:
            return np.concatenate([self.points, self.points[:1]])
        return self.points

    def __str__(self) -> str:
        parts = [self.name]
        if self.dimension == 1:
            parts.append(f"length {self.length:.{_DECIMALS}g}")
        elif self.dimension == 2:
            parts.append(f"area {self.area:.{_DECIMALS}g}")
        if self.kind == "slow":
            parts.append(f"drift at most {self.max_speed:.1e}")
            n = len(self.fixed_points)
            parts.append(f"{n} fixed point{'' if n == 1 else 's'} on it")
        return ", ".join(parts)

    def __repr__(self) -> str:
        return f"<Manifold: {self}>"

    def placed(self, place: Int[np.ndarray, "n_old"]) -> Manifold:
        """Return the same manifold for a record whose points stand elsewhere.

        Parameters
        ----------
        place
            For each point of the old record, where it is in the new one, or -1.
        """
        known = self.members >= 0
        members = np.where(known, np.append(place, -1)[np.where(known, self.members, -1)], -1)
        return dataclasses.replace(self, members=members)

    def is_same_as(self, other: Manifold) -> bool:
        """Tell whether another one is this one, wherever its isolated points stand."""
        return (
            (self.kind, self.dimension, self.closed) == (other.kind, other.dimension, other.closed)
            and np.array_equal(self.points, other.points)
            and np.array_equal(self.inputs, other.inputs)
            and len(self.members) == len(other.members)
        )

    def joined_with(self, other: Manifold) -> Manifold:
        """Return the same manifold for a record in which the points of two records stand."""
        members = np.where(self.members >= 0, self.members, other.members)
        return dataclasses.replace(self, members=members)

    def transformed(
        self, U: Float[np.ndarray, "n_states k"], offset: Float[np.ndarray, "..."]
    ) -> Manifold:
        """Return it as x -> x U + offset shows it; lengths and speeds stay as they are."""
        return dataclasses.replace(
            self,
            points=self.points @ U + offset,
            drift=self.drift @ U,
            fixed_points=self.fixed_points @ U + offset,
        )

    def to_dict(self) -> JsonObject:
        """Return plain values that JSON can hold; NaN as None."""
        record: JsonObject = {}
        for item in dataclasses.fields(self):
            if item.name == "_":
                continue
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                value = _listed(value)
            record[item.name] = None if item.name == "area" and np.isnan(self.area) else value
        record["ends"] = list(self.ends)
        record["n_states"] = self.points.shape[1]  # a list of no points has forgotten it
        return record

    @classmethod
    def from_dict(cls, record: JsonObject) -> Manifold:
        """Make a manifold of what :meth:`to_dict` returned; further entries are ignored."""
        names = {item.name for item in dataclasses.fields(cls)}
        known = {name: value for name, value in record.items() if name in names}
        width = record["n_states"]
        for name in ("points", "drift", "fixed_points"):
            known[name] = _numbers(known[name]).reshape(-1, width)
        for name in ("speed", "across", "inputs"):
            known[name] = _numbers(known[name])
        known["members"] = np.array(known["members"], dtype=int)
        known["edges"] = np.array(known["edges"], dtype=int).reshape(-1, 2)
        known["area"] = np.nan if known["area"] is None else known["area"]
        return cls(**{**known, "ends": tuple(known["ends"])})


def as_manifolds(value: object) -> tuple[Manifold, ...]:
    """Check what was given as the manifolds of a record.

    Raises
    ------
    TypeError
        If it is no sequence of `Manifold`.
    """
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    for one in given:
        if not isinstance(one, Manifold):
            raise TypeError(f"manifolds holds {type(one).__name__}, expected Manifold.")
    return given


def on_continuum(points: FixedPoints) -> np.ndarray:
    """Tell which points of a record are samples of a continuum of fixed points.

    Parameters
    ----------
    points
        Any record.

    Returns
    -------
    numpy.ndarray
        [n] True for those that lie on a manifold of kind "fixed" and are no isolated point of it.
    """
    among = np.zeros(points.n, dtype=bool)
    if points.manifold_id is None:
        return among
    for number, manifold in enumerate(points.manifolds):
        if manifold.kind == "fixed":
            among |= points.manifold_id == number
            among[manifold.members[manifold.members >= 0]] = False
    return among


def _array(name: str, value: object, kind: type, rank: int) -> np.ndarray:
    array: np.ndarray = np.array(value, dtype=kind)
    if array.ndim != rank:
        raise ValueError(f"{name} has shape {array.shape}, expected {rank} dimensions.")
    return array


def _listed(array: np.ndarray) -> list[object]:
    """Return nested lists, with None for NaN: JSON knows no NaN."""
    plain = array.astype(object)
    if array.dtype.kind == "f":
        plain[np.isnan(array)] = None
    return plain.tolist()


def _numbers(values: object) -> np.ndarray:
    return np.array(values, dtype=np.float64)  # None becomes NaN
