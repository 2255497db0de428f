"""One self-contained page: views and data in a single file, which asks nobody for anything."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path

from fpf_notebook._types import JsonObject
from fpf_notebook.files import write_file
from fpf_notebook.widgets.arrays import pack
from fpf_notebook.widgets.view import BUNDLE

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' \
blob:; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
body {{ margin: 0 auto; padding: 16px; max-width: 1240px; background: #ffffff; }}
body > div + div {{ margin-top: 18px; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #111418; color: #e6e8eb; }} }}
</style>
</head>
<body>
{panels}
<script type="application/json" id="fpf-state">{state}</script>
<script type="text/plain" id="fpf-module">{module}</script>
<script>
const bytes = Uint8Array.from(atob(document.getElementById("fpf-module").textContent),
  (c) => c.charCodeAt(0));
const url = URL.createObjectURL(new Blob([bytes], {{ type: "text/javascript" }}));
import(url).then((views) => {{
  const states = JSON.parse(document.getElementById("fpf-state").textContent);
  states.forEach((state, i) => views.embed(document.getElementById("fpf-panel-" + i), state));
}});
// In a frame of ours, that of a notebook's output, the frame takes the height of the page.
const frame = window.frameElement;
if (frame && frame.classList.contains("fpf-frame")) {{
  document.body.style.padding = "2px";
  new ResizeObserver(() => {{
    frame.style.height = Math.ceil(document.body.getBoundingClientRect().height) + "px";
  }}).observe(document.body);
}}
</script>
</body>
</html>
"""


def _as_json(value: object) -> object:
    if isinstance(value, memoryview | bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    raise TypeError(f"{type(value).__name__} cannot be written into a page")


def page(states: Sequence[JsonObject], title: str = "fpf_notebook") -> str:
    """Return the text of a page that shows some pictures.

    Parameters
    ----------
    states
        The traits of each picture; arrays as numpy arrays. Pictures of one ``group`` are linked.
    title
        Of the page.
    """
    text = json.dumps(pack(list(states)), default=_as_json, allow_nan=False)
    # The one thing that could end the script element early.
    text = text.replace("<", "\\u003c")
    return _PAGE.format(
        title=html.escape(title),
        panels="\n".join(f'<div id="fpf-panel-{i}"></div>' for i in range(len(states))),
        state=text,
        module=base64.b64encode(BUNDLE.read_bytes()).decode("ascii"),
    )


def frame(states: Sequence[JsonObject], title: str = "fpf_notebook", height: int = 640) -> str:
    """Return an ``<iframe>`` with a page inside, for the output of a cell.

    It needs no kernel, no server and no other file: what makes pages of notebooks (nbconvert,
    myst-nb, Quarto) only has to keep it as it is.

    Parameters
    ----------
    states, title
        As for `page`.
    height
        Height in pixels until the page tells its own.
    """
    return (
        f'<iframe class="fpf-frame" title="{html.escape(title)}" '
        f'style="width:100%;height:{height}px;border:0;display:block" '
        f'srcdoc="{html.escape(page(states, title))}"></iframe>'
    )


def write_page(path: str | Path, states: Sequence[JsonObject], title: str = "fpf_notebook") -> Path:
    """Write a page atomically and return its path.

    Parameters
    ----------
    path
        The file; its folder must exist.
    states, title
        As for `page`.
    """
    return write_file(path, page(states, title).encode())
