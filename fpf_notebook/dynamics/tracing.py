"""Trace a Python function once, and keep the computation instead of the function.

What is traced is never called again: the user's object may be changed, trained on or thrown away
afterwards, in this thread or in another. Arrays that the function closes over ("held" arrays)
become arguments, so that two functions that differ in their numbers only are the same computation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.step_map import Precision


@dataclass(frozen=True, eq=False)
class Traced:
    """A traced computation.

    Parameters
    ----------
    jaxpr
        The computation.
    held
        The arrays that the function closed over: the values of the jaxpr's constants.
    out_tree, out_avals
        Structure, and shapes and types, of the result.
    text
        Identity of the computation: equal text, equal computation (given equal ``held`` and the
        same ``callbacks``).
    precision
        The coarsest floating-point type to which the computation rounds.
    callbacks
        The host's functions that it calls, of which the text does not tell one from another. A
        function with an attribute ``identity`` is known by that object in its place.
    """

    jaxpr: Jaxpr
    held: tuple[AnyArray, ...]
    out_tree: object
    out_avals: tuple[jax.ShapeDtypeStruct, ...]
    text: str
    precision: Precision
    callbacks: tuple[object, ...] = ()

    def __call__(self, held: Sequence[Any], *args: PyTree) -> PyTree:
        """Evaluate the computation with these held arrays and arguments (traceable itself)."""
        out = jax.core.eval_jaxpr(self.jaxpr, held, *jax.tree.leaves(args))
        return jax.tree.unflatten(self.out_tree, out)


class NotDifferentiableError(Exception):
    """A computation has no derivative in forward mode."""


def trace(function: AnyFunction, *args: PyTree, with_derivative: bool = False) -> Traced:
    """Trace a function with arguments of the shapes and types of ``args``.

    Must be called within the ``jax.enable_x64`` scope of the wanted precision.

    Parameters
    ----------
    function
        The function. It is called once.
    args
        Trees of arrays or of ``jax.ShapeDtypeStruct``.
    with_derivative
        Whether the derivative counts in the identity of the computation. It must be asked for
        where derivatives will be taken: two functions with equal values can have different rules
        for their derivatives.

    Returns
    -------
    Traced
        The computation.

    Raises
    ------
    NotDifferentiableError
        If the derivative is asked for, and there is none.
    """
    # A new function each time: JAX would not trace the same one again, but return what it has.
    closed, out = jax.make_jaxpr(lambda *a: function(*a), return_shape=True)(*args)
    out_avals, out_tree = jax.tree.flatten(out)
    jaxpr = closed.jaxpr
    text, callbacks = _identity(closed, args, with_derivative)
    return Traced(
        jaxpr=jaxpr,
        held=tuple(_snapshot(value) for value in closed.consts),
        out_tree=out_tree,
        out_avals=tuple(out_avals),
        text=text,
        precision="float32" if any(_rounds(eqn) for eqn in _equations(jaxpr)) else "float64",
        callbacks=callbacks,
    )


def digest(*parts: str) -> str:
    """Return a short name for a long text."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _snapshot(value: AnyArray) -> AnyArray:
    # A copy: the caller may write into his numpy arrays later. Random keys have no numpy form.
    if jax.dtypes.issubdtype(value.dtype, jax.dtypes.extended):
        return value
    return np.array(value)


def _identity(
    closed: ClosedJaxpr, args: PyTree, with_derivative: bool
) -> tuple[str, tuple[jax.Array, ...]]:
    jaxpr = closed.jaxpr
    parts = [str(jaxpr), str(jax.tree.structure(args))]
    parts += [_value_text(value) for value in _embedded_values(jaxpr)]
    callbacks = [*_callbacks(jaxpr)]
    if with_derivative:
        derivative = _derivative(closed)
        parts.append(str(derivative))
        callbacks += _callbacks(derivative)
    return "\n".join(parts), tuple(callbacks)


def _callbacks(jaxpr: Jaxpr) -> Iterator[jax.Array]:
    for eqn in _equations(jaxpr):
        if "callback" in eqn.params:
            function = eqn.params["callback"]
            function = getattr(function, "callback_func", function)
            yield getattr(function, "identity", function)


def _derivative(closed: ClosedJaxpr) -> Jaxpr:
    arrays: list[Any] = [variable.aval for variable in closed.jaxpr.invars]
    avals = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays]
    moving = [i for i, a in enumerate(avals) if np.issubdtype(a.dtype, np.floating)]

    def derivative(values: list[jax.Array], tangents: list[jax.Array]) -> PyTree:
        def along(*selected: jax.Array) -> PyTree:
            full = list(values)
            for i, value in zip(moving, selected, strict=True):
                full[i] = value
            return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *full)

        return jax.jvp(along, [values[i] for i in moving], tangents)

    try:
        jaxpr = jax.make_jaxpr(derivative)(avals, [avals[i] for i in moving]).jaxpr
        # What has a rule for reverse mode only can be traced, but not evaluated.
        if any(eqn.primitive.name == "custom_lin" for eqn in _equations(jaxpr)):
            raise TypeError("can't apply forward-mode differentiation to a custom_vjp function")
        return jaxpr
    except Exception as error:
        raise NotDifferentiableError(f"{type(error).__name__}: {error}") from error


def _value_text(value: object) -> str:
    array = np.asarray(value)
    return f"{array.dtype}{array.shape}{hashlib.sha256(array.tobytes()).hexdigest()}"


def _inner(params: dict[str, PyTree]) -> Iterator[Jaxpr | ClosedJaxpr]:
    for value in params.values():
        for item in value if isinstance(value, tuple | list) else (value,):
            if isinstance(item, Jaxpr | ClosedJaxpr):
                yield item


def _equations(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """Yield all equations, those of inner computations included."""
    for eqn in jaxpr.eqns:
        yield eqn
        for inner in _inner(eqn.params):
            yield from _equations(inner.jaxpr if isinstance(inner, ClosedJaxpr) else inner)


def _embedded_values(jaxpr: Jaxpr) -> Iterator[jax.Array]:
    """Yield the values that stand in the computation itself and not in its arguments."""
    for eqn in _equations(jaxpr):
        for atom in eqn.invars:
            if isinstance(atom, Literal):
                yield atom.val
        for inner in _inner(eqn.params):
            if isinstance(inner, ClosedJaxpr):
                yield from inner.consts
    for atom in jaxpr.outvars:
        if isinstance(atom, Literal):
            yield atom.val


def _rounds(eqn: Any) -> bool:
    if eqn.primitive.name not in ("convert_element_type", "reduce_precision"):
        return False
    source, target = eqn.invars[0].aval.dtype, eqn.outvars[0].aval.dtype
    if eqn.primitive.name == "reduce_precision":
        return bool(eqn.params["mantissa_bits"] < 52)
    floats = jax.numpy.issubdtype
    return bool(
        floats(source, np.floating)
        and floats(target, np.floating)
        and jax.numpy.finfo(target).bits < jax.numpy.finfo(source).bits
    )


def influences(jaxpr: Jaxpr) -> list[set[int]]:
    """Return, for each output, the inputs that it may depend on, by number.

    An equation counts as a whole: an output that is said to depend on an input may in truth not do
    so, but never the other way round.
    """
    sources: dict[Var, set[int]] = {var: {i} for i, var in enumerate(jaxpr.invars)}

    def of(atom: Literal | Var) -> set[int]:
        return set() if isinstance(atom, Literal) else sources.get(atom, set())

    for eqn in jaxpr.eqns:
        together: set[int] = set().union(*(of(atom) for atom in eqn.invars))
        for var in eqn.outvars:
            sources[var] = together
    return [of(atom) for atom in jaxpr.outvars]


def without_addresses(text: str) -> str:
    """Return a text without the addresses of objects, for comparison within one moment."""
    return re.sub(r"0x[0-9a-fA-F]+", "0x", text)
