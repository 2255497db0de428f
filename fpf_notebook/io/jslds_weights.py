"""Weights in the layout in which the authors of JSLDS have published theirs."""

from __future__ import annotations

import io
import os
import re
from typing import Any

import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files.inert_pickle import InertUnpickler, load_with
from fpf_notebook.files.inert_values import ArrayBuilder, Builder, DTypeBuilder, Refused
from fpf_notebook.files.input_file import InputFile, open_input
from fpf_notebook.files.npz import NpzReader
from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.input_point import InputPoint
from fpf_notebook.models.jslds import JSLDS
from fpf_notebook.models.pretrained import residual_mlp_of
from fpf_notebook.models.reset_first_gru import ResetFirstGRU
from fpf_notebook.models.vanilla import VanillaRNN

_MEMBER = "arr_0"
_FURTHER = re.compile(r"arr_[0-9]+")  # the training's settings and losses
_GRU = frozenset({"h0", "wRUHX", "wCHX", "bRU", "bC"})
_VANILLA = frozenset({"h0", "wI", "wR", "bR"})
_AFFINE = frozenset({"W", "b"})


def import_jslds_weights(
    path: str | os.PathLike[str],
    input_point: object | InputPoint | None = None,
    *,
    max_bytes: int | None = None,
) -> JSLDS | RecurrentModel:
    """Read weights in the layout of the JSLDS paper's published files.

    Such a file is an ``.npz`` whose first array, ``arr_0``, is a pickled dictionary. Nothing in it
    is run: plain containers and arrays of numbers are read, and whatever else it asks for is
    refused. Three of the four published files hold further arrays, ``arr_1`` and ``arr_2``, with
    the settings and losses of the training: they are not opened.

    Parameters
    ----------
    path : path
        The file. Its dictionary holds ``rnn``, with ``h0, wRUHX, wCHX, bRU, bC`` (a GRU, which
        becomes a `ResetFirstGRU`) or ``h0, wI, wR, bR`` (a tanh network); ``out`` with ``W, b``;
        and ``mlp``, a list of layers ``{W, b}`` of the expansion network.
    input_point : array or callable, optional
        u* of the JSLDS, which is not in the file: zero by default, as for the 3-bit memory; for
        context-dependent integration ``KeepChannels((2, 3))``.
    max_bytes : int, optional
        The most bytes that the network may need. Default: 64 times the size of the file, and at
        least 64 MiB.

    Returns
    -------
    model : JSLDS or RecurrentModel
        The network alone where the file has no ``mlp``.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If it is damaged, holds anything else than this, asks for anything that arrays do not
        need, or has arrays that do not fit together. It is a ValueError.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> from fpf_notebook.io import import_jslds_weights
    >>> network = {
    ...     "rnn": {"h0": np.zeros(3), "wI": np.ones((3, 1)), "wR": np.eye(3), "bR": np.zeros(3)},
    ...     "out": {"W": np.ones((1, 3)), "b": np.zeros(1)},
    ...     "mlp": [{"W": np.zeros((3, 3)), "b": np.zeros(3)}],
    ... }
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(os.path.join(folder, "weights.npz"), network)
    ...     model = import_jslds_weights(os.path.join(folder, "weights.npz"))
    >>> model.rnn
    VanillaRNN(tanh: 1 inputs, 3 units, 1 outputs)
    """
    source = open_input(path, "JSLDS weights", max_bytes=max_bytes)
    source.note_unchecked()
    content = _read(source)
    try:
        return _model(content, input_point)
    except (TypeError, ValueError) as error:
        raise source.error(str(error)) from error


def _read(source: InputFile) -> object:
    with NpzReader(source) as file:
        others = [name for name in file.names if name != _MEMBER and not _FURTHER.fullmatch(name)]
        if _MEMBER not in file.names or others:
            raise source.error(
                f"it holds {', '.join(file.names)}, expected {_MEMBER}, and arr_1, … at most beside"
            )
        stream = io.BytesIO(file.read_bytes(_MEMBER))
    with source.guarded():
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            raise source.error(f"its array is in the unknown format {version}")
        shape, _, dtype = read_header(stream)
        if shape != () or dtype != np.dtype(object):
            raise source.error(
                f"its array is {dtype}{list(shape)}, expected one pickled dictionary"
            )
    return load_with(_Unpickler(stream, encoding="latin1"), source)


class _ObjectType(DTypeBuilder):
    """The type of the array around the dictionary."""

    __slots__ = ()

    def __init__(self) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass  # nothing of it is used


class _OuterArray(ArrayBuilder):
    """An array, or the one array of one object in which numpy puts a dictionary to save it."""

    __slots__ = ("content", "holds")

    def __init__(self, *_: object) -> None:
        super().__init__()
        self.content: object = None
        self.holds = False

    def __setstate__(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) in (4, 5) and isinstance(state[-3], _ObjectType):
            shape, _, _, content = state[-4:]
            if shape != () or not isinstance(content, list) or len(content) != 1:
                raise Refused("it has an array of objects")
            self.content, self.holds = content[0], True
        else:
            super().__setstate__(state)


def _dtype(code: object, *_: object) -> DTypeBuilder:
    return _ObjectType() if code in ("O", "O8", "|O", "|O8") else DTypeBuilder(code)


class _Unpickler(InertUnpickler):
    def load(self) -> object:
        outer = super().load()
        if not isinstance(outer, _OuterArray) or not outer.holds:
            raise Refused("its array is not a single pickled dictionary")
        return outer.content

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("numpy", "dtype"):
            return Builder(_dtype)
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return Builder(_OuterArray)
        return super().find_class(module, name)


def _model(content: Any, input_point: Any) -> JSLDS | RecurrentModel:
    _check_keys("the dictionary", content, {"rnn", "out"}, optional={"mlp"})
    rnn, out = content["rnn"], content["out"]
    _check_keys("out", out, _AFFINE)
    readout: JsonObject = {
        "W_out": _array("out.W", out["W"], 2),
        "b_out": _array("out.b", out["b"], 1),
    }
    if not isinstance(rnn, dict):
        raise ValueError(f"rnn is {type(rnn).__name__}, expected a dictionary")
    if "wRUHX" in rnn:
        _check_keys("rnn", rnn, _GRU)
        model: RecurrentModel = ResetFirstGRU.from_arrays(**_gru_arrays(rnn), **readout)
    else:
        _check_keys("rnn", rnn, _VANILLA)
        model = VanillaRNN.from_arrays(
            W_ih=_array("rnn.wI", rnn["wI"], 2),
            W_hh=_array("rnn.wR", rnn["wR"], 2),
            b=_array("rnn.bR", rnn["bR"], 1),
            h0=_array("rnn.h0", rnn["h0"], 1),
            **readout,
        )
    if "mlp" not in content:
        return model
    layers = content["mlp"]
    if not isinstance(layers, list | tuple) or not layers:
        raise ValueError("mlp must be a list of layers")
    arrays = {}
    for k, layer in enumerate(layers):
        _check_keys(f"mlp[{k}]", layer, _AFFINE)
        arrays[f"W{k}"] = _array(f"mlp[{k}].W", layer["W"], 2)
        arrays[f"b{k}"] = _array(f"mlp[{k}].b", layer["b"], 1)
    return JSLDS(model, residual_mlp_of(arrays), input_point)


def _gru_arrays(rnn: JsonObject) -> JsonObject:
    gates, candidate = _array("rnn.wRUHX", rnn["wRUHX"], 2), _array("rnn.wCHX", rnn["wCHX"], 2)
    n = len(candidate)
    if gates.shape != (2 * n, candidate.shape[1]):
        raise ValueError(
            f"rnn.wRUHX must have the shape {[2 * n, candidate.shape[1]]}, got {list(gates.shape)}"
        )
    stacked = np.concatenate([gates, candidate])  # columns: the state first, then the inputs
    biases = [_array("rnn.bRU", rnn["bRU"], 1), _array("rnn.bC", rnn["bC"], 1)]
    return {
        "W_hh": stacked[:, :n],
        "W_ih": stacked[:, n:],
        "b": np.concatenate(biases),
        "h0": _array("rnn.h0", rnn["h0"], 1),
    }


def _check_keys(
    name: str, value: object, wanted: frozenset[str] | set[str], optional: set[str] | None = None
) -> None:
    if not isinstance(value, dict):
        raise ValueError(f"{name} is {type(value).__name__}, expected a dictionary")
    missing = sorted(wanted - set(value))
    unknown = sorted(str(key) for key in value if key not in wanted | (optional or set()))
    if missing:
        raise ValueError(f"{name} has no {missing[0]!r}")
    if unknown:
        raise ValueError(f"{name} has {unknown[0]!r}, which does not belong there")


def _array(name: str, value: object, n_axes: int) -> np.ndarray:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        raise ValueError(f"{name} is {type(value).__name__}, expected an array of real numbers")
    if value.ndim != n_axes:
        raise ValueError(f"{name} must have {n_axes} axes, got {value.ndim}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite, got NaN or infinity in it")
    return value.astype(np.float32)
