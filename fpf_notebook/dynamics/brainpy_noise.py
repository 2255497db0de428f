"""Whether random numbers matter to a step of a BrainPy model."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import brainstate
import jax
import numpy as np

from fpf_notebook._types import JsonObject
from fpf_notebook.dynamics.arrays import AnyArray
from fpf_notebook.dynamics.brainpy_pure import PureModel, is_array
from fpf_notebook.dynamics.noise_names import switches_of


def refuse_noise(
    pure: PureModel,
    read: frozenset[str],
    function: Callable[..., object],
    values: Mapping[str, AnyArray],
    *inputs: object,
) -> None:
    """Raise an error if a call gives something else with other random numbers.

    Numbers that are drawn and multiplied by zero are no noise.

    Parameters
    ----------
    pure
        The model.
    read
        The names of the Variables that the call reads.
    function
        Makes the call.
    values
        Of Variables, for the call.
    inputs
        Its arguments.

    Raises
    ------
    ValueError
        If the numbers matter. The message names what seems to switch them off.
    """
    generators = [
        pure.variables[name]
        for name in read
        if isinstance(pure.variables[name], brainstate.random.RandomState)
    ]
    if not generators:
        return

    def results(seed: int) -> list[np.ndarray]:
        def seeded(*arguments: object) -> object:
            for generator in generators:
                generator.seed(seed)
            return function(*arguments)

        call = pure.run(values, seeded, *inputs)
        leaves = jax.tree.leaves((call.result, {k: call.values[k] for k in sorted(call.values)}))
        return [np.asarray(leaf) for leaf in leaves if is_array(leaf)]

    pairs = zip(results(1), results(2), strict=True)
    if all(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc") for a, b in pairs):
        return
    raise ValueError(
        f"{pure.name} draws random numbers in its step, so that it gives different results "
        "when it is called twice with the same arguments. Fixed points are those of the step "
        "without noise: switch the noise or the dropout off, or set its scale to zero."
        + switches_of(pure.model)
    )


def some_values(pure: PureModel) -> JsonObject:
    """Return the present values of all Variables, with numbers that are not zero in them."""
    rng = np.random.default_rng(4)
    return {
        name: value + rng.uniform(0.1, 0.5, value.shape).astype(value.dtype)
        if value.dtype.kind == "f"
        else value
        for name, value in pure.present().items()
    }
