"""`%load_ext fpf_notebook`: rich display of results, magics, and widgets in Colab."""

from __future__ import annotations

import html
import importlib.util
from typing import Any

from fpf_notebook.widgets import magics


def load(ipython: Any) -> None:
    """Turn on rich display of `FixedPoints` and of models, the magics, and Colab's widgets."""
    magics.register(ipython)
    formatter = ipython.display_formatter.formatters["text/html"]
    formatter.for_type_by_name(
        "fpf_notebook.result.fixed_points", "FixedPoints", lambda points: points._repr_html_()
    )
    for module, name in (("vanilla", "VanillaRNN"), ("gru", "GRU"), ("lstm", "LSTM")):
        formatter.for_type_by_name(f"fpf_notebook.models.{module}", name, model_html)
    if importlib.util.find_spec("google") and importlib.util.find_spec("google.colab"):
        from google.colab import output  # type: ignore[import-not-found,unused-ignore]

        output.enable_custom_widget_manager()


def unload(ipython: Any) -> None:
    """Undo `load`."""
    magics.unregister(ipython)
    formatter = ipython.display_formatter.formatters["text/html"]
    names = {
        "fpf_notebook.result.fixed_points.FixedPoints",
        "fpf_notebook.models.vanilla.VanillaRNN",
        "fpf_notebook.models.gru.GRU",
        "fpf_notebook.models.lstm.LSTM",
    }
    for key in names:
        if key in formatter:
            formatter.pop(key)


def model_html(model: Any) -> str:
    """Return a small table of a model's sizes and parameters."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{list(value.shape)}</td><td>{value.size}</td></tr>"
        for name, value in model.parameters().items()
    )
    n = sum(value.size for value in model.parameters().values())
    return (
        f"<b>{html.escape(repr(model))}</b>, {n} parameters"
        f"<table><tr><th>parameter</th><th>shape</th><th>numbers</th></tr>{rows}</table>"
    )
