"""Cells of Equinox: JAX already, traced as they are, with their arrays as parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks import boxes
from fpf_notebook.dynamics.frameworks.activations import ACTIVATIONS
from fpf_notebook.dynamics.frameworks.cell_recipe import StateArray, recipe_of_cell
from fpf_notebook.dynamics.frameworks.readout import Affine, Readout, chain, given_readout
from fpf_notebook.dynamics.intervals import Interval

if TYPE_CHECKING:
    import equinox as eqx


def _known(cell: object) -> str | None:
    """Return the name of Equinox's own class that a cell computes as."""
    kind: Any = type(cell)
    for base in kind.__mro__:
        if base.__name__ in ("GRUCell", "LSTMCell") and base.__module__.startswith("equinox.nn"):
            return base.__name__ if kind.__call__ is base.__call__ else None
    return None


def is_cell(model: eqx.Module) -> bool:
    """Say whether a model is one of Equinox's cells.

    Parameters
    ----------
    model
        Any object.

    Returns
    -------
    bool
        Whether `recipe_of_equinox_cell` takes it.
    """
    return _known(model) is not None


def recipe_of_equinox_cell(cell: eqx.Module, readout: object = None) -> Recipe:
    """Read a cell of Equinox.

    Parameters
    ----------
    cell
        ``equinox.nn.GRUCell`` or ``LSTMCell``.
    readout
        ``equinox.nn.Linear``, arrays (W, b), a JAX function, or None.

    Returns
    -------
    Recipe
        The state is h, or h followed by c.
    """
    import equinox as eqx

    arrays, rest = eqx.partition(cell, eqx.is_array)
    n, name = int(cell.hidden_size), _known(cell)

    def step(
        params: PyTree, state: tuple[jax.Array, ...], u: jax.Array
    ) -> tuple[tuple[jax.Array, ...], jax.Array]:
        rebuilt = eqx.combine(params, rest)
        if name == "GRUCell":
            h = rebuilt(u, state[0])
            return (h,), h
        h, c = rebuilt(u, state)
        return (h, c), h

    def gru_box(params: PyTree, u: jax.Array) -> tuple[Interval, ...]:
        return (Interval(-jnp.ones(n), jnp.ones(n)),)

    def lstm_box(params: PyTree, u: jax.Array) -> tuple[Interval, ...]:
        def gated(h: Interval) -> tuple[Interval, ...]:
            return boxes.split_affine(params.weight_hh.T, h, drive(params, u))

        return boxes.of_lstm(gated, jnp.tanh, (-1.0, 1.0), n)

    def drive(params: PyTree, u: jax.Array) -> PyTree:
        product = params.weight_ih @ u
        return product if params.bias is None else product + params.bias

    gru = name == "GRUCell"
    return recipe_of_cell(
        step,
        params=arrays,
        state=[StateArray("h", n)] if gru else [StateArray("h", n), StateArray("c", n)],
        n_inputs=int(cell.input_size),
        name=f"equinox {name}({cell.input_size}, {n})",
        box=gru_box if gru else lstm_box,
        box_reason=boxes.reason_of_kind("gru" if gru else "lstm", ACTIVATIONS["tanh"]),
        readout=None if readout is None else _readout(readout),
    )


def _readout(given: Any) -> Readout:
    for base in type(given).__mro__:
        if base.__name__ == "Linear" and base.__module__.startswith("equinox.nn"):
            return chain([Affine(given.weight, given.bias)])
    return given_readout(given)
