"""Fixed points in files: NetCDF4 (``.nc``, ``.h5``) or npz, never pickle.

``save(fps, "points.nc")`` and ``fps = load("points.nc")``; `load_legacy_fps` imports the pickled
files of FixedPointFinder without running what is in them, and `save_legacy_fps` writes such files.
`import_jslds_weights` reads networks as the authors of JSLDS have published theirs.
`load_spikes` reads spikes of experiments and of other toolboxes.
Whatever is wrong with a file is a `FileError`, from these and all other loaders.
"""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names
from fpf_notebook.files import FileError
from fpf_notebook.io.legacy_fps import load_legacy_fps
from fpf_notebook.io.legacy_fps_export import save_legacy_fps
from fpf_notebook.io.storage import load, save

if TYPE_CHECKING:
    from fpf_notebook.io.jslds_weights import import_jslds_weights
    from fpf_notebook.io.spikes import load_spikes

__all__ = [
    "FileError",
    "import_jslds_weights",
    "load",
    "load_legacy_fps",
    "load_spikes",
    "save",
    "save_legacy_fps",
]

# What makes models needs BrainPy, which files of fixed points do not.
_HOME_OF = {"import_jslds_weights": "jslds_weights", "load_spikes": "spikes"}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
