"""Any model on the served page: a file of weights, a shipped network, or an object of a module."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

_N_STARTS, _N_STEPS = 48, 60  # enough to see, few enough to turn smoothly on an old projector


class ServedModel(NamedTuple):
    """What is named on the command line.

    Parameters
    ----------
    spec
        ``module:object``, the name of a shipped network, or an ``.npz`` file of weights.
    checkpoint
        A file of `save_checkpoint`, for ``module:object``.
    states
        An ``.npy`` file of states, [n, n_states], or trajectories, [n_batch, n_time, n_states].
    seed
        Of the states, where no file of them is given.
    folder
        Where modules and files are looked for.
    """

    spec: str
    checkpoint: str | None = None
    states: str | None = None
    seed: int = 0
    folder: str = "."

    def model(self) -> object:
        """Return the model.

        Raises
        ------
        ValueError
            If there is none; it says what was looked for and where.
        """
        from fpf_notebook.models.pretrained import load_pretrained, pretrained_names

        file = Path(self.folder, self.spec)
        module, colon, name = self.spec.partition(":")
        if colon and not file.exists():  # a drive of Windows has a colon as well
            model = _object_of(module, name, self.folder)
            if self.checkpoint is not None:
                _load_checkpoint(model, Path(self.folder, self.checkpoint))
            return model
        if self.checkpoint is not None:
            raise ValueError(
                f"a checkpoint holds the values of a model, not the model: give "
                f"--model module:object beside it, not --model {self.spec}."
            )
        if self.spec in pretrained_names():
            return load_pretrained(self.spec)
        if file.is_file():
            from fpf_notebook.models.loading import load_model

            return load_model(file)
        shipped = ", ".join(pretrained_names())
        raise ValueError(
            f"--model is {self.spec!r}, expected module:object (such as my_nets:trained), an .npz "
            f"file of weights, or a shipped network: {shipped}."
        )

    def trajectories(self, model: object) -> np.ndarray:
        """Return the states to start from: those of the file, or of runs without input.

        Raises
        ------
        ValueError
            If the file holds no such array.
        """
        if self.states is not None:
            try:
                states = _array_of(Path(self.folder, self.states))
            except (OSError, ValueError) as error:
                raise ValueError(
                    f"--states: {self.states!r} is no .npy file of an array: {error}"
                ) from error
            if states.ndim not in (2, 3):
                raise ValueError(
                    f"--states: the array has the shape {states.shape}, expected [n, n_states] or "
                    "[n_batch, n_time, n_states]."
                )
            return states[None] if states.ndim == 2 else states
        from fpf_notebook.dynamics.adapt import as_step_map

        step_map = as_step_map(model)
        edges = step_map.invariant_box(np.zeros(step_map.n_inputs))
        rng = np.random.default_rng(self.seed)
        starts = rng.standard_normal((_N_STARTS, step_map.n_states))
        if edges is not None:
            starts = np.clip(starts, edges[0], edges[1])
        return step_map.trajectory(starts, np.zeros((_N_STARTS, _N_STEPS, step_map.n_inputs)))


def _array_of(path: Path) -> np.ndarray:
    from fpf_notebook.files.input_file import open_input
    from fpf_notebook.files.npy import read_npy

    source = open_input(path, "states")
    return read_npy(source, "the array", io.BytesIO(source.data), len(source.data))


def _object_of(module: str, name: str, folder: str) -> object:
    """Return an object of a module, which may lie in the folder."""
    here = str(Path(folder).resolve())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"--model: there is no module {error.name!r}, neither installed nor in this folder."
        ) from error
    if not name or not hasattr(found, name):
        known = ", ".join(sorted(key for key in vars(found) if not key.startswith("_"))[:20])
        raise ValueError(f"--model: {module} has no {name!r}. It has: {known}.")
    return getattr(found, name)


def _load_checkpoint(model: object, checkpoint: Path) -> None:
    from fpf_notebook.training.checkpoint import load_checkpoint

    if not load_checkpoint(model, checkpoint):
        raise ValueError(f"--checkpoint: there is no file {str(checkpoint)!r}.")
