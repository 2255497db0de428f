"""The claims of the tutorials are quoted rightly; whether they hold is seen when they are run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tutorials.all_claims import CLAIMS
from tests.tutorials.claims import Claim

TUTORIALS = Path(__file__).parents[2] / "tutorials"


def text_of(stem, cell_id):
    cells = json.loads((TUTORIALS / f"{stem}.ipynb").read_text(encoding="utf-8"))["cells"]
    (text,) = ["".join(cell["source"]) for cell in cells if cell["id"] == cell_id]
    return text


@pytest.mark.parametrize(
    ("stem", "claim"),
    [
        pytest.param(stem, claim, id=f"{stem[:2]}-{claim.cell}-{k}")
        for stem, claims in CLAIMS.items()
        for k, claim in enumerate(claims)
    ],
)
def test_the_text_says_so(stem, claim):
    assert claim.numbers(text_of(stem, claim.cell)) is not None, claim.quotation


def test_every_tutorial_has_claims():
    assert set(CLAIMS) >= {path.stem for path in TUTORIALS.glob("*.ipynb")}


def test_numbers_are_read_in_digits_and_in_words():
    claim = Claim("", "# points, # of them new, index # and #", lambda numbers, out: True)
    text = "There are Twenty-seven points,\n   3 of them new, index −1.5 and 1,500."
    assert claim.numbers(text) == [27, 3, -1.5, 1500]
    assert claim.numbers("no points") is None
