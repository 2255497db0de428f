"""Fixed points that FixedPointFinder has pickled."""

from __future__ import annotations

import os

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.inert_pickle import load_inert
from fpf_notebook.files.inert_values import Attributes
from fpf_notebook.files.input_file import UNCHECKED, open_input
from fpf_notebook.result.fields import FIELDS
from fpf_notebook.result.fixed_points import FixedPoints

_CLASS = "FixedPoints"
# What its class keeps beside the points, and what follows from these anyway.
_NOT_DATA = frozenset(
    {"n", "n_states", "n_inputs", "tol_unique", "dtype", "dtype_complex", "verbose"}
    | {"do_alloc_nan", "has_decomposed_jacobians"}
)


def load_legacy_fps(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> FixedPoints:
    """Load a file that FixedPointFinder's ``FixedPoints.save`` has written.

    Such files are pickles, which can run any code when they are loaded. Here nothing in them is
    run: arrays and plain values are read, and whatever else a file asks for is refused.

    Parameters
    ----------
    path
        The file: the pickled attributes of a ``FixedPoints`` object, or the pickled object, of any
        pickle protocol and either version of Python.
    max_bytes
        The most bytes that its content may need in memory. Default: 64 times the size of the file,
        and at least 64 MiB.

    Returns
    -------
    FixedPoints
        Of a map. Fields that are allocated but not filled (not a number throughout) are None.
        ``provenance`` names the source, and the attributes that have no place here. It says under
        ``"integrity"`` that such files carry no checksums.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it is damaged, holds something else than fixed points, or asks for anything that numpy
        arrays do not need. It is a ValueError.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> from fpf_notebook.io import save_legacy_fps
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "points.fps")
    ...     save_legacy_fps(FixedPoints(np.eye(2)), path)
    ...     load_legacy_fps(path).xstar
    array([[1., 0.],
           [0., 1.]])
    """
    source = open_input(path, "fixed points of FixedPointFinder", max_bytes=max_bytes)
    source.note_unchecked()
    content = load_inert(source, _CLASS)
    attributes = content.values if isinstance(content, Attributes) else content
    if not isinstance(attributes, dict) or "xstar" not in attributes:
        raise source.error("it has no xstar")
    with source.guarded():
        return _converted(attributes, source.path.name)


def _converted(attributes: JsonObject, source: str) -> FixedPoints:
    fields: JsonObject = {}
    for name in FIELDS:
        value = attributes.get(name)
        if value is not None and not _is_unfilled(name, value):
            fields[name] = value
    ignored = [
        str(name)
        for name, value in attributes.items()
        if name not in FIELDS and name not in _NOT_DATA and value is not None
    ]
    provenance: JsonObject = {
        "source": "FixedPointFinder",
        "file": source,
        "integrity": UNCHECKED,
    }
    if ignored:
        provenance["ignored"] = sorted(ignored)
    metadata: JsonObject = {"provenance": provenance}
    for name in ("tol_unique", "dtype"):
        if attributes.get(name) is not None:
            metadata[name] = attributes[name]
    return FixedPoints(**fields, **metadata)


def _is_unfilled(name: str, value: object) -> bool:
    """Say whether an array was allocated, as NaN, and never written to.

    `xstar` is none of these even then: it says how many points there are.
    """
    array = np.asarray(value)
    unfilled = array.dtype.kind in "fc" and array.size > 0 and np.isnan(array).all()
    return bool(unfilled) and name != "xstar"
