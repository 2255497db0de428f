"""BrainPy models that are called with an input and a state: the single-step convention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.brainpy_boxes import box_of
from fpf_notebook.dynamics.brainpy_pure import PureModel, Values, is_array
from fpf_notebook.dynamics.brainpy_sizes import input_size, missing_size, state_size
from fpf_notebook.dynamics.brainpy_stateful import refuse_random_numbers
from fpf_notebook.dynamics.step_map import StateSlice, Time

# The forms of an input of n channels, for a batch of b states.
_INPUT_FORMS: tuple[Callable[[int, int], tuple[int, ...]], ...] = (
    lambda b, n: (b, 1, n),
    lambda b, n: (b, n),
)


def recipe_of_call(
    model: Any,
    *,
    n_states: int | None,
    n_inputs: int | None,
    time: Time,
    work: np.dtype,
) -> Recipe:
    """Find out how a model with the single-step call is stepped.

    Parameters
    ----------
    model
        ``model(inputs[batch, 1, n_inputs], hidden[batch, n_states])`` returns
        ``(outputs, h_next[batch, n_states])``. Inputs without the axis of time are tried too.
    n_states, n_inputs
        Sizes; default: what the model says.
    time
        Whether ``h_next`` is the next state or the derivative.
    work
        Working precision.

    Returns
    -------
    Recipe
        How to step it.

    Raises
    ------
    ValueError
        If a size is missing, or the call does not work or returns something else.
    """
    n_states, n_inputs = state_size(model, n_states), input_size(model, n_inputs)
    if n_states is None:
        raise missing_size(model, "n_states")
    if n_inputs is None:
        raise missing_size(model, "n_inputs")
    pure = PureModel(model, work)
    form, read = _fitting_form(pure, n_states, n_inputs)
    base = {name: value for name, value in pure.present().items() if name in read}

    def both(params: Values, h: Any, u: Any) -> tuple[Any, Any]:
        call = pure.run(base | params, model, u.reshape(form(1, n_inputs)), h[None])
        output, following = call.result
        following = following.reshape(-1)
        return following, output.reshape(-1) if is_array(output) else None

    box, reason = box_of(pure, (), base, time=time, n_inputs=n_inputs)
    return Recipe(
        both=both,
        params=base,
        n_states=n_states,
        n_inputs=n_inputs,
        name=pure.name,
        slices=_slices(model, n_states),
        box=box,
        box_reason=reason,
    )


def _fitting_form(
    pure: PureModel, n_states: int, n_inputs: int
) -> tuple[Callable[[int, int], tuple[int, ...]], frozenset[str]]:
    """Return the form of the input that works, and the Variables that are used."""
    # A batch size that cannot be mistaken for another axis.
    batch = next(b for b in (3, 5, 7) if b not in (n_states, n_inputs))
    hidden = np.zeros((batch, n_states))
    failures = []
    for form in _INPUT_FORMS:
        inputs = np.zeros(form(batch, n_inputs))
        try:
            call = pure.explore(pure.model, inputs, hidden)
            failure = _misfit(call.result, batch, n_states)
        except Exception as error:
            failure = f"raised {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
        if failure is None:
            refuse_random_numbers(pure, call.read)
            _refuse_hidden_state(pure, call.written, inputs, hidden)
            return form, call.read
        shape = ", ".join(str(n) for n in form(batch, n_inputs)[1:])
        failures.append(
            f"  {pure.name}(inputs[batch, {shape}], hidden[batch, {n_states}]) {failure}"
        )
    tried = "\n".join(failures)
    raise ValueError(
        f"{pure.name} could not be called as a single step with n_states={n_states} and n_inputs="
        f"{n_inputs}. Tried (batch = {batch}):\n{tried}\nExpected (outputs, h_next[batch, "
        f"{n_states}]) of the call with inputs[batch, 1, {n_inputs}] and hidden[batch, {n_states}]."
        " Check the sizes (n_states=, n_inputs=), the order of the arguments and of the returned "
        "values."
    )


def _misfit(result: Any, batch: int, n_states: int) -> str | None:
    if not (isinstance(result, tuple | list) and len(result) == 2):
        kind = f"array{list(result.shape)}" if is_array(result) else type(result).__name__
        return f"returned {kind}, expected the pair (outputs, h_next)"
    following = result[1]
    if not is_array(following):
        return f"returned {type(following).__name__} as h_next, expected an array"
    shape = tuple(following.shape)
    if shape not in ((batch, n_states), (batch, 1, n_states)):
        return f"returned h_next of shape {shape}, expected {(batch, n_states)}"
    return None


def _refuse_hidden_state(
    pure: PureModel, written: frozenset[str], inputs: np.ndarray, hidden: np.ndarray
) -> None:
    if not written:
        return

    def following(inputs: Any, hidden: Any) -> Any:
        return pure.model(inputs, hidden)[1]

    used = pure.dependencies(following, (), inputs, hidden)[""]
    kept = sorted(written & used)
    if kept:
        raise ValueError(
            f"{pure.name} takes its state as an argument, but h_next depends also on what the "
            f"last call left in the Variable {kept[0]!r}. Make it part of the hidden state, or do "
            "not write to it in the step."
        )


def _slices(model: Any, n_states: int) -> tuple[StateSlice, ...]:
    """Read the layout from ``state_slices``, pairs of name and size, if the model has it."""
    slices, start = [], 0
    for name, size in getattr(model, "state_slices", ()):
        slices.append(StateSlice(str(name), (int(size),), start, start + int(size)))
        start += int(size)
    return tuple(slices) if start == n_states else ()
