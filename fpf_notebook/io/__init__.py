"""Fixed points in files: NetCDF4 (``.nc``, ``.h5``) or npz, never pickle.

>>> fps = FixedPoints(np.zeros((1, 2)))
>>> save(fps, "points.nc")
>>> load("points.nc").n
1
"""

from fpf_notebook.io.legacy_fps import load_legacy_fps
from fpf_notebook.io.storage import load, save

__all__ = ["load", "load_legacy_fps", "save"]
