"""The steps of the usual recurrent layers, pure, with the weights as arguments.

Matrices are (out, in), as in PyTorch; rows of gated layers are in the order r, z, n (GRU) and
i, f, g, o (LSTM). `b_hh` stands beside the recurrent product, `b_ih` beside that of the input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks import boxes
from fpf_notebook.dynamics.frameworks.activations import ACTIVATIONS, Activation
from fpf_notebook.dynamics.frameworks.readout import Readout
from fpf_notebook.dynamics.intervals import Interval
from fpf_notebook.dynamics.step_map import StateSlice

Kind: TypeAlias = Literal["rnn", "gru", "gru_reset_first", "lstm"]
Weights: TypeAlias = Mapping[str, Any]
Order: TypeAlias = Literal["by_layer", "by_name"]

N_BLOCKS: dict[Kind, int] = {"rnn": 1, "gru": 3, "gru_reset_first": 3, "lstm": 4}
"""How many blocks of rows, one for each gate, the weights of a layer have."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One recurrent layer.

    Parameters
    ----------
    kind
        ``"rnn"``, ``"gru"`` (the reset gate after the recurrent product), ``"gru_reset_first"``
        (before it) or ``"lstm"``.
    weights
        ``W_ih`` [blocks n_hidden, n_inputs], ``W_hh`` [blocks n_hidden, n_outputs], and where the
        layer has them ``b_ih``, ``b_hh`` [blocks n_hidden] and, of an LSTM with a projection,
        ``W_hr`` [n_outputs, n_hidden].
    activation
        Of the candidate, and of an LSTM's output.
    gate
        Of the gates.
    """

    kind: Kind
    weights: Weights = field(repr=False)
    activation: Activation = ACTIVATIONS["tanh"]
    gate: Activation = ACTIVATIONS["sigmoid"]

    @property
    def n_inputs(self) -> int:
        """Length of the input."""
        return int(self.weights["W_ih"].shape[1])

    @property
    def n_hidden(self) -> int:
        """Number of units."""
        return int(self.weights["W_ih"].shape[0]) // N_BLOCKS[self.kind]

    @property
    def n_outputs(self) -> int:
        """Length of the output h."""
        return int(self.weights["W_hh"].shape[1])

    @property
    def state(self) -> tuple[tuple[str, int], ...]:
        """Names and lengths of the state arrays."""
        if self.kind == "lstm":
            return ("h", self.n_outputs), ("c", self.n_hidden)
        return (("h", self.n_outputs),)

    def check(self, name: str) -> None:
        """Raise ValueError if the arrays do not fit together.

        Parameters
        ----------
        name
            What to call the layer.
        """
        rows = N_BLOCKS[self.kind] * self.n_hidden
        expected = {
            "W_ih": (rows, self.n_inputs),
            "W_hh": (rows, self.n_outputs if "W_hr" in self.weights else self.n_hidden),
            "b_ih": (rows,),
            "b_hh": (rows,),
            "W_hr": (self.n_outputs, self.n_hidden),
        }
        for key, array in self.weights.items():
            if tuple(array.shape) != expected[key]:
                raise ValueError(
                    f"{key} of {name} has shape {tuple(array.shape)}, expected {expected[key]} for "
                    f"a layer of kind {self.kind!r} with {self.n_inputs} inputs and "
                    f"{self.n_hidden} units. Check kind, and the order of the axes (out, in)."
                )


def step_layer(
    layer: Layer, weights: Weights, x: Any, state: Sequence[PyTree]
) -> tuple[tuple[PyTree, ...], PyTree]:
    """Step one layer.

    Parameters
    ----------
    layer
        Its kind and activations.
    weights
        Its weights, possibly traced.
    x
        The input, [n_inputs].
    state
        The state arrays, as in ``layer.state``.

    Returns
    -------
    tuple
        The next state arrays, and the output.
    """
    phi, sigma = layer.activation.function, layer.gate.function
    h = state[0]
    drive = weights["W_ih"] @ x
    if "b_ih" in weights:
        drive = drive + weights["b_ih"]
    if layer.kind == "gru_reset_first":
        n = layer.n_hidden
        W = weights["W_hh"]
        r, z = jnp.split(sigma(drive[: 2 * n] + W[: 2 * n] @ h), 2)
        candidate = phi(drive[2 * n :] + W[2 * n :] @ (r * h))
        following = (1 - z) * candidate + z * h
        return (following,), following
    recurrent = weights["W_hh"] @ h
    if "b_hh" in weights:
        recurrent = recurrent + weights["b_hh"]
    if layer.kind == "rnn":
        following = phi(drive + recurrent)
        return (following,), following
    if layer.kind == "gru":
        n = layer.n_hidden
        r, z = jnp.split(sigma((drive + recurrent)[: 2 * n]), 2)
        candidate = phi(drive[2 * n :] + r * recurrent[2 * n :])
        following = (1 - z) * candidate + z * h
        return (following,), following
    i, f, g, o = jnp.split(drive + recurrent, 4)
    c = sigma(f) * state[1] + sigma(i) * phi(g)
    h = sigma(o) * phi(c)
    if "W_hr" in weights:
        h = weights["W_hr"] @ h
    return (h, c), h


def recipe_of_layers(
    layers: Sequence[Layer],
    *,
    name: str,
    readout: Readout | None = None,
    order: Order = "by_layer",
    slice_name: str = "{array}[{layer}]",
) -> Recipe:
    """Return the recipe of a stack of layers, each of which gets the output of the one before.

    Parameters
    ----------
    layers
        The layers, at least one.
    name
        What to call the network.
    readout
        What is computed from the output of the last layer.
    order
        How the state arrays follow each other in the flat state: ``"by_layer"`` (h and c of the
        first layer, then of the second) or ``"by_name"`` (h of all layers, then c of all).
    slice_name
        How arrays are named where there are several layers.

    Returns
    -------
    Recipe
        With the invariant box, where one is known.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    for k, layer in enumerate(layers):
        layer.check(f"layer {k} of {name}")
        if k and layer.n_inputs != layers[k - 1].n_outputs:
            raise ValueError(
                f"Layer {k} of {name} takes {layer.n_inputs} inputs, but the layer before it has "
                f"{layers[k - 1].n_outputs} outputs."
            )
    if readout is not None:
        readout.check(layers[-1].n_outputs, name)
    slices, places = _layout(layers, order, slice_name)

    def joined(parts: Sequence[Sequence[PyTree]]) -> PyTree:
        return jnp.concatenate([parts[layer][array] for layer, array in places])

    def both(params: PyTree, h: PyTree, u: PyTree) -> tuple[PyTree, PyTree]:
        split: list[list[Any]] = [[None] * len(layer.state) for layer in layers]
        for part, (layer, array) in zip(slices, places, strict=True):
            split[layer][array] = h[part.start : part.stop]
        x, following = u, []
        for layer_, weights, state in zip(layers, params["layers"], split, strict=True):
            state_next, x = step_layer(layer_, weights, x, state)
            following.append(state_next)
        output = None if readout is None else readout.apply(params["readout"], x)
        return joined(following), output

    def box(params: PyTree, u: Any) -> tuple[Any, Any]:
        x, found = Interval(u, u), []
        for layer, weights in zip(layers, params["layers"], strict=True):
            intervals, x = boxes.of_layer(layer, weights, x)
            found.append(intervals)
        return (
            joined([[interval.low for interval in part] for part in found]),
            joined([[interval.high for interval in part] for part in found]),
        )

    why_not = next((why for layer in layers if (why := boxes.why_unbounded(layer))), None)
    params: dict[str, Any] = {"layers": [dict(layer.weights) for layer in layers]}
    if readout is not None:
        params["readout"] = readout.params
    return Recipe(
        both=both,
        params=params,
        n_states=sum(part.shape[0] for part in slices),
        n_inputs=layers[0].n_inputs,
        name=name,
        slices=slices,
        box=None if why_not else box,
        box_reason=why_not or boxes.reason(layers),
        box_must_hold=False,
    )


def _layout(
    layers: Sequence[Layer], order: Order, slice_name: str
) -> tuple[tuple[StateSlice, ...], list[tuple[int, int]]]:
    """Return the slices of the flat state, and for each the layer and the array that it holds."""
    places = [(k, i) for k, layer in enumerate(layers) for i in range(len(layer.state))]
    if order == "by_name":
        places.sort(key=lambda place: place[::-1])
    slices: list[StateSlice] = []
    start = 0
    for k, i in places:
        array, size = layers[k].state[i]
        name = array if len(layers) == 1 else slice_name.format(array=array, layer=k)
        slices.append(StateSlice(name, (size,), start, start + size))
        start += size
    return tuple(slices), places


def as_numpy_weights(**arrays: object) -> dict[str, np.ndarray]:
    """Return those arrays that are not None."""
    return {name: np.asarray(array) for name, array in arrays.items() if array is not None}
