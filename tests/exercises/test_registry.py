"""What is said to answers, and which exercises there are."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from fpf_notebook.exercises import Verdict, check
from fpf_notebook.exercises.reading import array, entries, integer, number, word
from fpf_notebook.exercises.registry import _CHECKERS, Hint, exercise, exercise_names


@pytest.fixture
def own_exercise():
    """Exercise 99.1 wants the number seven."""

    @exercise("99.1")
    def seven(answer):
        if answer == "raise":
            raise ZeroDivisionError("by nothing")
        return None if number(answer) == 7 else "Count the <days> of a week."

    yield seven
    del _CHECKERS["99.1"]


def test_right_answer(own_exercise):
    assert check("99.1", 7) == Verdict("99.1", True, "")
    assert str(check("99.1", np.float64(7))) == "Exercise 99.1: right."


def test_wrong_answer_gets_the_hint(own_exercise):
    verdict = check("99.1", 6)
    assert not verdict.passed
    assert verdict.answered
    assert repr(verdict) == "Exercise 99.1: not quite. Count the <days> of a week."


@pytest.mark.parametrize("answer", [..., (1, ...), {"a": [..., 2]}], ids=repr)
def test_unanswered_is_no_error(own_exercise, answer):
    verdict = check("99.1", answer)
    assert not verdict.passed
    assert not verdict.answered
    assert "not answered yet" in str(verdict)


def test_hint_of_reading_is_passed_on(own_exercise):
    assert (
        check("99.1", "seven").hint == "Expected one number for your answer, got the text 'seven'."
    )


def test_error_while_checking_is_shown_not_raised(own_exercise):
    assert "ZeroDivisionError: by nothing" in check("99.1", "raise").hint


def test_html_escapes_and_names_the_outcome(own_exercise):
    page = check("99.1", 6)._repr_html_()
    assert "&lt;days&gt;" in page
    assert "not quite" in page
    assert "right." in check("99.1", 7)._repr_html_()


def test_verdict_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        check("1.1", ...).passed = True


def test_unknown_name_is_an_error_with_a_suggestion():
    with pytest.raises(ValueError, match=r"name is '1\.11', expected .*Did you mean '1\.1'\?"):
        check("1.11", 0)
    with pytest.raises(ValueError, match=r"name is 1\.1, expected"):
        check(1.1, 0)


@pytest.mark.parametrize("name", ["1", "a.b", "1.2.3", ""])
def test_name_of_another_form(name):
    with pytest.raises(ValueError, match=r"expected tutorial\.exercise"):
        exercise(name)


def test_second_checker_of_a_name(own_exercise):
    with pytest.raises(ValueError, match=r"exercise 99\.1 has a checker already: .*seven"):
        exercise("99.1")(lambda answer: None)


def test_names_are_in_order():
    names = exercise_names()
    numbers = [tuple(map(int, name.split("."))) for name in names]
    assert numbers == sorted(numbers)
    assert "1.1" in names


def test_is_light():
    heavy = "jax", "brainpy", "matplotlib", "plotly", "ipywidgets", "scipy", "sklearn"
    code = (
        "import sys; from fpf_notebook.exercises import check; check('1.1', ...); "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class TestReading:
    def test_number(self):
        assert number([[2]]) == 2.0
        assert number(np.float32(0.5)) == 0.5
        for wrong in (None, "2", [1, 2], 1j, len, np.nan, [], [[1], [2, 3]]):
            with pytest.raises(Hint, match="number for x"):
                number(wrong, "x")

    def test_integer(self):
        assert integer(3.0) == 3
        with pytest.raises(Hint, match=r"whole number for n, got 3\.5"):
            integer(3.5, "n")

    def test_array(self):
        assert array([[1, 2]], (None, 2)).dtype == float
        with pytest.raises(Hint, match=r"shape \[any, 3\] for v, got an array of shape \[2\]"):
            array(np.zeros(2), (None, 3), "v")
        with pytest.raises(Hint, match="NaN or infinity in v"):
            array([np.nan], (1,), "v")
        with pytest.raises(Hint, match="unequal parts"):
            array([[1], [2, 3]], (2, 2))
        with pytest.raises(Hint, match="real numbers"):
            array(["a"], (1,))

    def test_entries(self):
        assert entries({"a": 1, "b": 2}, ("a",)) == {"a": 1}
        with pytest.raises(Hint, match="no entry 'b'"):
            entries({"a": 1}, ("a", "b"))
        with pytest.raises(Hint, match="dictionary with a, b, got 3"):
            entries(3, ("a", "b"))

    def test_word(self):
        assert word(" Stable", ("stable", "saddle")) == "stable"
        with pytest.raises(Hint, match="one of 'stable', 'saddle' for it, got the text 'cow'"):
            word("cow", ("stable", "saddle"), "it")
