"""The status line of a widget, made of what the background thread reports."""

from __future__ import annotations

from fpf_notebook._types import JsonObject
from fpf_notebook.widgets.live import Report


def report_status(report: Report, text: str = "") -> JsonObject:
    """Return the trait `status` for a report.

    Parameters
    ----------
    report
        From `LatestWins`.
    text
        What stands in the line; while something is computed, the last result stays readable.
    """
    error = ""
    if report.error is not None:
        error = plain_words(report.error)
        text = "the last computation failed"
    elif report.state == "computing":
        # Nothing jumps: quick searches never change the words.
        if report.seconds > 0.3:
            text = f"searching… {report.message} · {report.seconds:.1f} s"
        elif not text or text.startswith(("press Find", "searching")):
            text = "searching…"
    return {
        "state": report.state,
        "text": text,
        "tooltip": "",
        "progress": report.progress,
        "error": error,
    }


def plain_words(error: BaseException) -> str:
    """Say what went wrong without a traceback."""
    words = str(error).strip() or "no message"
    ours = isinstance(error, ValueError | TypeError)
    return words if ours else f"{type(error).__name__}: {words}"
