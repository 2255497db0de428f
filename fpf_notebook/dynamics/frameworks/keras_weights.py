"""Keras' recurrent layers and cells, by their weights, with any backend.

The formulas are those of the documentation of `keras.layers.SimpleRNN`, `GRU` and `LSTM`; keras
itself is not imported. Keras switches dropout on by an argument of the call, not by a mode of the
layer: what is read here is the step without it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from fpf_notebook.dynamics.advice import as_torch
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.activations import ACTIVATIONS, Activation
from fpf_notebook.dynamics.frameworks.readout import Affine, Readout, chain, given_readout
from fpf_notebook.dynamics.frameworks.recurrent import Layer, as_numpy_weights, recipe_of_layers
from fpf_notebook.dynamics.frameworks.torch_weights import array_of

if TYPE_CHECKING:
    import keras


_LAYERS = ("SimpleRNN", "GRU", "LSTM", "RNN")
_CELLS = ("SimpleRNNCell", "GRUCell", "LSTMCell", "StackedRNNCells")
_KNOWN = (
    "SimpleRNN, GRU, LSTM, RNN of one of their cells, SimpleRNNCell, GRUCell, LSTMCell, "
    "StackedRNNCells, or a Sequential of these and of Dense layers"
)


def _kind_of(layer: object) -> str | None:
    """Return the name of Keras' own class that a layer computes as."""
    kind: Any = type(layer)
    for base in kind.__mro__:
        if base.__module__.partition(".")[0] in ("keras", "tf_keras"):
            return base.__name__ if kind.call is base.call else None
    return None


def recipe_of_keras_weights(model: keras.Layer, readout: object = None) -> Recipe:
    """Read recurrent layers of Keras.

    Parameters
    ----------
    model
        A layer, a cell, or a ``Sequential`` of recurrent layers followed by ``Dense`` ones.
    readout
        A ``Dense`` layer, arrays (W, b), a JAX function, or None.

    Returns
    -------
    Recipe
        The state is flat: h, and c of an LSTM, of each layer in turn.

    Raises
    ------
    TypeError
        If the model is of another kind.
    ValueError
        If it is bidirectional or not built, or has an activation that is not known.
    """
    name = _kind_of(model)
    whole = name == "Sequential" or (name == "Functional" and _is_chain(model))
    parts = list(model.layers) if whole else [model]
    layers: list[Layer] = []
    dense: list[Affine | Activation] = []
    for part in parts:
        kind = _kind_of(part)
        if kind in ("InputLayer", "Dropout"):
            continue
        if kind in (*_LAYERS, *_CELLS) and not dense:
            layers += _recurrent(part)
        elif layers and kind in ("Dense", "TimeDistributed"):
            dense += _dense(part)
        else:
            raise _refused(part, inside=name if whole else None)
    if not layers:
        raise TypeError(f"model is a {type(model).__name__} without a recurrent layer.")
    if dense and readout is not None:
        raise ValueError("readout= is given, but the Sequential has Dense layers of its own.")
    given: Readout | None = chain(dense) if dense else None
    if readout is not None:
        given = chain(_dense(readout)) if _kind_of(readout) is not None else given_readout(readout)
    return recipe_of_layers(
        layers,
        name=f"keras {name}({layers[0].n_inputs}, {layers[-1].n_hidden})",
        readout=given,
    )


def _is_chain(model: keras.Model) -> bool:
    """Say whether each layer of a functional model takes what the one before it gives."""
    pairs = zip(model.layers, model.layers[1:], strict=False)
    single = all(not isinstance(layer.output, list | tuple | dict) for layer in model.layers)
    return single and all(after.input is before.output for before, after in pairs)


def _advice(part: keras.Layer, inside_of: str | None) -> str:
    """Return what to paste for a layer that is not known."""
    inside = [layer for layer in getattr(part, "layers", ()) if _kind_of(layer) in _LAYERS]
    if inside:
        return (
            f"\nIts {inside[0].name} is recurrent:\n    model = model.get_layer({inside[0].name!r})"
        )
    if not hasattr(part, "state_size"):
        return ""
    called = "model.cell" if inside_of == "RNN" else "model"
    backend = sys.modules["keras"].config.backend()
    return (
        "\nAs such a function, with its weights as they are:\n"
        f"    step = lambda u, h: (None, {called}(u[None], [h[None]])[1][0][0])"
        + as_torch(str(backend))
    )


def _refused(part: keras.Layer, inside: str | None) -> Exception:
    if type(part).__name__ == "Bidirectional":
        return ValueError(
            "A Bidirectional layer has no step from one state to the next: its backward half "
            "starts at the end of the sequence."
        )
    where = f" in a {inside}" if inside else ""
    return TypeError(
        f"model is a Keras {type(part).__name__}{where}, expected {_KNOWN}. Anything else can be "
        "given as a function f(input, state) -> (output, next_state): one of JAX arrays with the "
        "JAX backend (layer.stateless_call), or framework='torch' with that one."
        + _advice(part, inside)
    )


def _recurrent(part: keras.Layer) -> list[Layer]:
    kind = _kind_of(part)
    if kind in _LAYERS:
        return _recurrent(part.cell)
    if kind == "StackedRNNCells":
        return [layer for cell in part.cells for layer in _recurrent(cell)]
    if kind not in _CELLS:
        raise _refused(part, inside="RNN")
    if not part.built:
        raise ValueError(
            f"This Keras {kind} has no weights yet. Build it by calling it once, or by "
            ".build((None, n_inputs)) (of a layer: (None, None, n_inputs))."
        )
    return [_cell(part, kind)]


def _cell(cell: keras.Layer, kind: str) -> Layer:
    W, U = _array(cell.kernel).T, _array(cell.recurrent_kernel).T
    b = None if cell.bias is None else _array(cell.bias)
    activation = _activation(cell.activation, kind)
    if kind == "SimpleRNNCell":
        return Layer("rnn", as_numpy_weights(W_ih=W, W_hh=U, b_ih=b), activation)
    gate = _activation(cell.recurrent_activation, kind)
    if kind == "LSTMCell":  # in the same order, i, f, c, o
        return Layer("lstm", as_numpy_weights(W_ih=W, W_hh=U, b_ih=b), activation, gate)
    W, U = _reordered(W), _reordered(U)
    if not cell.reset_after:
        weights = as_numpy_weights(W_ih=W, W_hh=U, b_ih=None if b is None else _reordered(b))
        return Layer("gru_reset_first", weights, activation, gate)
    beside = (None, None) if b is None else (_reordered(b[0]), _reordered(b[1]))
    weights = as_numpy_weights(W_ih=W, W_hh=U, b_ih=beside[0], b_hh=beside[1])
    return Layer("gru", weights, activation, gate)


def _reordered(array: np.ndarray) -> np.ndarray:
    """Bring blocks of rows from Keras' order z, r, n into r, z, n."""
    z, r, n = np.split(array, 3)
    return np.concatenate([r, z, n])


def _array(variable: keras.Variable) -> np.ndarray:
    """Return the numbers of a variable of any backend."""
    value = variable.value
    value = value() if callable(value) else value  # TensorFlow's own, in Keras 2
    if hasattr(value, "detach"):
        value = array_of(value)
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "V" else array  # bfloat16


def _activation(function: Callable[[jax.Array], jax.Array], owner: str) -> Activation:
    name = getattr(function, "__name__", type(function).__name__)
    home = getattr(function, "__module__", "") or ""
    name = {"swish": "silu"}.get(name, name)
    if home.partition(".")[0] not in ("keras", "tf_keras") or name not in ACTIVATIONS:
        raise ValueError(
            f"The activation {name} of this Keras {owner} is not known. Known are Keras' own "
            f"{', '.join(ACTIVATIONS)}. With another, write the step as a function "
            "f(input, state) -> (output, next_state)."
        )
    return ACTIVATIONS[name]


def _dense(layer: keras.Layer) -> list[Affine | Activation]:
    if _kind_of(layer) == "TimeDistributed":
        return _dense(layer.layer)
    if _kind_of(layer) != "Dense":
        raise ValueError(
            f"readout is a Keras {type(layer).__name__}, expected a Dense layer, arrays (W, b), or "
            "a JAX function."
        )
    if not layer.built:
        raise ValueError("The readout, a Keras Dense layer, has no weights yet. Build it first.")
    b = None if layer.bias is None else _array(layer.bias)
    activation = _activation(layer.activation, "Dense")
    affine = Affine(_array(layer.kernel).T, b)
    return [affine] if activation.name == "linear" else [affine, activation]
