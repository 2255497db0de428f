"""How a model was read: what was decided, by what, and the errors where nothing decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fpf_notebook.dynamics.advice import as_torch
from fpf_notebook.dynamics.parameter_names import Convention, names_of_pair, order_by_names

if TYPE_CHECKING:
    from fpf_notebook.dynamics.call_form import CallForm
    from fpf_notebook.dynamics.returned import WrongReturnError


@dataclass(frozen=True)
class Reading:
    """How `as_step_map` read a model.

    Parameters
    ----------
    source
        What kind of model it was taken for.
    call
        How one step is made, as a call.
    order
        ``"input_state"`` or ``"state_input"``, where the model takes both as arguments.
    decided_by
        What told the order of the arguments.
    returned
        Which of the returned values is the next state.
    parameters
        Which of the model's numbers can be exchanged by :meth:`StepMap.with_params`.
    """

    source: str
    call: str = ""
    order: Convention | None = None
    decided_by: str = ""
    returned: str = ""
    parameters: str = ""

    def rows(self) -> list[tuple[str, str]]:
        """Return label and text of what was decided."""
        rows = [("read as", self.source), ("one step", self.call)]
        if self.order is not None:
            rows.append(("order", f"{self.order}, told by {self.decided_by}"))
        rows += [("next state", self.returned), ("parameters", self.parameters)]
        return [(label, text) for label, text in rows if text]

    def __str__(self) -> str:
        return "\n".join(f"{label:<11} {text}" for label, text in self.rows())


def decide_order(
    function: Callable[..., Any], name: str, n_states: int, n_inputs: int, n_before: int = 0
) -> tuple[Convention, str]:
    """Decide the order of two arguments that could both be the state.

    Parameters
    ----------
    function
        What is called, for the names of its parameters.
    name
        What to call it.
    n_states, n_inputs
        Sizes.
    n_before
        How many parameters stand before the two.

    Returns
    -------
    tuple of str
        The order, and what told it.

    Raises
    ------
    ValueError
        If the names do not tell it: the same error whatever the model is made with.
    """
    names = names_of_pair(function, n_before)
    order = order_by_names(names)
    if order is not None and names is not None:
        return order, f"the names of its parameters, {names[0]} and {names[1]}"
    shown = "which have no names" if names is None else f"named {names[0]!r} and {names[1]!r}"
    raise ValueError(
        f"{name} can be called with either of its arguments, {shown}, as the state: with n_states="
        f"{n_states} and n_inputs={n_inputs} both orders work, and nothing says which is meant. "
        "Pass convention='input_state' for f(input, state) or convention='state_input' for "
        "f(state, input); names such as state, hidden, h and input, inputs, u would tell it too.\n"
        "    options = {'convention': 'state_input'}  # or 'input_state'"
    )


def unclear(name: str, form: CallForm, error: WrongReturnError, framework: str = "jax") -> str:
    """Return the message for a step that returns several values that could be the state.

    Parameters
    ----------
    name
        What to call the model.
    form
        How it was called.
    error
        What was found.
    framework
        ``"torch"`` for a function of tensors, which has to be told from one of JAX.
    """
    order = "u, h" if form.order == "input_state" else "h, u"
    first = error.places[0]
    place = first.removeprefix("value ") if first.startswith("value ") else repr(first)
    return (
        f"{name} {error}. Return the pair (output, next_state) from a function of the input and "
        f"the state; if {first} is the state:\n"
        f"    step = lambda u, h: (None, model({order})[{place}])" + as_torch(framework)
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, not too much of it."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else "no message"
