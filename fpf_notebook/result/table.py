"""The table of fixed points that a notebook shows: plain HTML and CSS, for light and dark pages."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fpf_notebook.result import summary

if TYPE_CHECKING:
    from fpf_notebook.result.fixed_points import FixedPoints

MAX_ROWS = 100

# Classes are told apart by shape and by colour. The colours have a contrast of at least 3 : 1 both
# on white and on black, so that nothing depends on how a page says that it is dark.
_MARKS = {
    "stable": ("●", "#2f7fc1"),
    "saddle": ("◆", "#c77700"),
    "unstable": ("✖", "#d0478f"),
    "marginal": ("■", "#1f9e7a"),
    "not stable": ("✖", "#d0478f"),
    "slow": ("○", "#7c8490"),
    "unconverged": ("✚", "#7c8490"),
    "undetermined": ("◇", "#7c8490"),
    "unknown": ("◇", "#7c8490"),
}

# Colours of text and paper are inherited from the page; lines are half-transparent grey.
_STYLE = """
.fpf-points{font-variant-numeric:tabular-nums;line-height:1.45;max-width:100%}
.fpf-points .fpf-note{margin:.15em 0;opacity:.8}
.fpf-points .fpf-scroll{max-height:32em;overflow:auto;margin:.4em 0;display:inline-block;\
max-width:100%;padding-right:1.2em;scrollbar-color:rgba(128,128,128,.6) transparent}
.fpf-points table{border-collapse:collapse;margin:0;border:0;color:inherit;background:none}
.fpf-points th,.fpf-points td{padding:.15em .7em;border:0;\
border-bottom:1px solid rgba(128,128,128,.25);text-align:right;white-space:nowrap;color:inherit;\
background:none}
.fpf-points thead th{font-weight:600;border-bottom:1px solid rgba(128,128,128,.7)}
.fpf-points td.fpf-text,.fpf-points th.fpf-text{text-align:left}
.fpf-points tbody tr:hover td{background:rgba(128,128,128,.13)}
"""

Formatter = Callable[[int], str]


class _Column(NamedTuple):
    header: str
    explanation: str
    cell: Formatter  # from the position of the point to HTML
    is_text: bool = False


def html_table(fps: FixedPoints, max_rows: int = MAX_ROWS) -> str:
    """Return an HTML fragment with one row per point.

    Parameters
    ----------
    fps
        The points.
    max_rows
        Further points are left out, and their number is stated. Default 100.

    Returns
    -------
    str
        HTML with its own style and without scripts.
    """
    headline = summary.headline(fps)
    headline = headline[0].upper() + headline[1:]
    lines = [f"<strong>{escape(headline)}</strong> · {escape(summary.sizes(fps))}"]
    lines += [escape(f"Manifold {k}: {one}") for k, one in enumerate(fps.manifolds)]
    if fps.completeness is not None:
        lines.append(escape(f"Completeness: {fps.completeness}"))
    if fps.interrupted:
        lines.append("The search was interrupted: there may be more.")
    notes = "".join(f'<p class="fpf-note">{line}</p>' for line in lines)
    table = _table(fps, min(fps.n, max_rows)) if fps.n else ""
    if fps.n > max_rows:
        table += (
            f'<p class="fpf-note">{fps.n - max_rows} more points are not shown. '
            f"<code>fps[{max_rows}:]</code> or <code>fps.to_dataframe()</code> has them.</p>"
        )
    return f'<div class="fpf-points"><style>{_STYLE}</style>{notes}{table}</div>'


def _table(fps: FixedPoints, n_rows: int) -> str:
    columns = _columns(fps)
    head = "".join(
        f'<th scope="col" title="{escape(column.explanation)}"{_css(column)}>{column.header}</th>'
        for column in columns
    )
    rows = "".join(
        "<tr>" + "".join(f"<td{_css(column)}>{column.cell(i)}</td>" for column in columns) + "</tr>"
        for i in range(n_rows)
    )
    return (
        '<div class="fpf-scroll"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _css(column: _Column) -> str:
    return ' class="fpf-text"' if column.is_text else ""


def _columns(fps: FixedPoints) -> list[_Column]:
    columns = [_Column("#", "position in the set", str)]
    classes = classes_of(fps)
    if classes is not None:
        columns.append(
            _Column(
                "class", "stability, or why it is no fixed point", lambda i: _mark(classes[i]), True
            )
        )

    def add(header: str, explanation: str, values: np.ndarray | None, form: str) -> None:
        if values is not None:
            columns.append(_Column(header, explanation, lambda i: _number(values[i], form)))

    add("unstable", "number of unstable directions", fps.n_unstable, "d")
    if fps.eigval_J_xstar is not None and fps.eigval_J_xstar.shape[1]:
        leading = fps.eigval_J_xstar[:, 0]
        unit, units = summary.time_unit(fps)
        if fps.time == "discrete":
            add("|λ|", "magnitude of the leading eigenvalue", np.abs(leading), ".4f")
        else:
            add("Re λ", "real part of the leading eigenvalue", leading.real, ".4g")
        add(
            "τ",
            f"time constant of the leading mode in {units}; negative if it grows",
            fps.time_constants[:, 0],
            "#.4g",
        )
        if np.any(fps.frequencies[:, 0] > 0):
            explanation = f"frequency of the leading mode in cycles per {unit}"
            add("frequency", explanation, fps.frequencies[:, 0], "#.3g")
    add("index", "sign of det(I − J) or det(−J); 0: degenerate", fps.index, "+d")
    add("q", "half the squared speed at the point", fps.qstar, ".1e")
    add("error", "length of the Newton step", fps.forward_error, ".1e")
    add("hits", "initial states that ended here", fps.hits, "d")
    add("iterations", "iterations of the search", fps.n_iters, "d")
    add("condition", "number of the condition", fps.cond_id, "d")
    if fps.manifolds:
        add("manifold", "which manifold it lies on; −1: none", fps.manifold_id, "d")
    add("orbit", "number of the periodic orbit", fps.orbit_id, "d")
    add("period", "period of the orbit", fps.period, "d")
    if fps.status is not None:
        status = fps.status
        columns.append(
            _Column("stopped", "why the search stopped", lambda i: escape(str(status[i])), True)
        )
    return columns


def classes_of(fps: FixedPoints) -> np.ndarray | None:
    """Return what each point is shown as: its kind if it is not fixed, else its stability."""
    if fps.stability is not None:
        classes = fps.stability.astype(object)
    elif fps.is_stable is not None:
        classes = np.where(fps.is_stable, "stable", "not stable").astype(object)
    elif fps.kind is not None:
        return fps.kind
    else:
        return None
    if fps.kind is not None:
        classes[~fps.is_fixed] = fps.kind[~fps.is_fixed]
    return classes


def _mark(name: str) -> str:
    if name not in _MARKS:
        return escape(name)
    glyph, colour = _MARKS[name]
    return f'<span style="color:{colour}" aria-hidden="true">{glyph}</span> {name}'


def _number(value: np.generic, form: str) -> str:
    if value == 0:
        form = form.lstrip("+")  # no sign before zero
    return escape(format(value.item(), form)).replace("-", "−")
