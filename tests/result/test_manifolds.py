"""Manifolds in records: checked, kept by selections and joins, saved, named in texts."""

import numpy as np
import pytest

from fpf_notebook.io import load, save
from fpf_notebook.result import FixedPoints, Manifold
from fpf_notebook.result.manifolds import on_continuum
from fpf_notebook.result.table import html_table
from tests.result.records import assert_same_manifolds, full_record, line, ring


def record() -> FixedPoints:
    """Three samples of a ring, an isolated saddle, and a stable point on a slow line."""
    x = np.array([[1.0, 0], [0, 1], [-1, 0], [3, 3], [0, 0]])
    return FixedPoints(
        x,
        inputs=np.zeros((5, 1)),
        kind=np.full(5, "fixed"),
        stability=np.array(["marginal"] * 3 + ["saddle", "stable"]),
        n_unstable=np.array([0, 0, 0, 1, 0]),
        manifold_id=np.array([0, 0, 0, -1, 1]),
        manifolds=(ring(2, 1), line(2, 1, 1).placed(np.array([4]))),
    )


def test_samples_of_a_ring_are_not_counted_one_by_one() -> None:
    found = record()
    assert on_continuum(found).tolist() == [True, True, True, False, False]
    counts = found.counts()
    assert (counts["fixed"], counts["on manifolds"]) == (2, 3)
    assert (counts["marginal"], counts["saddle"], counts["stable"]) == (0, 1, 1)
    assert repr(found) == (
        "<FixedPoints: 2 isolated fixed points: 1 stable, 1 saddle; "
        "1 ring of fixed points; 1 line of slow points>"
    )
    assert "manifold 0: ring of fixed points, length 6.28" in found.summary()
    assert "unstable directions: 1 with 0, 1 with 1" in found.summary()
    table = html_table(found)
    assert "Manifold 1: line of slow points, length 2.83, drift at most 1.0e-03" in table
    assert ">manifold<" in table


def test_selections_keep_manifolds_and_say_where_their_points_stand() -> None:
    found = record()
    assert found[[4, 0]].manifolds[1].members.tolist() == [0]
    assert found[:2].manifolds[1].members.tolist() == [-1]
    assert found[::-1].manifolds[1].members.tolist() == [0]
    assert len(found[:0].manifolds) == 2
    assert found.get_unique(0.1).manifolds[1].members.tolist() == [4]


def test_joined_records_have_the_manifolds_of_all() -> None:
    found = record()
    wide = found.update(manifolds=tuple(found.transform(2 * np.eye(2)).manifolds))
    twice = FixedPoints.concatenate([found, wide])
    assert [one.shape for one in twice.manifolds] == ["ring", "line"] * 2
    assert twice.manifold_id.tolist() == [0, 0, 0, -1, 1, 2, 2, 2, -1, 3]
    assert twice.manifolds[3].members.tolist() == [9]
    # Two parts of one record have the same manifolds.
    again = FixedPoints.concatenate([found[:2], found[2:]])
    assert again.manifold_id.tolist() == found.manifold_id.tolist()
    assert [one.members.tolist() for one in again.manifolds] == [[], [4]]
    # A record without points may have a manifold nonetheless, and one may know of none.
    none = FixedPoints(np.zeros((0, 2)), manifolds=(ring(2, 1),))
    none = none.transform(3 * np.eye(2))
    assert len(FixedPoints.concatenate([none, found]).manifolds) == 3
    assert FixedPoints.concatenate([none, found]).manifold_id.tolist() == [1, 1, 1, -1, 2]
    bare = FixedPoints(np.zeros((2, 2)), inputs=np.zeros((2, 1)))
    joined = FixedPoints.concatenate([bare, found], missing="drop")
    assert joined.manifold_id.tolist() == [-1, -1, 0, 0, 0, -1, 1]
    assert len(found.update(found).manifolds) == 2


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_both_file_formats_keep_manifolds(suffix: str, tmp_path) -> None:
    for found in (full_record(5), FixedPoints(np.zeros((0, 2)), manifolds=(ring(2, 0),))):
        path = tmp_path / f"points{suffix}"
        save(found, path)
        again = load(path)
        assert_same_manifolds(found, again)
        assert again.manifolds[0].inputs.dtype == np.float64


def test_a_projection_moves_manifolds_too() -> None:
    found = record()
    moved = found.transform(np.array([[2.0], [0.0]]), 1.0)
    np.testing.assert_allclose(moved.manifolds[0].points[:, 0], 1 + 2 * ring(2, 1).points[:, 0])
    np.testing.assert_allclose(moved.manifolds[1].drift, 2 * found.manifolds[1].drift[:, :1])
    assert moved.manifolds[1].fixed_points.tolist() == [[1.0]]
    assert moved.manifolds[0].length == pytest.approx(2 * np.pi)


def test_a_closed_path_returns_to_its_beginning() -> None:
    one = ring(3, 1)
    assert len(one.path) == 13
    np.testing.assert_array_equal(one.path[0], one.path[-1])
    assert len(line(3, 1, 0).path) == 7


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "fast"}, "kind is 'fast', expected 'fixed' or 'slow'"),
        ({"dimension": 0}, "dimension is 0, expected at least 1"),
        ({"speed": np.zeros(3)}, r"speed has shape \(3,\), expected \[12\]"),
        ({"drift": np.zeros(3)}, r"drift has shape \(3,\), expected 2 dimensions"),
        ({"edges": [[0, 12]]}, "edges names a point that is not among the 12 points"),
        ({"members": [1]}, r"members has shape \(1,\), expected \[0\]"),
    ],
)
def test_bad_manifolds_are_refused(changed: dict, message: str) -> None:
    good = {"kind": "fixed", "dimension": 1, "closed": True, "length": 1.0}
    with pytest.raises(ValueError, match=message):
        Manifold(ring(2, 1).points, **{**good, **changed})


def test_what_is_no_manifold_is_refused() -> None:
    with pytest.raises(TypeError, match="manifolds holds str, expected Manifold"):
        FixedPoints(np.zeros((1, 2)), manifolds=("ring",))


def test_manifolds_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ring(2, 1).points[0] = 0
