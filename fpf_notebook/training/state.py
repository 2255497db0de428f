"""Everything that training needs to go on at the exact step, in a file if wanted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import JsonObject, PyTree
from fpf_notebook.files import FileError, read_arrays, write_arrays

_CONTENT = "training state"
_GROUPS = ("parameters", "last_good", "best_parameters", "optimizer")
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A moment of a training, given to ``train(..., resume=state)`` to go on from there.

    What follows is then, bit for bit, what would have followed without the interruption, if model,
    task, loss, optimizer and learning rate are given as before.

    Attributes
    ----------
    parameters, last_good, best_parameters : dict of arrays
        The parameters now, the last ones known to have a finite loss, and the ones with the best
        validation loss (empty before the first validation).
    optimizer : dict of arrays
        The optimizer's state, by the path of each array in it.
    step : int
        Steps made.
    best_step : int or None
        The step of the best parameters.
    best_loss : float
        Their validation loss.
    learning_rate : float or None
        The rate that was set by hand, if one was.
    settings : dict
        What must be the same on resuming, since the trials of each step follow from it: seed,
        batch size, steps per epoch, task.
    """

    parameters: Arrays
    last_good: Arrays
    best_parameters: Arrays
    optimizer: Arrays
    step: int
    best_step: int | None
    best_loss: float
    learning_rate: float | None
    settings: JsonObject

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Write the state to a file, an ``.npz`` without pickle; an old file is replaced."""
        arrays = {
            f"{group}/{name}": array
            for group in _GROUPS
            for name, array in getattr(self, group).items()
        }
        header = {
            "step": self.step,
            "best_step": self.best_step,
            "best_loss": self.best_loss,
            "learning_rate": self.learning_rate,
            "settings": dict(self.settings),
        }
        write_arrays(filepath, arrays, content=_CONTENT, header=header)

    @classmethod
    def load(cls, filepath: str | os.PathLike[str], *, max_bytes: int | None = None) -> Self:
        """Read a state that `save` wrote.

        Parameters
        ----------
        filepath : path
            The file.
        max_bytes : int, optional
            The most bytes that its arrays may need. Default: 64 times the size of the file, and at
            least 64 MiB.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        FileError
            If the file is damaged or foreign. It is a ValueError.
        """
        header, arrays = read_arrays(filepath, content=_CONTENT, max_bytes=max_bytes)
        groups: dict[str, dict[str, np.ndarray]] = {group: {} for group in _GROUPS}
        try:
            for name, array in arrays.items():
                group, _, key = name.partition("/")
                groups[group][key] = array
            rest: JsonObject = {
                name: header[name]
                for name in ("step", "best_step", "best_loss", "learning_rate", "settings")
            }
        except KeyError as error:
            raise FileError(
                filepath, f"a {_CONTENT}", f"it is damaged ({error} is not as expected)"
            ) from error
        return cls(**{**groups, **rest})


def to_arrays(tree: PyTree) -> dict[str, np.ndarray]:
    """Return the arrays of a pytree by their paths in it."""
    return {
        jax.tree_util.keystr(path): np.asarray(leaf)
        for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]
    }


def from_arrays(name: str, arrays: Arrays, like: object) -> Any:
    """Return a pytree of the structure of `like` with the given arrays.

    Raises
    ------
    ValueError
        If they do not fit; the message begins with `name`.
    """
    expected = to_arrays(like)
    problems = [f"it has no {key}" for key in expected if key not in arrays]
    problems += [f"it has an unknown {key}" for key in arrays if key not in expected]
    for key in expected.keys() & arrays.keys():
        there, here = arrays[key], expected[key]
        if (there.shape, there.dtype) != (here.shape, here.dtype):
            problems.append(
                f"its {key} is {there.dtype}{list(there.shape)}, expected "
                f"{here.dtype}{list(here.shape)}"
            )
    if problems:
        raise ValueError(
            f"{name} of the state to resume does not fit: {', '.join(sorted(problems))}. Is it of "
            "another model or optimizer?"
        )
    structure = jax.tree.structure(like)
    return jax.tree.unflatten(structure, [jnp.asarray(arrays[key]) for key in expected])
