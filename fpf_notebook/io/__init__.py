"""Fixed points in files: NetCDF4 (``.nc``, ``.h5``) or npz, never pickle.

``save(fps, "points.nc")`` and ``fps = load("points.nc")``; `load_legacy_fps` imports the pickled
files of FixedPointFinder without running what is in them, and `save_legacy_fps` writes such files.
`import_jslds_weights` reads networks as the authors of JSLDS have published theirs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fpf_notebook.io.legacy_fps import load_legacy_fps
from fpf_notebook.io.legacy_fps_export import save_legacy_fps
from fpf_notebook.io.storage import load, save

if TYPE_CHECKING:
    from fpf_notebook.io.jslds_weights import import_jslds_weights

__all__ = ["import_jslds_weights", "load", "load_legacy_fps", "save", "save_legacy_fps"]

# What makes models needs BrainPy, which files of fixed points do not.
_HEAVY = {"import_jslds_weights": "jslds_weights"}


def __getattr__(name: str) -> Any:
    if name not in _HEAVY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HEAVY[name]}"), name)
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
