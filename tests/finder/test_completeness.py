import dataclasses
import json

import pytest

from fpf_notebook.finder.completeness import Completeness

FULL = Completeness(
    index_sum=1,
    expected_sum=1,
    reason="the map takes a box into itself",
    consistent=True,
    coverage=1.0,
    estimated_unseen=0.0,
    n_degenerate=0,
    rounds=[{"kind": "trajectory", "new": 25}] * 5,
    new_points_per_round=[25, 2, 0, 0, 0],
    stopped_because="nothing new in 3 rounds",
    n_points=27,
)


def test_complete_set_in_one_careful_line() -> None:
    assert str(FULL) == (
        "27 points; index sum 1 of expected 1 (consistent: necessary for completeness, not proof); "
        "coverage 1.000, unseen ≈ 0.0; 5 rounds"
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"consistent": False, "index_sum": -3}, "index sum -3 of expected 1 (inconsistent: "),
        ({"consistent": None}, "index sum 1 of expected 1 (undecided)"),
        ({"expected_sum": None, "reason": "no box"}, "index sum 1, expected sum unknown (no box)"),
        ({"expected_sum": None, "reason": ""}, "index sum 1, expected sum unknown; "),
        ({"n_degenerate": 2}, "; 2 degenerate, left out of the sum; "),
        ({"n_points": 1, "rounds": [{}]}, "1 point; "),
        ({"rounds": [{}]}, "; 1 round"),
    ],
)
def test_other_outcomes(changes, text) -> None:
    assert text in str(dataclasses.replace(FULL, **changes))


def test_coverage_is_never_rounded_up_to_all() -> None:
    assert "coverage 0.999," in str(dataclasses.replace(FULL, coverage=0.99999))
    assert "coverage 0.570," in str(dataclasses.replace(FULL, coverage=0.57))


def test_only_what_is_known_is_said() -> None:
    assert str(Completeness(index_sum=1)) == "index sum 1, expected sum unknown"


def test_no_wording_claims_that_the_set_is_complete() -> None:
    assert "complete" not in str(FULL).replace("completeness, not proof", "")


def test_it_survives_json() -> None:
    assert Completeness.from_dict(json.loads(json.dumps(FULL.to_dict()))) == FULL
    assert Completeness.from_dict({**FULL.to_dict(), "of a later version": 1}) == FULL
