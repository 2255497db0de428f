"""Programs for what a step of another framework does as a rule, and a call for all else.

A step that branches on its numbers does one of several things. Each that was seen has a program,
and a condition under which it is what the step does. Where none of the conditions holds the other
framework is called, for the batch in which that happens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.frameworks.bridge import (
    Host,
    Parameters,
    all_zero,
    no_derivative,
    on_the_host,
)

Value: TypeAlias = jax.Array | np.ndarray
Weights: TypeAlias = Sequence[Value]
Pair: TypeAlias = tuple[np.ndarray, np.ndarray]
HostFunction: TypeAlias = Callable[[Parameters, np.ndarray, np.ndarray], Pair]
Step: TypeAlias = Callable[[Weights, Value, Value], Value]


@dataclass(frozen=True, eq=False)
class Path:
    """What a step does under a condition.

    Parameters
    ----------
    values
        ``values(weights, h, u)`` returns the rows [n_rows], and whether it is what the step does.
    change
        ``change(weights, h, u, dh, du)`` returns the change of the rows, where the other framework
        has a derivative of its own; None where JAX may derive the values.
    seen
        A state and an input for which it was what the step did.
    """

    values: Callable[[Weights, Value, Value], tuple[Value, Value]]
    change: Callable[..., Value] | None
    seen: tuple[np.ndarray, np.ndarray]

    def at(self, weights: Weights, h: Value, u: Value) -> tuple[Value, tuple[Value, Value]]:
        """Return whether this path is taken, and where to compute it.

        A path that is not taken may divide by zero, and what is selected among several has then no
        derivative backwards: it is computed at the state where it was seen.
        """
        holds = self.values(weights, h, u)[1] & jnp.isfinite(h).all()
        x, v = (jnp.where(holds, a, jnp.asarray(b)) for a, b in zip((h, u), self.seen, strict=True))
        return holds, (x, v)


def guarded(paths: Sequence[Path], host: Host, n_states: int, n_inputs: int) -> Step:
    """Return a step that is computed by JAX where a path is known, and called elsewhere.

    Parameters
    ----------
    paths
        What it does, as far as it is known.
    host
        The step on the host.
    n_states, n_inputs
        Sizes.

    Returns
    -------
    Callable
        ``step(weights, h, u)`` for one state. It can be batched, and differentiated once.
    """
    n_rows = n_states + host.n_outputs
    values, derivatives = on_the_host(_one_by_one(host), n_states, n_inputs)

    def known(weights: Weights, h: Value, u: Value) -> tuple[Value, Value]:
        # A state that is lost is not worth a call: nothing finite comes of it.
        lost = ~jnp.isfinite(h).all()
        rows, known = jnp.full(n_rows, jnp.nan, h.dtype), lost
        for path in paths:
            holds, point = path.at(weights, h, u)
            rows = jnp.where(holds, path.values(weights, *point)[0], rows)
            known = known | holds
        return rows, known

    def value(weights: Weights, h: Value, u: Value) -> Value:
        rows, is_known = known(weights, h, u)
        other = jax.lax.cond(
            _all_of_the_batch(is_known),
            lambda: jnp.zeros(n_rows, h.dtype),
            lambda: values(weights, jnp.asarray(h), jnp.asarray(u)),
        )
        return jnp.where(is_known, rows, other)

    step = jax.custom_jvp(value)

    def rule(primals: PyTree, tangents: PyTree) -> tuple[Value, Value]:
        weights, h, u = primals
        dh, du = (
            jnp.zeros_like(at) if all_zero(part) else part
            for at, part in zip((h, u), tangents[1:], strict=True)
        )
        is_known = known(weights, h, u)[1]

        def on_host(dh: Value, du: Value) -> Value:
            by_h, by_u = jnp.split(
                derivatives(weights, jnp.asarray(h), jnp.asarray(u)), [n_states], axis=1
            )
            return by_h @ dh + by_u @ du

        other = jax.lax.cond(
            _all_of_the_batch(is_known),
            lambda dh, du: jnp.zeros(n_rows, h.dtype),
            on_host,
            *(dh, du),
        )
        change = jnp.zeros(n_rows, h.dtype)
        for path in paths:
            holds, point = path.at(weights, h, u)
            change = jnp.where(holds, _change(path, weights, *point, dh, du), change)
        change = jnp.where(is_known, change, other)
        if not all_zero(tangents[0]):
            change = change + no_derivative(n_rows, h)
        return value(weights, h, u), change

    step.defjvp(rule, symbolic_zeros=True)
    return step


def _change(path: Path, weights: Weights, h: Value, u: Value, dh: Value, du: Value) -> Value:
    if path.change is not None:
        return path.change(weights, h, u, dh, du)
    return jax.jvp(lambda x, v: path.values(weights, x, v)[0], (h, u), (dh, du))[1]


def _one_by_one(host: Host) -> Host:
    """Call each state by itself: a branch asks for the numbers of a whole batch."""

    def each(function: HostFunction) -> HostFunction:
        def call(params: Parameters, h: np.ndarray, u: np.ndarray) -> Pair:
            rows = [function(params, h[i : i + 1], u[i : i + 1]) for i in range(len(h))]
            first, second = (np.concatenate(part) for part in zip(*rows, strict=True))
            return first, second

        return call

    return host._replace(call=each(host.call), jacobians=each(host.jacobians))


@custom_vmap
def _all_of_the_batch(known: jax.Array) -> Value:
    """Return whether something holds for all of a batch.

    A condition that is different for each state becomes a selection in JAX, which computes both
    sides. This one is the same for all, so that the other side is not computed.
    """
    return known


@_all_of_the_batch.def_vmap
def _(n: int, batched: tuple[bool], known: jax.Array) -> tuple[jax.Array, bool]:
    del n
    return _all_of_the_batch(jnp.all(known, axis=0) if batched[0] else known), False
