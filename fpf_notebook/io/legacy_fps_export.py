"""Fixed points in files that FixedPointFinder reads."""

from __future__ import annotations

import io
import os
import pickle
from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.atomic import write_file
from fpf_notebook.result.fixed_points import FixedPoints

# The arrays of its `FixedPoints`. It has no others, and no place for them.
_ARRAYS = (
    *("xstar", "x_init", "inputs", "F_xstar", "qstar", "dq", "n_iters", "J_xstar", "dFdu"),
    *("eigval_J_xstar", "eigvec_J_xstar", "is_stable", "cond_id"),
)


def save_legacy_fps(fps: FixedPoints, path: str | os.PathLike[str]) -> None:
    """Save fixed points as FixedPointFinder's ``FixedPoints.save`` does.

    Its ``FixedPoints().restore(path)`` reads the file, with any version of NumPy: a pickle of a
    dictionary of arrays, numbers and None. `load_legacy_fps` reads it back.

    Parameters
    ----------
    fps
        Of a map, as FixedPointFinder knows no flows.
    path
        The file, by its custom with the suffix ``.fps``.

    Raises
    ------
    TypeError
        If `fps` are no fixed points.
    ValueError
        If they are those of a flow.

    Notes
    -----
    FixedPointFinder has no place for left eigenvectors, kinds, indices and the report on
    completeness: they are left out. An LSTM's h and c are in the order of `FixedPoints.slices`.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from fpf_notebook import FixedPoints
    >>> from fpf_notebook.io import load_legacy_fps
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "points.fps")
    ...     save_legacy_fps(FixedPoints(np.eye(2)), path)
    ...     len(load_legacy_fps(path))
    2
    """
    if not isinstance(fps, FixedPoints):
        raise TypeError(f"fps is of type {type(fps).__name__}, expected FixedPoints.")
    if fps.time != "discrete":
        raise ValueError(
            "fps are the fixed points of a flow. FixedPointFinder knows maps only, and would judge "
            "their stability by the unit circle."
        )
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=4).dump(_attributes(fps))
    write_file(path, buffer.getvalue())


def _attributes(fps: FixedPoints) -> JsonObject:
    """Return what its object has in its ``__dict__``."""
    arrays = {name: getattr(fps, name) for name in _ARRAYS}
    n, n_states = fps.xstar.shape
    single = np.dtype(fps.xstar.dtype) == np.float32
    return {
        **{name: None if array is None else np.array(array) for name, array in arrays.items()},
        "n": n,
        "n_states": n_states,
        "n_inputs": None if fps.inputs is None else fps.inputs.shape[1],
        "tol_unique": 1e-3 if fps.tol_unique is None else float(fps.tol_unique),
        "dtype": np.float32 if single else np.float64,
        "dtype_complex": np.complex64 if single else np.complex128,
        "do_alloc_nan": False,
        "verbose": False,
        "has_decomposed_jacobians": fps.eigval_J_xstar is not None,
    }


class _Pickler(pickle.Pickler):
    """Names of NumPy only what every version of it has: not the module in which arrays are made."""

    def reducer_override(self, value: Any) -> Any:
        if type(value) is not np.ndarray:
            return NotImplemented
        return np.ndarray, ((0,), "b"), value.__reduce__()[2]
