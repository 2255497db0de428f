"""Tooltips and names of controls, for the browser to put where ipywidgets leaves them out.

Of ipywidgets' tooltips a slider has one on its label only, a drop-down list, a text field and a
check box none; and a slider's handle has no name for those who hear it.
"""

from __future__ import annotations

from typing import Any


def hints_of(box: object, key: str) -> dict[str, list[str]]:
    """Mark all controls in a box with classes, and return what each is called and does.

    Parameters
    ----------
    box
        An ipywidgets container.
    key
        Begins the names of the classes: that of the picture which the box belongs to.

    Returns
    -------
    dict
        Name and tooltip by class.
    """
    hints: dict[str, list[str]] = {}

    def walk(widget: Any) -> None:
        tooltip = getattr(widget, "tooltip", None)
        if tooltip:
            name = f"fpf-{key}-{len(hints)}"
            widget.add_class(name)
            hints[name] = [getattr(widget, "description", "") or tooltip, tooltip]
        for child in getattr(widget, "children", ()):
            walk(child)

    walk(box)
    return hints
