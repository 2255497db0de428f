"""Recurrent networks from files of weights, without the framework that trained them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fpf_notebook.dynamics.assemble import assemble
from fpf_notebook.dynamics.frameworks.activations import ACTIVATIONS
from fpf_notebook.dynamics.frameworks.readout import Affine, Readout, chain, given_readout
from fpf_notebook.dynamics.frameworks.recurrent import (
    N_BLOCKS,
    Kind,
    Layer,
    as_numpy_weights,
    recipe_of_layers,
)
from fpf_notebook.dynamics.step_map import Precision, StepMap
from fpf_notebook.files.input_file import open_input
from fpf_notebook.files.npz import NpzReader
from fpf_notebook.files.safetensors import read_safetensors

_KINDS: dict[str, tuple[Kind, str]] = {
    "rnn": ("rnn", "tanh"),
    "rnn_tanh": ("rnn", "tanh"),
    "rnn_relu": ("rnn", "relu"),
    "gru": ("gru", "tanh"),
    "lstm": ("lstm", "tanh"),
}
_ARRAYS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def step_map_from_weights(
    source: str | os.PathLike[str] | Mapping[str, object],
    kind: Literal["rnn", "rnn_tanh", "rnn_relu", "gru", "lstm"],
    *,
    layers: int | None = None,
    prefix: str | None = None,
    readout: object = None,
    dtype: Precision = "float64",
    name: str | None = None,
    max_bytes: int | None = None,
) -> StepMap:
    """Make a step map of saved weights in PyTorch's layout.

    Parameters
    ----------
    source
        A ``.safetensors`` or ``.npz`` file, or a mapping of arrays: a state dict of
        ``torch.nn.RNN``, ``GRU`` or ``LSTM`` (names like ``weight_ih_l0``) or of one of their cells
        (``weight_ih``). Other arrays in it are ignored.
    kind
        ``"rnn_tanh"`` (or ``"rnn"``), ``"rnn_relu"``, ``"gru"`` or ``"lstm"``. The names of the
        arrays do not tell it.
    layers
        Number of layers. Default: all that are there.
    prefix
        What stands before the names of the arrays, for example ``"rnn."``. Default: found out.
    readout
        The prefix of a linear layer in the same source (``"readout"`` for ``readout.weight`` and
        ``readout.bias``), arrays ``(W, b)``, or a JAX function. Default: none.
    dtype
        As in :func:`fpf_notebook.as_step_map`.
    name
        What to call the network in messages.
    max_bytes
        The most bytes that the arrays of a file may need. Default: 64 times its size, and at least
        64 MiB.

    Returns
    -------
    StepMap
        The step map.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    FileError
        If the file is damaged. It is a ValueError.
    ValueError
        If arrays are missing, or do not fit together or with `kind`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> weights = {"rnn.weight_ih_l0": rng.normal(size=(12, 3)),
    ...            "rnn.weight_hh_l0": rng.normal(size=(12, 4))}
    >>> step_map_from_weights(weights, "gru").n_states
    4
    """
    if kind not in _KINDS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(map(repr, _KINDS))}.")
    arrays, origin = _arrays(source, max_bytes)
    prefix = _prefix(arrays, origin) if prefix is None else prefix
    found = [_layer(arrays, prefix, suffix, kind, origin) for suffix in _suffixes(arrays, prefix)]
    if not found:
        raise ValueError(
            f"{origin} has no {prefix}weight_ih_l0 and no {prefix}weight_ih. Its arrays are "
            f"{', '.join(sorted(arrays)) or 'none'}."
        )
    if layers is not None and layers != len(found):
        raise ValueError(f"layers is {layers}, but {origin} has {len(found)} under {prefix!r}.")
    recipe = recipe_of_layers(
        found,
        name=name or f"{kind}({found[0].n_inputs}, {found[-1].n_hidden}) of {origin}",
        readout=_readout(readout, arrays, origin),
        order="by_name",
        slice_name="{array}_l{layer}",
    )
    return assemble(recipe, time="discrete", dt=None, dtype=dtype)


def _arrays(source: Any, max_bytes: int | None) -> tuple[dict[str, np.ndarray], str]:
    if isinstance(source, Mapping):
        return {str(key): _plain(value) for key, value in source.items()}, "the mapping"
    path = Path(source)
    if path.suffix not in (".safetensors", ".npz"):
        raise ValueError(
            f"{path} is neither a .safetensors nor an .npz file. A .pt file is a pickle, which can "
            "run any code when it is loaded; save the weights once more from PyTorch: "
            "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')."
        )
    file = open_input(path, "weights", max_bytes=max_bytes)
    if path.suffix == ".safetensors":
        return read_safetensors(file), path.name
    with NpzReader(file) as reader:
        if not reader.is_sealed():
            file.note_unchecked()
        return {name: reader.read(name) for name in reader.names}, path.name


def _plain(value: object) -> np.ndarray:
    if hasattr(value, "detach"):  # a tensor of a state dict
        from fpf_notebook.dynamics.frameworks.torch_weights import array_of

        value = array_of(value)
    array = np.asarray(value)
    # Types that numpy does not have itself, such as bfloat16.
    return array.astype(np.float32) if array.dtype.kind == "V" else array


def _prefix(arrays: Mapping[str, np.ndarray], origin: str) -> str:
    matches = (re.fullmatch(r"(.*?)weight_ih(_l0)?", key) for key in arrays)
    starts = {match[1] for match in matches if match is not None}
    if len(starts) > 1:
        shown = ", ".join(repr(start) for start in sorted(starts))
        raise ValueError(
            f"{origin} has several recurrent modules; say which: prefix= one of {shown}."
        )
    return starts.pop() if starts else ""


def _suffixes(arrays: Mapping[str, np.ndarray], prefix: str) -> list[str]:
    if f"{prefix}weight_ih" in arrays:
        return [""]
    suffixes: list[str] = []
    while f"{prefix}weight_ih_l{len(suffixes)}" in arrays:
        suffixes.append(f"_l{len(suffixes)}")
    return suffixes


def _layer(
    arrays: Mapping[str, np.ndarray], prefix: str, suffix: str, kind: str, origin: str
) -> Layer:
    if f"{prefix}weight_ih{suffix}_reverse" in arrays:
        raise ValueError(
            f"{origin} holds a bidirectional network: its backward half starts at the end of the "
            "sequence, so there is no step from one state to the next."
        )
    parts = {name: arrays.get(f"{prefix}{name}{suffix}") for name in _ARRAYS}
    if parts["weight_hh"] is None:
        raise ValueError(
            f"{origin} has {prefix}weight_ih{suffix}, but no {prefix}weight_hh{suffix}."
        )
    own_kind, activation = _KINDS[kind]
    weights = as_numpy_weights(
        **{name.replace("weight", "W").replace("bias", "b"): a for name, a in parts.items()}
    )
    rows, units = weights["W_ih"].shape[0], weights["W_hh"].shape[1]
    if "W_hr" in weights:
        units = weights["W_hr"].shape[1]
    if rows != N_BLOCKS[own_kind] * units:
        fitting = [k for k, (own, _) in _KINDS.items() if N_BLOCKS[own] * units == rows]
        raise ValueError(
            f"{prefix}weight_ih{suffix} has {rows} rows for {units} units, {rows / units:g} "
            f"blocks, where kind={kind!r} has {N_BLOCKS[own_kind]}. "
            + (f"Is it one of {', '.join(map(repr, fitting))}?" if fitting else "")
        )
    return Layer(own_kind, weights, ACTIVATIONS[activation])


def _readout(given: object, arrays: Mapping[str, np.ndarray], origin: str) -> Readout | None:
    if given is None:
        return None
    if not isinstance(given, str):
        return given_readout(given)
    prefix = given if given.endswith(".") or not given else f"{given}."
    W, b = arrays.get(f"{prefix}weight"), arrays.get(f"{prefix}bias")
    if W is None:
        raise ValueError(
            f"readout is {given!r}, but {origin} has no {prefix}weight. Its arrays are "
            f"{', '.join(sorted(arrays))}."
        )
    return chain([Affine(W, b)])
