"""The ways of calling a step: which order, which axes, which form of the state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.parameter_names import Convention
from fpf_notebook.dynamics.returned import NO_NAMES, Names, find_state
from fpf_notebook.dynamics.state_form import Ops, Shape, StateForm, flat_form, pair_form

Axes: TypeAlias = Literal["one", "batch", "batch_time", "time_batch"]

_SEQUENCES: tuple[Axes, ...] = ("batch_time", "time_batch")


ENTANGLED = "does with one state of a batch what depends on the others"
"""Why a way of calling a batch does not fit, though it can be called so."""


GIVEN_BACK = "gives the state back as it came"
"""Why a way of calling that is only supposed does not fit."""


@dataclass(frozen=True)
class CallForm:
    """One way of calling a step.

    Parameters
    ----------
    order
        Of the input and the state among the arguments.
    axes
        Of the input: none before its channels, a batch, or a batch and one step of time.
    state
        The form of the state.
    layered
        Whether the state has a leading axis of length one, as the layers of PyTorch's modules.
    spread
        Whether each array of the state is an argument of its own.
    """

    order: Convention
    axes: Axes
    state: StateForm
    layered: bool = False
    spread: bool = False

    @property
    def is_batched(self) -> bool:
        """Whether several states are stepped in one call."""
        return self.axes != "one"

    @property
    def is_supposed(self) -> bool:
        """Whether this is no plain way of calling, so that it may fit by chance."""
        return self.layered or self.state.n_layers > 1 or self.axes not in ("one", "batch")

    def _leads(self, n_batch: int) -> tuple[Shape, Shape]:
        """Return the leading axes of the input and of the state."""
        inputs: dict[Axes, Shape] = {
            "one": (),
            "batch": (n_batch,),
            "batch_time": (n_batch, 1),
            "time_batch": (1, n_batch),
        }
        states: Shape = (n_batch,) if self.is_batched else ()
        return inputs[self.axes], ((1, *states) if self.layered else states)

    def arguments(self, ops: Ops, h: PyTree, u: PyTree) -> tuple[PyTree, ...]:
        """Return the arguments of a call.

        Parameters
        ----------
        ops
            Of the arrays.
        h, u
            [batch, n_states] and [batch, n_inputs]; without the batch for ``"one"``.
        """
        lead_u, lead_h = self._leads(h.shape[0])
        given = ops.reshape(u, (*lead_u, u.shape[-1]))
        if self.spread:
            state = self.state.parts(ops, h, lead_h)
        else:
            state = [self.state.build(ops, h, lead_h)]
        return (given, *state) if self.order == "input_state" else (*state, given)

    def step(
        self, ops: Ops, function: AnyFunction, h: PyTree, u: PyTree, names: Names = NO_NAMES
    ) -> tuple[PyTree, PyTree, str]:
        """Step once.

        Parameters
        ----------
        ops
            Of the arrays.
        function
            Takes the two arguments (or more, if the state is spread).
        h, u
            As for `arguments`.
        names
            What the function calls its arguments and what it returns.

        Returns
        -------
        tuple
            The next state, the output or None, and where among what was returned the state was.

        Raises
        ------
        WrongReturnError
            If no state is returned, or more than one.
        """
        arguments, n_batch = self.arguments(ops, h, u), h.shape[0]
        result = function(*arguments)
        lead_h = self._leads(n_batch)[1]
        found = find_state(
            ops, result, self.state, lead_h, self.order, arguments, names, self.spread
        )
        lead = (n_batch,) if self.is_batched else ()
        output = found.output
        if output is not None:
            # An output that has no row for each state is none of this step.
            rows = n_batch if self.is_batched else 1
            size = 1
            for n in output.shape:
                size *= int(n)
            output = ops.reshape(output, (*lead, size // rows)) if size % rows == 0 else None
        return self.state.flat(ops, found.leaves, lead), output, found.where

    def describe(self, name: str, n_inputs: int, with_params: bool = False) -> str:
        """Return the call in words, for example ``f(input[batch, 2], state[batch, 4])``."""
        lead = {
            "one": "",
            "batch": "batch, ",
            "batch_time": "batch, 1, ",
            "time_batch": "1, batch, ",
        }[self.axes]
        before = ("1, " if self.layered else "") + ("batch, " if self.is_batched else "")
        given, state = f"input[{lead}{n_inputs}]", self.state.describe(before)
        if self.spread:
            state = state.strip("(){}")
        pair = (given, state) if self.order == "input_state" else (state, given)
        return f"{name}({'params, ' if with_params else ''}{', '.join(pair)})"


def forms_in_turn(
    order: Convention | None,
    batched: bool | None,
    n_states: int,
    declared: StateForm | None,
    *,
    single_first: bool,
    n_required: int | None,
    by_names: Convention | None,
    n_layers: int = 1,
) -> Iterator[list[CallForm]]:
    """Yield groups of ways of calling; a later group is for what none of those before it fits.

    Parameters
    ----------
    order, batched
        As the caller gave them, or None.
    n_states
        Length of the flat state.
    declared
        The form of the state, if the caller told it.
    single_first
        Whether one state is tried beside a batch (a JAX function), or only after it (a module).
    n_required
        How many arguments must be given (parameters aside), if that is known: three and more are
        the arrays of the state, one after the other.
    by_names
        The order that the names of the parameters tell. Of the ways that are only supposed (pairs,
        sequences) none is tried against it: they fit by chance more easily.
    n_layers
        How many layers a stacked module within has: the state may be [layer, batch, unit].
    """
    orders: Sequence[Convention] = ("input_state", "state_input") if order is None else (order,)
    supposed = orders if order is not None or by_names is None else (by_names,)
    states = [declared] if declared is not None else [flat_form(n_states), pair_form(n_states)]
    plain: list[list[Axes]] = [["one", "batch"]] if single_first else [["batch"], ["one"]]
    if batched is not None:
        plain = [["batch"]] if batched else [["one"]]
    sequences = [] if batched is False else list(_SEQUENCES)

    def group(axes: Sequence[Axes], state: StateForm, **more: bool) -> list[CallForm]:
        flat = state.structure is None or declared is not None
        known = flat and not more and set(axes) <= {"one", "batch"}
        return [
            CallForm(o, a, state, **more) for a in axes for o in (orders if known else supposed)
        ]

    for state in states:
        if state is None:
            continue
        spread = n_required is not None and n_required > 2
        if spread and n_required == 1 + len(state.slices):
            for axes in plain:
                yield group(axes, state, spread=True)
            continue
        for axes in [*plain[:1], sequences]:
            yield group(axes, state)
        if batched is not False:
            yield group(["batch", *sequences], state, layered=True)
        for axes in plain[1:]:
            yield group(axes, state)
        stacked = n_layers > 1 and batched is not False and declared is None
        if stacked and all((part.stop - part.start) % n_layers == 0 for part in state.slices):
            yield group([*sequences, "batch"], replace(state, n_layers=n_layers))


Attempt: TypeAlias = Callable[[CallForm], "str | None"]
"""Returns why a way of calling does not fit, or None if it does."""
