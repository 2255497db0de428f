"""Widgets for notebooks: anywidgets with their controls inside, drawn by one small bundle."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fpf_notebook.widgets.check import check
    from fpf_notebook.widgets.explorer.widget import FixedPointExplorer
    from fpf_notebook.widgets.inspector.widget import JacobianInspector
    from fpf_notebook.widgets.monitor.widget import TrainingMonitor

_HOME_OF = {
    "FixedPointExplorer": "explorer.widget",
    "JacobianInspector": "inspector.widget",
    "TrainingMonitor": "monitor.widget",
    "check": "check",
}

__all__ = ["FixedPointExplorer", "JacobianInspector", "TrainingMonitor", "check"]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_HOME_OF[name]}")
    except ModuleNotFoundError as missing:
        if missing.name not in ("anywidget", "ipywidgets", "traitlets"):
            raise
        raise ModuleNotFoundError(
            f"{name} needs {missing.name}, which is not installed: "
            'pip install "fpf-notebook[widgets]"',
            name=missing.name,
        ) from missing
    value = getattr(module, name)
    # `check` is a module of this package as well: the function wins.
    globals()[name] = value
    return value
