"""Step maps of plain JAX functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.advice import function_around
from fpf_notebook.dynamics.assemble import Recipe, parameters
from fpf_notebook.dynamics.call_form import ENTANGLED, GIVEN_BACK, CallForm, forms_in_turn
from fpf_notebook.dynamics.choose_form import Choice, choose_form
from fpf_notebook.dynamics.copied_arrays import with_copied_arrays
from fpf_notebook.dynamics.parameter_names import (
    Convention,
    n_required,
    order_by_names,
)
from fpf_notebook.dynamics.probe import not_repeatable
from fpf_notebook.dynamics.reading import Reading, decide_order, first_line, unclear
from fpf_notebook.dynamics.returned import BY_CONVENTION, Names, WrongReturnError, names_of
from fpf_notebook.dynamics.second_of_first import refuse_second_of_first
from fpf_notebook.dynamics.state_form import Ops, form_of
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.dynamics.step_options import StepOptions
from fpf_notebook.dynamics.time_argument import at_time, depends_on_time, time_argument


def recipe_of_function(function: Callable[..., Any], options: StepOptions) -> Recipe:
    """Find out how a function is to be called.

    Parameters
    ----------
    function
        ``f(input, state) -> (output, next_state)`` or ``F(state, input) -> next_state``, with the
        parameters as a first argument if ``params`` is given. What else is returned may stand
        beside the state or not. A function of the state alone is taken as ``F`` with
        ``n_inputs=0``.
    options
        The sizes must be there: a function does not tell them.

    Returns
    -------
    Recipe
        How to step it.

    Raises
    ------
    ValueError
        If sizes are missing, or if no way of calling fits, or if two fit and differ.
    """
    name = getattr(function, "__name__", type(function).__name__)
    n_states, n_inputs, params = options.n_states, options.n_inputs, options.params
    convention, dtype = options.convention, options.dtype
    own, function = function, with_copied_arrays(function)
    n_before = 0 if params is None else 1
    timed, with_time = function, own
    time = time_argument(own, 1, n_before) if n_inputs in (None, 0) else None
    time = time_argument(own, 2, n_before, or_more=True) if time is None else time
    if time is not None:
        own, function = (at_time(each, time, 0.0) for each in (own, function))
    count = n_required(function, n_before)
    told = "convention="
    if _takes_state_only(function, with_params=params is not None):
        function, convention, count = _ignoring_input(function), "state_input", 2
        n_inputs = 0 if n_inputs is None else n_inputs
        told = "its only argument"
    missing = [
        label for label, size in (("n_states", n_states), ("n_inputs", n_inputs)) if size is None
    ]
    if n_states is None or n_inputs is None:
        raise ValueError(
            f"{name} is a function, and a function does not tell its sizes: pass "
            f"{' and '.join(f'{label}=' for label in missing)} to as_step_map."
        )
    form = form_of(n_states)
    total = form.n_states
    if params is not None:
        params = parameters(params)
    first = () if params is None else (params,)
    names = names_of(own, n_before)
    attempts = _Attempts(function, params, total, n_inputs, dtype, name, names)
    groups = forms_in_turn(
        convention,
        options.batched,
        total,
        None if form.structure is None else form,
        single_first=True,
        n_required=count,
        by_names=order_by_names(names.arguments),
    )
    with jax.enable_x64(dtype == "float64"):
        choice = choose_form(
            groups,
            attempts,
            given=convention,
            decide_order=lambda: decide_order(own, name, total, n_inputs, n_before),
        )
        if not choice.forms:
            failures = [
                f"  {form.describe(name, n_inputs, bool(first))} {failure}"
                for form, failure in choice.failures
            ]
            raise ValueError(_no_fit(own, name, total, n_inputs, failures, n_before == 1))
        chosen = choice.forms[0]
        if chosen in attempts.unclear:
            raise ValueError(unclear(name, chosen, attempts.unclear[chosen]))
        if len(choice.forms) > 1 and not choice.forms[0].is_batched:
            attempts.check_same(choice.forms[0], choice.forms[-1])
        attempts.check_pair(chosen)
        if time is not None:
            later = at_time(timed, time, 1.7)
            later = _ignoring_input(later) if told == "its only argument" else later
            if attempts.differ(chosen, later):
                raise ValueError(depends_on_time(with_time, name, time, n_before))

    def both(given: PyTree, h: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        if not chosen.is_batched:
            return attempts.step(chosen, given, h, u)[:2]
        following, output, _ = attempts.step(chosen, given, h[None], u[None])
        return following[0], None if output is None else output[0]

    return Recipe(
        both=both,
        params={} if params is None else params,
        n_states=total,
        n_inputs=n_inputs,
        name=name,
        slices=form.slices if form.structure is not None else chosen.state.slices,
        box_reason=(
            "a plain function tells nothing about its range; give invariant_box=(low, high) if it "
            "does not leave a box"
        ),
        reading=_reading(name, chosen, choice, n_inputs, told, params is not None, attempts),
    )


def _reading(
    name: str,
    form: CallForm,
    choice: Choice,
    n_inputs: int,
    told: str,
    with_params: bool,
    attempts: _Attempts,
) -> Reading:
    return Reading(
        source="a JAX function",
        call=form.describe(name, n_inputs, with_params),
        order=form.order,
        decided_by=told if choice.decided_by == "convention=" else choice.decided_by,
        returned=attempts.where[form],
        parameters=(
            "those of params=" if with_params else "none; the arrays that it closes over are held"
        ),
    )


OPS = Ops(
    is_array=lambda value: hasattr(value, "shape") and hasattr(value, "dtype"),
    reshape=lambda array, shape: jnp.reshape(_plain(array), shape),
    join=lambda parts: jnp.concatenate(parts, axis=-1),
    swap=lambda array: jnp.swapaxes(_plain(array), 0, 1),
)


def _plain(value: Any) -> PyTree:
    # BrainPy's arrays, among others, wrap a JAX array in `value`.
    return getattr(value, "value", value)


class _Attempts:
    """Calls a function in different ways, without computing anything where shapes will do."""

    def __init__(
        self,
        function: AnyFunction,
        params: PyTree | None,
        n_states: int,
        n_inputs: int,
        dtype: Precision,
        name: str,
        names: Names,
    ) -> None:
        self._names = names
        self._function, self._params = function, params
        self._sizes, self._dtype, self._name = (n_states, n_inputs), dtype, name
        self._single: set[Convention] = set()
        self.where: dict[CallForm, str] = {}
        """Where the state was found in what was returned."""
        self.unclear: dict[CallForm, WrongReturnError] = {}
        """What returned several values that could be the state."""

    def step(
        self, form: CallForm, given: PyTree, h: jax.Array, u: jax.Array
    ) -> tuple[jax.Array, jax.Array | None, str]:
        """Return next state, output or None, and where the state was."""
        first = () if self._params is None else (given,)
        return form.step(
            OPS, lambda *arguments: self._function(*first, *arguments), h, u, self._names
        )

    def __call__(self, form: CallForm) -> str | None:
        """Return why a form does not fit, or None."""
        n_batch = _batch_size(*self._sizes)
        batch = (n_batch,) if form.is_batched else ()
        h, u = (jax.ShapeDtypeStruct((*batch, n), np.dtype(self._dtype)) for n in self._sizes)
        found = []

        def call(given: PyTree, h: PyTree, u: jax.Array) -> PyTree:
            following, _, where = self.step(form, given, h, u)
            found.append(where)
            return following

        try:
            jax.eval_shape(call, self._params, h, u)
        except WrongReturnError as error:
            if not error.places:
                return str(error)
            self.unclear[form] = error
            return None
        except Exception as error:
            return f"raised {type(error).__name__}: {first_line(error)}"
        self.where[form] = found[-1]
        if not form.is_batched:
            self._single.add(form.order)
        elif form.order not in self._single and not self._rows_are_independent(form):
            return ENTANGLED
        if form.is_supposed and self._stays(form):
            return GIVEN_BACK
        return None

    def _stays(self, form: CallForm) -> bool:
        h, u = self._some(2)
        return np.array_equal(self.step(form, self._params, h, u)[0], h)

    def _rows_are_independent(self, form: CallForm, *, same_input: bool = False) -> bool:
        return self._agree(
            form,
            lambda given, h, u: self.step(form, given, h[None], u[None])[0][0],
            same_input=same_input,
        )

    def check_same(self, single: CallForm, many: CallForm) -> None:
        """If a function takes one state and a batch, make sure that it means the same by both."""

        def alone(given: PyTree, h: jax.Array, u: jax.Array) -> PyTree:
            return self.step(single, given, h, u)[0]

        # A batch of one is what one state is, too: it sums over all that there is, say, and was
        # not written for batches.
        if self._agree(many, alone) or self._agree(many, alone, n_together=1):
            return
        # Rows that meet in the input only: `u[0]` is a channel, and no one means a batch by it.
        if not self._rows_are_independent(many, same_input=True):
            raise ValueError(
                f"{self._name} takes one state as well as a batch of states, but does something "
                "different with each. Pass batched=True or batched=False:\n"
                "    options = {'batched': False}  # or True"
            )

    def check_pair(self, form: CallForm) -> None:
        """Refuse a pair of two possible states of which the second is computed from the first."""
        if not self.where[form].endswith(BY_CONVENTION):
            return
        h, u = self._some(2)

        def pair(h: jax.Array, u: jax.Array) -> PyTree:
            first = () if self._params is None else (self._params,)
            given = (h, u) if form.is_batched else (h[0], u[0])
            found = self._function(*first, *form.arguments(OPS, *given))
            return [_plain(item) for item in found]

        error = refuse_second_of_first(pair, (h, u))
        if error is not None:
            raise ValueError(unclear(self._name, form, error))

    def differ(self, form: CallForm, other: AnyFunction) -> bool:
        """Say whether another function gives something else at some state."""
        h, u = self._some(2)
        given = (h, u) if form.is_batched else (h[0], u[0])
        mine, self._function = self._function, other
        try:
            found = self.step(form, self._params, *given)[0]
        finally:
            self._function = mine
        return not np.array_equal(found, self.step(form, self._params, *given)[0], equal_nan=True)

    def _some(self, n_batch: int) -> tuple[jax.Array, jax.Array]:
        rng = np.random.default_rng(2)
        h, u = (rng.uniform(0.1, 0.9, (n_batch, n)).astype(self._dtype) for n in self._sizes)
        return jnp.asarray(h), jnp.asarray(u)

    def _agree(
        self,
        many: CallForm,
        one: Callable[[PyTree, jax.Array, jax.Array], jax.Array],
        *,
        same_input: bool = False,
        n_together: int | None = None,
    ) -> bool:
        """Compare what becomes of the states of a batch with what becomes of each of them alone."""
        rng = np.random.default_rng(2)
        n_batch = _batch_size(*self._sizes)
        h, u = (rng.uniform(0.1, 0.9, (n_batch, n)).astype(self._dtype) for n in self._sizes)
        u = np.repeat(u[:1], n_batch, axis=0) if same_input else u

        @jax.jit
        def compare(given: PyTree, h: jax.Array, u: jax.Array) -> PyTree:
            one_by_one = [one(given, h[i], u[i]) for i in range(n_batch)]
            again = one(given, h[0], u[0])
            size = n_together or n_batch
            together = [
                self.step(many, given, h[i : i + size], u[i : i + size])[0]
                for i in range(0, n_batch, size)
            ]
            return jnp.stack(one_by_one), jnp.concatenate(together), again

        first, second, again = compare(self._params, h, u)
        if not np.array_equal(first[0], again, equal_nan=True):
            raise ValueError(not_repeatable(self._name))
        tolerance = 1e-4 if self._dtype == "float32" else 1e-8
        return np.allclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)


def _takes_state_only(function: AnyFunction, *, with_params: bool) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) == 1 + with_params


def _ignoring_input(function: AnyFunction) -> AnyFunction:
    return lambda *arguments: function(*arguments[:-1])


def _batch_size(n_states: int, n_inputs: int) -> int:
    """Return a batch size that cannot be mistaken for another axis."""
    return next(b for b in (3, 5, 7) if b not in (n_states, n_inputs))


def _no_fit(
    own: AnyFunction,
    name: str,
    n_states: int,
    n_inputs: int,
    failures: list[str],
    with_params: bool,
) -> str:
    tried = "\n".join(failures)
    return (
        f"{name} could not be called as a step with n_states={n_states} and n_inputs={n_inputs}. "
        f"Tried:\n{tried}\nExpected f(input, state) -> (output, next_state) or "
        "F(state, input) -> next_state, for one state or with a leading batch axis. Check the "
        "sizes, and the order of the arguments and of the returned values; convention= and "
        "batched= say which form is meant, params= passes parameters as the first argument."
        + function_around(name, failures, "jax", own, with_params)
    )
