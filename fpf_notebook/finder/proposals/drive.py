"""A further input to a network: into its nonlinearity, wherever that stands in the step.

Curves that are followed by pushing a network with an additional input stay within the range of the
nonlinearity, and come in from a state that is known (everything saturated). Models seldom have an
input into each unit; here one is added to the step's own program, its jaxpr.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.jaxpr.calls import body_of_call

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Driven", "with_drive"]

_Places: TypeAlias = frozenset[int]
# In the order of preference: of a gated unit it is the candidate that is wanted, not a gate.
_SQUASHES = ("tanh", "erf", "logistic", "max")


@dataclass(frozen=True, eq=False)
class Driven:
    """A step map with an input into its nonlinearity.

    Attributes
    ----------
    step_map : StepMap
        The same network with the inputs ``[u, v, w]``: wherever the nonlinearity φ was applied to
        ``z``, it is now applied to ``exp(w) z + v``. With v = 0 and w = 0 nothing has changed.
    n_inputs : int
        Length of the network's own input u.
    n_driven : int
        Length of v; w is a single number.
    squash : str
        Name of the nonlinearity's primitive.
    """

    step_map: StepMap
    n_inputs: int
    n_driven: int
    squash: str

    def inputs(self, u: np.ndarray) -> np.ndarray:
        """Append v = 0 and w = 0 to inputs, [..., n_inputs] to [..., n_inputs + n_driven + 1]."""
        u = np.asarray(u, dtype=np.float64)
        return np.concatenate([u, np.zeros((*u.shape[:-1], self.n_driven + 1))], axis=-1)


def with_drive(step_map: StepMap) -> Driven | None:
    """Add an input into the nonlinearity of a step.

    Of several nonlinearities tanh is taken before the logistic function before relu, then the one
    of most units, then the last: in a GRU that is the candidate, in a leaky unit the rate. Others
    of its kind are driven with it if neither's output reaches the other within the step: those of
    the other populations, of a network whose populations are written one by one.

    Parameters
    ----------
    step_map : StepMap
        The network.

    Returns
    -------
    Driven or None
        None where the step has no such nonlinearity, or only inside of a loop.

    Examples
    --------
    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook import as_step_map
    >>> from fpf_notebook.finder.proposals.drive import with_drive
    >>> latch = as_step_map(
    ...     lambda h: 0.5 * h + 0.5 * jnp.tanh(2 * h), n_states=1, n_inputs=0, batched=False
    ... )
    >>> driven = with_drive(latch)
    >>> driven.squash
    'tanh'
    >>> pushed = driven.step_map(np.array([[1.0]]), np.array([[0.3, 0.0]]))
    >>> np.allclose(pushed, 0.5 + 0.5 * np.tanh(2.3))
    True
    """
    met = _nonlinearities(step_map)
    places = _chosen(met, step_map.n_states)
    if not places:
        return None
    squash = met[places[0]].name
    n_driven = sum(met[place].size for place in places)
    step, n_inputs = step_map.step, step_map.n_inputs

    def driven(params: PyTree, h: jax.Array, u: jax.Array) -> jax.Array:
        own, v, w = u[:n_inputs], u[n_inputs:-1], u[-1]
        program = jax.make_jaxpr(step)(params, h, own)
        ends = np.cumsum([met[place].size for place in places])[:-1]
        parts = dict(zip(places, jnp.split(v, ends), strict=True))
        return _evaluate(program, jax.tree.leaves((params, h, own)), _Inserting(parts, w))[0]

    def box(params: PyTree, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert step_map.box is not None
        return step_map.box(params, u[:n_inputs])

    # A box that was proven works on numbers, and so does this one then.
    box.on_host = getattr(step_map.box, "on_host", False)  # type: ignore[attr-defined]
    return Driven(
        dataclasses.replace(
            step_map,
            step=driven,
            n_inputs=n_inputs + n_driven + 1,
            box=None if step_map.box is None else box,
            readout=None,
            n_outputs=None,
            name=f"{step_map.name}, driven",
            signature=f"{step_map.signature} driven {places}",
            _retrace=None,
            _origin=None,
        ),
        n_inputs,
        n_driven,
        squash,
    )


class _Met(NamedTuple):
    """A nonlinearity of a step, and the places of those whose output reaches it."""

    name: str
    size: int
    behind: frozenset[int]


def _chosen(met: list[_Met], n_states: int) -> list[int]:
    """Return the places of the nonlinearities that are driven, in the order of the program."""
    fitting = [place for place, one in enumerate(met) if one.size <= n_states]
    if not fitting:
        return []
    squash = min((met[place].name for place in fitting), key=_SQUASHES.index)
    alike = [place for place in fitting if met[place].name == squash]
    chosen: list[int] = []
    for place in sorted(alike, key=lambda place: (met[place].size, place), reverse=True):
        size = sum(met[other].size for other in (*chosen, place))
        if size <= n_states and not any(
            other in met[place].behind or place in met[other].behind for other in chosen
        ):
            chosen.append(place)
    return sorted(chosen)


def _nonlinearities(step_map: StepMap) -> list[_Met]:
    """Return those in a step, in the order of its program."""
    met: list[_Met] = []

    def run(params: PyTree, h: jax.Array, u: jax.Array) -> list[PyTree]:
        program = jax.make_jaxpr(step_map.step)(params, h, u)
        return _evaluate(program, jax.tree.leaves((params, h, u)), _Counting(met))

    with jax.enable_x64(True):
        h = np.zeros(step_map.n_states, step_map.dtype)
        jax.eval_shape(run, step_map.params, h, np.zeros(step_map.n_inputs, step_map.dtype))
    return met


class _Counting:
    """Notes the nonlinearities in the order in which they are met."""

    def __init__(self, list_: list[_Met]) -> None:
        self.list = list_

    def __call__(
        self, place: int, name: str, values: list[PyTree], behind: _Places
    ) -> list[PyTree]:
        self.list.append(_Met(name, max(int(np.size(value)) for value in values), behind))
        return values


class _Inserting:
    """Changes what goes into some of them: part by part of v, by place."""

    def __init__(self, parts: dict[int, jax.Array], w: jax.Array) -> None:
        self.parts, self.w = parts, w

    def __call__(
        self, place: int, name: str, values: list[PyTree], behind: _Places
    ) -> list[PyTree]:
        if place not in self.parts:
            return values
        k = _argument(values)
        z, v = values[k], self.parts[place]
        pushed = z * jnp.exp(self.w).astype(z.dtype) + v.reshape(z.shape).astype(z.dtype)
        return [pushed if j == k else value for j, value in enumerate(values)]


def _argument(values: list[PyTree]) -> int:
    """Tell which operand is the variable one: max has a constant beside it."""
    return int(np.argmax([np.size(value) * (2 if _is_traced(value) else 1) for value in values]))


def _is_traced(value: object) -> bool:
    return isinstance(value, jax.core.Tracer)


def _evaluate(closed: ClosedJaxpr, arguments: list[PyTree], visit: AnyFunction) -> list[PyTree]:
    """Run a jaxpr, calls inlined, and show every nonlinearity's operands to ``visit``."""
    return _Walk(visit).run(closed.jaxpr, closed.consts, arguments, [frozenset()] * len(arguments))[
        0
    ]


class _Walk:
    """Runs a jaxpr, and knows of each value which nonlinearities it has come through."""

    def __init__(self, visit: AnyFunction) -> None:
        self.visit, self.n_met = visit, 0

    def run(
        self,
        jaxpr: Jaxpr,
        constants: list[PyTree],
        arguments: list[PyTree],
        through: list[_Places],
    ) -> tuple[list[PyTree], list[_Places]]:
        """Return the results, and what each has come through."""
        values: dict[Var, PyTree] = dict(zip(jaxpr.constvars, constants, strict=True))
        values |= dict(zip(jaxpr.invars, arguments, strict=True))
        passed: dict[Var, _Places] = dict(zip(jaxpr.invars, through, strict=True))

        def read(atom: Var | Literal) -> PyTree:  # a literal is a plain number
            return atom.val if isinstance(atom, Literal) else values[atom]

        def behind(atom: Var | Literal) -> _Places:
            return frozenset() if isinstance(atom, Literal) else passed.get(atom, frozenset())

        for equation in jaxpr.eqns:
            operands = [read(atom) for atom in equation.invars]
            before = [behind(atom) for atom in equation.invars]
            name = equation.primitive.name
            inner = body_of_call(equation)
            if inner is not None and len(inner.jaxpr.invars) == len(operands):
                results, after = self.run(inner.jaxpr, inner.consts, operands, before)
            else:
                all_before = frozenset().union(*before)
                if name in _SQUASHES and (name != "max" or _beside_zero(equation, operands)):
                    operands = self.visit(self.n_met, name, operands, all_before)
                    all_before |= {self.n_met}
                    self.n_met += 1
                options = equation.primitive.get_bind_params(equation.params)
                bound = equation.primitive.bind(*operands, **options)
                results = list(bound) if equation.primitive.multiple_results else [bound]
                after = [all_before] * len(results)
            values |= dict(zip(equation.outvars, results, strict=True))
            passed |= dict(zip(equation.outvars, after, strict=True))
        return [read(atom) for atom in jaxpr.outvars], [behind(atom) for atom in jaxpr.outvars]


def _beside_zero(equation: JaxprEqn, operands: list[PyTree]) -> bool:
    """Tell a relu, max(z, 0), from other uses of max."""
    return any(
        not _is_traced(value) and np.size(value) == 1 and float(np.asarray(value).ravel()[0]) == 0.0
        for value in operands
    )
