"""States in the structure of the model, ``{"v": ..., "w": ...}``, as the flat ones of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.frameworks.origin import is_brainpy
from fpf_notebook.dynamics.state_form import form_of
from fpf_notebook.dynamics.step_options import StepOptions
from fpf_notebook.finder.given_arrays import plain_array

__all__ = ["flat_states", "with_structure_of"]


def with_structure_of(options: StepOptions, model: object, *given: object) -> StepOptions:
    """Return options that say what the state consists of, where only the data tell it.

    Parameters
    ----------
    options : StepOptions
        Of the model.
    model : object
        The model.
    *given : object
        States and trajectories, of which the first dictionary counts: its arrays make up the state,
        in its order. Of a BrainPy model its names are those of Variables.

    Returns
    -------
    StepOptions
        The same options where they tell it themselves, or no dictionary is given.
    """
    told = next((value for value in given if isinstance(value, Mapping)), None)
    if told is None or options.n_states is not None or options.state_vars is not None:
        return options
    if isinstance(model, StepMap):
        return options.changed(n_states={part.name: part.shape for part in model.slices})
    if is_brainpy(model):
        return options.changed(state_vars=[str(name) for name in told])
    parts = {str(name): plain_array(str(name), part) for name, part in told.items()}
    n_lead = 2 if told is given[0] and all(part.ndim > 2 for part in parts.values()) else 1
    sizes = {name: part.shape[n_lead:] for name, part in parts.items()}
    if not all(sizes.values()):
        return options  # one number of a unit for each start is no array of a state
    return options.changed(
        n_states={name: int(s[0]) if len(s) == 1 else tuple(s) for name, s in sizes.items()}
    )


def flat_states(name: str, value: object, options: StepOptions) -> object:
    """Return states given as a dictionary of arrays as one array; anything else as it is.

    Parameters
    ----------
    name : str
        Of the argument, for messages.
    value : array-like or dict of array-likes
        Each array with the same leading axes: ``[n_inits, ...]``, or ``[n_batch, n_time, ...]``.
    options : StepOptions
        ``n_states={"v": 2, "w": 2}`` or ``state_vars=["v", "w"]`` tells the order.

    Returns
    -------
    array or object
        ``[..., n_states]``, in the order of the options, not in that of the dictionary.

    Raises
    ------
    TypeError
        If nothing tells the order.
    ValueError
        If names or shapes are not those of the state.
    """
    if not isinstance(value, Mapping):
        return value
    shapes = _parts_of(options)
    parts = {str(key): plain_array(f"{name}[{key!r}]", part) for key, part in value.items()}
    if shapes is None:
        n_lead = 2 if name == "state_traj" and all(p.ndim > 2 for p in parts.values()) else 1
        sizes = {key: int(np.prod(part.shape[n_lead:])) for key, part in parts.items()}
        raise TypeError(
            f"{name} is a dictionary of {', '.join(map(repr, value))}, and nothing tells in which "
            "order its arrays make up the state. Say so when the finder is made:\n"
            f"    options = {{'n_states': {sizes}}}"
        )
    if set(parts) != set(shapes):
        raise ValueError(
            f"{name} is a dictionary of {', '.join(map(repr, parts))}, expected the arrays of the "
            f"state, {', '.join(map(repr, shapes))}."
        )
    flat = []
    for key, shape in shapes.items():
        part = parts[key]
        if shape is not None and part.shape[part.ndim - len(shape) :] != tuple(shape):
            raise ValueError(
                f"{name}[{key!r}] has shape {part.shape}, expected {list(shape)} at the end."
            )
        n_own = 1 if shape is None else len(shape)
        lead = part.shape[: part.ndim - n_own]
        flat.append(part.reshape(*lead, int(np.prod(part.shape[part.ndim - n_own :]))))
    if len({part.shape[:-1] for part in flat}) > 1:
        shown = ", ".join(f"{key}: {parts[key].shape}" for key in shapes)
        raise ValueError(f"{name} has arrays of shapes {shown}, expected equal leading axes.")
    return np.concatenate(flat, axis=-1)


def _parts_of(options: StepOptions) -> dict[str, Sequence[int] | None] | None:
    """Return the arrays of the state, in order, with their shapes where they are known."""
    if isinstance(options.n_states, Mapping):
        return {part.name: part.shape for part in form_of(options.n_states).slices}
    names = options.state_vars
    if isinstance(names, str):
        return {names: None}
    named = [name for name in names or () if isinstance(name, str)]
    return dict.fromkeys(named) if names is not None and len(named) == len(names) else None
