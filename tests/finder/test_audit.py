import json

import numpy as np
import pytest

from fpf_notebook.finder.audit import Audit

AUDIT = Audit(
    outcome=np.array([0, 0, -1, 1]), reason=np.array(["merged", "merged", "outside the box", "new"])
)


def test_counts_and_text() -> None:
    assert len(AUDIT) == 4
    assert AUDIT.n_rejected == 1
    assert AUDIT.counts() == {"merged": 2, "outside the box": 1, "new": 1}
    assert str(AUDIT) == "4 initial states: 2 merged, 1 outside the box, 1 new"
    assert repr(AUDIT) == f"<Audit: {AUDIT}>"


@pytest.mark.parametrize("audit", [AUDIT, Audit(outcome=np.empty(0), reason=np.empty(0, str))])
def test_it_survives_json(audit) -> None:
    other = Audit.from_dict(json.loads(json.dumps(audit.to_dict())))
    np.testing.assert_array_equal(other.outcome, audit.outcome)
    np.testing.assert_array_equal(other.reason, audit.reason)


def test_it_cannot_be_changed_and_does_not_follow_the_callers_arrays() -> None:
    outcome = np.array([0])
    audit = Audit(outcome=outcome, reason=np.array(["new"]))
    outcome[0] = 5
    assert audit.outcome.tolist() == [0]
    with pytest.raises(ValueError, match="read-only"):
        audit.outcome[0] = 1
    with pytest.raises(AttributeError):
        audit.outcome = outcome  # type: ignore[misc]


def test_empty_audit_has_a_text() -> None:
    assert str(Audit(outcome=np.empty(0), reason=np.empty(0, str))) == "0 initial states"


@pytest.mark.parametrize(
    ("outcome", "reason", "message"),
    [
        ([0, 1], ["new"], r"have the shapes \(2,\) and \(1,\), expected \[n_inits\]"),
        ([[0]], [["new"]], r"have the shapes \(1, 1\) and \(1, 1\)"),
        ([-2], ["new"], "outcome contains -2"),
    ],
)
def test_bad_input_is_named(outcome, reason, message) -> None:
    with pytest.raises(ValueError, match=message):
        Audit(outcome=np.array(outcome), reason=np.array(reason))
