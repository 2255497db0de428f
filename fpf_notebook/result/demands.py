"""How much must have been tried before a set of points may be called consistent.

The numbers of the rule in `fpf_notebook.finder.assurance`; here because the report says them.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["MANY_POINTS", "Demands", "demands"]

MANY_POINTS = 15
"""From so many points on, more is asked for."""


class Demands(NamedTuple):
    """What must have been tried.

    Attributes
    ----------
    min_hits : int
        Curves from elsewhere that must have reached each point.
    idle_curves : int
        Curves that must have ended since the last new point.
    """

    min_hits: int
    idle_curves: int


_FEW, _MANY = Demands(5, 20), Demands(8, 30)


def demands(n_points: int) -> Demands:
    """Return what must have been tried before a set of so many points may be called consistent."""
    return _MANY if n_points >= MANY_POINTS else _FEW
