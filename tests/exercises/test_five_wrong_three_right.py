"""The right answer in three forms, and five wrong ones with a hint of their own: every exercise."""

from __future__ import annotations

import numpy as np
import pytest

from fpf_notebook.exercises import check
from fpf_notebook.exercises.registry import exercise_names
from tests.exercises import answers_to_1_to_5 as first
from tests.exercises import answers_to_6_to_9 as second
from tests.exercises import answers_to_10 as third
from tests.exercises.hints import hint

RIGHT = first.RIGHT | second.RIGHT | third.RIGHT
WRONG = first.WRONG | second.WRONG | third.WRONG
# What they take is made by as_step_map, see below, or by a search: see their tutorials' tests.
MADE = {"2.3", "3.3", "9.2"}


def each(table):
    return [
        pytest.param(name, answer, id=f"{name}-{k}")
        for name, answers in table.items()
        for k, answer in enumerate(answers)
    ]


def test_every_exercise_is_here():
    assert set(RIGHT) == set(WRONG) == set(exercise_names()) - MADE
    assert all(len(answers) >= 3 for answers in RIGHT.values())
    assert all(len(answers) >= 5 for answers in WRONG.values())


@pytest.mark.parametrize(("name", "answer"), each(RIGHT))
def test_right(name, answer):
    verdict = check(name, answer)
    assert verdict.passed, verdict.hint


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_have_hints_of_their_own(name):
    given = [hint(name, answer) for answer in WRONG[name]]
    assert all(len(words) > 20 for words in given)
    # The words count, not the numbers of the answer that they repeat.
    words = ["".join(c for c in text if not c.isdigit()) for text in given]
    assert len(set(words)) >= 5
    if name in {"1.2", "1.3"}:  # how far an answer is off; which matrix is misjudged
        assert len(set(given)) >= 5
    else:
        assert len(set(words)) == len(words), sorted(words)


@pytest.mark.parametrize("form", second.STEP_MAPS["right"])
def test_right_step_maps(form):
    verdict = check("9.2", second.STEP_MAPS["right"][form]())
    assert verdict.passed, verdict.hint


def test_wrong_step_maps():
    given = [hint("9.2", make()) for make in second.STEP_MAPS["wrong"].values()]
    assert len(set(given)) == len(given) >= 5


def test_no_function_of_one_size_passes():
    """What is right for one size alone is refused, by every exercise that wants a function."""

    def only(size, function):
        def tried(*arguments):
            assert all(len(a) == size for a in arguments if np.ndim(a) and len(a) != 2)
            return function(*arguments)

        return tried

    for name, size in {
        "1.3": 2,
        "2.1": 5,
        "3.2": 2,
        "4.1": 5,
        "6.2": 4,
        "7.1": 3,
        "8.2": 5,
    }.items():
        for function in RIGHT[name]:
            assert "failed" in hint(name, lambda *a, f=function, s=size: only(s, f)(*a))


def template(*arguments):
    return ...


def half_filled(*arguments):
    return [..., 1]


OPEN = [np.array(...), {"A": ...}, {...}, [...], ...]
WANT_FUNCTIONS = [name for name, answers in RIGHT.items() if callable(answers[0])]


@pytest.mark.parametrize(
    ("name", "unfilled"),
    [
        *((name, answer) for name in exercise_names() for answer in OPEN),
        *((name, answer) for name in WANT_FUNCTIONS for answer in (template, half_filled)),
    ],
)
def test_three_dots_are_no_answer(name, unfilled):
    verdict = check(name, unfilled)
    assert not verdict.passed
    assert not verdict.answered
    assert "not answered yet" in str(verdict)


@pytest.mark.parametrize("name", RIGHT)
def test_solution_does_not_say_that_the_learner_is_right(name):
    verdict = check(name, RIGHT[name][0], is_solution=True)
    assert verdict.passed
    for text in (str(verdict), verdict._repr_html_()):
        assert "solution" in text.lower()
        assert "right" not in text
    wrong = check(name, WRONG[name][0], is_solution=True)
    assert str(wrong).startswith("Solution of exercise")
