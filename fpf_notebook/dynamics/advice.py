"""What to paste where a model cannot be read as it is."""

from __future__ import annotations

from fpf_notebook.dynamics.noise_names import switches_of

__all__ = ["function_around", "numpy_inside", "part_that_steps", "switches_of"]


def numpy_inside(failure: str) -> bool:
    """Say whether a call failed because NumPy was asked to compute what JAX is to trace."""
    return "TracerArrayConversionError" in failure or "__array__" in failure


def function_around(name: str, failures: list[str], framework: str) -> str:
    """Return advice for a model that no way of calling fits.

    Parameters
    ----------
    name
        What to call it.
    failures
        Why each way of calling failed.
    framework
        ``"jax"`` or ``"torch"``.

    Returns
    -------
    str
        Sentences, and lines of code that can be pasted: they begin with four blanks.
    """
    if framework == "jax" and any(numpy_inside(failure) for failure in failures):
        return (
            f"\n{name} computes with NumPy, which knows no derivatives: use jax.numpy within it. "
            "Where it takes NumPy from its module under the name np, this will do:\n"
            "    import jax.numpy\n"
            "    model.__globals__['np'] = jax.numpy"
        )
    axis = "[:, None]" if framework == "torch" else ""
    return (
        "\nOr put a function around it that takes one input and one state, for example:\n"
        "    def step(input, state):\n"
        f"        result = model(input{axis}, state)\n"
        "        return None, result[1] if isinstance(result, tuple) else result"
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
    names = "step recurrence cell rnn_cell rnncell latent_step reservoir rnn"
    steps = [name for name in names.split() if callable(getattr(model, name, None))]
    if not steps:
        return ""
    return f" Its {steps[0]} may be the step:\n    model = model.{steps[0]}"
