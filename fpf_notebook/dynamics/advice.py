"""What to paste where a model cannot be read as it is."""

from __future__ import annotations

from collections.abc import Callable

from fpf_notebook.dynamics.noise_names import switches_of
from fpf_notebook.dynamics.wrapper import lambda_around, unknown_arguments

__all__ = ["function_around", "numpy_inside", "part_that_steps", "switches_of"]


def numpy_inside(failure: str) -> bool:
    """Say whether a call failed because NumPy was asked to compute what JAX is to trace."""
    return "TracerArrayConversionError" in failure or "__array__" in failure


def numpy_advice(name: str, model: object) -> str:
    """Return what to paste where a model computes with NumPy.

    Parameters
    ----------
    name
        What to call it.
    model
        The model.
    """
    where = "model"
    if not hasattr(model, "__globals__"):
        wrapped = hasattr(model, "__wrapped__")
        method = "update" if hasattr(model, "update") else "__call__"
        where = "model.__wrapped__" if wrapped else f"type(model).{method}"
    return (
        f"\n{name} computes with NumPy, which knows no derivatives: use jax.numpy within it. "
        "Where it takes NumPy from its module under the name np, this will do:\n"
        "    import jax.numpy\n"
        f"    {where}.__globals__['np'] = jax.numpy"
    )


def brainpy_advice(name: str, model: object, failures: list[str]) -> str:
    """Return what to paste for a BrainPy model that could not be called, or nothing.

    Parameters
    ----------
    name, model
        The model, and what to call it.
    failures
        Why each way of calling failed.
    """
    return numpy_advice(name, model) if any(map(numpy_inside, failures)) else ""


def as_torch(framework: str) -> str:
    """Return the line that tells a function of tensors from one of JAX, for what was pasted."""
    return "\n    options = {'framework': 'torch'}" if framework == "torch" else ""


def function_around(
    name: str,
    failures: list[str],
    framework: str,
    model: Callable[..., object] | None = None,
    with_params: bool = False,
) -> str:
    """Return advice for a model that no way of calling fits.

    Parameters
    ----------
    name
        What to call it.
    failures
        Why each way of calling failed.
    framework
        ``"jax"`` or ``"torch"``.
    model
        The model, of which the names of the arguments are looked at.
    with_params
        Whether its parameters are given as well.

    Returns
    -------
    str
        Sentences, and lines of code that can be pasted: they begin with four blanks.
    """
    if framework == "jax" and any(numpy_inside(failure) for failure in failures):
        return numpy_advice(name, model)
    if framework == "jax" and any("TracerBoolConversionError" in failure for failure in failures):
        return (
            f"\n{name} branches on its numbers (if, while, and, min of Python), which JAX cannot "
            "follow: write jnp.where(condition, a, b) or jax.lax.cond within it."
        )
    if any("RngCount" in failure for failure in failures):
        return f"\n{name} draws random numbers, for dropout say. Switch that off:\n    model.eval()"
    part = part_that_steps(model) if framework == "jax" else ""
    if part:
        return f"\n{name} itself is no step.{part}"
    line = None if model is None else lambda_around(model, with_params)
    if line is not None:
        extra = "    import jax\n" if "jax." in line else ""
        return (
            "\nIt takes other arguments than one state and one input. Put a function around it:\n"
            + extra
            + f"    step = {line}"
            + as_torch(framework)
        )
    unknown = [] if model is None else unknown_arguments(model, with_params)
    if unknown:
        return (
            f"\nIt takes {', '.join(unknown)} beside a state, and nothing says what they are: give "
            "the object that calls it with them, or a function of one state and one input."
        )
    axis = "[:, None]" if framework == "torch" else ""
    return (
        "\nOr put a function around it that takes one input and one state, for example:\n"
        "    def step(input, state):\n"
        f"        result = model(input{axis}, state)\n"
        "        return None, result[1] if isinstance(result, tuple) else result"
        + as_torch(framework)
    )


def part_that_steps(model: object) -> str:
    """Name the part of a model that may be its step, as code to paste.

    Parameters
    ----------
    model
        A model that cannot be stepped itself.

    Returns
    -------
    str
        A sentence and a line of code, or nothing.
    """
    names = "step recurrence cell rnn_cell rnncell rhs latent_step reservoir rnn"
    steps = [name for name in names.split() if callable(getattr(model, name, None))]
    if not steps:
        return ""
    flow = "\n    options = {'time': 'continuous'}" if steps[0] == "rhs" else ""
    return f" Its {steps[0]} may be the step:\n    model = model.{steps[0]}" + flow
