"""Cheap checks of a step map, made before any work starts."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.noise_names import switches_of
from fpf_notebook.dynamics.step_map import StateSlice, StepMap, Time

# All probes evaluate the step in batches of this size, so that they share one compilation.
_BATCH = 64


def check_result(result: Any, n_states: int, name: str, time: Time) -> None:
    """Check shape and type of what a step returns.

    Parameters
    ----------
    result
        The abstract next state, with ``shape`` and ``dtype``.
    n_states
        The expected length.
    name
        Name of the model.
    time
        For the wording.

    Raises
    ------
    ValueError
        If the shape is wrong.
    TypeError
        If the type is not a real floating-point type.
    """
    what = "next state" if time == "discrete" else "derivative"
    if tuple(result.shape) != (n_states,):
        raise ValueError(
            f"{name} returned a {what} of shape {tuple(result.shape)} for one state of shape "
            f"({n_states},), expected ({n_states},). Check n_states, the order of the arguments "
            "and of the returned values, and that no axis is dropped or added."
        )
    if not jnp.issubdtype(result.dtype, jnp.floating):
        raise TypeError(
            f"{name} returned a {what} of type {result.dtype}, expected a real floating-point "
            "type. The likely cause is a rounding, a comparison or an integer constant at the end "
            "of the step; convert the result by .astype(h.dtype) if it is meant as a number."
        )


def not_repeatable(name: str, model: object = None) -> str:
    """Return the message for a step that is not a function of its arguments.

    Parameters
    ----------
    name
        Name of the model.
    model
        The model, if its attributes may tell what switches noise off.

    Returns
    -------
    str
        The message.
    """
    return (
        f"{name} does something different when it is called a second time with the same arguments. "
        "A fixed point needs a step that depends on parameters, state and input only. The likely "
        "cause is a random number (dropout or noise that is switched on) or something that the "
        "model remembers between calls (a counter, a cache). Switch it off, or make it part of "
        "the state." + switches_of(model)
    )


def check_values(step_map: StepMap) -> None:
    """Check that a step gives numbers, and the same ones when it is called again.

    Parameters
    ----------
    step_map
        The step map.

    Raises
    ------
    ValueError
        If every probe gives NaN or inf, or if two calls differ.
    """
    states, inputs = _probe_points(step_map)
    first, second = step_map(states, inputs), step_map(states, inputs)
    if not np.array_equal(first, second, equal_nan=True):
        raise ValueError(not_repeatable(step_map.name))
    # A step need not be defined everywhere (a square root of rates, say), only somewhere.
    finite = np.isfinite(first).all(axis=1)
    if not finite.any():
        unit = int(np.argmin(np.isfinite(first).all(axis=0)))
        raise ValueError(
            f"{step_map.name} gives NaN or inf from every one of {len(states)} probed states "
            f"(zero, and small random ones), for example {first[0, unit]} in "
            f"{_unit_name(step_map.slices, unit)}. The likely cause is a weight that is not "
            "finite, or a state far from the range in which the model is defined."
        )


def with_checked_box(step_map: StepMap, *, must_hold: bool) -> StepMap:
    """Check by probing that a map does not leave its box, or that a flow does not point out of it.

    Parameters
    ----------
    step_map
        The step map. Nothing happens if it has no box.
    must_hold
        Whether a violation is an error. Otherwise the box is dropped, with the reason.

    Returns
    -------
    StepMap
        The step map, with its box or without.

    Raises
    ------
    ValueError
        If the box is not one, or the map leaves it (and it must hold).
    """
    if step_map.box is None:
        return step_map
    message = _box_violation(step_map)
    if message is None:
        return step_map
    if must_hold:
        raise ValueError(message)
    return dataclasses.replace(step_map, box=None, box_reason=message)


def _probe_points(step_map: StepMap) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    states = rng.uniform(-0.5, 0.5, (_BATCH, step_map.n_states))
    inputs = rng.uniform(-0.5, 0.5, (_BATCH, step_map.n_inputs))
    states[0], inputs[0] = 0.0, 0.0
    states[1::3] = np.abs(states[1::3])
    inputs[: _BATCH // 2] = 0.0
    return states, inputs


def _box_violation(step_map: StepMap) -> str | None:
    rng = np.random.default_rng(1)
    for u in (np.zeros(step_map.n_inputs), rng.uniform(-1, 1, step_map.n_inputs)):
        bounds = step_map.invariant_box(u)
        assert bounds is not None
        low, high = bounds
        wrong = ~(np.isfinite(low) & np.isfinite(high) & (low < high))
        if wrong.any():
            unit = int(np.argmax(wrong))
            return (
                f"The invariant box of {step_map.name} is [{low[unit]:g}, {high[unit]:g}] in "
                f"{_unit_name(step_map.slices, unit)}, expected two finite numbers, the lower one "
                "first."
            )
        for states, faces in _box_points(low, high, rng):
            message = _leaves(step_map, states, faces, u, low, high)
            if message is not None:
                return message
    return None


def _box_points(
    low: np.ndarray, high: np.ndarray, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return batches of points of the box, and for each coordinate on which face it lies."""
    n = len(low)
    inside = rng.uniform(0, 1, (_BATCH, n))
    corners = rng.integers(0, 2, (_BATCH, n)).astype(float)
    corners[0], corners[1] = 0.0, 1.0
    on_faces = rng.uniform(0, 1, (_BATCH, n))
    rows = np.arange(_BATCH)
    on_faces[rows, (rows // 2) % n] = rows % 2
    batches = []
    for unit in (inside, corners, on_faces):
        states = np.clip(low + unit * (high - low), low, high)
        face = np.where(unit == 0, -1, np.where(unit == 1, 1, 0))
        batches.append((np.where(face == 1, high, np.where(face == -1, low, states)), face))
    return batches


def _leaves(
    step_map: StepMap,
    states: np.ndarray,
    faces: np.ndarray,
    u: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
) -> str | None:
    result = step_map(states, np.broadcast_to(u, (len(states), len(u))))
    relative = 1e-9 if step_map.precision == "float64" else 1e-5
    if step_map.time == "discrete":
        tolerance = relative * (1 + np.maximum(np.abs(low), np.abs(high)))
        excess = np.maximum(low - result, result - high) - tolerance
        what = "next state"
    else:
        # Through a face the flow may only run inwards: faces is -1, 0 or 1, the outward direction.
        scale = relative * (1 + np.abs(result).max())
        excess = np.where(faces == 0, -1.0, faces * result - scale)
        what = "derivative"
    excess = np.where(np.isnan(result), np.inf, excess)
    if not (excess > 0).any():
        return None
    row, unit = np.unravel_index(int(np.argmax(excess)), excess.shape)
    return (
        f"{step_map.name} leaves its invariant box: in {_unit_name(step_map.slices, int(unit))} "
        f"the box is [{low[unit]:g}, {high[unit]:g}], but from the state "
        f"{_short(states[row])} under the input {_short(u)} the {what} there is "
        f"{result[row, unit]:g}. Give a larger box, or none: it is needed only to know how many "
        "fixed points to expect."
    )


def _unit_name(slices: tuple[StateSlice, ...], unit: int) -> str:
    """Name a unit by its state array and its place there, for example ``c[3]``."""
    for part in slices:
        if part.start <= unit < part.stop:
            place = np.unravel_index(unit - part.start, part.shape) if part.shape else ()
            return f"{part.name}[{', '.join(str(int(i)) for i in place)}] (unit {unit})"
    return f"unit {unit}"


def _short(values: np.ndarray) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:6])
    return f"[{shown}{', ...' if len(values) > 6 else ''}]"
