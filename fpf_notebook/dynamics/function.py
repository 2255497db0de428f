"""Step maps of plain JAX functions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import jax
import numpy as np

from fpf_notebook.dynamics.assemble import Recipe, parameters
from fpf_notebook.dynamics.detached import detached
from fpf_notebook.dynamics.probe import not_repeatable
from fpf_notebook.dynamics.step_map import Precision, PyTree

Convention: TypeAlias = Literal["input_state", "state_input"]


@dataclass(frozen=True)
class _Style:
    """A way of calling the function."""

    convention: Convention
    batched: bool

    def describe(self, name: str, n_states: int, n_inputs: int, with_params: bool) -> str:
        batch = "batch, " if self.batched else ""
        state, given = f"state[{batch}{n_states}]", f"input[{batch}{n_inputs}]"
        pair = (given, state) if self.convention == "input_state" else (state, given)
        return f"{name}({'params, ' if with_params else ''}{', '.join(pair)})"


def recipe_of_function(
    function: Callable[..., Any],
    *,
    n_states: int | None,
    n_inputs: int | None,
    convention: Convention | None,
    batched: bool | None,
    params: PyTree | None,
    dtype: Precision,
) -> Recipe:
    """Find out how a function is to be called.

    Parameters
    ----------
    function
        ``f(input, state) -> (output, next_state)`` or ``F(state, input) -> next_state``, with the
        parameters as a first argument if ``params`` is given. A function of the state alone is
        taken as ``F`` with ``n_inputs=0``.
    n_states, n_inputs
        Sizes; a function does not tell them.
    convention
        ``"input_state"`` or ``"state_input"``; default: whichever fits.
    batched
        Whether the arguments have a leading batch axis; default: whichever fits.
    params
        Parameters, or None.
    dtype
        Working precision.

    Returns
    -------
    Recipe
        How to step it.

    Raises
    ------
    ValueError
        If sizes are missing, or if no way of calling fits, or if two fit and differ.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if convention not in (None, "input_state", "state_input"):
        raise ValueError(
            f"convention is {convention!r}, expected 'input_state' for "
            "f(input, state) -> (output, next_state), 'state_input' for "
            "F(state, input) -> next_state, or None to find out."
        )
    function = detached(function)
    autonomous = _takes_state_only(function, with_params=params is not None)
    if autonomous:
        function, convention = _ignoring_input(function), "state_input"
        n_inputs = 0 if n_inputs is None else n_inputs
    missing = [
        label for label, size in (("n_states", n_states), ("n_inputs", n_inputs)) if size is None
    ]
    if n_states is None or n_inputs is None:
        raise ValueError(
            f"{name} is a function, and a function does not tell its sizes: pass "
            f"{' and '.join(f'{label}=' for label in missing)} to as_step_map."
        )
    if params is not None:
        params = parameters(params)

    def call(style: _Style, given: PyTree, h: Any, u: Any) -> tuple[Any, Any]:
        first = () if params is None else (given,)
        pair = (u, h) if style.convention == "input_state" else (h, u)
        return _split(function(*first, *pair), style, explicit=convention is not None)

    fitting: list[_Style] = []
    failures: list[str] = []
    with jax.enable_x64(dtype == "float64"):
        for style in _styles(convention, batched):
            failure = _misfit(call, style, params, n_states, n_inputs, dtype)
            if failure is None:
                fitting.append(style)
            else:
                shown = style.describe(name, n_states, n_inputs, params is not None)
                failures.append(f"  {shown} {failure}")
        if not fitting:
            raise ValueError(_no_fit(name, n_states, n_inputs, failures))
        if len(fitting) > 1:
            _check_same(call, fitting, params, n_states, n_inputs, dtype, name)
    style = fitting[0]

    def both(given: PyTree, h: Any, u: Any) -> tuple[Any, Any]:
        if not style.batched:
            return call(style, given, h, u)
        following, output = call(style, given, h[None], u[None])
        return following[0], None if output is None else output[0]

    return Recipe(
        both=both,
        params={} if params is None else params,
        n_states=n_states,
        n_inputs=n_inputs,
        name=name,
        box_reason=(
            "a plain function tells nothing about its range; give invariant_box=(low, high) if it "
            "does not leave a box"
        ),
    )


def _takes_state_only(function: Callable[..., Any], *, with_params: bool) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(positional) == 1 + with_params


def _ignoring_input(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*arguments[:-1])


def _styles(convention: Convention | None, batched: bool | None) -> list[_Style]:
    conventions: tuple[Convention, ...] = ("input_state", "state_input")
    return [
        _Style(c, b)
        for b in ((False, True) if batched is None else (batched,))
        for c in (conventions if convention is None else (convention,))
    ]


def _split(result: Any, style: _Style, *, explicit: bool) -> tuple[Any, Any]:
    """Return (next state, output or None) of what the function returned."""
    pair = isinstance(result, tuple | list) and len(result) == 2
    if style.convention == "input_state" and pair:
        output, following = result
        return _array(following), _array(output) if _is_array(output) else None
    if _is_array(result) and (style.convention == "state_input" or explicit):
        return _array(result), None
    wanted = "(output, next_state)" if style.convention == "input_state" else "one array"
    raise _WrongReturnError(f"returned {_describe(result)}, expected {wanted}")


class _WrongReturnError(Exception):
    """The function returned something of another form than its convention demands."""


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _array(value: Any) -> Any:
    # BrainPy's arrays, among others, wrap a JAX array in `value`.
    inner = getattr(value, "value", value)
    if not _is_array(inner):
        raise _WrongReturnError(f"returned {_describe(inner)} as the next state, expected an array")
    return inner


def _describe(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of ({', '.join(_describe(item) for item in value)})"
    if _is_array(value):
        return f"array{list(value.shape)}"
    return type(value).__name__


def _batch_size(n_states: int, n_inputs: int) -> int:
    """Return a batch size that cannot be mistaken for another axis."""
    return next(b for b in (3, 5, 7) if b not in (n_states, n_inputs))


def _misfit(
    call: Callable[..., Any],
    style: _Style,
    params: PyTree,
    n_states: int,
    n_inputs: int,
    dtype: Precision,
) -> str | None:
    batch = (_batch_size(n_states, n_inputs),) if style.batched else ()
    h = jax.ShapeDtypeStruct((*batch, n_states), np.dtype(dtype))
    u = jax.ShapeDtypeStruct((*batch, n_inputs), np.dtype(dtype))
    try:
        following, _ = jax.eval_shape(lambda p, x, v: call(style, p, x, v), params, h, u)
    except _WrongReturnError as error:
        return str(error)
    except Exception as error:
        return f"raised {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
    if following.shape != h.shape:
        return f"returned a next state of shape {following.shape}, expected {h.shape}"
    return None


def _no_fit(name: str, n_states: int, n_inputs: int, failures: list[str]) -> str:
    tried = "\n".join(failures)
    return (
        f"{name} could not be called as a step with n_states={n_states} and n_inputs={n_inputs}. "
        f"Tried:\n{tried}\nExpected f(input, state) -> (output, next_state) or "
        "F(state, input) -> next_state, for one state or with a leading batch axis. Check the "
        "sizes, and the order of the arguments and of the returned values; convention= and "
        "batched= say which form is meant, params= passes parameters as the first argument."
    )


def _check_same(
    call: Callable[..., Any],
    fitting: list[_Style],
    params: PyTree,
    n_states: int,
    n_inputs: int,
    dtype: Precision,
    name: str,
) -> None:
    """If a function takes one state and a batch, make sure that it means the same by both."""
    conventions = {style.convention for style in fitting}
    if len(conventions) > 1:
        raise ValueError(
            f"{name} can be called as f(input, state) and as F(state, input) with n_states="
            f"{n_states} and n_inputs={n_inputs}. Pass convention='input_state' or "
            "convention='state_input'."
        )
    rng = np.random.default_rng(2)
    batch = _batch_size(n_states, n_inputs)
    h = rng.uniform(0.1, 0.9, (batch, n_states)).astype(dtype)
    u = rng.uniform(0.1, 0.9, (batch, n_inputs)).astype(dtype)
    single, many = sorted(fitting, key=lambda style: style.batched)

    @jax.jit
    def compare(given: PyTree, h: Any, u: Any) -> Any:
        one_by_one = [call(single, given, h[i], u[i])[0] for i in range(batch)]
        again = call(single, given, h[0], u[0])[0]
        return jax.numpy.stack(one_by_one), call(many, given, h, u)[0], again

    first, second, again = compare(params, h, u)
    if not np.array_equal(first[0], again, equal_nan=True):
        raise ValueError(not_repeatable(name))
    tolerance = 1e-4 if dtype == "float32" else 1e-8
    if not np.allclose(first, second, rtol=tolerance, atol=tolerance, equal_nan=True):
        raise ValueError(
            f"{name} takes one state as well as a batch of states, but does something different "
            "with each. Pass batched=True or batched=False."
        )
