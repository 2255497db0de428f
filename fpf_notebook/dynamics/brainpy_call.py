"""BrainPy models that are called with an input and a state: the single-step convention."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.advice import brainpy_advice
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.brainpy_boxes import box_of
from fpf_notebook.dynamics.brainpy_noise import refuse_noise
from fpf_notebook.dynamics.brainpy_pure import PureModel, Values
from fpf_notebook.dynamics.brainpy_sizes import input_size, missing_size, state_size
from fpf_notebook.dynamics.call_form import Axes, CallForm
from fpf_notebook.dynamics.choose_form import Choice, choose_form
from fpf_notebook.dynamics.function import OPS
from fpf_notebook.dynamics.parameter_names import Convention, n_required
from fpf_notebook.dynamics.reading import Reading, decide_order, first_line, unclear
from fpf_notebook.dynamics.returned import BY_CONVENTION, WrongReturnError, names_of
from fpf_notebook.dynamics.second_of_first import refuse_second_of_first
from fpf_notebook.dynamics.state_form import StateForm, flat_form, pair_form
from fpf_notebook.dynamics.step_map import StateSlice, Time

if TYPE_CHECKING:
    import brainpy as bp


def recipe_of_call(
    model: bp.DynamicalSystem,
    *,
    n_states: int | None,
    n_inputs: int | None,
    convention: Convention | None,
    time: Time,
    work: np.dtype,
    declared: StateForm | None = None,
) -> Recipe:
    """Find out how a model with the single-step call is stepped.

    Parameters
    ----------
    model
        ``model(inputs[batch, 1, n_inputs], hidden[batch, n_states])`` returns
        ``(outputs, h_next[batch, n_states])``, or ``h_next`` alone. Inputs without the axis of
        time, and the state before the input, are tried too.
    n_states, n_inputs
        Sizes; default: what the model says.
    convention
        The order of the arguments, where it was given.
    time
        Whether ``h_next`` is the next state or the derivative.
    work
        Working precision.
    declared
        The form of a state of several arrays, where it was given.

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
    calls = _Calls(pure, n_states, n_inputs)
    choice = _choose(calls, convention, declared)
    form, read = choice.forms[0], calls.read[choice.forms[0]]
    base = {name: value for name, value in pure.present().items() if name in read}

    def both(params: Values, h: jax.Array, u: jax.Array) -> tuple[PyTree, PyTree]:
        call = pure.run(base | params, calls.step(form), u[None], h[None])
        following, output = call.result
        return following[0], None if output is None else output[0]

    box, reason = box_of(pure, (), base, time=time, n_inputs=n_inputs)
    return Recipe(
        both=both,
        params=base,
        n_states=n_states,
        n_inputs=n_inputs,
        name=pure.name,
        slices=_slices(model, n_states) or form.state.slices,
        box=box,
        box_reason=reason,
        reading=Reading(
            source="a BrainPy model that takes and returns its state",
            call=form.describe(pure.name, n_inputs),
            order=form.order,
            decided_by=choice.decided_by,
            returned=calls.where[form],
            parameters="its Variables" if base else "none",
        ),
    )


class _Calls:
    """Calls a model in different ways, by shapes and types only."""

    def __init__(self, pure: PureModel, n_states: int, n_inputs: int) -> None:
        self.pure, self.sizes = pure, (n_states, n_inputs)
        own = type(pure.model).__call__ is not bp.DynamicalSystem.__call__
        # Of the class: BrainPy wraps that of the object, and the names are gone.
        self.called = type(pure.model).__call__ if own else type(pure.model).update
        self.names = names_of(self.called, 1)
        self.read: dict[CallForm, frozenset[str]] = {}
        """The Variables that are used."""
        self.where: dict[CallForm, str] = {}
        self.unclear: dict[CallForm, WrongReturnError] = {}

    def step(self, form: CallForm) -> Callable[[jax.Array, jax.Array], tuple[jax.Array, jax.Array]]:
        """Return ``step(inputs, hidden)`` of batches, which returns next states and outputs."""

        def step(inputs: jax.Array, hidden: jax.Array) -> tuple[jax.Array, jax.Array]:
            following, output, self.where[form] = form.step(
                OPS, self.pure.model, hidden, inputs, self.names
            )
            return following, output

        return step

    def check_pair(self, form: CallForm) -> None:
        """Refuse a pair of two possible states of which the second is computed from the first."""
        if not self.where[form].endswith(BY_CONVENTION):
            return
        n_states, n_inputs = self.sizes
        h, u = np.zeros((2, n_states), self.pure.work), np.zeros((2, n_inputs), self.pure.work)

        def pair(h: jax.Array, u: jax.Array) -> PyTree:
            def call(hidden: jax.Array, inputs: jax.Array) -> PyTree:
                return self.pure.model(*form.arguments(OPS, hidden, inputs))

            return self.pure.run(self.pure.present(), call, h, u).result

        error = refuse_second_of_first(pair, (jnp.asarray(h), jnp.asarray(u)))
        if error is not None:
            raise ValueError(unclear(self.pure.name, form, error))

    def __call__(self, form: CallForm) -> str | None:
        """Return why a form does not fit, or None."""
        # A batch size that cannot be mistaken for another axis.
        batch = next(b for b in (3, 5, 7) if b not in self.sizes)
        hidden, inputs = (np.zeros((batch, n)) for n in self.sizes)
        step = self.step(form)
        try:
            call = self.pure.explore(step, inputs, hidden)
        except WrongReturnError as error:
            if not error.places:
                return str(error)
            self.unclear[form] = error
            return None
        except Exception as error:
            return f"raised {type(error).__name__}: {first_line(error)}"
        rng = np.random.default_rng(4)
        points = (rng.uniform(0.1, 0.5, a.shape) for a in (inputs, hidden))
        refuse_noise(self.pure, call.read, step, self.pure.present(), *points)
        _refuse_hidden_state(self.pure, step, call.written, inputs, hidden)
        self.read[form] = call.read
        return None


def _choose(calls: _Calls, convention: Convention | None, declared: StateForm | None) -> Choice:
    pure, (n_states, n_inputs) = calls.pure, calls.sizes
    orders: list[Convention] = ["input_state", "state_input"]
    if convention is not None:
        orders = [convention]
    axes: tuple[Axes, ...] = ("batch_time", "batch")
    states = [declared] if declared is not None else [flat_form(n_states), pair_form(n_states)]
    n_given = n_required(calls.called, 1)
    spread = n_given is not None and n_given > 2
    groups = [
        [CallForm(order, a, state, spread=spread) for order in orders]
        for state in states
        if state is not None and (not spread or n_given == 1 + len(state.slices))
        for a in axes
    ]
    choice = choose_form(
        iter(groups),
        calls,
        given=convention,
        decide_order=lambda: decide_order(calls.called, pure.name, n_states, n_inputs, 1),
    )
    if choice.forms and choice.forms[0] in calls.unclear:
        raise ValueError(unclear(pure.name, choice.forms[0], calls.unclear[choice.forms[0]]))
    if choice.forms:
        calls.check_pair(choice.forms[0])
        return choice
    tried = "\n".join(
        f"  {form.describe(pure.name, n_inputs)} {why}" for form, why in choice.failures
    )
    raise ValueError(
        f"{pure.name} could not be called as a single step with n_states={n_states} and n_inputs="
        f"{n_inputs}. Tried:\n{tried}\nExpected (outputs, h_next[batch, {n_states}]) of the call "
        f"with inputs[batch, 1, {n_inputs}] and hidden[batch, {n_states}]. Check the sizes "
        "(n_states=, n_inputs=), the order of the arguments and of the returned values."
        + brainpy_advice(pure.name, pure.model, [why for _, why in choice.failures])
    )


def _refuse_hidden_state(
    pure: PureModel,
    step: Callable[[Any, Any], tuple[Any, Any]],
    written: frozenset[str],
    inputs: np.ndarray,
    hidden: np.ndarray,
) -> None:
    if not written:
        return

    def following(inputs: jax.Array, hidden: jax.Array) -> PyTree:
        return step(inputs, hidden)[0]

    used = pure.dependencies(following, (), inputs, hidden)[""]
    kept = sorted(written & used)
    if kept:
        raise ValueError(
            f"{pure.name} takes its state as an argument, but h_next depends also on what the "
            f"last call left in the Variable {kept[0]!r}. Make it part of the hidden state, or do "
            "not write to it in the step."
        )


def _slices(model: bp.DynamicalSystem, n_states: int) -> tuple[StateSlice, ...]:
    """Read the layout from ``state_slices``, pairs of name and size, if the model has it."""
    slices, start = [], 0
    for name, size in getattr(model, "state_slices", ()):
        slices.append(StateSlice(str(name), (int(size),), start, start + int(size)))
        start += int(size)
    return tuple(slices) if start == n_states else ()
