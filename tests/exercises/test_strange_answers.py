"""What nobody would call an answer is no answer, to any exercise, and gets a hint all the same."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.exercises import check
from fpf_notebook.exercises.registry import exercise_names

STRANGE = {
    "none": None,
    "text": "I do not know",
    "empty list": [],
    "empty dictionary": {},
    "nan": np.nan,
    "numbers of unequal rows": [[1, 2], [3]],
    "an object": object(),
    "a function of nothing": lambda: None,
    "a function that fails": lambda *arguments: 1 / 0,
    "a function of anything": lambda *arguments: None,
}


@pytest.mark.parametrize("name", exercise_names())
@pytest.mark.parametrize("kind", STRANGE)
def test_gets_a_hint(name, kind):
    verdict = check(name, STRANGE[kind])
    assert not verdict.passed
    assert verdict.answered
    assert len(verdict.hint) > 10
    if not callable(STRANGE[kind]):  # one that is called may fail in a way of its own
        assert "could not be used" not in verdict.hint
