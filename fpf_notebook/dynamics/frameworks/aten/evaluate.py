"""A graph of operators as a computation of JAX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.frameworks.aten import choices, moves, sums, windows
from fpf_notebook.dynamics.frameworks.aten.graph import Argument, Form, Graph, Operation, Reference
from fpf_notebook.dynamics.frameworks.aten.lean import (
    Given,
    Lean,
    apply_rule,
    full,
    lean,
    lean_shape,
)
from fpf_notebook.dynamics.frameworks.aten.rules import Noise, NotCoveredError, Value, rule_of

Known: TypeAlias = Lean | Noise

ROOMS = (choices, moves, sums, windows)  # that their rules are there
_NOISE = ("rand", "randn", "rand_like", "randn_like", "normal_functional", "uniform", "bernoulli")

# What is random stays so, wherever it goes.
_OF_PLACES = [
    "expand.default",
    "select.int",
    "slice.Tensor",
    "unsqueeze.default",
    "squeeze.dims",
    "squeeze.dim",
    "permute.default",
    "transpose.int",
    "t.default",
]


def evaluate(graph: Graph, arguments: Sequence[Value]) -> tuple[Value, ...]:
    """Evaluate a graph; can be traced, batched and differentiated.

    Parameters
    ----------
    graph
        What PyTorch has exported.
    arguments
        Arrays of the shapes and types with which it was exported.

    Returns
    -------
    tuple
        The results.

    Raises
    ------
    NotCoveredError
        If an operator has no rule, or the result depends on random numbers.
    """
    arrays = {**graph.constants, **dict(zip(graph.inputs, arguments, strict=True))}
    known: dict[str, Known] = {name: lean(a, np.shape(a)) for name, a in arrays.items()}
    results: dict[str, tuple[Known, ...]] = {}
    for operation in graph.operations:
        if operation.operator == "getitem":
            source, place = operation.arguments
            assert isinstance(source, Reference)
            assert isinstance(place, int)
            known[operation.name] = results[source.name][place]
            continue
        found = _apply(operation, known)
        results[operation.name] = found
        if not operation.several:
            known[operation.name] = found[0]
    return tuple(full(_certain(known[name])) for name in graph.outputs)


def _apply(operation: Operation, known: Mapping[str, Known]) -> tuple[Known, ...]:
    random = _random(operation, known)
    if random is not None:
        return (random,)
    arguments = [_given(item, known) for item in operation.arguments]
    keywords = {name: _given(item, known) for name, item in operation.keywords.items()}
    rule = rule_of(operation.operator)
    try:
        found = apply_rule(operation.operator, rule, operation.forms[0].shape, arguments, keywords)
    except NotCoveredError:
        raise
    except Exception as error:  # arguments of a kind that the rule does not know
        raise NotCoveredError(
            f"aten.{operation.operator} is used in a way that is not covered "
            f"({type(error).__name__})"
        ) from error
    parts = found if isinstance(found, tuple) else (found,)
    return tuple(
        _formed(part, form, operation.operator)
        for part, form in zip(parts, operation.forms, strict=False)
    )


def _given(argument: Argument, known: Mapping[str, Known]) -> Given:
    if isinstance(argument, Reference):
        if argument.name not in known:
            raise NotCoveredError(f"it uses {argument.name} as a whole, which has several parts")
        return _certain(known[argument.name])
    if isinstance(argument, tuple):
        return tuple(_given(item, known) for item in argument)
    return argument


def _certain(value: Known) -> Lean:
    if isinstance(value, Noise):
        raise NotCoveredError("it draws random numbers, and does not multiply them by zero")
    return value


def _random(operation: Operation, known: Mapping[str, Known]) -> Known | None:
    """Return random numbers, what is left of them when they are multiplied by zero, or None."""
    name = operation.operator.split(".")[0]
    form = operation.forms[0]
    if name in _NOISE:
        return Noise(form.shape)
    given = [known.get(a.name) if isinstance(a, Reference) else a for a in operation.arguments]
    noise = [isinstance(item, Noise) for item in given]
    if sum(noise) != 1:
        return None
    others = [item for item in given if not isinstance(item, Noise)]
    if name == "mul" and any(_is_zero(item) for item in others):
        return _formed(np.zeros(form.shape), form, operation.operator)
    keeps = operation.operator in (*moves.KEEPING, *moves.RESHAPING, *_OF_PLACES)
    scaled = name == "mul" or (noise[0] and (name in ("div", "neg") or keeps))
    return Noise(form.shape) if scaled else None


def _is_zero(value: Known | Argument) -> bool:
    if isinstance(value, Lean):
        return isinstance(value.value, np.ndarray) and not value.value.any()
    return isinstance(value, int | float) and value == 0


def _formed(value: Value, form: Form, operator: str) -> Lean:
    """Bring a result to the type that it has in PyTorch, and make sure of its shape."""
    if not form.dtype:
        return lean(value, np.shape(value))
    if lean_shape(np.shape(value)) != lean_shape(form.shape):
        raise NotCoveredError(
            f"aten.{operator} gives {np.shape(value)} in JAX, {form.shape} in PyTorch"
        )
    try:
        dtype = jnp.dtype(form.dtype)
    except TypeError:
        raise NotCoveredError(f"it computes with numbers of type {form.dtype}") from None
    dtype = jax.dtypes.canonicalize_dtype(dtype)
    typed = value if getattr(value, "dtype", None) == dtype else jnp.asarray(value).astype(dtype)
    return lean(typed, form.shape)
