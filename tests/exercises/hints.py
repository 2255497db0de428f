"""What is said to a wrong answer."""

from fpf_notebook.exercises import check


def hint(name, answer, *secrets):
    """Return the hint to a wrong answer, which must not give the right one away."""
    verdict = check(name, answer)
    assert not verdict.passed
    assert "could not be used" not in verdict.hint
    for secret in secrets:
        assert secret not in verdict.hint
    return verdict.hint
