"""Bad calls, made from what is declared, for the tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from fpf_notebook.arguments.calls import CALLS

__all__ = ["BadCall", "bad_calls"]


class BadCall(NamedTuple):
    """One wrong value for one argument of one call."""

    call: str
    argument: str
    value: Any


def bad_calls(count: int, seed: int = 0, calls: Iterable[str] | None = None) -> Iterator[BadCall]:
    """Yield wrong values of declared arguments, each argument as often as the others.

    Parameters
    ----------
    count
        How many.
    seed
        What the choice follows from.
    calls
        Of which calls; by default of all.
    """
    rng = np.random.default_rng(seed)
    chosen = CALLS if calls is None else {name: CALLS[name] for name in calls}
    places = [(call, argument) for call, kinds in chosen.items() for argument in kinds]
    for k in range(count):
        if k % len(places) == 0:
            order = rng.permutation(len(places))
        call, argument = places[order[k % len(places)]]
        values = chosen[call][argument].bad_values()
        yield BadCall(call, argument, values[rng.integers(len(values))])
