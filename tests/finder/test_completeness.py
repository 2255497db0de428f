"""The report on completeness: sums, coverage, wording, and when an exhaustive search ends."""

import json
from typing import Any

import numpy as np
import pytest

from fpf_notebook import Completeness, FixedPointFinder, SilentProgress
from fpf_notebook.finder import report
from fpf_notebook.finder.coverage import chao1_unseen, good_turing_coverage
from fpf_notebook.finder.ledger import Ledger
from fpf_notebook.finder.proposals.sampling import START_KINDS
from tests.finder.known_maps import (
    Known,
    assert_same_points,
    finder_of,
    grid,
    hopfield_known,
    planar,
    planar_map,
    scalar,
    scalar_map,
)

STARTS = grid(-1.5, 1.5, 16)
BOX = {"invariant_box": (-1.0, 1.0)}


def switch(gain: float = 2.0, **options: Any) -> FixedPointFinder:
    known = Known("", scalar_map, scalar("tanh", gain), STARTS, STARTS, (), ())
    # The rounds alone, as they go on without curves.
    return finder_of(known, **(BOX | {"do_follow_curves": False} | options))


@pytest.mark.parametrize(
    ("hits", "coverage", "unseen"),
    [
        ([], None, None),
        ([0, 0], None, None),
        ([5], 1.0, 0.0),
        ([1], 0.0, 0.0),
        # n = 9, two points hit once, one hit twice: 1 - 2/9, and 8/9 * 2*1 / (2*(1+1)).
        ([5, 1, 1, 2], 7 / 9, 8 / 9 * 2 / 4),
        # n = 4, all hit once: 0, and 3/4 * 4*3 / 2.
        ([1, 1, 1, 1, 0], 0.0, 4.5),
        ([3, 2, 2], 1.0, 0.0),
    ],
)
def test_coverage_and_unseen_points_by_hand(
    hits: list[int], coverage: float | None, unseen: float | None
) -> None:
    counts = np.array(hits, dtype=int)
    assert good_turing_coverage(counts) == pytest.approx(coverage)
    assert chao1_unseen(counts) == pytest.approx(unseen)


def test_the_most_doubtful_kind_of_start_decides() -> None:
    finder = switch()
    ledger = Ledger(finder.step_map(1, 0), finder.options, np.zeros((1, 0)))
    ledger.states = np.zeros((4, 1))
    ledger.owner = np.repeat(np.arange(4), 10)
    ledger.start_kind = np.full(40, "initial", dtype=object)
    assert report.unseen(ledger) == 0.0
    # These starts, by themselves, saw 4 points once each: 4 + 4.5 points to be expected, 4 known.
    ledger.owner = np.concatenate([ledger.owner, np.arange(4)])
    ledger.start_kind = np.concatenate([ledger.start_kind, np.full(4, "box", dtype=object)])
    assert report.unseen(ledger) == pytest.approx(4.5)
    assert report.coverage(ledger) == 1.0


def test_a_complete_set_is_consistent_and_says_no_more_than_that() -> None:
    unique, _ = switch().find_fixed_points(initial_states=STARTS, exhaustive=True, prove=False)
    summary = unique.completeness
    assert (summary.index_sum, summary.expected_sum, summary.consistent) == (1, 1, True)
    assert summary.n_points == 3
    assert summary.coverage == 1.0
    text = str(summary)
    assert text.startswith("3 points; cannot say whether more exist: ")
    assert "index sum 1 of expected 1" in text
    assert "necessary for completeness, not proof" in text
    assert "complete set" not in text
    assert json.loads(json.dumps(summary.to_dict())) == summary.to_dict()
    assert Completeness.from_dict(summary.to_dict()) == summary


def test_a_set_made_incomplete_is_inconsistent() -> None:
    # From near the attractors only these are found: 1 + 1 is not 1.
    unique, _ = switch().find_fixed_points(initial_states=[[-0.95], [0.95]])
    summary = unique.completeness
    assert len(unique) == 2
    assert (summary.index_sum, summary.expected_sum, summary.consistent) == (2, 1, False)
    assert "inconsistent: points are missing" in str(summary)


def test_the_report_is_about_all_points_whatever_filters_show() -> None:
    cut, _ = switch(max_n_unique=2).find_fixed_points(
        initial_states=STARTS, exhaustive=True, prove=False
    )
    summary = cut.completeness
    assert len(cut) == 2
    assert (summary.n_points, summary.n_shown, summary.index_sum) == (3, 2, 1)
    assert summary.consistent is True
    assert str(summary).startswith("3 points known, 2 shown; ")
    none, _ = switch(final_q_threshold=1e-300, tol_q=1e-3, max_iters=3).find_fixed_points(
        initial_states=STARTS
    )
    assert none.completeness.n_points > 0
    assert none.completeness.n_shown == len(none)


def test_an_incomplete_set_can_have_the_right_sum_and_the_hits_tell() -> None:
    # One attractor of the two, and nothing else: the sum is 1 by luck.
    unique, _ = switch().find_fixed_points(initial_states=[[0.95]])
    summary = unique.completeness
    assert summary.consistent is True
    assert summary.coverage == 0.0


def test_the_search_goes_on_though_the_sum_is_right() -> None:
    # With a bias: else the mirror image of the point would be looked for at once.
    known = Known("", scalar_map, scalar("tanh", 2.0, 0.1), STARTS, STARTS, (), ())
    finder = finder_of(known, **(BOX | {"do_follow_curves": False}))
    unique, everything = finder.find_fixed_points(
        initial_states=[[0.95]] * 32, exhaustive=True, prove=False
    )
    summary = unique.completeness
    assert summary.rounds[0]["index_sum"] == 1
    assert summary.rounds[0]["n_points"] == 1
    assert len(unique) == 3
    assert sum(summary.new_points_per_round) == 3
    assert len(everything) == 32 * len(summary.rounds)


def test_mirror_images_are_found_at_once() -> None:
    unique, _ = switch().find_fixed_points(
        initial_states=[[0.95]] * 32, exhaustive=True, prove=False
    )
    assert unique.completeness.rounds[0]["n_points"] == 2
    np.testing.assert_allclose(np.sort(unique.xstar[:, 0]), [-0.9575, 0, 0.9575], atol=1e-4)


def test_a_box_is_proven_where_none_is_given() -> None:
    unique, _ = switch(invariant_box=None).find_fixed_points(initial_states=STARTS, exhaustive=True)
    summary = unique.completeness
    assert (summary.index_sum, summary.expected_sum, summary.consistent) == (1, 1, True)
    assert "proven from the step" in summary.reason
    assert len(unique) == 3


def test_nothing_is_expected_without_a_box() -> None:
    finder = FixedPointFinder(
        lambda h, u: 2 * h + 1, n_states=1, n_inputs=1, progress=SilentProgress()
    )
    unique, _ = finder.find_fixed_points(initial_states=STARTS)
    summary = unique.completeness
    assert (summary.index_sum, summary.expected_sum, summary.consistent) == (-1, None, None)
    assert "no invariant box" in summary.reason
    assert "expected sum unknown" in str(summary)
    assert len(unique) == 1


def test_degenerate_points_leave_the_sum_undecided() -> None:
    unique, _ = switch(1.0).find_fixed_points(initial_states=STARTS, exhaustive=True)
    summary = unique.completeness
    assert (summary.n_degenerate, summary.consistent) == (1, None)
    assert "undecided" in str(summary)
    assert "1 degenerate, left out of the sum" in str(summary)


def test_a_point_on_the_boundary_leaves_the_sum_undecided() -> None:
    # [0, 1] is invariant under the logistic map, and 0 repels into it: with respect to the interval
    # its index is 0, though sign(1 - F') is -1. Nothing is missing, and nothing must be said to be.
    known = Known("", scalar_map, scalar("logistic", 3.2), STARTS, STARTS, (), ())
    finder = finder_of(known, invariant_box=(0.0, 1.0))
    unique, _ = finder.find_fixed_points(
        initial_states=grid(0.01, 0.99, 32), exhaustive=True, prove=False, max_rounds=10
    )
    summary = unique.completeness
    assert len(unique) == 2
    assert (summary.index_sum, summary.consistent) == (0, None)
    assert "on the boundary of the box" in summary.reason
    assert "rounds found nothing new" in summary.stopped_because


def test_the_sum_of_a_flow_that_enters_its_box() -> None:
    known = hopfield_known()
    corner = np.full((32, 2), 1.8) + 0.01 * grid(-1, 1, 32)
    unique, _ = finder_of(known, invariant_box=(-2.5, 2.5)).find_fixed_points(
        initial_states=corner, exhaustive=True
    )
    assert_same_points(unique, known.points)
    summary = unique.completeness
    assert (summary.index_sum, summary.expected_sum, summary.consistent) == (1, 1, True)


def test_rounds_are_recorded() -> None:
    unique, everything = switch().find_fixed_points(
        initial_states=STARTS, exhaustive=True, prove=False
    )
    rounds = unique.completeness.rounds
    assert rounds[0]["starts"] == {"initial": 16}
    for record in rounds[1:]:
        assert sum(record["starts"].values()) == 16
        assert set(record["starts"]) <= set(START_KINDS)
    assert rounds[-1]["n_points"] == len(unique)
    assert len(everything) == 16 * len(rounds)
    assert unique.completeness.new_points_per_round[0] == 3
    assert "the index sum is right" in unique.completeness.stopped_because


def test_patience_counts_the_rounds_that_found_nothing() -> None:
    for patience in (1, 12):
        unique, _ = switch().find_fixed_points(
            initial_states=STARTS, exhaustive=True, prove=False, patience=patience
        )
        new = unique.completeness.new_points_per_round
        idle = new[::-1].index(3)
        assert sum(new) == 3
        assert idle >= patience
        assert f"{idle} rounds found nothing new" in unique.completeness.stopped_because
        if patience == 1:
            few = idle
    assert few < idle


def test_max_rounds() -> None:
    unique, _ = switch().find_fixed_points(
        initial_states=STARTS, exhaustive=True, prove=False, max_rounds=3, patience=100
    )
    assert len(unique.completeness.rounds) == 3
    assert unique.completeness.stopped_because == "max_rounds=3 reached"
    assert not unique.interrupted


def test_max_seconds() -> None:
    unique, _ = switch().find_fixed_points(
        initial_states=STARTS,
        exhaustive=True,
        prove=False,
        max_rounds=10**6,
        patience=10**6,
        max_seconds=0.2,
    )
    assert unique.completeness.stopped_because == "max_seconds=0.2 reached"
    assert len(unique) == 3


def test_an_unexhaustive_search_says_that_it_was_one_round() -> None:
    unique, _ = switch().find_fixed_points(initial_states=STARTS)
    assert unique.completeness.stopped_because == "one round was asked for"
    assert unique.completeness.rounds == []


def test_a_grid_of_nine_points_is_completed_from_one_corner() -> None:
    latch = planar("latch", [[2.0, 0.0], [0.0, 3.0]])
    known = Known("latch", planar_map, latch, STARTS, STARTS, (), ())
    corner = np.full((64, 2), 0.9) + 0.01 * grid(-1, 1, 8, 2)
    first, _ = finder_of(known, **BOX).find_fixed_points(initial_states=corner)
    assert len(first) == 1
    unique, _ = finder_of(known, **BOX).find_fixed_points(initial_states=corner, exhaustive=True)
    assert len(unique) == 9
    assert unique.completeness.consistent is True
    assert unique.counts()["stable"] == 4


def test_points_outside_the_box_are_no_fixed_points() -> None:
    # The logistic map stays in [0, 1]; to the left of 0 its gradient leads elsewhere. A wider map
    # with a root outside of the box that is claimed cannot be made, so the box is cut instead:
    # [0.05, 0.9] holds for r = 3.2, and 0 lies outside.
    known = Known("", scalar_map, scalar("logistic", 3.2), STARTS, STARTS, (), ())
    starts = grid(-0.3, 0.3, 8)
    for method in ("newton", "joint", "sequential"):
        finder = finder_of(known, method=method, invariant_box=(0.05, 0.9))
        unique, everything = finder.find_fixed_points(initial_states=starts)
        assert not (everything.xstar[everything.kind == "fixed"] < 0.04).any()
        assert all(abs(x - (1 - 1 / 3.2)) < 1e-6 for x in unique.xstar.ravel())
    # Adam is not held inside, and did arrive at 0.
    assert "outside the invariant box, where no fixed point can be" in everything.status


def test_a_saturated_unit_does_not_lie_on_the_boundary() -> None:
    """tanh(40 h) rests at 1.0 by rounding; the sum over the three points is known all the same."""
    known = Known("", scalar_map, scalar("tanh", 40.0), STARTS, STARTS, (), ())
    finder = finder_of(known, **BOX)
    step_map = finder.step_map(1, 0)
    assert not report.on_boundary(step_map, np.array([[1.0], [-1.0], [0.0]]), np.zeros(0)).any()
    unique, _ = finder.find_fixed_points(initial_states=STARTS, exhaustive=True, prove=False)
    assert unique.completeness.consistent is True


def test_a_point_that_repels_into_the_box_lies_on_its_boundary() -> None:
    """h² on [0, 1]: at 1 the slope is 2, and the index with respect to the box is 0."""
    from fpf_notebook import as_step_map

    square = as_step_map(
        lambda h: h * h, n_states=1, n_inputs=0, batched=False, invariant_box=(0.0, 1.0)
    )
    touching = report.on_boundary(square, np.array([[0.0], [1.0]]), np.zeros(0))
    assert touching.tolist() == [False, True]
