"""Read a network from a file of arrays."""

from os import PathLike

import numpy as np

from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.gru import GRU
from fpf_notebook.models.lstm import LSTM
from fpf_notebook.models.vanilla import VanillaRNN

_CELL = ("W_ih", "W_hh")
_READOUT = ("W_out", "b_out", "h0")


def load_model(filepath: str | PathLike[str]) -> RecurrentModel:
    """Build a model from an ``.npz`` file that names its cell.

    Parameters
    ----------
    filepath : path
        A file with the array ``kind`` (``"tanh"``, ``"sigmoid"``, ``"relu"``, ``"gru"`` or
        ``"lstm"``), the weights ``W_ih`` and ``W_hh``, the bias ``b`` or, for the gated cells,
        ``b_ih`` and ``b_hh``, and if the model has them ``W_out``, ``b_out`` and ``h0``. Other
        arrays in it are left alone. Nothing is unpickled.

    Returns
    -------
    model : VanillaRNN, GRU or LSTM

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If an array is missing, has a wrong shape, or the kind is unknown.
    """
    with np.load(filepath, allow_pickle=False) as file:
        if "kind" not in file.files:
            raise ValueError(f"{filepath} has no array 'kind' that names the cell")
        kind = str(file["kind"])
        biases = ("b_ih", "b_hh") if kind in ("gru", "lstm") else ("b",)
        missing = [name for name in (*_CELL, *biases) if name not in file.files]
        if missing:
            raise ValueError(f"{filepath} has no array {missing[0]!r}, which a {kind} cell needs")
        names = [*_CELL, *biases, *(name for name in _READOUT if name in file.files)]
        arrays = {name: file[name] for name in names}
    if kind == "gru":
        return GRU.from_arrays(**arrays)
    if kind == "lstm":
        return LSTM.from_arrays(**arrays)
    return VanillaRNN.from_arrays(**arrays, nonlinearity=kind)
