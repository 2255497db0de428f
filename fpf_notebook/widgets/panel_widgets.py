"""A panel as ipywidgets, linked both ways, for those who arrange the controls themselves."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as ipw
import traitlets

from fpf_notebook._types import JsonObject

_STYLE = {"description_width": "78px"}

Send = Callable[[Any, JsonObject], object]


def panel_widgets(owner: Any, panel: Sequence[JsonObject], send: Send) -> ipw.VBox:
    """Return ipywidgets for a panel.

    Parameters
    ----------
    owner
        The widget whose traits they show and set.
    panel
        From `fpf_notebook.widgets.panel`.
    send
        Called with the owner and the message of a button.
    """
    children: list[ipw.Widget] = []
    for group in panel:
        children.append(_heading(group["title"]))
        children += [_made(owner, item, send) for item in group["items"]]
    column = ipw.VBox(children, layout=ipw.Layout(flex="1 0 296px", max_width="420px"))
    column.add_class("fpf-panel")
    return column


def close_all(widget: Any) -> None:
    """Close an ipywidget with everything in it."""
    if widget is not None:
        close_parts(widget)
        widget.close()


def close_parts(widget: ipw.Widget) -> None:
    """Close what is in an ipywidget, its layout and style among it.

    ipywidgets keeps every widget that has not been closed, for as long as the process lives.
    """
    # Not by getattr, which would make those that there are not.
    values = getattr(widget, "_trait_values", {})
    for child in values.get("children", ()):
        close_all(child)
    for name in ("layout", "style"):
        part = values.get(name)
        if isinstance(part, ipw.Widget):
            part.close()


def _heading(words: str) -> ipw.HTML:
    style = "font-size:11px;opacity:.75;line-height:18px"
    return ipw.HTML(f'<div style="{style}">{words}</div>', layout=ipw.Layout(margin="4px 0 0 0"))


def _wide() -> ipw.Layout:
    return ipw.Layout(width="100%", margin="0 0 1px 0")


def _made(owner: Any, item: JsonObject, send: Send) -> ipw.Widget:
    if item["type"] == "button":
        return _button(owner, item, send)
    control = _FIELDS[item["type"]](item)
    control.add_class(item["name"])
    _joined(owner, item, control)
    return control


def _slider(item: JsonObject) -> ipw.Widget:
    kind, more = ipw.FloatSlider, {}
    if item["scale"] != "linear":
        base = 10 if item["scale"] == "log10" else 2
        kind, more = ipw.FloatLogSlider, {"base": base, "value": float(base) ** item["min"]}
    shown = ".0f" if item["shown"] == "d" else item["shown"]
    return kind(
        min=item["min"], max=item["max"], step=item["step"], description=item["label"],
        tooltip=item["title"], readout_format=shown, style=_STYLE, layout=_wide(), **more,
    )  # fmt: skip


def _choice(item: JsonObject) -> ipw.Widget:
    return ipw.Dropdown(
        options=item["options"], description=item["label"], tooltip=item["title"], style=_STYLE,
        layout=_wide(),
    )  # fmt: skip


def _check(item: JsonObject) -> ipw.Widget:
    return ipw.Checkbox(
        description=item["label"], tooltip=item["title"], indent=False,
        layout=ipw.Layout(width="auto"),
    )  # fmt: skip


def _number(item: JsonObject) -> ipw.Widget:
    return ipw.BoundedIntText(
        min=int(item["min"]), max=int(item["max"]), description=item["label"],
        tooltip=item["title"], style=_STYLE, layout=_wide(),
    )  # fmt: skip


def _text(item: JsonObject) -> ipw.Widget:
    return ipw.Text(
        description=item["label"], placeholder=item["placeholder"], tooltip=item["title"],
        style=_STYLE, layout=_wide(), continuous_update=False,
    )  # fmt: skip


_FIELDS: dict[str, Callable[[JsonObject], ipw.Widget]] = {
    "slider": _slider,
    "choice": _choice,
    "check": _check,
    "number": _number,
    "text": _text,
}


def _button(owner: Any, item: JsonObject, send: Send) -> ipw.Widget:
    there = weakref.ref(owner)
    button = ipw.Button(
        description=item["label"], tooltip=item["title"], layout=ipw.Layout(width="auto")
    )
    fields = {field["name"]: _field(field) for field in item["takes"]}
    button.add_class(item["name"])

    def pressed(_: object) -> None:
        widget = there()
        if widget is not None:
            values = {name: field.value for name, field in fields.items()}
            send(widget, {"type": item["action"], **values})

    button.on_click(pressed)
    return ipw.HBox([button, *fields.values()]) if fields else button


def _field(field: JsonObject) -> ipw.Widget:
    small = ipw.Layout(width="64px")
    if "options" in field:
        options = [(words, value) for words, value in field["options"]]
        return ipw.Dropdown(options=options, tooltip=field["title"], layout=small)
    return ipw.FloatText(value=field["value"], tooltip=field["title"], layout=small)


Listener = Callable[..., None]


def _join(owner: Any, item: JsonObject, control: ipw.Widget) -> tuple[Listener, Listener]:
    """Return what keeps a control and a trait, or one number of a trait, the same."""
    name, key, only = item["trait"], item["key"], item.get("only") or []
    # Neither keeps the other alive: ipywidgets holds every control until it is closed.
    here, there = weakref.ref(control), weakref.ref(owner)
    busy = [False]  # a control rounds what it shows: that is no move of a hand

    def shown(owner: Any) -> Any:
        value = getattr(owner, name)
        if item["type"] == "text":
            return ", ".join(map(str, value))
        if key is not None:
            value = value[key]
        if item["type"] == "slider":
            return float(value)
        return value

    def to_control(_: object = None) -> None:
        widget, owner = here(), there()
        if widget is None or owner is None:
            return
        busy[0] = True
        try:
            value = shown(owner)
            if item["type"] == "slider" and item["scale"] == "linear":
                widget.min, widget.max = min(widget.min, value), max(widget.max, value)
            widget.value = value
            if only:
                widget.layout.display = None if getattr(owner, only[0]) == only[1] else "none"
        finally:
            busy[0] = False

    def to_owner(change: Any) -> None:
        owner = there()
        if busy[0] or owner is None:
            return
        value = change["new"]
        try:
            if item["type"] == "text":
                value = [int(part) for part in value.replace(",", " ").split()]
            elif item.get("shown") == "d":
                value = max(1, round(value))
            setattr(owner, name, _put(getattr(owner, name), key, value))
        except (ValueError, traitlets.TraitError):
            to_control()

    return to_owner, to_control


def _joined(owner: Any, item: JsonObject, control: ipw.Widget) -> None:
    to_owner, to_control = _join(owner, item, control)
    control.observe(to_owner, names="value")
    owner.observe(to_control, names=[item["trait"], *(item.get("only") or [])[:1]])
    to_control()


def _put(whole: Any, key: Any, value: Any) -> Any:
    """Return what a trait becomes when one of its numbers is changed."""
    if key is None:
        return value
    if isinstance(whole, dict):
        return {**whole, key: value}
    return tuple(value if k == key else old for k, old in enumerate(whole))
