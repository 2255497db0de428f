"""A further input to a network: into its nonlinearity, wherever that stands in the step.

Curves that are followed by pushing a network with an additional input stay within the range of the
nonlinearity, and come in from a state that is known (everything saturated). Models seldom have an
input into each unit; here one is added to the step's own program, its jaxpr.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.jaxpr.calls import body_of_call

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepMap

__all__ = ["Driven", "with_drive"]

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
    of most units, then the last: in a GRU that is the candidate, in a leaky unit the rate.

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
    sizes = [(name, size) for name, size in met if size <= step_map.n_states]
    if not sizes:
        return None
    squash = min((name for name, _ in sizes), key=_SQUASHES.index)
    most = max(size for name, size in sizes if name == squash)
    place = max(k for k, entry in enumerate(met) if entry == (squash, most))
    step, n_inputs = step_map.step, step_map.n_inputs

    def driven(params: PyTree, h: jax.Array, u: jax.Array) -> jax.Array:
        own, v, w = u[:n_inputs], u[n_inputs:-1], u[-1]
        program = jax.make_jaxpr(step)(params, h, own)
        return _evaluate(program, jax.tree.leaves((params, h, own)), _Inserting(place, v, w))[0]

    def box(params: PyTree, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        assert step_map.box is not None
        return step_map.box(params, u[:n_inputs])

    # A box that was proven works on numbers, and so does this one then.
    box.on_host = getattr(step_map.box, "on_host", False)  # type: ignore[attr-defined]
    return Driven(
        dataclasses.replace(
            step_map,
            step=driven,
            n_inputs=n_inputs + most + 1,
            box=None if step_map.box is None else box,
            readout=None,
            n_outputs=None,
            name=f"{step_map.name}, driven",
            signature=f"{step_map.signature} driven {place}",
            _retrace=None,
            _origin=None,
        ),
        n_inputs,
        most,
        squash,
    )


def _nonlinearities(step_map: StepMap) -> list[tuple[str, int]]:
    """Return name and size of those in a step, in the order of its program."""
    met: list[tuple[str, int]] = []

    def run(params: PyTree, h: jax.Array, u: jax.Array) -> list[PyTree]:
        program = jax.make_jaxpr(step_map.step)(params, h, u)
        return _evaluate(program, jax.tree.leaves((params, h, u)), _Counting(met))

    with jax.enable_x64(True):
        h = np.zeros(step_map.n_states, step_map.dtype)
        jax.eval_shape(run, step_map.params, h, np.zeros(step_map.n_inputs, step_map.dtype))
    return met


class _Counting:
    """Notes the nonlinearities in the order in which they are met."""

    def __init__(self, sizes: list[tuple[str, int]]) -> None:
        self.sizes = sizes

    def __call__(self, name: str, values: list[PyTree]) -> list[PyTree]:
        self.sizes.append((name, max(int(np.size(value)) for value in values)))
        return values


class _Inserting:
    """Changes what goes into one of them."""

    def __init__(self, place: int, v: jax.Array, w: jax.Array) -> None:
        self.place, self.v, self.w, self.met = place, v, w, 0

    def __call__(self, name: str, values: list[PyTree]) -> list[PyTree]:
        here = self.met == self.place
        self.met += 1
        if not here:
            return values
        k = _argument(values)
        z = values[k]
        pushed = z * jnp.exp(self.w).astype(z.dtype) + self.v.reshape(z.shape).astype(z.dtype)
        return [pushed if j == k else value for j, value in enumerate(values)]


def _argument(values: list[PyTree]) -> int:
    """Tell which operand is the variable one: max has a constant beside it."""
    return int(np.argmax([np.size(value) * (2 if _is_traced(value) else 1) for value in values]))


def _is_traced(value: object) -> bool:
    return isinstance(value, jax.core.Tracer)


def _evaluate(closed: ClosedJaxpr, arguments: list[PyTree], visit: AnyFunction) -> list[PyTree]:
    """Run a jaxpr, calls inlined, and show every nonlinearity's operands to ``visit``."""
    return _run(closed.jaxpr, closed.consts, arguments, visit)


def _run(
    jaxpr: Jaxpr, constants: list[PyTree], arguments: list[PyTree], visit: AnyFunction
) -> list[PyTree]:
    values: dict[Var, PyTree] = dict(zip(jaxpr.constvars, constants, strict=True))
    values |= dict(zip(jaxpr.invars, arguments, strict=True))

    def read(atom: Var | Literal) -> PyTree:  # a literal is a plain number
        return atom.val if isinstance(atom, Literal) else values[atom]

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        name = equation.primitive.name
        inner = body_of_call(equation)
        if inner is not None and len(inner.jaxpr.invars) == len(operands):
            results = _run(inner.jaxpr, inner.consts, operands, visit)
        else:
            if name in _SQUASHES and (name != "max" or _beside_zero(equation, operands)):
                operands = visit(name, operands)
            options = equation.primitive.get_bind_params(equation.params)
            bound = equation.primitive.bind(*operands, **options)
            results = list(bound) if equation.primitive.multiple_results else [bound]
        values |= dict(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _beside_zero(equation: JaxprEqn, operands: list[PyTree]) -> bool:
    """Tell a relu, max(z, 0), from other uses of max."""
    return any(
        not _is_traced(value) and np.size(value) == 1 and float(np.asarray(value).ravel()[0]) == 0.0
        for value in operands
    )
