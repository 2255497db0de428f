"""Choosing among the points of a record, and joining records."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int
from numpy.typing import ArrayLike

from fpf_notebook._types import JsonObject
from fpf_notebook.arguments.objects import Array
from fpf_notebook.result.fields import FIELDS

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints
    from fpf_notebook.result.manifolds import Manifold

_STATE = Array("a state", dims=("*any",), finite=False, empty=True)


def select(fps: FixedPoints, which: slice | ArrayLike) -> FixedPoints:
    """Return the points at some positions; see `FixedPoints.__getitem__`."""
    positions = _positions(which, fps.n)
    fields: JsonObject = {
        name: getattr(fps, name)[positions] for name in FIELDS if getattr(fps, name) is not None
    }
    if not np.array_equal(positions, np.arange(fps.n)):
        fields["audit"] = None
        if not np.array_equal(np.sort(positions), np.arange(fps.n)):
            fields["completeness"] = None
        if fps.manifolds:
            place = np.full(fps.n, -1)
            place[positions[::-1]] = np.arange(len(positions))[::-1]
            fields["manifolds"] = tuple(one.placed(place) for one in fps.manifolds)
    return dataclasses.replace(fps, **fields)


def _positions(which: slice | ArrayLike, n: int) -> Int[np.ndarray, "n_selected"]:
    if isinstance(which, slice):
        return np.arange(n)[which]
    index = np.asarray(which)
    if index.dtype == bool:
        if index.shape != (n,):
            raise IndexError(f"The mask has shape {index.shape}, expected [n={n}].")
        return np.flatnonzero(index)
    if index.size == 0 and index.ndim == 1:
        return np.empty(0, dtype=np.intp)
    if index.dtype.kind not in "iu" or index.ndim > 1:
        raise TypeError(
            f"Points cannot be selected by {which!r}: expected an integer, a slice, a boolean mask "
            "or a one-dimensional array of positions."
        )
    index = np.atleast_1d(index).astype(np.intp)
    outside = index[(index < -n) | (index >= n)]
    if len(outside):
        raise IndexError(f"There is no point {outside[0]} in a set of {n} points.")
    return np.where(index < 0, index + n, index)


def concatenate(parts: Sequence[FixedPoints], missing: str = "raise") -> FixedPoints:
    """Join records; see `FixedPoints.concatenate`."""
    parts = list(parts)
    if not parts:
        raise ValueError("parts is empty, expected at least one set of fixed points.")
    if missing not in ("raise", "drop"):
        raise ValueError(f"missing is {missing!r}, expected 'raise' or 'drop'.")
    interrupted = any(part.interrupted for part in parts)
    filled = [part for part in parts if part.n] or parts[:1]
    first = filled[0]
    manifolds, ids = _joined_manifolds(parts)
    if len(filled) == 1:
        if len(manifolds) == len(first.manifolds):
            return dataclasses.replace(first, interrupted=interrupted)
        fields: JsonObject = {
            "manifolds": manifolds,
            "manifold_id": ids,
            "interrupted": interrupted,
        }
        return dataclasses.replace(first, **fields)
    fields = {"completeness": None, "audit": None, "interrupted": interrupted}
    for attribute in ("n_states", "time", "dt", "tol_unique"):
        values = [getattr(part, attribute) for part in filled]
        if any(value != values[0] for value in values):
            distinct = " and ".join(dict.fromkeys(repr(value) for value in values))
            raise ValueError(f"The sets cannot be joined: their {attribute} is {distinct}.")
    for name in FIELDS:
        if name == "manifold_id":
            continue
        arrays = [getattr(part, name) for part in filled]
        n_missing = sum(array is None for array in arrays)
        if n_missing == 0:
            fields[name] = _joined(name, arrays)
        elif n_missing < len(arrays) and missing == "raise":
            raise ValueError(
                f"The sets cannot be joined: {n_missing} of {len(arrays)} lack {name}. Add it to "
                f'all, remove it from all by update({name}=None), or use missing="drop".'
            )
        else:
            fields[name] = None
    return dataclasses.replace(first, **fields, manifolds=manifolds, manifold_id=ids)


def _joined_manifolds(
    parts: list[FixedPoints],
) -> tuple[tuple[Manifold, ...], Int[np.ndarray, "n"] | None]:
    """Return the manifolds of all parts, those without points too, and who lies on which."""
    manifolds: list[Manifold] = []
    ids: list[np.ndarray] = []
    before = 0
    for part in parts:
        numbers = []
        for one in part.manifolds:
            one = one.placed(np.arange(before, before + part.n))
            same = [k for k, other in enumerate(manifolds) if one.is_same_as(other)]
            if same:  # parts of one record
                manifolds[same[0]] = manifolds[same[0]].joined_with(one)
            numbers.append(same[0] if same else len(manifolds))
            manifolds += [] if same else [one]
        mine = np.full(part.n, -1) if part.manifold_id is None else part.manifold_id
        number = np.array([*numbers, -1], dtype=int)
        ids.append(number[np.where((mine >= 0) & (mine < len(numbers)), mine, -1)])
        before += part.n
    known = any(part.manifold_id is not None for part in parts)
    return tuple(manifolds), np.concatenate(ids) if known else None


def _joined(name: str, arrays: list[np.ndarray]) -> np.ndarray:
    try:
        return np.concatenate(arrays)
    except ValueError:
        shapes = " and ".join(dict.fromkeys(str(array.shape) for array in arrays))
        raise ValueError(f"The sets cannot be joined: {name} has the shapes {shapes}.") from None


def append(fps: FixedPoints, new_points: object) -> FixedPoints:
    """Return a record with the points of another one at its end."""
    if not isinstance(new_points, type(fps)):
        raise TypeError(
            f"update was given {type(new_points).__name__}, expected FixedPoints to append, or "
            "fields by name."
        )
    return concatenate([fps, new_points])


def find(fps: FixedPoints, x: object, tol: float) -> Int[np.ndarray, "n_matches"]:
    """Return the positions of the points within `tol` of a state, the nearest first."""
    differences = [fps.xstar.astype(np.float64) - _state(fps, x)]
    if isinstance(x, type(fps)) and x.inputs is not None and fps.inputs is not None:
        if x.n_inputs != fps.n_inputs:
            raise ValueError(f"x has {x.n_inputs} inputs, expected n_inputs={fps.n_inputs}.")
        differences.append(fps.inputs - x.inputs)
    if not tol >= 0:
        raise ValueError(f"tol is {tol}, expected a number of at least 0.")
    distance = np.linalg.norm(np.concatenate(differences, axis=1), axis=1)
    order = np.argsort(distance, kind="stable")
    return order[distance[order] <= tol]


def _state(fps: FixedPoints, x: object) -> np.ndarray:
    """Return the state that is sought, as a row."""
    if isinstance(x, type(fps)):
        if x.n != 1:
            raise ValueError(f"x is a set of {x.n} points, expected one point.")
        state = x.xstar
    else:
        state = np.asarray(_STATE.check("x", x), dtype=np.float64)
    # An empty set without a size compares with anything: nothing is found in it.
    n_states = fps.n_states if fps.n or fps.n_states else state.shape[-1] if state.ndim else 0
    if state.shape not in ((n_states,), (1, n_states)):
        raise ValueError(f"x has shape {state.shape}, expected [n_states={n_states}].")
    row: np.ndarray = state.reshape(1, n_states)
    return row if fps.n else row[:, : fps.n_states]


def unique(fps: FixedPoints, tol: float) -> FixedPoints:
    """Return one point of each cluster; see `FixedPoints.get_unique`."""
    # Imported here, since the finder's other files are much heavier than this one.
    from fpf_notebook.result.dedupe import unique_indices

    points = fps.xstar if fps.inputs is None else np.hstack([fps.xstar, fps.inputs])
    q = np.zeros(fps.n) if fps.qstar is None else fps.qstar
    representatives, labels = unique_indices(points, q, tol)
    weights = np.ones(fps.n, dtype=np.int64) if fps.hits is None else fps.hits
    hits = np.zeros(len(representatives), dtype=np.int64)
    merged = labels >= 0
    np.add.at(hits, labels[merged], weights[merged])
    order = np.argsort(representatives)
    kept = fps[representatives[order]]
    return dataclasses.replace(kept, hits=hits[order])
