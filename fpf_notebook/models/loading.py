"""Read a network from a file of arrays."""

from __future__ import annotations

from os import PathLike

from fpf_notebook._types import JsonObject
from fpf_notebook.files.input_file import open_input
from fpf_notebook.files.npz import NpzReader
from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.gru import GRU
from fpf_notebook.models.lstm import LSTM
from fpf_notebook.models.vanilla import VanillaRNN

_CELL = ("W_ih", "W_hh")
_READOUT = ("W_out", "b_out", "h0")


def load_model(filepath: str | PathLike[str], *, max_bytes: int | None = None) -> RecurrentModel:
    """Build a model from an ``.npz`` file that names its cell.

    Parameters
    ----------
    filepath : path
        A file with the array ``kind`` (``"tanh"``, ``"sigmoid"``, ``"relu"``, ``"gru"`` or
        ``"lstm"``), the weights ``W_ih`` and ``W_hh``, the bias ``b`` or, for the gated cells,
        ``b_ih`` and ``b_hh``, and if the model has them ``W_out``, ``b_out`` and ``h0``. Other
        arrays in it are left alone. Nothing is unpickled.
    max_bytes : int, optional
        The most bytes that the arrays may need. Default: 64 times the size of the file, and at
        least 64 MiB.

    Returns
    -------
    model : VanillaRNN, GRU or LSTM

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged, an array is missing or has a wrong shape, or the kind is unknown. It
        is a ValueError.
    """
    source = open_input(filepath, "a model", max_bytes=max_bytes)
    with NpzReader(source) as file:
        if not file.is_sealed():
            source.note_unchecked()
        if "kind" not in file.names:
            raise source.error("it has no array 'kind' that names the cell")
        kind = str(file.read("kind"))
        biases = ("b_ih", "b_hh") if kind in ("gru", "lstm") else ("b",)
        missing = [name for name in (*_CELL, *biases) if name not in file.names]
        if missing:
            raise source.error(f"it has no array {missing[0]!r}, which a {kind} cell needs")
        names = [*_CELL, *biases, *(name for name in _READOUT if name in file.names)]
        arrays: JsonObject = {name: file.read(name) for name in names}
    try:
        if kind == "gru":
            return GRU.from_arrays(**arrays)
        if kind == "lstm":
            return LSTM.from_arrays(**arrays)
        return VanillaRNN.from_arrays(**arrays, nonlinearity=kind)
    except (TypeError, ValueError) as error:
        raise source.error(str(error)) from error
