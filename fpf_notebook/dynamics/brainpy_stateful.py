"""BrainPy models that keep their state in Variables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import brainpy as bp
import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook._types import AnyFunction, PyTree
from fpf_notebook.dynamics.advice import brainpy_advice
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.assemble import Recipe
from fpf_notebook.dynamics.brainpy_boxes import box_of
from fpf_notebook.dynamics.brainpy_flow import Derivative, integrators_of
from fpf_notebook.dynamics.brainpy_noise import refuse_noise, some_values
from fpf_notebook.dynamics.brainpy_pure import (
    Call,
    PureModel,
    Values,
    batch_axis,
    is_array,
    is_parameter,
)
from fpf_notebook.dynamics.brainpy_sizes import arguments_of, input_size, missing_size
from fpf_notebook.dynamics.reading import Reading
from fpf_notebook.dynamics.step_map import StateSlice, Time

if TYPE_CHECKING:
    import brainpy as bp


def recipe_of_stateful(
    model: bp.DynamicalSystem,
    *,
    n_states: int | None,
    n_inputs: int | None,
    state_vars: str | Sequence[object] | None,
    time: Time,
    work: np.dtype,
) -> Recipe:
    """Find out how a model with its state in Variables is stepped.

    Parameters
    ----------
    model
        Stepped by ``model(x)``, or by ``model()`` if it takes no input.
    n_states, n_inputs
        Sizes; default: the Variables', and what the model says.
    state_vars
        The Variables that make up the state, by name or as objects. Default: those that the step
        changes, that are not parameters, and that have an influence on the next state.
    time
        ``"discrete"``: the step. ``"continuous"``: the derivative, for models that integrate by
        ``bp.odeint``.
    work
        Working precision.

    Returns
    -------
    Recipe
        How to step it.

    Raises
    ------
    ValueError
        If a size is missing or does not fit, if the call fails, if there is no state, or one that
        is not made of real numbers.
    """
    pure = PureModel(model, work)
    shape, first = _input_shape(pure, n_inputs)
    n_inputs = shape[-1] if shape else 0
    blank = () if shape is None else (np.zeros(shape),)
    refuse_noise(pure, first.read, model, some_values(pure), *blank)

    written = [name for name in pure.present() if name in first.written]
    needs = pure.dependencies(model, written, *blank)
    if state_vars is None:
        moving = _moving(pure, written, shape)
        names = _own_state(pure, moving, needs, n_states)
    else:
        names = _chosen_state(pure, state_vars, written)
    slices = _layout(pure, names)
    total = slices[-1].stop
    if n_states is not None and n_states != total:
        raise ValueError(_wrong_total(pure, slices, n_states))
    if state_vars is None:
        _refuse_other_types(pure, names, written, needs)
    used = needs[""].union(*(needs[name] for name in names)) - set(names)
    _refuse_unequal_batch(pure, sorted(used))

    base = {name: value for name, value in pure.present().items() if name in first.read}
    params = {name: base[name] for name in base if name in used}
    flow = Derivative(model) if time == "continuous" else None

    def run(
        params: Values, h: jax.Array, u: jax.Array, function: AnyFunction
    ) -> tuple[jax.Array, jax.Array | None]:
        states = {
            part.name: h[part.start : part.stop].reshape(base[part.name].shape) for part in slices
        }
        inputs = () if shape is None else (u.reshape(shape),)
        call = pure.run(base | params | states, function, *inputs)
        following = [call.values[name].reshape(-1) for name in names]
        output = call.result.reshape(-1) if is_array(call.result) else None
        return jnp.concatenate(following), output

    def both(params: Values, h: jax.Array, u: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        if flow is None:
            return run(params, h, u, model)
        _, slope, output = _differentiate(flow, run, model, params, h, u)
        return slope, output

    if flow is not None:
        _check_flow(flow, run, model, params, slices, n_inputs, pure)
    box, reason = box_of(pure, names, base, time=time, n_inputs=n_inputs)
    declared = hasattr(model, "invariant_box")
    steps = {float(item.dt) for item in integrators_of(model)}
    return Recipe(
        both=both,
        params=params,
        n_states=total,
        n_inputs=n_inputs,
        name=pure.name,
        slices=slices,
        box=box,
        box_reason=reason,
        box_must_hold=declared,
        dt=steps.pop() if len(steps) == 1 else None,
        reading=Reading(
            source="a BrainPy model that keeps its state in Variables",
            call=f"{pure.name}({'' if shape is None else f'input{list(shape)}'})",
            returned=", ".join(f"the Variable {part.name}{list(part.shape)}" for part in slices),
            parameters=", ".join(params) or "none",
        ),
    )


def _input_shape(pure: PureModel, given: int | None) -> tuple[tuple[int, ...] | None, Call]:
    """Return the shape of input that the model takes (None: no input), and what a call does."""
    model, arguments = pure.model, arguments_of(pure.model)
    n_inputs = input_size(model, given)
    if n_inputs is None and arguments.required == 0:
        n_inputs = 0
    if n_inputs is None:
        raise missing_size(model, "n_inputs")
    if arguments.possible == 0 and n_inputs > 0:
        raise ValueError(
            f"{pure.name} takes no input, but n_inputs={n_inputs} was given. Pass n_inputs=0 (and "
            "inputs of shape [1, 0] to the finder), or give its update an argument."
        )
    if n_inputs == 0 and arguments.required == 0:
        return None, pure.explore(model)
    batched = any(batch_axis(v) is not None for v in pure.variables.values())
    shapes: list[tuple[int, ...]] = [(1, n_inputs), (n_inputs,), (1, 1, n_inputs)]
    if not batched:
        shapes[:2] = shapes[1::-1]
    failures = []
    for shape in shapes:
        try:
            return shape, pure.explore(model, np.zeros(shape))
        except Exception as error:
            text = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
            failures.append(f"  an input of shape {shape} raised {text}")
    raise ValueError(
        f"{pure.name} could not be stepped by model(x) with n_inputs={n_inputs}:\n"
        + "\n".join(failures)
        + "\nCheck n_inputs=, and that the model can be called for a single time step."
        + brainpy_advice(pure.name, model, failures)
    )


def _moving(pure: PureModel, written: list[str], shape: tuple[int, ...] | None) -> list[str]:
    """Return those Variables that a step changes, and does not only write back as they were."""
    values = some_values(pure)
    inputs = () if shape is None else (np.full(shape, 0.3),)
    after = pure.run(values, pure.model, *inputs).values
    changed = []
    for name in written:
        new = np.asarray(after[name])
        if not np.array_equal(new, np.asarray(values[name], new.dtype)):
            changed.append(name)
    return changed


def _own_state(
    pure: PureModel,
    written: list[str],
    needs: dict[str, frozenset[str]],
    n_states: int | None,
) -> list[str]:
    candidates = [
        name
        for name in written
        if not is_parameter(pure.variables[name]) and _is_float(pure.single(name))
    ]
    if not candidates:
        raise ValueError(
            f"{pure.name} keeps no state: a call changes none of its Variables (those that are "
            "parameters and those that are not real numbers aside). Expected a model whose update "
            "writes its state to a Variable, or one that is called as model(inputs, hidden) and "
            "returns (outputs, h_next)."
        )
    # Some Variables only record something (the last output, say): the next step does not read
    # them, so they are no part of the state.
    kept = candidates
    while True:
        fewer = [name for name in kept if any(name in needs[other] for other in kept)]
        if len(fewer) == len(kept):
            break
        kept = fewer
    for names in (kept, candidates):
        if names and n_states in (None, sum(pure.single(name).size for name in names)):
            return names
    return kept or candidates


def _chosen_state(
    pure: PureModel, state_vars: str | Sequence[object], written: list[str]
) -> list[str]:
    wanted = [state_vars] if isinstance(state_vars, str) or is_array(state_vars) else state_vars
    names = [_find_variable(pure, item) for item in wanted]
    if not names:
        raise ValueError("state_vars is empty, expected at least one Variable.")
    if len(set(names)) < len(names):
        raise ValueError(f"state_vars names a Variable twice: {names}.")
    for name in names:
        if name not in written:
            raise ValueError(
                f"state_vars contains {name!r}, which a step of {pure.name} does not change, so "
                f"that every value of it would be a fixed point. It changes: {_listed(written)}."
            )
        value = pure.single(name)
        if not _is_float(value):
            raise ValueError(
                f"state_vars contains {name!r} of type {value.dtype}, expected real "
                "floating-point Variables only."
            )
    return names


def _find_variable(pure: PureModel, item: object) -> str:
    for name, variable in pure.variables.items():
        if variable is item:
            return name
    if not isinstance(item, str):
        raise ValueError(
            f"state_vars contains a {type(item).__name__} that is no Variable of {pure.name}. "
            f"Its Variables are: {_listed(pure.variables)}."
        )
    if item in pure.variables:
        return item
    # BrainPy's own two ways of naming, and the last part alone where it is unique.
    for method in ("relative", "absolute"):
        variable = pure.model.vars(method=method).get(item)
        for name, other in pure.variables.items():
            if variable is not None and other is variable:
                return name
    short = [name for name in pure.variables if name.split(".")[-1] == item]
    if len(short) == 1:
        return short[0]
    trouble = f"which is not unique ({_listed(short)})" if short else "which it does not have"
    raise ValueError(
        f"state_vars names the Variable {item!r} of {pure.name}, {trouble}. "
        f"Its Variables are: {_listed(pure.variables)}."
    )


def _layout(pure: PureModel, names: list[str]) -> tuple[StateSlice, ...]:
    slices, start = [], 0
    for name in names:
        shape, axis = list(pure.single(name).shape), batch_axis(pure.variables[name])
        if axis is not None:
            del shape[axis]
        stop = start + math.prod(shape)
        slices.append(StateSlice(name, tuple(shape), start, stop))
        start = stop
    return tuple(slices)


def _wrong_total(pure: PureModel, slices: tuple[StateSlice, ...], n_states: int) -> str:
    parts = ", ".join(f"{part.name}{list(part.shape)}" for part in slices)
    return (
        f"The state of {pure.name} is {parts}: {slices[-1].stop} numbers, but n_states={n_states}. "
        "Pass state_vars= if only some of them are the state. If a leading axis is a batch, "
        "declare it by bm.Variable(..., batch_axis=0), or reset the model to a batch of one."
    )


def _refuse_other_types(
    pure: PureModel, names: list[str], written: list[str], needs: dict[str, frozenset[str]]
) -> None:
    """Counters, random keys and spikes cannot be part of a state that is to be differentiated."""
    for other in written:
        value = pure.single(other)
        if _is_float(value) or not any(other in needs[name] for name in names):
            continue
        raise ValueError(
            f"The step of {pure.name} changes the Variable {other!r} of type {value.dtype}, and "
            f"its state ({_listed(names)}) depends on it. A state must consist of real numbers: "
            "such a counter or switch has no derivative. Name the state without it by state_vars=: "
            f"then {other!r} is held at its present value."
        )


def _refuse_unequal_batch(pure: PureModel, names: list[str]) -> None:
    for name in names:
        axis = batch_axis(pure.variables[name])
        value = np.asarray(pure.variables[name].value)
        if axis is not None and not (value == value.take([0], axis=axis)).all():
            raise ValueError(
                f"The step of {pure.name} depends on the Variable {name!r}, which is not part of "
                "the state and has other values in each trial of its batch. Reset it, or make it "
                "part of the state by state_vars=."
            )


def _differentiate(
    flow: Derivative,
    run: AnyFunction,
    model: bp.DynamicalSystem,
    params: Values,
    h: PyTree,
    u: PyTree,
) -> tuple[PyTree, PyTree, PyTree]:
    return flow.of(lambda eps: run(params, h, u, flow.advanced(model, eps)), h)


def _check_flow(
    flow: Derivative,
    run: AnyFunction,
    model: bp.DynamicalSystem,
    params: Values,
    slices: tuple[StateSlice, ...],
    n_inputs: int,
    pure: PureModel,
) -> None:
    """Make sure that a step of no length leaves the state as it is."""
    rng = np.random.default_rng(3)
    h = rng.uniform(-0.9, 0.9, (32, slices[-1].stop))
    h[::2] = np.abs(h[::2])

    @jax.jit
    def after_nothing(h: jax.Array) -> AnyArray:
        u = jnp.zeros(n_inputs, h.dtype)
        return jax.vmap(lambda x: _differentiate(flow, run, model, params, x, u)[0])(h)

    states = jnp.asarray(h, pure.work)
    after = np.asarray(after_nothing(states))
    # NaN is not for this check to report.
    same = (np.isnan(after) | np.isclose(after, h, rtol=1e-5, atol=1e-5)).any(axis=0)
    if flow.n_calls == 0:
        raise ValueError(
            f"time='continuous' was given, but a step of {pure.name} does not call its "
            f"integrator. Pass time='discrete' to study the step as a map."
        )
    if not same.all():
        unit = int(np.argmin(same))
        part = next(part for part in slices if part.start <= unit < part.stop)
        raise ValueError(
            f"time='continuous' was given, but {pure.name} changes the Variable {part.name!r} "
            "also without any time passing: it is set directly, not integrated by bp.odeint. Name "
            "the integrated Variables by state_vars= if the others only record something, or pass "
            "time='discrete' to study the whole step as a map."
        )


def _is_float(value: AnyArray) -> bool:
    return bool(jnp.issubdtype(value.dtype, jnp.floating))


def _listed(names: Iterable[object]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
