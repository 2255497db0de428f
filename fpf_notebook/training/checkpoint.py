"""Save a model's Variables and load them again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import JsonObject, PyTree
from fpf_notebook.files import FileError, read_arrays, write_arrays

if TYPE_CHECKING:
    import brainpy as bp


_CONTENT = "model checkpoint"


def save_checkpoint(model: bp.DynamicalSystem, filepath: str | os.PathLike[str]) -> None:
    """Save the values of all Variables of a model.

    Parameters
    ----------
    model : bp.DynamicalSystem
        Any BrainPy object; parameters and states are saved.
    filepath : path
        The file to write. Whatever its suffix, it is an ``.npz`` of plain arrays, one for each
        Variable, that ``numpy.load`` reads without unpickling. It is replaced if it exists, in
        one go; missing folders are made.

    Raises
    ------
    TypeError
        If `model` is not a BrainPy object.

    See Also
    --------
    load_checkpoint : the way back.

    Examples
    --------
    >>> import os, tempfile
    >>> from fpf_notebook.models import VanillaRNN
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(VanillaRNN(1, 2, 1), os.path.join(folder, "model.npz"))
    ...     os.listdir(folder)
    ['model.npz']
    """
    arrays: dict[str, np.ndarray] = {}
    dtypes: dict[str, str] = {}
    for name, variable in _variables(model).items():
        arrays[name], dtypes[name] = _to_plain(variable.value)
    write_arrays(filepath, arrays, content=_CONTENT, header={"dtypes": dtypes})


def load_checkpoint(
    model: bp.DynamicalSystem,
    filepath: str | os.PathLike[str],
    *,
    max_bytes: int | None = None,
) -> bool:
    """Load the values of all Variables of a model.

    Everything is checked before anything is changed: on an error the model is as it was.

    Parameters
    ----------
    model : bp.DynamicalSystem
        A model with the same Variables as the one that was saved.
    filepath : path
        A file that `save_checkpoint` wrote.
    max_bytes : int, optional
        The most bytes that its arrays may need. Default: 64 times the size of the file, and at
        least 64 MiB.

    Returns
    -------
    loaded : bool
        ``False`` if there is no such file, else ``True``.

    Raises
    ------
    TypeError
        If `model` is not a BrainPy object.
    FileError
        If the file is damaged or foreign. It is a ValueError.
    ValueError
        If the file belongs to a model with other names, shapes or dtypes.

    Examples
    --------
    >>> import os, tempfile
    >>> from fpf_notebook.models import VanillaRNN
    >>> model, other = VanillaRNN(1, 2, 1, seed=0), VanillaRNN(1, 2, 1, seed=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_checkpoint(model, os.path.join(folder, "model.npz"))
    ...     restored = load_checkpoint(other, os.path.join(folder, "model.npz"))
    >>> bool((model.W_hh.value == other.W_hh.value).all())
    True
    """
    variables = _variables(model)
    if not os.path.exists(filepath):
        return False
    header, arrays = read_arrays(filepath, content=_CONTENT, max_bytes=max_bytes)
    dtypes = header.get("dtypes")
    if not isinstance(dtypes, dict):
        raise FileError(filepath, f"a {_CONTENT}", "it does not say of which types its arrays are")
    problems = [f"no {name}" for name in variables if name not in arrays]
    problems += [f"an unknown {name}" for name in arrays if name not in variables]
    for name, variable in variables.items():
        if name not in arrays:
            continue
        saved, expected = arrays[name], _to_plain(variable.value)
        if dtypes.get(name) != expected[1]:
            problems.append(f"{name} of dtype {dtypes.get(name)} where the model has {expected[1]}")
        elif _without_batch(variable, saved) != _without_batch(variable, expected[0]):
            problems.append(
                f"{name} of shape {list(saved.shape)} where the model has {list(expected[0].shape)}"
            )
    if problems:
        raise ValueError(
            f"{filepath} belongs to another model: it has {', '.join(problems)}. Nothing was "
            "loaded."
        )
    for name, variable in variables.items():
        variable.value = _from_plain(arrays[name], variable.value)
    return True


def _variables(model: bp.DynamicalSystem) -> JsonObject:
    if not isinstance(model, bp.BrainPyObject):
        raise TypeError(f"model must be a bp.DynamicalSystem, got {type(model).__name__}")
    # Relative names: absolute ones hold the model's own name, which BrainPy counts up.
    return dict(model.vars(method="relative").items())


def _to_plain(value: Any) -> tuple[np.ndarray, str]:
    """Return an array that NumPy can save by itself, and the dtype that it stands for."""
    dtype = str(value.dtype)
    if jax.dtypes.issubdtype(value.dtype, jax.dtypes.prng_key):
        return np.asarray(jax.random.key_data(value)), dtype
    array = np.asarray(value)
    if array.dtype.isbuiltin != 1:  # bfloat16 and its like
        return array.view(f"u{array.dtype.itemsize}"), dtype
    return array, dtype


def _from_plain(array: np.ndarray, like: PyTree) -> PyTree:
    if jax.dtypes.issubdtype(like.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(like))
    dtype = np.dtype(like.dtype)
    return jnp.asarray(array.view(dtype) if dtype.isbuiltin != 1 else array)


def _without_batch(variable: object, array: np.ndarray) -> tuple[int, ...]:
    """Return the shape without the batch axis, whose size BrainPy leaves free."""
    axis = getattr(variable, "batch_axis", None)
    if axis is None or axis >= array.ndim:
        return array.shape
    return array.shape[:axis] + array.shape[axis + 1 :]
