"""From a pure Python step to a checked StepMap: the last part of the way of every adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import AnyFunction
from fpf_notebook.dynamics import probe
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.call_identity import identity_of_callback
from fpf_notebook.dynamics.reading import Reading
from fpf_notebook.dynamics.step_map import (
    BoxFunction,
    Precision,
    PyTree,
    ReadoutFunction,
    StateSlice,
    StepFunction,
    StepMap,
    Time,
)
from fpf_notebook.dynamics.tracing import (
    NotDifferentiableError,
    Traced,
    digest,
    trace,
    without_addresses,
)


@dataclass(frozen=True, eq=False)
class Recipe:
    """What an adapter finds out about a model.

    Parameters
    ----------
    both
        ``both(params, h, u)`` returns ``(h_next, output or None)`` for one unbatched state. It may
        call the user's object: it is called twice, in this thread, and never again.
    params
        The parameters, a tree of arrays; ``both`` gets them in the working precision.
    n_states, n_inputs
        Sizes.
    name
        What to call the model in messages.
    slices
        Layout of the state, or empty for a single array.
    box
        ``box(params, u)`` returns ``(low, high)``, likewise traced, or None.
    box_reason
        Where the box comes from, or why there is none.
    box_must_hold
        Whether a box that the map leaves is an error (a box that was given) or only a reason not
        to use it (one that we supposed).
    dt
        The duration of a step as the model says, used where the caller gives none.
    reading
        How the model was read, for the user.
    """

    both: Callable[[PyTree, jax.Array, jax.Array], tuple[jax.Array, jax.Array | None]]
    params: PyTree
    n_states: int
    n_inputs: int
    name: str
    slices: tuple[StateSlice, ...] = ()
    box: Callable[[PyTree, jax.Array], tuple[jax.Array, jax.Array]] | None = None
    box_reason: str = "no invariant box is known for this kind of model"
    box_must_hold: bool = True
    dt: float | None = None
    reading: Reading | None = None


def assemble(recipe: Recipe, *, time: Time, dt: float | None, dtype: Precision) -> StepMap:
    """Trace a recipe and return a checked step map.

    Parameters
    ----------
    recipe
        What an adapter found out.
    time, dt, dtype
        As in :func:`fpf_notebook.dynamics.as_step_map`.

    Returns
    -------
    StepMap
        The step map.

    Raises
    ------
    ValueError
        If the step returns something of the wrong shape or type or NaN, if it is not repeatable,
        or if it leaves the given box.
    """
    given = parameters(recipe.params)
    work = np.dtype(dtype)

    with jax.enable_x64(dtype == "float64"):
        h = jax.ShapeDtypeStruct((recipe.n_states,), work)
        u = jax.ShapeDtypeStruct((recipe.n_inputs,), work)
        try:
            traced = trace(recipe.both, _cast(given, work), h, u, with_derivative=True)
        except NotDifferentiableError as error:
            raise ValueError(
                f"{recipe.name} cannot be differentiated in forward mode, which the search for "
                f"fixed points needs. JAX says: {error}\nThe likely cause is a function with a "
                "custom reverse-mode rule (jax.custom_vjp) or a callback to Python; give it a rule "
                "by jax.custom_jvp instead, or leave it out."
            ) from error
        again = trace(recipe.both, _cast(given, work), h, u, with_derivative=True)
        _check_repeatable(traced, again, recipe.name)
        next_aval, output_aval = jax.tree.unflatten(traced.out_tree, traced.out_avals)
        probe.check_result(next_aval, recipe.n_states, recipe.name, time)
        boxed = None
        if recipe.box is not None:
            boxed = trace(recipe.box, _cast(given, work), u)
            _check_box_shapes(boxed, recipe)

    params: PyTree = given
    if traced.held or (boxed is not None and boxed.held):
        held = {"step": list(traced.held), "box": list(boxed.held) if boxed is not None else []}
        params = {"given": given, "held": held}
    wrapped = params is not given

    n_outputs = int(np.prod(output_aval.shape, dtype=int)) if output_aval is not None else None
    precision = traced.precision if next_aval.dtype == work else "float32"
    # Kept alive by the step, so that no other object can have the same number meanwhile.
    callbacks = [*traced.callbacks, *(() if boxed is None else boxed.callbacks)]
    structure = f"{jax.tree.structure(params)} {[_aval(leaf) for leaf in jax.tree.leaves(params)]}"
    step_map = StepMap(
        step=_step(traced, wrapped, work),
        params=params,
        n_states=recipe.n_states,
        n_inputs=recipe.n_inputs,
        slices=recipe.slices,
        time=time,
        dt=recipe.dt if dt is None else dt,
        box=None if boxed is None else _box(boxed, wrapped, work, recipe.n_states),
        box_reason=recipe.box_reason,
        readout=None if n_outputs is None else _readout(traced, wrapped, work),
        n_outputs=n_outputs,
        name=recipe.name,
        signature=digest(
            f"{time} {dtype} {recipe.n_states} {recipe.n_inputs} {structure}",
            traced.text,
            "" if boxed is None else boxed.text,
            " ".join(identity_of_callback(function) for function in callbacks),
        ),
        dtype=dtype,
        reading=recipe.reading,
        precision="float32" if dtype == "float32" else precision,
    )
    probe.check_values(step_map)
    from fpf_notebook.dynamics.jaxpr.proven import with_proven_box  # its rooms import this one

    return with_proven_box(probe.with_checked_box(step_map, must_hold=recipe.box_must_hold))


def parameters(tree: PyTree) -> PyTree:
    """Copy parameters into arrays, so that the caller may go on writing into his own.

    Parameters
    ----------
    tree
        A tree of arrays and numbers.

    Returns
    -------
    PyTree
        The same tree of NumPy arrays.

    Raises
    ------
    TypeError
        If there is anything else in it.
    """
    return jax.tree.map(_parameter, tree)


def _parameter(value: object) -> AnyArray:
    array = np.array(value)
    if array.dtype == object or array.dtype.kind in "USMm":
        raise TypeError(
            f"params contains {value!r}, expected arrays and numbers only. Bind other options to "
            "the function by functools.partial."
        )
    return array


def _cast(params: PyTree, work: np.dtype) -> PyTree:
    """Bring all parameters to the working precision, integers to the width that goes with it."""

    def cast(value: AnyArray) -> AnyArray:
        if jnp.issubdtype(value.dtype, jnp.floating):
            if value.dtype != work and not isinstance(value, jax.core.Tracer):
                value = np.asarray(value).astype(work)  # JAX compiles a program for each shape
            return jnp.asarray(value, work)
        if value.dtype.kind in "iu" and value.dtype.itemsize > work.itemsize:
            # Traced in single precision as 32 bits; called where 64 are on.
            return jnp.asarray(value, f"{'int' if value.dtype.kind == 'i' else 'uint'}32")
        return value

    return jax.tree.map(cast, params)


def _aval(value: AnyArray) -> str:
    return f"{value.dtype}{np.shape(value)}"


def _parts(
    params: PyTree, wrapped: bool, which: str, work: np.dtype
) -> tuple[Sequence[AnyArray], PyTree]:
    if wrapped:
        return params["held"][which], _cast(params["given"], work)
    return (), _cast(params, work)


def _step(traced: Traced, wrapped: bool, work: np.dtype) -> StepFunction:
    def step(params: PyTree, h: jax.Array, u: jax.Array) -> jax.Array:
        held, given = _parts(params, wrapped, "step", work)
        return traced(held, given, h, u)[0].astype(work)

    return step


def _readout(traced: Traced, wrapped: bool, work: np.dtype) -> ReadoutFunction:
    def readout(params: PyTree, h: object, u: object) -> object:
        held, given = _parts(params, wrapped, "step", work)
        return traced(held, given, h, u)[1].astype(work).reshape(-1)

    return _Identified(readout, digest(traced.text))


def _box(traced: Traced, wrapped: bool, work: np.dtype, n_states: int) -> BoxFunction:
    def box(params: PyTree, u: jax.Array) -> tuple[jax.Array, jax.Array]:
        held, given = _parts(params, wrapped, "box", work)
        low, high = traced(held, given, u)
        shape = (n_states,)
        return jnp.broadcast_to(low, shape).astype(work), jnp.broadcast_to(high, shape).astype(work)

    return _Identified(box, digest(traced.text))


class _Identified:
    """A function that is equal to those of the same identity, for the compile cache."""

    def __init__(self, function: AnyFunction, identity: str) -> None:
        self._function = function
        self.identity = identity

    def __call__(self, *args: AnyArray) -> PyTree:
        return self._function(*args)


def _check_repeatable(first: Traced, second: Traced, name: str) -> None:
    same = without_addresses(first.text) == without_addresses(second.text) and all(
        _equal(a, b) for a, b in zip(first.held, second.held, strict=False)
    )
    if not same:
        raise ValueError(probe.not_repeatable(name))


def _equal(a: AnyArray, b: AnyArray) -> bool:
    if jax.dtypes.issubdtype(a.dtype, jax.dtypes.prng_key):  # it has no NumPy form
        a, b = jax.random.key_data(a), jax.random.key_data(b)
    return np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind in "fc")


def _check_box_shapes(boxed: Traced, recipe: Recipe) -> None:
    avals = boxed.out_avals
    ok = len(avals) == 2
    if ok:
        try:
            ok = all(
                np.broadcast_shapes(a.shape, (recipe.n_states,)) == (recipe.n_states,)
                for a in avals
            )
        except ValueError:
            ok = False
    if not ok:
        shapes = ", ".join(str(a.shape) for a in avals)
        raise ValueError(
            f"The invariant box of {recipe.name} has {len(avals)} parts of shapes {shapes}, "
            f"expected (low, high), each a number or of shape [n_states={recipe.n_states}]."
        )
