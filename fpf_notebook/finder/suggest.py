"""Unknown keywords are errors that name the nearest known one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def refuse_unknown(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError for the first keyword that is not known.

    Parameters
    ----------
    owner
        Whose keywords they are.
    given, known
        Names.

    Raises
    ------
    TypeError
        With the nearest known name as a suggestion. (Widget classes would swallow it.)
    """
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
            raise TypeError(f"{owner} has no option {name!r}.{hint}")
