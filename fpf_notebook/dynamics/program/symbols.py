"""Parameters that stay open in a program: a gain, a bias, a single weight, by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import PyTree, StepMap

_INDEX = re.compile(r"^(?P<name>.+?)\[(?P<index>\s*\d+\s*(?:,\s*\d+\s*)*)\]$")
_MAX_SYMBOLS = 256


@dataclass(frozen=True)
class ParameterSymbol:
    """One number among the parameters that stays open.

    Parameters
    ----------
    name
        As it is shown: ``"gain"``, ``"W[0, 1]"``.
    value
        The number that the step map has there.
    leaf, index
        Which array of the parameters, counted as `jax.tree.leaves` does, and where in it.
    """

    name: str
    value: float
    leaf: int
    index: tuple[int, ...]


def labels(step_map: StepMap) -> list[str]:
    """Return the short names of all arrays of parameters, in the order of the tree's leaves.

    Parameters
    ----------
    step_map
        The step map.

    Returns
    -------
    list of str
        ``["W", "b"]`` for ``params = {"W": ..., "b": ...}``; parts of nested names are joined by
        dots. What the step map itself holds beside the parameters that were given is ``held.…``.
    """
    paths, _ = jax.tree_util.tree_flatten_with_path(step_map.params)
    given = isinstance(step_map.params, dict) and set(step_map.params) == {"given", "held"}
    names = []
    for path, _ in paths:
        parts = [_part(key) for key in path]
        if given and parts[0] == "given" and len(parts) > 1:
            parts = parts[1:]
        names.append(".".join(parts))
    return names


def find_symbols(step_map: StepMap, wanted: Iterable[str]) -> list[ParameterSymbol]:
    """Find the parameters that a user names.

    Parameters
    ----------
    step_map
        The step map.
    wanted
        Names of arrays as `labels` gives them, of which every number stays open, or with an index
        behind them (``"W[0, 1]"``) for one number.

    Returns
    -------
    list of ParameterSymbol
        One for each number, in the order asked for.

    Raises
    ------
    TypeError
        If ``wanted`` is a text instead of a list of texts.
    ValueError
        If there is no such parameter, it is not a real number, is named twice, or they are too
        many.
    """
    if isinstance(wanted, str):
        raise TypeError(
            f"symbols is {wanted!r}, expected a list of names, for example [{wanted!r}]."
        )
    known = labels(step_map)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(step_map.params)]
    found: list[ParameterSymbol] = []
    for name in wanted:
        leaf, index = _where(str(name), known, leaves)
        array = leaves[leaf]
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise ValueError(f"symbols: {name!r} holds {array.dtype}, expected real numbers.")
        indices = [index] if index is not None else list(np.ndindex(array.shape))
        for at in indices:
            shown = known[leaf] + (f"[{', '.join(map(str, at))}]" if at else "")
            found.append(ParameterSymbol(shown, float(array[at]), leaf, at))
    places = [(symbol.leaf, symbol.index) for symbol in found]
    if len(set(places)) < len(places):
        raise ValueError(f"symbols is {list(wanted)}, expected each parameter once.")
    if len(found) > _MAX_SYMBOLS:
        raise ValueError(
            f"symbols names {len(found)} numbers, expected at most {_MAX_SYMBOLS}: name single "
            "ones, for example 'W[0, 1]'."
        )
    return found


def with_values(params: PyTree, symbols: list[ParameterSymbol], values: Any) -> PyTree:
    """Put numbers in the places of symbols, inside of what JAX traces.

    Parameters
    ----------
    params
        The parameters.
    symbols
        The places.
    values
        One number for each of them.

    Returns
    -------
    tree
        Of the same structure.
    """
    leaves, structure = jax.tree.flatten(params)
    for k, symbol in enumerate(symbols):
        leaf = jnp.asarray(leaves[symbol.leaf])
        leaves[symbol.leaf] = leaf.at[symbol.index].set(values[k].astype(leaf.dtype))
    return jax.tree.unflatten(structure, leaves)


def replaced(step_map: StepMap, values: Mapping[str, float]) -> StepMap:
    """Return a step map with other numbers in the places that a user names.

    Parameters
    ----------
    step_map
        The step map.
    values
        Numbers by name, each of a single number: ``"gain"``, ``"W[0, 1]"``.

    Raises
    ------
    ValueError
        If there is no such parameter, it holds several numbers, or a value is not finite.
    """
    leaves, structure = jax.tree.flatten(step_map.params)
    arrays = [np.asarray(leaf) for leaf in leaves]
    for name, value in values.items():
        places = find_symbols(step_map, [name])
        if len(places) != 1:
            raise ValueError(
                f"values names {name!r}, which holds {len(places)} numbers, expected a name of "
                f"one, for example {places[0].name!r}."
            )
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not np.isfinite(value):
            raise ValueError(f"values: {name} is {value!r}, expected a finite number.")
        changed = np.array(arrays[places[0].leaf])
        changed[places[0].index] = value
        arrays[places[0].leaf] = changed
    return step_map.with_params(jax.tree.unflatten(structure, arrays))


def _where(
    name: str, known: list[str], leaves: list[np.ndarray]
) -> tuple[int, tuple[int, ...] | None]:
    if name in known:
        return known.index(name), None
    match = _INDEX.match(name)
    if match is None or match["name"] not in known:
        raise ValueError(
            f"symbols names {name!r}, expected some of the parameters "
            f"{', '.join(known) or '(none)'}, with an index for one number ('W[0, 1]')."
        )
    leaf = known.index(match["name"])
    index = tuple(int(part) for part in match["index"].split(","))
    shape = leaves[leaf].shape
    if len(index) != len(shape) or any(i >= n for i, n in zip(index, shape, strict=True)):
        raise ValueError(f"symbols names {name!r}, but {match['name']} has the shape {shape}.")
    return leaf, index


def _part(key: Any) -> str:
    for attribute in ("key", "name", "idx"):
        if hasattr(key, attribute):
            return str(getattr(key, attribute))
    return str(key)
