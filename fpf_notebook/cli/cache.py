"""Where the demo keeps the networks that it has trained."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from pathlib import Path

import fpf_notebook
from fpf_notebook._version import __version__

# What decides, besides the settings, which network comes out of a training.
_SOURCES = ("models", "tasks", "training")


def checkpoint_path(settings: Mapping[str, object], folder: Path | None = None) -> Path:
    """Return the file in which a network trained with these settings is kept.

    Parameters
    ----------
    settings : mapping
        All settings of the training, by name. They, the version of this package, the code that
        trains and the version of JAX decide the name of the file: where any of them is another,
        another network might come out.
    folder : path, optional
        The folder of all these files. By default one in the user's cache folder.

    Returns
    -------
    Path
        The file's path; neither it nor its folder need exist.
    """
    if folder is None:
        from platformdirs import user_cache_path

        folder = user_cache_path("fpf_notebook") / "demo"
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode())
    digest.update(f"{__version__} {importlib.metadata.version('jax')}".encode())
    package = Path(fpf_notebook.__file__).parent
    for room in _SOURCES:
        for path in sorted((package / room).glob("*.py")):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    label = "-".join(str(value) for value in settings.values())
    return folder / f"{label}-{digest.hexdigest()[:16]}.npz"
