"""Figures of matplotlib in files, written whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpf_notebook.files import write_file
from fpf_notebook.plots.editable_text import editable_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["save_figure"]


def save_figure(figure: Figure, path: str | os.PathLike[str], **options: Any) -> Path:
    """Save a figure as its ``savefig`` does, but in one step: there is never half a picture.

    In PDF, PostScript and SVG text stays text.

    Parameters
    ----------
    figure
        The figure.
    path
        The file. Its suffix decides the format unless ``format`` is given; without either it is
        matplotlib's default, which is added to the name.
    options
        For ``savefig``.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ValueError
        If matplotlib does not know the format.
    OSError
        If it cannot be written; an old file is as before.
    """
    import matplotlib as mpl

    path = Path(path)
    kind = options.pop("format", None) or path.suffix[1:]
    if not kind:
        kind = str(mpl.rcParams["savefig.format"])
        path = path.with_name(f"{path.name}.{kind}")
    buffer = io.BytesIO()
    with editable_text():
        figure.savefig(buffer, format=kind, **options)
    return write_file(path, buffer.getbuffer())
