"""The rule of completeness, one demand at a time."""

from dataclasses import replace
from typing import Any

import pytest

from fpf_notebook.finder.assurance import Evidence, assess

ENOUGH = Evidence(hits=(5, 6, 50), idle_curves=20, index_sum=1, expected_sum=1, box_is_whole=True)


def test_enough_is_enough() -> None:
    verdict = assess(ENOUGH)
    assert verdict.consistent
    assert verdict.reasons == ()
    assert verdict.complete_in == "everywhere"
    assert verdict.missing == 0


@pytest.mark.parametrize(
    ("change", "missing", "text"),
    [
        ({"hits": (5, 4, 50)}, 0, "1 point was reached fewer than 5 times"),
        ({"hits": (0, 4, 50)}, 0, "2 points were reached fewer than 5 times"),
        ({"hits": ()}, 0, "no point was found"),
        ({"idle_curves": 19}, 0, "19 curves since the last new point, 20 are asked for"),
        ({"index_sum": 2}, 1, "at least one more exists: index sum 2, expected 1"),
        ({"index_sum": None}, 0, "undecided"),
        ({"expected_sum": None}, 0, "no invariant box is known"),
        ({"n_uncertified": 2}, 0, "2 points were not certified"),
        ({"n_runs_to_unknown": 1}, 1, "1 forward runs came to rest where no point is known"),
        ({"n_images_missing": 3}, 1, "3 mirror images"),
    ],
)
def test_each_demand_alone_withholds_the_grade(
    change: dict[str, Any], missing: int, text: str
) -> None:
    verdict = assess(replace(ENOUGH, **change))
    assert not verdict.consistent
    assert verdict.missing == missing
    assert len(verdict.reasons) == 1
    assert text in verdict.reasons[0]


def test_a_box_that_may_leave_points_out_is_said() -> None:
    verdict = assess(replace(ENOUGH, box_is_whole=False))
    assert verdict.consistent
    assert verdict.complete_in == "the box"


def test_more_can_be_asked_for() -> None:
    assert not assess(ENOUGH, min_hits=8, idle_curves=30).consistent
    assert assess(
        replace(ENOUGH, hits=(8, 9), idle_curves=30), min_hits=8, idle_curves=30
    ).consistent


def test_bad_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="min_hits is 0"):
        assess(ENOUGH, min_hits=0)
    with pytest.raises(ValueError, match=r"idle_curves is 2\.5"):
        assess(ENOUGH, idle_curves=2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hits is"):
        Evidence(hits=(-1,), idle_curves=0)
    with pytest.raises(ValueError, match="idle_curves is -1"):
        Evidence(hits=(1,), idle_curves=-1)


def test_more_is_asked_of_many_points() -> None:
    many = replace(ENOUGH, hits=(8,) * 15, idle_curves=30)
    assert assess(many).consistent
    assert not assess(replace(many, hits=(8,) * 14 + (7,))).consistent
    assert not assess(replace(many, idle_curves=29)).consistent
    assert assess(replace(many, hits=(5,) * 14, idle_curves=20)).consistent
    assert assess(replace(many, hits=(5,) * 15), min_hits=5).consistent
