"""From a cell that is a JAX function of a tuple of state arrays to a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.frameworks.readout import Readout
from fpf_notebook.dynamics.intervals import Interval
from fpf_notebook.dynamics.step_map import StateSlice

CellStep: TypeAlias = Callable[[PyTree, tuple[Any, ...], Any], tuple[tuple[Any, ...], Any]]
CellBox: TypeAlias = Callable[[PyTree, Any], tuple[Interval, ...]]


class StateArray(NamedTuple):
    """A state array of a cell: its name and length."""

    name: str
    size: int


def recipe_of_cell(
    step: CellStep,
    *,
    params: PyTree,
    state: Sequence[StateArray],
    n_inputs: int,
    name: str,
    box: CellBox | None,
    box_reason: str,
    readout: Readout | None,
) -> Recipe:
    """Return the recipe of a cell.

    Parameters
    ----------
    step
        ``step(params, state, u)`` returns the next state arrays and the output.
    params
        Its parameters.
    state
        The state arrays, in the order in which they stand in the flat state.
    n_inputs
        Length of the input.
    name
        What to call the cell.
    box
        ``box(params, u)`` returns an interval for each state array, or None.
    box_reason
        Where it comes from, or why there is none.
    readout
        What is computed from the output, or None.

    Returns
    -------
    Recipe
        The recipe.

    Raises
    ------
    ValueError
        If the readout does not fit.
    """
    slices: list[StateSlice] = []
    for array in state:
        start = slices[-1].stop if slices else 0
        slices.append(StateSlice(array.name, (array.size,), start, start + array.size))
    if readout is not None:
        output_size = next((a.size for a in state if a.name == "h"), state[0].size)
        readout.check(output_size, name)

    def both(given: PyTree, h: jax.Array, u: jax.Array) -> tuple[PyTree, PyTree]:
        parts = tuple(h[part.start : part.stop] for part in slices)
        following, y = step(given["cell"], parts, u)
        output = None if readout is None else readout.apply(given["readout"], y)
        return jnp.concatenate(following), output

    def joined(given: PyTree, u: PyTree) -> tuple[PyTree, PyTree]:
        assert box is not None
        parts = box(given["cell"], u)
        return jnp.concatenate([p.low for p in parts]), jnp.concatenate([p.high for p in parts])

    return Recipe(
        both=both,
        params={"cell": params} | ({} if readout is None else {"readout": readout.params}),
        n_states=slices[-1].stop,
        n_inputs=n_inputs,
        name=name,
        slices=tuple(slices),
        box=None if box is None else joined,
        box_reason=box_reason,
        box_must_hold=False,
    )
