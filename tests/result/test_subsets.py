import numpy as np
import pytest

from fpf_notebook.result.audit import Audit
from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fields import FIELDS
from fpf_notebook.result.fixed_points import FixedPoints
from tests.result.records import assert_same, full_record


@pytest.mark.parametrize(
    ("which", "rows"),
    [
        (2, [2]),
        (-1, [4]),
        (np.int64(1), [1]),
        (slice(1, 4, 2), [1, 3]),
        (slice(None, None, -1), [4, 3, 2, 1, 0]),
        ([True, False, False, True, False], [0, 3]),
        (np.array([3, 0, 0]), [3, 0, 0]),
        ([-1, 0], [4, 0]),
        ([], []),
        (np.zeros(5, bool), []),
    ],
)
def test_selection_takes_the_rows_of_every_field(which, rows) -> None:
    fps = full_record(5)
    part = fps[which]
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(part, name), getattr(fps, name)[rows])
    assert (part.tol_unique, part.dt, part.dtype) == (0.01, 0.1, np.float32)
    assert part.provenance == fps.provenance


@pytest.mark.parametrize(
    ("which", "error", "message"),
    [
        (5, IndexError, "no point 5 in a set of 5 points"),
        (-6, IndexError, "no point -6 in a set of 5 points"),
        ([0, 9], IndexError, "no point 9"),
        ([True, False], IndexError, r"mask has shape \(2,\), expected \[n=5\]"),
        (1.0, TypeError, "cannot be selected by 1.0"),
        ("xstar", TypeError, "cannot be selected by 'xstar'"),
        ([[0, 1]], TypeError, "one-dimensional array"),
    ],
)
def test_bad_selections_are_refused(which, error, message) -> None:
    with pytest.raises(error, match=message):
        full_record(5)[which]


def test_iteration_gives_sets_of_one_point() -> None:
    fps = full_record(3)
    assert [point.n for point in fps] == [1, 1, 1]
    np.testing.assert_array_equal([point.xstar[0] for point in fps], fps.xstar)


def test_reports_on_the_whole_set_do_not_survive_a_selection_of_it() -> None:
    completeness = Completeness(index_sum=1)
    audit = Audit(outcome=np.array([0, 2]), reason=np.array(["a", "b"]))
    fps = full_record(3).update(completeness=completeness, audit=audit)
    assert fps[:].completeness is completeness
    assert fps[:].audit is audit
    assert fps[::-1].completeness is completeness  # the same set in another order
    assert fps[::-1].audit is None  # whose positions are others now
    for which in (slice(2), [0, 1, 1], [0, 1, 2, 2]):
        assert fps[which].completeness is None
        assert fps[which].audit is None


def test_concatenate_undoes_slicing() -> None:
    fps = full_record(5)
    assert_same(fps, FixedPoints.concatenate([fps[:2], fps[2:2], fps[2:]]))
    assert_same(fps, FixedPoints.concatenate(list(fps)))


def test_concatenate_ignores_empty_sets_of_any_size() -> None:
    fps = full_record(2)
    joined = FixedPoints.concatenate([FixedPoints(), fps, FixedPoints(np.zeros((0, 9)))])
    assert_same(fps, joined)
    assert len(FixedPoints.concatenate([FixedPoints(), FixedPoints()])) == 0


def test_concatenate_forgets_reports_and_remembers_interruption() -> None:
    fps = FixedPoints(np.zeros((1, 1)), completeness=Completeness(index_sum=1))
    assert FixedPoints.concatenate([fps, FixedPoints()]).completeness is not None
    joined = FixedPoints.concatenate([fps, fps.update(interrupted=True)])
    assert joined.completeness is None
    assert joined.interrupted


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "parts is empty"),
        ([FixedPoints([[1.0]]), FixedPoints([[1.0, 2.0]])], "their n_states is 1 and 2"),
        (
            [FixedPoints([[1.0]]), FixedPoints([[1.0]], time="continuous")],
            "their time is 'discrete' and 'continuous'",
        ),
        ([FixedPoints([[1.0]]), FixedPoints([[1.0]], dt=1.0)], "their dt is None and 1.0"),
        ([FixedPoints([[1.0]]), FixedPoints([[1.0]], tol_unique=1.0)], "tol_unique is 0.001 and 1"),
        ([FixedPoints([[1.0]], qstar=[0.0]), FixedPoints([[1.0]])], "1 of 2 lack qstar"),
        (
            [FixedPoints([[1.0]], inputs=[[0.0]]), FixedPoints([[1.0]], inputs=[[0.0, 0.0]])],
            r"inputs has the shapes \(1, 1\) and \(1, 2\)",
        ),
    ],
)
def test_sets_that_do_not_fit_are_not_joined(parts, message) -> None:
    with pytest.raises(ValueError, match=message):
        FixedPoints.concatenate(parts)


def test_fields_that_some_lack_can_be_dropped() -> None:
    parts = [FixedPoints([[1.0]], qstar=[0.0], hits=[1]), FixedPoints([[2.0]], hits=[2])]
    joined = FixedPoints.concatenate(parts, missing="drop")
    assert joined.qstar is None
    assert joined.hits.tolist() == [1, 2]
    with pytest.raises(ValueError, match="missing is 'ignore', expected 'raise' or 'drop'"):
        FixedPoints.concatenate(parts, missing="ignore")  # type: ignore[arg-type]


def test_update_replaces_fields_and_leaves_the_record_alone() -> None:
    fps = FixedPoints([[1.0], [2.0]])
    new = fps.update(qstar=[0.0, 1.0], tol_unique=0.5)
    assert new.qstar.tolist() == [0.0, 1.0]
    assert new.tol_unique == 0.5
    assert fps.qstar is None
    assert new.update(qstar=None).qstar is None
    with pytest.raises(TypeError, match=r"has no field 'q'\. Its fields are: xstar, "):
        fps.update(q=[0.0, 1.0])
    with pytest.raises(ValueError, match=r"qstar has shape \(3,\)"):
        fps.update(qstar=np.zeros(3))


def test_update_appends_points() -> None:
    fps = full_record(4)
    assert_same(fps, fps[:3].update(fps[3:]))
    assert fps[:3].update(fps[3:], tol_unique=0.5).tol_unique == 0.5
    with pytest.raises(TypeError, match="update was given ndarray, expected FixedPoints"):
        fps.update(fps.xstar)  # type: ignore[arg-type]


def test_find_gives_the_points_within_the_tolerance_nearest_first() -> None:
    fps = FixedPoints([[0.0, 0.0], [0.0, 3e-4], [1.0, 0.0], [0.0, 1e-4]], tol_unique=1e-3)
    assert fps.find([0.0, 0.0]).tolist() == [0, 3, 1]
    assert fps.find(np.array([[1.0, 5e-4]])).tolist() == [2]
    assert fps.find([0.5, 0.0]).tolist() == []
    assert [1.0, 0.0] in fps
    assert [1.0, 0.1] not in fps
    assert fps.nearest([0.9, 0.0]) == 2


def test_find_compares_inputs_when_it_is_given_a_point() -> None:
    fps = FixedPoints([[0.0], [0.0]], inputs=[[0.0], [1.0]])
    assert fps.find(fps[1]).tolist() == [1]
    assert fps.find([0.0]).tolist() == [0, 1]
    assert fps[0] in fps
    assert FixedPoints([[0.0]], inputs=[[2.0]]) not in fps


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([0.0, 0.0], r"x has shape \(2,\), expected \[n_states=1\]"),
        (0.0, r"x has shape \(\), expected \[n_states=1\]"),
        (FixedPoints([[0.0], [1.0]]), "x is a set of 2 points, expected one point"),
        (FixedPoints([[0.0]], inputs=[[0.0, 1.0]]), "x has 2 inputs, expected n_inputs=1"),
    ],
)
def test_find_refuses_what_it_cannot_compare(x, message) -> None:
    fps = FixedPoints([[0.0]], inputs=[[0.0]])
    with pytest.raises(ValueError, match=message):
        fps.find(x)


def test_find_refuses_a_negative_tolerance() -> None:
    with pytest.raises(ValueError, match="tol is -1"):
        FixedPoints([[0.0]]).find([0.0], tol=-1)


def test_get_unique_keeps_the_best_of_each_cluster_once() -> None:
    fps = FixedPoints(
        [[0.0], [5e-4], [1.0], [-5e-4], [1.0], [np.nan]],
        qstar=[3.0, 2.0, 5.0, 1.0, 4.0, 0.0],
        hits=[1, 1, 2, 1, 1, 7],
    )
    unique = fps.get_unique()
    # The best of the first cluster is the last of it, and 5e-4 lies within 1e-3 of it.
    assert unique.xstar.ravel().tolist() == [-5e-4, 1.0]
    assert unique.qstar.tolist() == [1.0, 4.0]
    assert unique.hits.tolist() == [3, 3]
    assert fps.update(hits=None).get_unique().hits.tolist() == [3, 2]
    assert len(fps.get_unique(tol=1e-9)) == 4
    assert_same(unique, unique.get_unique())


def test_get_unique_counts_inputs() -> None:
    fps = FixedPoints([[0.0], [0.0], [0.0]], inputs=[[0.0], [1.0], [0.0]])
    assert fps.get_unique().inputs.tolist() == [[0.0], [1.0]]
    assert len(fps.update(inputs=None).get_unique()) == 1
