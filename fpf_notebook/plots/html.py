"""One page that holds a figure and needs nothing else: no server, no network, no kernel."""

from __future__ import annotations

import json
import os
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from fpf_notebook.files import write_file
from fpf_notebook.plots.style import PAGES

if TYPE_CHECKING:
    import plotly.graph_objects as go


# Nothing may be fetched from anywhere: whatever a library would like to load is refused.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:"
)

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
:root { color-scheme: light dark; $light }
@media (prefers-color-scheme: dark) { :root { $dark } }
* { box-sizing: border-box; }
body { display: flex; flex-direction: column; margin: 0 auto; max-width: 72rem;
  min-height: 100vh; padding: 1.5rem 1.25rem 1rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.35rem; font-weight: 600; line-height: 1.3; margin: 0 0 .5rem; }
.summary { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  color: var(--quiet); white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 0 1rem; }
main { flex: 1; display: flex; min-height: 26rem; max-height: 52rem;
  border-top: 1px solid var(--grid); }
.figure { flex: 1; min-width: 0; }
</style>
</head>
<body>
<h1>$title</h1>
$summary<main>
<div class="figure" id="figure" role="img" aria-label="$title"></div>
<noscript>The figure needs JavaScript.</noscript>
</main>
<script>$plotly_js</script>
<script type="application/json" id="data">$figure</script>
<script>
(async () => {
  const element = document.getElementById("figure");
  const figure = JSON.parse(document.getElementById("data").textContent);
  await Plotly.newPlot(element, figure.data, figure.layout,
    {responsive: true, displaylogo: false, modeBarButtonsToRemove: ["sendDataToCloud"]});
  // Figures carry their colours for either theme in `meta`; others are left as they are.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const paint = async () => {
    const theme = dark.matches ? "dark" : "light";
    for (const [i, trace] of element.data.entries()) {
      const colours = trace.meta && trace.meta[theme];
      if (colours) await Plotly.restyle(element, colours, [i]);
    }
    const colours = element.layout.meta && element.layout.meta[theme];
    if (colours) await Plotly.relayout(element, colours);
  };
  dark.addEventListener("change", paint);
  await paint();
  element.dataset.ready = "true";
})();
</script>
</body>
</html>
""")


def save_html(fig: go.Figure, path: str | os.PathLike[str], title: str, text: str = "") -> Path:
    """Save a plotly figure as one self-contained page.

    The page has plotly.js within (about 5 MB) and forbids itself to load anything from
    anywhere. It follows the light or dark preference of the reader's system.

    Parameters
    ----------
    fig : plotly.graph_objects.Figure
        The figure, such as ``fps.plot(backend="plotly")`` returns it.
    path
        The file to write. It is replaced in one step: never is there half a page.
    title
        Heading of the page.
    text
        A summary below the heading; line breaks and columns are kept.

    Returns
    -------
    pathlib.Path
        Where the page is.

    Raises
    ------
    TypeError
        When ``fig`` is not a plotly figure.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints, plot_fixed_points
    >>> page = plot_fixed_points(FixedPoints(np.eye(3)), backend="plotly")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_html(page, os.path.join(folder, "points.html"), "Points", "three of them")
    ...     os.listdir(folder)
    ['points.html']
    """
    import plotly.graph_objects as go
    from plotly.offline import get_plotlyjs

    if not isinstance(fig, go.Figure):
        raise TypeError(
            f"fig: {type(fig).__module__}.{type(fig).__name__} given, expected a plotly figure "
            '(plot with backend="plotly")'
        )
    content = json.loads(fig.to_json())
    for size in ("width", "height"):
        content["layout"].pop(size, None)  # the page decides
    content["layout"]["autosize"] = True
    summary = f'<p class="summary">{escape(text.strip())}</p>\n' if text.strip() else ""
    page = _PAGE.substitute(
        policy=_POLICY,
        title=escape(title),
        summary=summary,
        light=_variables("light"),
        dark=_variables("dark"),
        plotly_js=get_plotlyjs().replace("</script", "<\\/script"),
        # Within a script element only "<" could end the data early.
        figure=json.dumps(content, allow_nan=False).replace("<", "\\u003c"),
    )
    return write_file(path, page.encode())


def _variables(theme: Any) -> str:
    page = PAGES[theme]
    return f"--paper: {page.paper}; --ink: {page.ink}; --quiet: {page.quiet}; --grid: {page.grid};"
