"""Steps that another framework computes and differentiates, called from within JAX.

The step is a callback to the host (`jax.pure_callback`) with a derivative of its own: the Jacobians
by the other framework, once for each state, times the tangents. So it can be batched, compiled and
differentiated once, forwards and backwards; not twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.call_identity import CallIdentity

Parameters: TypeAlias = Sequence[np.ndarray]


OnHost: TypeAlias = Callable[[PyTree, jax.Array, jax.Array], jax.Array]


class Host(NamedTuple):
    """A step of a batch of states, by another framework.

    Parameters
    ----------
    call
        ``call(params, h, u)`` returns the next states [batch, n_states] and the outputs
        [batch, n_outputs] for h [batch, n_states] and u [batch, n_inputs], all of them NumPy
        arrays.
    jacobians
        ``jacobians(params, h, u)`` returns the derivatives of the next state and of the output
        together, [batch, n_states + n_outputs, n_states] by h and
        [batch, n_states + n_outputs, n_inputs] by u.
    n_outputs
        Length of the output, 0 if there is none.
    identity
        What is called and how. What was compiled for one is used for its equals alone.
    """

    call: Callable[[Parameters, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    jacobians: Callable[[Parameters, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    n_outputs: int
    identity: CallIdentity


def bridged(host: Host, n_states: int, n_inputs: int) -> Callable[[PyTree, PyTree, PyTree], PyTree]:
    """Return a step on the host as a JAX function.

    Parameters
    ----------
    host
        The step.
    n_states, n_inputs
        Sizes.

    Returns
    -------
    Callable
        ``step(params, h, u)`` for one state, with a list of arrays as parameters. Returns the next
        state and the output, one after the other.
    """
    n_rows = n_states + host.n_outputs
    values, derivatives = on_the_host(host, n_states, n_inputs)
    step = jax.custom_jvp(values)

    def rule(primals: PyTree, tangents: PyTree) -> PyTree:
        params, h, u = primals
        jacobian = derivatives(params, h, u)
        change = jnp.zeros(n_rows, h.dtype)
        blocks = jnp.split(jacobian, [n_states], axis=1)
        for block, part in zip(blocks, tangents[1:], strict=True):
            if not all_zero(part):
                change = change + block @ part
        if not all_zero(tangents[0]):
            change = change + no_derivative(n_rows, h)
        return values(params, h, u), change

    step.defjvp(rule, symbolic_zeros=True)
    return step


def on_the_host(host: Host, n_states: int, n_inputs: int) -> tuple[OnHost, OnHost]:
    """Return a step on the host, and its Jacobians, as JAX functions without derivatives.

    Parameters
    ----------
    host
        The step.
    n_states, n_inputs
        Sizes.

    Returns
    -------
    tuple of Callable
        ``values(params, h, u)`` [n_rows] and ``derivatives(params, h, u)``
        [n_rows, n_states + n_inputs], for one state.
    """
    n_rows = n_states + host.n_outputs

    def values(params: PyTree, h: PyTree, u: PyTree) -> PyTree:
        def on_host(*given: PyTree) -> np.ndarray:
            return np.concatenate([np.concatenate(host.call(*part), axis=1) for part in given])

        return _callback(on_host, host.identity, (n_rows,), params, h, u)

    def derivatives(params: PyTree, h: PyTree, u: PyTree) -> PyTree:
        def on_host(*given: PyTree) -> np.ndarray:
            return np.concatenate([np.concatenate(host.jacobians(*p), axis=2) for p in given])

        return _callback(on_host, host.identity, (n_rows, n_states + n_inputs), params, h, u)

    return values, derivatives


def all_zero(tangents: PyTree) -> bool:
    """Tell whether tangents are known to be zero, where ``symbolic_zeros`` are on."""
    zero = jax.custom_derivatives.SymbolicZero
    leaves = jax.tree.leaves(tangents, is_leaf=lambda part: isinstance(part, zero))
    return all(isinstance(part, zero) for part in leaves)


def no_derivative(n_rows: int, h: jax.Array) -> jax.Array:
    """Return something that fails when it is computed, not already when it is traced."""
    result = jax.ShapeDtypeStruct((n_rows,), h.dtype)
    return jax.pure_callback(_fail, result, h, vmap_method="expand_dims")


def _fail(h: jax.Array) -> jax.Array:
    raise NotImplementedError(
        "The derivative by the weights of a model that is called in another framework is not known "
        "to JAX. Train it there; or give a recurrent module that is read by its weights."
    )


def _callback(
    on_host: Callable[..., np.ndarray],
    identity: CallIdentity,
    shape: tuple[int, ...],
    params: PyTree,
    h: jax.Array,
    u: jax.Array,
) -> jax.Array:
    """Call ``on_host(*parts)``, where a part is (params, h, u) with a batch axis in h and u."""
    arrays = [*params, h, u]
    shapes, types = [np.shape(a) for a in arrays], [np.dtype(a.dtype) for a in arrays]
    real = types[-2]
    wide = real.itemsize == 8

    def call(*words: PyTree) -> np.ndarray:
        # NumPy throughout: JAX must not be called from a callback.
        given = [
            np.asarray(w).view(kind)[..., 0] if kind.itemsize == 8 else np.asarray(w)
            for w, kind in zip(words, types, strict=True)
        ]
        parts, batch = _parts(given, shapes)
        found = np.ascontiguousarray(on_host(*parts), real).reshape(*batch, *shape)
        return found[..., None].view(np.uint32) if wide else found

    call.identity = identity  # type: ignore[attr-defined]  # see `Traced.callbacks`
    # JAX runs callbacks in threads of its own, where `jax.enable_x64` does not hold and what has 64
    # bits is rounded to 32 on the way in and out: so it travels as pairs of words of 32 bits.
    words = [
        jax.lax.bitcast_convert_type(a, jnp.uint32) if kind.itemsize == 8 else a
        for a, kind in zip(arrays, types, strict=True)
    ]
    result = jax.ShapeDtypeStruct((*shape, 2), jnp.uint32)
    if not wide:
        result = jax.ShapeDtypeStruct(shape, real)
    found = jax.pure_callback(call, result, *words, vmap_method="expand_dims")
    return jax.lax.bitcast_convert_type(found, real) if wide else found


def _parts(arrays: list[np.ndarray], shapes: list[tuple[int, ...]]) -> tuple[list[PyTree], PyTree]:
    """Bring arguments with batch axes, of length 1 where they do not vary, to one batch axis.

    Returns the parts of the batch that have their parameters in common, and the batch's shape.
    """
    own = [a.shape[: a.ndim - len(shape)] for a, shape in zip(arrays, shapes, strict=True)]
    batch = np.broadcast_shapes(*own)
    n = int(np.prod(batch, dtype=int))

    def spread(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        return np.ascontiguousarray(np.broadcast_to(array, (*batch, *shape))).reshape(n, *shape)

    h, u = (spread(a, shape) for a, shape in zip(arrays[-2:], shapes[-2:], strict=True))
    params = list(zip(arrays[:-2], shapes[:-2], own[:-2], strict=True))
    if all(length == 1 for _, _, lengths in params for length in lengths):
        return [([a.reshape(shape) for a, shape, _ in params], h, u)], batch
    varied = [spread(a, shape) for a, shape, _ in params]  # a sweep over parameters
    return [([a[i] for a in varied], h[i : i + 1], u[i : i + 1]) for i in range(n)], batch
