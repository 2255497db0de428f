"""Networks that come with the package, trained by it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.files import FileError, read_arrays
from fpf_notebook.models.base import RecurrentModel
from fpf_notebook.models.expansion import ResidualMLP
from fpf_notebook.models.gru import GRU
from fpf_notebook.models.input_point import KeepChannels
from fpf_notebook.models.jslds import JSLDS
from fpf_notebook.models.jslds_core import EXPANSION, RNN, part_of
from fpf_notebook.models.lfads import LFADS
from fpf_notebook.models.lfads.saved import lfads_of
from fpf_notebook.models.vanilla import VanillaRNN

_FOLDER = Path(__file__).parent / "weights"


def pretrained_names() -> tuple[str, ...]:
    """Return the names that `load_pretrained` knows."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.npz")))


def pretrained_record(name: str) -> JsonObject:
    """Return how a shipped network was made: command, settings, seed, losses, checksum.

    Raises
    ------
    ValueError
        If there is no network of this name.
    """
    _check_name(name)
    record: JsonObject = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return record


def load_pretrained(name: str) -> RecurrentModel | JSLDS | LFADS:
    """Load a network that comes with the package.

    Parameters
    ----------
    name : str
        - ``"jslds-3bit-gru100"``: a `JSLDS` of a GRU with 100 units, co-trained on the one-hot
          flip-flop of three bits, ``FlipFlop(3, encoding="one_hot")``;
        - ``"gru100-3bit"``: the same GRU, trained alone;
        - ``"jslds-context-vanilla128"``: a `JSLDS` of a tanh network with 128 units, co-trained
          on `ContextIntegration`;
        - ``"vanilla128-context"``: the same network, trained alone;
        - ``"lfads-rotations"``: an `LFADS` with a JSLDS of 32 units as its generator, trained on
          the small `RotationSpikes` of tutorial 10 (its record holds the sizes of the set);
        - ``"lfads-two-regimes"``: the same on a small `TwoRegimeSpikes`;
        - ``"lfads-two-regimes-alone"``: on the same set, with a plain GRU as its generator.

    Returns
    -------
    model : JSLDS, GRU, VanillaRNN or LFADS
        A new object at each call.

    Raises
    ------
    ValueError
        If there is no network of this name, or its file is not the one that was shipped.

    See Also
    --------
    pretrained_record : how it was made, and how well it does.

    References
    ----------
    Sizes and tasks are those of Smith, Linderman and Sussillo, NeurIPS 2021; the weights are our
    own.

    Examples
    --------
    >>> model = load_pretrained("gru100-3bit")
    >>> model.n_states
    100
    """
    record = pretrained_record(name)
    path = _FOLDER / f"{name}.npz"
    if hashlib.sha256(path.read_bytes()).hexdigest() != record["sha256"]:
        raise ValueError(
            f"{path} is not the file that was shipped (its SHA-256 differs): install the package "
            "again"
        )
    return read_network(path)


def read_network(path: Path) -> RecurrentModel | JSLDS | LFADS:
    """Build the network of a file in the format of the shipped ones.

    Raises
    ------
    FileError
        If it is damaged, or of an unknown kind. It is a ValueError.
    """
    header, arrays = read_arrays(path, content="network")
    try:
        return _network(header, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise FileError(path, "a network", f"it does not fit together ({error})") from error


def _network(header: JsonObject, arrays: JsonObject) -> RecurrentModel | JSLDS | LFADS:
    if header["class"] == "LFADS":
        return lfads_of(header, arrays)
    cell: JsonObject = part_of(arrays, RNN)
    if header["rnn"] == "gru":
        rnn: RecurrentModel = GRU.from_arrays(**cell)
    elif header["rnn"] == "tanh":
        rnn = VanillaRNN.from_arrays(**cell, nonlinearity="tanh")
    else:
        raise ValueError(f"the unknown kind {header['rnn']!r}")
    if header["class"] != "JSLDS":
        return rnn
    expansion = residual_mlp_of(part_of(arrays, EXPANSION))
    channels = tuple(header["keep_channels"])
    return JSLDS(rnn, expansion, KeepChannels(channels) if channels else None)


def residual_mlp_of(arrays: JsonObject) -> ResidualMLP:
    """Build the paper's expansion network from its arrays ``W0``, ``b0``, ``W1``, … .

    Raises
    ------
    ValueError
        If an array has a wrong shape.
    """
    depth = len(arrays) // 2
    n_states = np.shape(arrays["W0"])[0]
    network = ResidualMLP(n_states, depth=depth)
    for key, variable in network.train_vars(method="relative").items():
        value = np.asarray(arrays[key], np.float32)
        if value.shape != variable.shape:
            raise ValueError(
                f"{key} of the expansion network must have the shape {list(variable.shape)}, got "
                f"{list(value.shape)}"
            )
        variable.value = jnp.asarray(value)
    return network


def _check_name(name: object) -> None:
    if name not in pretrained_names():
        raise ValueError(f"name must be one of {list(pretrained_names())}, got {name!r}")
