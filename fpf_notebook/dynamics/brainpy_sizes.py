"""What a BrainPy model says about its own sizes and about how it is called."""

from __future__ import annotations

import inspect
import numbers
from dataclasses import dataclass
from typing import TYPE_CHECKING

import brainpy as bp

if TYPE_CHECKING:
    import brainpy as bp


_INPUT_NAMES = (
    "n_inputs",
    "num_inputs",
    "n_input",
    "num_input",
    "n_in",
    "num_in",
    "in_size",
    "input_size",
    "input_dim",
)
_STATE_NAMES = (
    "n_states",
    "num_states",
    "state_size",
    "n_hidden",
    "num_hidden",
    "hidden_size",
    "hidden_dim",
    "n_units",
    "num_units",
    "num_neurons",
)


@dataclass(frozen=True)
class Arguments:
    """How many arrays a model takes in a call: at least and at most."""

    required: int
    possible: int


def arguments_of(model: bp.DynamicalSystem) -> Arguments:
    """Count the arrays that a model takes when it is called.

    Parameters
    ----------
    model
        The model. ``__call__`` is looked at where its class defines one of its own, else
        ``update``.

    Returns
    -------
    Arguments
        The numbers of positional arguments.
    """
    function = type(model).__call__
    if function is bp.DynamicalSystem.__call__:
        function = type(model).update
    parameters = list(inspect.signature(function).parameters.values())[1:]
    # BrainPy passes the shared arguments itself to an `update` of the old form.
    if parameters and parameters[0].name in ("tdi", "sh", "sha"):
        parameters = parameters[1:]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return Arguments(0, 2)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    return Arguments(len(required), len(positional))


def input_size(model: bp.DynamicalSystem, given: int | None) -> int | None:
    """Return the number of inputs: as given, or as the model says, or None."""
    if given is not None:
        return given
    if isinstance(model, bp.Sequential):
        for child in model.children.values():
            if isinstance(child, bp.DynamicalSystem):
                return input_size(child, None)
        return None
    return _attribute(model, _INPUT_NAMES)


def state_size(model: bp.DynamicalSystem, given: int | None) -> int | None:
    """Return the length of the state: as given, or as the model says, or None."""
    if given is not None:
        return given
    size = _attribute(model, _STATE_NAMES)
    if size is None:
        shape: tuple[int, ...] = getattr(getattr(model, "h0", None), "shape", ())
        size = int(shape[-1]) if len(shape) else None
    return size


def missing_size(model: bp.DynamicalSystem, label: str) -> ValueError:
    """Return the error for a size that is not known."""
    names = _INPUT_NAMES if label == "n_inputs" else _STATE_NAMES
    return ValueError(
        f"{type(model).__name__} does not tell its {label}: pass {label}= to as_step_map, or give "
        f"the model an attribute of this name (also understood: {', '.join(names[1:])})."
    )


def _attribute(model: bp.DynamicalSystem, names: tuple[str, ...]) -> int | None:
    for name in names:
        value = getattr(model, name, None)
        if isinstance(value, tuple | list):
            value = next(iter(value), None) if len(value) == 1 else None
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            return int(value)
    return None
