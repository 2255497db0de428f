"""Fixed points in files: NetCDF4 (``.nc``, ``.h5``) or npz, never pickle.

``save(fps, "points.nc")`` and ``fps = load("points.nc")``; `load_legacy_fps` imports the pickled
files of FixedPointFinder without running what is in them, and `save_legacy_fps` writes such files.
"""

from fpf_notebook.io.legacy_fps import load_legacy_fps
from fpf_notebook.io.legacy_fps_export import save_legacy_fps
from fpf_notebook.io.storage import load, save

__all__ = ["load", "load_legacy_fps", "save", "save_legacy_fps"]
