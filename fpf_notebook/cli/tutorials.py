"""``fpf-notebook tutorials``: the tutorials in a folder of one's own, and JupyterLab on them."""

from __future__ import annotations

import sys
from pathlib import Path

import fpf_notebook
from fpf_notebook.cli.jupyter import is_installed, run_server
from fpf_notebook.files import write_file

WRONG_ARGUMENT = 2


def tutorials_folder() -> Path:
    """Return the folder of the tutorials that came with this package.

    Returns
    -------
    Path
        Within the package, where a wheel has put them, or beside it in a checkout.

    Raises
    ------
    FileNotFoundError
        If there are none.
    """
    package = Path(fpf_notebook.__file__).parent
    for folder in (package / "tutorials", package.parent / "tutorials"):
        if any(folder.glob("*.ipynb")):
            return folder
    raise FileNotFoundError(
        f"this installation of fpf_notebook, {package}, has no tutorials: install it again"
    )


def copy_tutorials(target: Path, *, overwrite: bool = False) -> dict[str, list[str]]:
    """Copy the tutorials, and leave alone what somebody has worked on.

    Parameters
    ----------
    target
        Folder, made if it is missing.
    overwrite
        Whether to replace notebooks there that differ from ours.

    Returns
    -------
    dict
        Names under ``"written"``, ``"kept"`` (there was another one) and ``"same"``.
    """
    target.mkdir(parents=True, exist_ok=True)
    done: dict[str, list[str]] = {"written": [], "kept": [], "same": []}
    for source in sorted(tutorials_folder().glob("*.ipynb")):
        copy = target / source.name
        if copy.exists() and copy.read_bytes() == source.read_bytes():
            done["same"].append(source.name)
        elif copy.exists() and not overwrite:
            done["kept"].append(source.name)
        else:
            write_file(copy, source.read_bytes())
            done["written"].append(source.name)
    return done


def run_tutorials(*, folder: Path, overwrite: bool, open_lab: bool) -> int:
    """Copy the tutorials and open JupyterLab on them.

    Parameters
    ----------
    folder : Path
        Where to.
    overwrite : bool
        Whether to replace notebooks there that differ from ours.
    open_lab : bool
        Whether to open JupyterLab.

    Returns
    -------
    int
        The exit status: 0, 2 if the folder cannot be written to or JupyterLab is missing, or that
        of JupyterLab.
    """
    try:
        done = copy_tutorials(folder, overwrite=overwrite)
    except OSError as error:
        return _refuse(str(error))
    count = sum(map(len, done.values()))
    print(f"{count} tutorials in {folder.resolve()}:")
    for name in sorted(name for names in done.values() for name in names):
        print(f"  {name}{'  (kept as it was, --overwrite replaces it)' * (name in done['kept'])}")
    if not open_lab:
        return 0
    if not is_installed("jupyterlab"):
        return _refuse('JupyterLab is not installed: pip install "fpf-notebook[tutorials]"')
    print("Opening JupyterLab; Ctrl-C ends it.", flush=True)
    first = min(path.name for path in folder.glob("*.ipynb"))
    return run_server("jupyterlab", [first], folder)


def _refuse(message: str) -> int:
    print(f"fpf-notebook tutorials: error: {message}", file=sys.stderr)
    return WRONG_ARGUMENT
