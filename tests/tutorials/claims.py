"""What the text of a tutorial says of its own run, and where the run shows it.

A claim quotes the text; the quotation must be there, word for word but for line breaks, so that
whoever changes the text has to look at the claim. ``#`` in it stands for a number, in digits or in
words. A check gets these numbers and what the cells of code printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_UP_TO_TWENTY = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
)
WORDS = {word: number for number, word in enumerate(_UP_TO_TWENTY.split(" "))}
WORDS |= {"twenty-seven": 27, "eighty-one": 81}
_NUMBER = r"([−+-]?\d+(?:,\d{3})*(?:\.\d+)?|" + "|".join(sorted(WORDS, key=len, reverse=True)) + ")"

Outputs = Mapping[str, str]


@dataclass(frozen=True)
class Claim:
    """One claim of a tutorial."""

    cell: str
    quotation: str
    holds: Callable[[list[float], Outputs], bool]

    def numbers(self, text: str) -> list[float] | None:
        """Return the numbers in the places of ``#``; None if the text does not say so."""
        pattern = _NUMBER.join(re.escape(part) for part in self.quotation.split("#"))
        found = re.search(pattern, " ".join(text.split()), re.IGNORECASE)
        return None if found is None else [as_number(group) for group in found.groups()]


def as_number(text: str) -> float:
    """Return a number that is written in digits or in words."""
    known = WORDS.get(text.lower())
    return float(text.replace("−", "-").replace(",", "")) if known is None else float(known)


def printed(output: str) -> list[float]:
    """Return all numbers of an output."""
    return [float(n) for n in re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?", output)]


def line(output: str, begin: str) -> str:
    """Return the line that begins in this way."""
    return next(one for one in output.splitlines() if one.strip().startswith(begin))
