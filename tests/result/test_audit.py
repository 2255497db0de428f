"""The account of every start, the canonical order, and that q is that of the returned point."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fpf_notebook import FixedPoints
from fpf_notebook.result.audit import Audit
from tests.finder.known_maps import (
    Known,
    finder_of,
    grid,
    hopfield_known,
    in_order,
    planar,
    planar_map,
    scalar,
    scalar_map,
)

PLANE = grid(-1.2, 1.2, 8, 2)
W = np.array([[2.0, -0.4], [-0.4, 2.0]])
LATCH = Known("latch", planar_map, planar("latch", W), PLANE, PLANE, (), ())


def latch_of(starts: Any = PLANE, **options: Any) -> tuple[FixedPoints, FixedPoints]:
    return finder_of(LATCH, **options).find_fixed_points(initial_states=starts)


def test_every_start_is_accounted_for() -> None:
    unique, everything = latch_of()
    audit = unique.audit
    assert len(audit) == len(everything) == len(PLANE)
    assert (audit.reason != "").all()
    counted = ", ".join(f"{count} {reason}" for reason, count in audit.counts().items())
    assert str(audit) == f"{len(PLANE)} initial states: {counted}"
    assert str(Audit(np.zeros(0, int), np.zeros(0, str))) == "0 initial states"
    for start, outcome in enumerate(audit.outcome):
        assert outcome >= 0
        assert np.linalg.norm(unique.xstar[outcome] - everything.xstar[start]) <= unique.tol_unique
    np.testing.assert_array_equal(unique.hits, np.bincount(audit.outcome, minlength=len(unique)))
    # One start a point is its representative, the others were merged into it.
    assert audit.counts() == {
        "merged into a nearby point with a smaller q": len(PLANE) - 9,
        "converged": 9,
    }


def test_the_audit_tells_why_a_start_led_to_nothing() -> None:
    ghost = Known("ghost", scalar_map, scalar("fold", b=1e-3), PLANE, PLANE, (), ())
    starts = grid(-0.3, 0.3, 16)
    unique, everything = finder_of(ghost).find_fixed_points(initial_states=starts)
    assert (unique.audit.outcome == -1).all()
    assert unique.audit.n_rejected == 16
    for kind, status, reason in zip(
        everything.kind, everything.status, unique.audit.reason, strict=True
    ):
        assert reason == (f"slow point: {status}" if kind == "slow" else status)


def test_slow_points_have_their_place_in_the_audit_when_they_are_kept() -> None:
    ghost = Known("ghost", scalar_map, scalar("fold", b=1e-7), PLANE, PLANE, (), ())
    starts = grid(-0.3, 0.3, 16)
    unique, everything = finder_of(ghost).find_fixed_points(
        initial_states=starts, include_slow=True
    )
    assert unique.kind.tolist() == ["slow"]
    np.testing.assert_array_equal(unique.audit.outcome == 0, everything.kind == "slow")
    assert unique.hits.sum() == np.sum(unique.audit.outcome == 0)


def test_the_best_of_each_cluster_represents_it() -> None:
    unique, everything = latch_of()
    for point, q in enumerate(unique.qstar):
        assert q == everything.qstar[unique.audit.outcome == point].min()


def test_q_and_the_next_state_are_those_of_the_returned_point() -> None:
    for options in ({}, {"method": "joint"}, {"dtype": "float32"}, {"max_iters": 2}):
        unique, everything = latch_of(**options)
        for points in (unique, everything):
            following = np.tanh(points.xstar @ W.T)
            np.testing.assert_allclose(points.F_xstar, following, atol=1e-15)
            q = 0.5 * np.sum((points.F_xstar - points.xstar) ** 2, axis=1)
            np.testing.assert_allclose(points.qstar, q, rtol=1e-12, atol=1e-40)
    known = hopfield_known()
    for points in finder_of(known).find_fixed_points(initial_states=known.starts):
        derivative = -points.xstar + 2 * np.tanh(points.xstar)
        np.testing.assert_allclose(points.F_xstar, derivative, atol=1e-15)
        np.testing.assert_allclose(points.qstar, 0.5 * np.sum(points.F_xstar**2, 1), atol=1e-40)


def test_points_stand_in_a_canonical_order() -> None:
    unique, _ = latch_of()
    assert unique.n_unstable.tolist() == sorted(unique.n_unstable)
    for number in (0, 1):
        block = unique.xstar[unique.n_unstable == number]
        np.testing.assert_array_equal(block, in_order(block, digits=3))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.permutations(range(len(PLANE))))
def test_the_order_of_the_starts_does_not_matter(order: list[int]) -> None:
    expected, before = latch_of()
    unique, after = latch_of(PLANE[order])
    np.testing.assert_allclose(after.xstar, before.xstar[order], atol=1e-12)
    np.testing.assert_allclose(unique.xstar, expected.xstar, atol=1e-12)
    np.testing.assert_array_equal(unique.hits, expected.hits)
    np.testing.assert_array_equal(unique.audit.outcome, expected.audit.outcome[order])
    for name in ("kind", "stability", "index", "n_unstable", "is_stable"):
        np.testing.assert_array_equal(getattr(unique, name), getattr(expected, name))
    assert unique.completeness.to_dict() == expected.completeness.to_dict()


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    arrays(float, (2, 2), elements=st.floats(-1, 1)),
    arrays(float, 2, elements=st.floats(-5, 5)),
    st.floats(0.01, 0.95),
)
def test_a_contraction_has_exactly_one_point(w: np.ndarray, b: np.ndarray, size: float) -> None:
    w = w * (size / max(np.linalg.norm(w, 2), 1e-6))
    known = Known("", planar_map, planar("linear", w, b), PLANE, PLANE, (), ())
    unique, everything = finder_of(known).find_fixed_points(initial_states=PLANE)
    assert len(unique) == 1
    np.testing.assert_allclose(unique.xstar[0], np.linalg.solve(np.eye(2) - w, b), atol=1e-8)
    assert unique.is_stable.all()
    assert unique.index.tolist() == [1]
    assert (everything.kind == "fixed").all()
