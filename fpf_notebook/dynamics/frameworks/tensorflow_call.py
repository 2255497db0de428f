"""Any function or module of TensorFlow, called and differentiated by TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeAlias

import jax
import numpy as np

from fpf_notebook._types import PyTree
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.call_identity import CallIdentity
from fpf_notebook.dynamics.frameworks.bridge import Host, bridged
from fpf_notebook.dynamics.frameworks.missing import require
from fpf_notebook.dynamics.parameter_names import Convention
from fpf_notebook.dynamics.probe import not_repeatable
from fpf_notebook.dynamics.reading import Reading, decide_order
from fpf_notebook.dynamics.step_map import Precision
from fpf_notebook.dynamics.step_options import StepOptions

Call: TypeAlias = Callable[[Any, Any], tuple[Any, Any]]


def recipe_of_tensorflow_call(model: Any, options: StepOptions) -> Recipe:
    """Find out how a function or a module of TensorFlow is called.

    Parameters
    ----------
    model
        A function of tensors, also one made by ``tf.function``, or a callable ``tf.Module``; called
        as ``model(input, state) -> (output, next_state)`` or ``model(state, input) -> next_state``.
    options
        The sizes must be there: a call does not tell them.

    Returns
    -------
    Recipe
        Variables stay in the model: a step is computed with what they hold at that time.

    Raises
    ------
    ImportError
        If TensorFlow is not installed.
    TypeError, ValueError
        If it cannot be called so, or if two calls give different results.
    """
    tf = require("tensorflow", "framework='tensorflow'")
    name = getattr(model, "__name__", None) or type(model).__name__
    n_states, n_inputs, dtype = options.n_states, options.n_inputs, options.dtype
    convention, batched = options.convention, options.batched
    if n_states is None or n_inputs is None:
        raise ValueError(
            f"{name} is called as a step, and a call does not tell its sizes: pass n_states= and "
            "n_inputs=."
        )
    if not isinstance(n_states, int):
        raise ValueError(
            f"n_states is {n_states!r}: a state of several tensors of TensorFlow has to be joined "
            "and cut by a function around the model."
        )
    if hasattr(model, "state_size"):
        # Given a tensor, it would take the first row for its list of states.
        raise TypeError(
            f"{name} is a cell, which takes a list of states: give a function, for example "
            "lambda u, h: cell(u, [h]), with framework='tensorflow'; or, for a cell of Keras, the "
            "cell alone, without framework=, to have its weights read."
        )
    rng = np.random.default_rng(0)
    h, u = (rng.uniform(-0.5, 0.5, (3, size)) for size in (n_states, n_inputs))
    orders: tuple[Convention, ...] = ("input_state", "state_input")
    found: dict[Convention, tuple[Call, Precision, int]] = {}
    failures = []
    for order in orders if convention is None else (convention,):
        call = _caller(tf, model, state_first=order == "state_input", batched=batched is not False)
        try:
            found[order] = (call, *_probe(tf, call, h, u, dtype, name))
        except _MisfitError as error:
            failures.append(error)
    if not found:
        raise ValueError(str(failures[0]))
    order, told = next(iter(found)), "what can be called" if convention is None else "convention="
    if len(found) > 1:
        called = getattr(model, "python_function", model)
        order, told = decide_order(called, name, n_states, n_inputs)
    call, work, n_outputs = found[order]
    identity = CallIdentity("tensorflow", model, (order, batched, work, n_outputs))
    step = bridged(_host(tf, call, n_outputs, identity), n_states, n_inputs)

    def both(_: object, h: jax.Array, u: jax.Array) -> tuple[PyTree, PyTree]:
        result = step([], h.astype(work), u.astype(work)).astype(h.dtype)
        return result[:n_states], result[n_states:] if n_outputs else None

    return Recipe(
        both=both,
        params={},
        n_states=n_states,
        n_inputs=n_inputs,
        name=f"tensorflow {name}",
        box_reason=(
            f"nothing is known of the range of {name}, which is called; give "
            "invariant_box=(low, high) if it does not leave a box"
        ),
        reading=Reading(
            source="a function of TensorFlow, called",
            order=order,
            decided_by=told,
            returned="the last of what is returned",
            parameters="none: Variables stay in the model",
        ),
    )


class _MisfitError(ValueError):
    """A model cannot be called so."""


def _caller(tf: ModuleType, model: Any, *, state_first: bool, batched: bool) -> Call:
    """Return ``call(h, u) -> (next state, output or None)`` of batches of tensors."""

    def single(h: Any, u: Any) -> tuple[Any, Any]:
        result = model(h, u) if state_first else model(u, h)
        if isinstance(result, tuple | list) and len(result) == 2:
            output, following = result
            if isinstance(following, tuple | list) and len(following) == 1:
                following = following[0]  # cells of Keras: a list of states
            return following, output if tf.is_tensor(output) else None
        return result, None

    def call(h: PyTree, u: jax.Array) -> tuple[PyTree, PyTree]:
        if batched:
            return single(h, u)
        rows = [single(x, v) for x, v in zip(tf.unstack(h), tf.unstack(u), strict=True)]
        output = None if rows[0][1] is None else tf.stack([row[1] for row in rows])
        return tf.stack([row[0] for row in rows]), output

    return call


def _probe(
    tf: ModuleType, call: Call, h: np.ndarray, u: np.ndarray, dtype: Precision, name: str
) -> tuple[Precision, int]:
    """Call the step with a batch; return in which precision it works, and the output's length."""
    failures = []
    works: tuple[Precision, ...] = ("float64", "float32") if dtype == "float64" else ("float32",)
    for work in works:
        given = [tf.constant(part.astype(work)) for part in (h, u)]
        try:
            following, output = call(*given)
            again, _ = call(*given)
        except Exception as error:
            failures.append(f"  in {work}: {type(error).__name__}: {str(error).strip()[:300]}")
            continue
        if not tf.is_tensor(following) or tuple(following.shape) != h.shape:
            shown = tuple(following.shape) if tf.is_tensor(following) else type(following).__name__
            failures.append(f"  in {work}: it returned a next state of {shown}, expected {h.shape}")
            continue
        if following.dtype.name != work:
            failures.append(f"  in {work}: it returned a next state of type {following.dtype.name}")
            continue
        if not np.array_equal(following.numpy(), again.numpy(), equal_nan=True):
            raise ValueError(not_repeatable(name))
        return work, 0 if output is None else int(np.prod(output.shape[1:], dtype=int))
    tried = "\n".join(failures)
    raise _MisfitError(
        f"{name} could not be called as a step with input [3, {u.shape[1]}] and state "
        f"[3, {h.shape[1]}]:\n{tried}\n"
        "Expected f(input, state) -> (output, next_state), of batches; convention='state_input' is "
        "for f(state, input) -> next_state, batched=False for a function of one state."
    )


def _host(tf: ModuleType, call: Call, n_outputs: int, identity: CallIdentity) -> Host:
    def flat(output: Any, like: np.ndarray) -> PyTree:
        if output is None:
            return tf.zeros((len(like), 0), like.dtype)
        return tf.cast(tf.reshape(output, (len(like), n_outputs)), like.dtype)

    def values(_: object, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        following, output = call(tf.constant(h), tf.constant(u))
        return following.numpy(), flat(output, h).numpy()

    def jacobians(_: object, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Row by row, for the whole batch at once: no state of the batch depends on another.
        sources = [tf.constant(h), tf.constant(u)]
        with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
            tape.watch(sources)
            following, output = call(*sources)
            rows = tf.unstack(tf.concat([following, flat(output, h)], axis=1), axis=1)
        zero = tf.UnconnectedGradients.ZERO
        found = [tape.gradient(row, sources, unconnected_gradients=zero) for row in rows]
        by_h, by_u = (tf.stack(part, axis=1).numpy() for part in zip(*found, strict=True))
        return by_h, by_u

    return Host(values, jacobians, n_outputs, identity)
