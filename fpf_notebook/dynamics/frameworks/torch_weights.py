"""PyTorch's recurrent modules, by their weights.

The formulas are those of the documentation of `torch.nn.RNN`, `GRU` and `LSTM`. torch itself is not
imported here: a module of it can exist only where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.activations import ACTIVATIONS, Activation
from fpf_notebook.dynamics.frameworks.readout import Affine, Readout, chain, given_readout
from fpf_notebook.dynamics.frameworks.recurrent import (
    Kind,
    Layer,
    as_numpy_weights,
    recipe_of_layers,
)

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


_LAYERED = ("RNN", "GRU", "LSTM")
_CELLS: dict[str, Kind] = {"RNNCell": "rnn", "GRUCell": "gru", "LSTMCell": "lstm"}
_MODES: dict[str, tuple[Kind, str]] = {
    "RNN_TANH": ("rnn", "tanh"),
    "RNN_RELU": ("rnn", "relu"),
    "GRU": ("gru", "tanh"),
    "LSTM": ("lstm", "tanh"),
}
_ACTIVATIONS = {
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "ReLU": "relu",
    "ReLU6": "relu6",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "SELU": "selu",
    "SiLU": "silu",
}


def kind_of(module: object, names: tuple[str, ...], home: str = "torch.nn.modules") -> str | None:
    """Return the name of torch's own class that an object computes as.

    Parameters
    ----------
    module
        Any object.
    names
        Names of classes.
    home
        Start of the name of the Python module in which they are defined.

    Returns
    -------
    str or None
        None if it is no object of these classes, or of a subclass with a `forward` of its own.
    """
    kind: Any = type(module)
    for base in kind.__mro__:
        if base.__name__ in names and base.__module__.startswith(home):
            return base.__name__ if kind.forward is base.forward else None
    return None


def is_recurrent(module: Module) -> bool:
    """Say whether a module can be read by its weights.

    Parameters
    ----------
    module
        Any object.

    Returns
    -------
    bool
        Whether `recipe_of_torch_weights` takes it.
    """
    return kind_of(module, (*_LAYERED, *_CELLS)) is not None


def recipe_of_torch_weights(module: Module, readout: object = None) -> Recipe:
    """Read a recurrent module of PyTorch.

    Parameters
    ----------
    module
        ``torch.nn.RNN``, ``GRU`` or ``LSTM``, or ``RNNCell``, ``GRUCell`` or ``LSTMCell``.
    readout
        A ``torch.nn.Linear``, a ``Sequential`` of these and of activations, arrays (W, b), or None.

    Returns
    -------
    Recipe
        The state is flat: h, of each layer in turn, then for an LSTM c of each layer.

    Raises
    ------
    ValueError
        If it is bidirectional, or has dropout switched on.
    """
    name = kind_of(module, (*_LAYERED, *_CELLS))
    if name in _CELLS:
        layers, shown = [_cell(module, _CELLS[name])], name
    else:
        layers, shown = _layered(module, str(name))
    shown = f"torch {shown}({layers[0].n_inputs}, {layers[-1].n_hidden})"
    return recipe_of_layers(
        layers,
        name=shown,
        readout=None if readout is None else readout_of_torch(readout),
        order="by_name",
        slice_name="{array}_l{layer}",
    )


def _cell(module: Module, kind: Kind) -> Layer:
    weights = as_numpy_weights(
        W_ih=array_of(module.weight_ih),
        W_hh=array_of(module.weight_hh),
        b_ih=array_of(module.bias_ih),
        b_hh=array_of(module.bias_hh),
    )
    return Layer(kind, weights, ACTIVATIONS[getattr(module, "nonlinearity", "tanh")])


def _layered(module: Module, name: str) -> tuple[list[Layer], str]:
    if module.bidirectional:
        raise ValueError(
            f"This torch.nn.{name} is bidirectional: its backward half starts at the end of the "
            "sequence, so there is no step from one state to the next, and no fixed point. Give a "
            "network with bidirectional=False."
        )
    if module.training and module.dropout > 0 and module.num_layers > 1:
        raise ValueError(
            f"This torch.nn.{name} is in training mode and drops out outputs between its layers "
            f"(dropout={module.dropout:g}): its step is random. Call .eval() on it first."
        )
    kind, activation = _MODES[module.mode]
    layers = []
    for k in range(module.num_layers):
        weights = as_numpy_weights(
            W_ih=array_of(getattr(module, f"weight_ih_l{k}")),
            W_hh=array_of(getattr(module, f"weight_hh_l{k}")),
            b_ih=array_of(getattr(module, f"bias_ih_l{k}", None)),
            b_hh=array_of(getattr(module, f"bias_hh_l{k}", None)),
            W_hr=array_of(getattr(module, f"weight_hr_l{k}", None)),
        )
        layers.append(Layer(kind, weights, ACTIVATIONS[activation]))
    return layers, name


def array_of(tensor: Tensor) -> np.ndarray | None:
    """Copy a tensor into an array.

    Parameters
    ----------
    tensor
        A ``torch.Tensor`` on any device, or None.

    Returns
    -------
    numpy.ndarray or None
        Of the tensor's type; of float32 for bfloat16, which numpy does not have.
    """
    if tensor is None:
        return None
    if tensor.device.type == "meta":
        raise ValueError(
            "The weights of this module are on torch's device 'meta' and have no values. Load them "
            "first, for example by module.to_empty(device='cpu') and load_state_dict."
        )
    plain = tensor.detach().to("cpu")
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    return np.array(plain.numpy())


def readout_of_torch(given: Module) -> Readout:
    """Read a readout of PyTorch.

    Parameters
    ----------
    given
        ``torch.nn.Linear``, a ``Sequential`` of linear layers and activations, or what
        `given_readout` takes.

    Returns
    -------
    Readout
        The readout.

    Raises
    ------
    ValueError
        If there is another module in it.
    """
    if not any(base.__module__.partition(".")[0] == "torch" for base in type(given).__mro__):
        return given_readout(given)
    return chain(_parts(given))


def _parts(module: Module) -> list[Affine | Activation]:
    home = "torch.nn.modules"
    if kind_of(module, ("Sequential",), home):
        return [part for child in module for part in _parts(child)]
    if kind_of(module, ("Linear",), home):
        W, b = array_of(module.weight), array_of(module.bias)
        return [Affine(W, b)]
    plain = kind_of(module, ("Identity", "Dropout", *_ACTIVATIONS), home)
    if plain == "Identity" or (plain == "Dropout" and not module.training):
        return []
    if plain == "Dropout":
        raise ValueError("readout drops out values (training mode). Call .eval() on it first.")
    if plain == "Softplus" and (module.beta, module.threshold) != (1, 20):
        plain = None
    if plain is not None:
        return [ACTIVATIONS[_ACTIVATIONS[plain]]]
    raise ValueError(
        f"readout has a {type(module).__name__}, expected torch.nn.Linear, or a "
        f"torch.nn.Sequential of Linear, Identity and {', '.join(_ACTIVATIONS)}; or arrays (W, b)."
    )
