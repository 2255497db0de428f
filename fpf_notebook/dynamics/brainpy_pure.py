"""A BrainPy model as a function of the values of its Variables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import brainpy as bp
import brainpy.math as bm
import brainstate
import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.brainpy_guard import untouched
from fpf_notebook.dynamics.tracing import influences, trace

if TYPE_CHECKING:
    import brainpy as bp


Values = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """What one call of a model did.

    Parameters
    ----------
    result
        What it returned (or its shapes and types, if it was only traced).
    values
        The values of all Variables afterwards.
    read, written
        The names of the Variables that it read or wrote (those written count as read too).
    """

    result: PyTree
    values: Values
    read: frozenset[str]
    written: frozenset[str]


class PureModel:
    """A BrainPy object whose Variables can be given values for the time of a call.

    Parameters
    ----------
    model
        The object.
    work
        The floating-point type that all floating-point Variables are brought to.
    """

    def __init__(self, model: bp.DynamicalSystem, work: np.dtype) -> None:
        self.model = model
        self.work = work
        self.native = False
        """Whether Variables keep their own types, since the model insists on them."""
        self.variables = _named_variables(model)

    @property
    def name(self) -> str:
        """The model's class, for messages."""
        return type(self.model).__name__

    def single(self, name: str) -> np.ndarray:
        """Return the present value of a Variable, its batch axis cut to a length of 1."""
        variable = self.variables[name]
        value = plain(variable._value)
        axis = batch_axis(variable)
        if axis is None:
            return np.asarray(value)
        return np.asarray(value).take([0], axis=axis)

    def present(self) -> Values:
        """Return the present values of all Variables, for a batch of one."""
        return {
            name: self.single(name)
            for name, variable in self.variables.items()
            if not isinstance(variable, brainstate.random.RandomState)
        }

    def run(
        self, values: Mapping[str, AnyArray], function: Callable[..., Any], *inputs: Any
    ) -> Call:
        """Call a function while the Variables have the given values.

        Parameters
        ----------
        values
            By name; Variables that are not named keep what they have.
        function
            Calls the model.
        inputs
            Its arguments, arrays.

        Returns
        -------
        Call
            The result and the values of the Variables after it. All Variables have their old
            values again, also if the function raises.
        """
        given = {name: self._cast(name, value) for name, value in values.items()}
        work = np.dtype(np.float32) if self.native else self.work
        arguments = [jnp.asarray(value, work) for value in inputs]
        # A model that insists on single precision is called in a world that has no other.
        with jax.enable_x64(work == np.float64), untouched(self.model, *self.outside()) as touched:
            for name, value in given.items():
                self.variables[name]._value = value
            try:
                result = jax.tree.map(plain, function(*arguments), is_leaf=_is_wrapped)
            finally:
                # In any case: what went wrong may be due to a Variable without a proper value.
                if self._note_outside(touched.states):
                    raise _FoundVariable
            after = {name: plain(self.variables[name]._value) for name in values}
            names = {id(variable): name for name, variable in self.variables.items()}
            wrote = zip(touched.states, touched.been_writen, strict=True)
            return Call(
                result,
                after,
                read=frozenset(names[id(state)] for state in touched.states),
                written=frozenset(names[id(state)] for state, was in wrote if was),
            )

    def _note_outside(self, touched: Sequence[object]) -> bool:
        """Name the Variables that BrainPy does not list: those in closures and plain objects."""
        known = {id(variable) for variable in self.variables.values()}
        found = [state for state in touched if id(state) not in known]
        for state in found:
            self.variables[f"outside.{len(self.outside())}"] = state
        return bool(found)

    def outside(self) -> list[PyTree]:
        """Return the Variables that the model uses, but BrainPy does not list."""
        return [v for name, v in self.variables.items() if name.startswith("outside.")]

    def explore(self, function: AnyFunction, *inputs: PyTree) -> Call:
        """Trace a function with the present values, to see what it does.

        Also finds Variables that the model does not list, and whether it insists on the types that
        its Variables have.

        Parameters
        ----------
        function
            Calls the model.
        inputs
            Its arguments.

        Returns
        -------
        Call
            With shapes and types in place of values.
        """
        while True:
            accesses: list[tuple[frozenset[str], frozenset[str]]] = []

            def watched(values: Values, accesses: list[Any] = accesses) -> PyTree:
                call = self.run(values, function, *inputs)
                accesses.append((call.read, call.written))
                arrays = jax.tree.map(lambda x: x if is_array(x) else None, call.result)
                return arrays, call.values

            try:
                result, after = jax.eval_shape(watched, self.present())
            except _FoundVariable:
                continue
            except bp.errors.MathError as error:
                if self.native or "dtype" not in str(error):
                    raise
                self.native = True
                continue
            return Call(result, after, *accesses[-1])

    def dependencies(
        self, function: Callable[..., object], outputs: Sequence[str], *inputs: object
    ) -> dict[str, frozenset[str]]:
        """Find out which Variables the new values of others depend on.

        Parameters
        ----------
        function
            Calls the model.
        outputs
            Names of Variables.
        inputs
            Arguments of the function.

        Returns
        -------
        dict
            For each of them, and for the result under the name ``""``, the names of the Variables
            whose old values it depends on.
        """
        values = self.present()
        names = sorted(values)

        def chosen(values: Values) -> PyTree:
            call = self.run(values, function, *inputs)
            leaves = [jnp.asarray(x) for x in jax.tree.leaves(call.result) if is_array(x)]
            return [call.values[name] for name in outputs], leaves

        sources = influences(trace(chosen, values).jaxpr)
        found = {name: frozenset(names[i] for i in sources[k]) for k, name in enumerate(outputs)}
        rest = set().union(*sources[len(outputs) :])
        return found | {"": frozenset(names[i] for i in rest)}

    def _cast(self, name: str, value: PyTree) -> PyTree:
        if not jnp.issubdtype(value.dtype, jnp.floating):
            return jnp.asarray(value)
        own = plain(self.variables[name]._value).dtype
        return jnp.asarray(value, own if self.native else self.work)


class _FoundVariable(Exception):  # noqa: N818  (a signal, not an error)
    """A call touched a Variable that was not known before; try again with it."""


def batch_axis(variable: PyTree) -> int | None:
    """Return the batch axis of a Variable, if it has one."""
    axis: int | None = getattr(variable, "batch_axis", None)
    return axis


def is_parameter(variable: PyTree) -> bool:
    """Tell whether a Variable is declared as a parameter."""
    return isinstance(variable, bm.TrainVar | bm.Parameter | brainstate.ParamState)


def _is_wrapped(value: PyTree) -> bool:
    return isinstance(value, bm.Array | brainstate.State)


def is_array(value: PyTree) -> bool:
    """Tell whether a value is an array of any kind."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def plain(value: Any) -> AnyArray:
    """Unwrap BrainPy's arrays."""
    while _is_wrapped(value):
        value = value.value
    return value


def _named_variables(model: bp.DynamicalSystem) -> dict[str, PyTree]:
    """Name all Variables by their place in the model.

    BrainPy numbers unnamed objects through the whole session ("RNNCell17"). Such numbers are
    replaced by those within the model, so that two models of the same structure have the same
    names.
    """
    automatic: dict[str, str] = {}
    counts: dict[str, int] = {}
    for node in model.nodes(method="absolute").values():
        kind = type(node).__name__
        if re.fullmatch(rf"{re.escape(kind)}\d+", node.name) and node.name not in automatic:
            automatic[node.name] = f"{kind}{counts.setdefault(kind, 0)}"
            counts[kind] += 1
    named: dict[str, PyTree] = {}
    seen: set[int] = set()
    for path, variable in model.vars(method="relative").items():
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        parts = [automatic.get(part, part) for part in path.split(".") if part]
        if len(parts) > 1 and parts[0] == "children":
            parts = parts[1:]
        named[".".join(parts)] = variable
    return named
