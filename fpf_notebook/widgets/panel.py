"""Controls, as plain data: the view draws them, and so does ipywidgets for panels of one's own.

A panel is a list of groups, a group a title and items. Each item names the trait that it shows and
sets; of a trait that holds several numbers, ``key`` says which. A slider with a ``scale`` of
``"log10"`` or ``"log2"`` has its ``min``, ``max`` and ``step`` in exponents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fpf_notebook._types import JsonObject

__all__ = ["button", "check", "choice", "group", "items_of", "number", "slider", "text"]


def group(title: str, items: Sequence[JsonObject]) -> JsonObject:
    """Return a group of controls under a title."""
    return {"title": title, "items": list(items)}


def slider(
    trait: str,
    label: str,
    title: str,
    low: float,
    high: float,
    step: float,
    *,
    scale: str = "linear",
    shown: str = ".2f",
    key: int | str | None = None,
    name: str | None = None,
    page: bool = False,
) -> JsonObject:
    """Describe a slider.

    Parameters
    ----------
    trait, key
        What it shows and sets.
    label, title
        What stands beside it, and its tooltip.
    low, high, step
        Its range; exponents where it is logarithmic.
    scale
        "linear", "log10" or "log2".
    shown
        How its number is written: ".2f", ".0e", ".1e" or "d", a whole number.
    name
        How tests and style sheets call it; "fpf-" and the trait where it is None.
    page
        Whether a page without a kernel can do what it asks for.
    """
    return {
        "type": "slider", "trait": trait, "key": key, "label": label, "title": title, "min": low,
        "max": high, "step": step, "scale": scale, "shown": shown, "page": page,
        "name": name or _name(trait),
    }  # fmt: skip


def choice(trait: str, label: str, title: str, options: Sequence[str]) -> JsonObject:
    """Describe a drop-down list."""
    return {
        "type": "choice", "trait": trait, "key": None, "label": label, "title": title,
        "options": list(options), "name": _name(trait),
    }  # fmt: skip


def check(trait: str, label: str, title: str) -> JsonObject:
    """Describe a check box."""
    return {
        "type": "check", "trait": trait, "key": None, "label": label, "title": title,
        "name": _name(trait),
    }  # fmt: skip


def number(
    trait: str, label: str, title: str, low: float, high: float, step: float = 1
) -> JsonObject:
    """Describe a field for a number."""
    return {
        "type": "number", "trait": trait, "key": None, "label": label, "title": title, "min": low,
        "max": high, "step": step, "name": _name(trait),
    }  # fmt: skip


def text(
    trait: str, label: str, title: str, placeholder: str, only: tuple[str, str] | None = None
) -> JsonObject:
    """Describe a field for whole numbers with commas between them.

    Parameters
    ----------
    only
        A trait and the value of it at which the field is shown. Default: always.
    """
    return {
        "type": "text", "trait": trait, "key": None, "label": label, "title": title,
        "placeholder": placeholder, "only": list(only or ()), "name": _name(trait),
    }  # fmt: skip


def button(action: str, label: str, title: str, takes: Sequence[JsonObject] = ()) -> JsonObject:
    """Describe a button: it sends a message of this type, with the values of the fields it takes.

    Parameters
    ----------
    takes
        Fields beside the button: ``{"name", "title", "value", "min", "max", "step"}``, or with
        ``options`` (pairs of words and value) a list.
    """
    return {
        "type": "button", "action": action, "label": label, "title": title, "takes": list(takes),
        "name": _name(action),
    }  # fmt: skip


def items_of(panel: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """Yield all items of all groups."""
    for part in panel:
        yield from part["items"]


def _name(trait: str) -> str:
    return "fpf-" + trait.replace("_", "-")
