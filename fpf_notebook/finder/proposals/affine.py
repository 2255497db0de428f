"""How a step depends on its state directly: each unit on itself, apart from the couplings.

Steps of gated and leaky units are ``A h + B`` with a diagonal A: the old state of each unit, times
what is kept of it, plus something that comes through the couplings. This file reads A and B off the
program of a step, its jaxpr, whichever way it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.jaxpr.calls import body_of_call
from fpf_notebook.dynamics.step_map import StepFunction

__all__ = ["affine_parts"]

# What moves numbers, of one operand: it does the same to A, to B and to the positions.
_MOVES_NAMES = (
    "slice reshape squeeze expand_dims rev transpose copy copy_p dynamic_slice broadcast_in_dim "
    "split unstack"
)
_MOVES = frozenset(_MOVES_NAMES.split())


@dataclass(frozen=True, eq=False)
class _Direct:
    """The value ``scale * h[position] + rest``, element by element.

    ``position`` is known when the program is traced; -1 where scale is 0.
    """

    scale: AnyArray
    rest: AnyArray
    position: np.ndarray


_Value: TypeAlias = "jax.Array | np.ndarray | _Direct"


def affine_parts(
    step: StepFunction, params: PyTree, h: jax.Array, u: jax.Array
) -> tuple[AnyArray, AnyArray]:
    """Return A and B of a step, ``step(params, h, u) = A * h + B``, at one state.

    Parameters
    ----------
    step : callable
        ``step(params, h[n], u)``, pure.
    params, h, u
        Where to read them.

    Returns
    -------
    A, B : arrays, [n]
        A is 0 for units whose new state is no such sum.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from fpf_notebook.finder.proposals.affine import affine_parts
    >>> def leaky(p, h, u):
    ...     return h + 0.25 * (jnp.tanh(p @ h) - h)
    >>> w = jnp.array([[0.0, 2.0], [1.0, 0.0]])
    >>> a, b = affine_parts(leaky, w, jnp.array([0.5, -0.5]), jnp.zeros(0))
    >>> a.tolist(), [round(float(x), 4) for x in 4 * b]
    ([0.75, 0.75], [-0.7616, 0.4621])
    """
    program = jax.make_jaxpr(step)(params, h, u)
    state = _Direct(jnp.ones_like(h), jnp.zeros_like(h), np.arange(len(h)))
    arguments = [*jax.tree.leaves(params), state, u]
    (out,) = _Walk(h).run(program.jaxpr, program.consts, arguments)
    if isinstance(out, _Direct) and out.position.shape == h.shape:
        own = (out.position == np.arange(len(h))) | (out.position < 0)
        if own.all():
            return jnp.broadcast_to(out.scale, h.shape), jnp.broadcast_to(out.rest, h.shape)
    whole = _Walk(h).plain(out)
    return jnp.zeros_like(whole), whole


class _Walk:
    """One walk through a jaxpr and those inside it; values are arrays or `_Direct`."""

    def __init__(self, h: AnyArray) -> None:
        self.h = h

    def plain(self, value: _Value) -> AnyArray:
        """Return the value itself."""
        if isinstance(value, _Direct):
            return value.scale * self.h[value.position] + value.rest
        return value

    def run(
        self, jaxpr: Jaxpr, constants: Sequence[AnyArray], arguments: list[_Value]
    ) -> list[_Value]:
        values: dict[Var, _Value] = dict(zip(jaxpr.constvars, constants, strict=True))
        values |= dict(zip(jaxpr.invars, arguments, strict=True))

        def read(atom: Var | Literal) -> _Value:
            return atom.val if isinstance(atom, Literal) else values[atom]

        for equation in jaxpr.eqns:
            results = self._equation(equation, [read(atom) for atom in equation.invars])
            values |= dict(zip(equation.outvars, results, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _equation(self, equation: JaxprEqn, operands: list[_Value]) -> list[_Value]:
        name = equation.primitive.name
        inner = body_of_call(equation)
        if inner is not None and len(inner.jaxpr.invars) == len(operands):
            return self.run(inner.jaxpr, inner.consts, operands)
        if any(isinstance(value, _Direct) for value in operands):
            result = self._of_direct(name, equation, operands)
            if result is not None:
                return result
        options = equation.primitive.get_bind_params(equation.params)
        out = equation.primitive.bind(*map(self.plain, operands), **options)
        return list(out) if equation.primitive.multiple_results else [out]

    def _of_direct(self, name: str, equation: JaxprEqn, operands: list[Any]) -> list[_Value] | None:
        """Apply a rule that keeps the form, or return None."""
        first = operands[0]
        if name in ("add", "sub", "add_any"):
            return _sum(first, operands[1], -1.0 if name == "sub" else 1.0)
        if name == "neg":
            return [_Direct(-first.scale, -first.rest, first.position)]
        if name == "mul" and isinstance(operands[1], _Direct) != isinstance(first, _Direct):
            direct, factor = operands if isinstance(first, _Direct) else operands[::-1]
            return [_Direct(direct.scale * factor, direct.rest * factor, direct.position)]
        if name == "div" and isinstance(first, _Direct) and not isinstance(operands[1], _Direct):
            by = operands[1]
            return [_Direct(first.scale / by, first.rest / by, first.position)]
        if name == "convert_element_type" and isinstance(first, _Direct):
            scale, rest = (self._bind(equation, [x]) for x in (first.scale, first.rest))
            return [_Direct(scale[0], rest[0], first.position)]
        if name in ("concatenate", "stack"):
            return [self._joined(name, equation, operands)]
        if name in _MOVES and not any(isinstance(x, _Direct) for x in operands[1:]):
            return self._moved(equation, operands)
        return None

    def _moved(self, equation: Any, operands: list[Any]) -> list[_Value] | None:
        direct, others = operands[0], operands[1:]
        size = int(np.size(direct.position))
        if sum(int(np.prod(out.aval.shape)) for out in equation.outvars) > size:
            return None  # copies of a state: they belong to no unit of their own
        if any(isinstance(other, jax.core.Tracer) for other in others):
            return None
        with jax.ensure_compile_time_eval():
            positions = self._bind(equation, [jnp.asarray(direct.position), *others])
        scales = self._bind(equation, [_shaped(direct.scale, direct), *others])
        rests = self._bind(equation, [_shaped(direct.rest, direct), *others])
        return [
            _Direct(scale, rest, np.asarray(position))
            for scale, rest, position in zip(scales, rests, positions, strict=True)
        ]

    def _joined(self, name: str, equation: JaxprEqn, operands: list[Any]) -> _Direct:
        parts = [
            value if isinstance(value, _Direct)
            else _Direct(jnp.zeros_like(value), value, np.full(np.shape(value), -1))
            for value in operands
        ]  # fmt: skip
        join = np.concatenate if name == "concatenate" else np.stack
        axis = equation.params["dimension" if name == "concatenate" else "axis"]
        shaped = [[_shaped(x, part) for x in (part.scale, part.rest)] for part in parts]
        return _Direct(
            self._bind(equation, [scale for scale, _ in shaped])[0],
            self._bind(equation, [rest for _, rest in shaped])[0],
            join([part.position for part in parts], axis=axis),
        )

    @staticmethod
    def _bind(equation: JaxprEqn, operands: list[AnyArray]) -> list[AnyArray]:
        options = dict(equation.params)
        out = equation.primitive.bind(*operands, **options)
        return list(out) if equation.primitive.multiple_results else [out]


def _sum(one: Any, two: Any, sign: float) -> list[_Value] | None:
    if isinstance(one, _Direct) and isinstance(two, _Direct):
        if one.position.shape != two.position.shape:
            return None
        position = np.where(one.position < 0, two.position, one.position)
        if ((two.position >= 0) & (two.position != position)).any():
            return None
        scale, rest = one.scale + sign * two.scale, one.rest + sign * two.rest
        return [_Direct(scale, rest, position)]
    if isinstance(one, _Direct):
        return [_Direct(one.scale, one.rest + sign * two, one.position)]
    return [_Direct(sign * two.scale, one + sign * two.rest, two.position)]


def _shaped(part: Any, value: _Direct) -> AnyArray:
    return jnp.broadcast_to(part, value.position.shape)
