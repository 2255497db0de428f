"""An invariant box that the caller gives."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.assemble import Recipe


def with_given_box(recipe: Recipe, given: Any) -> Recipe:
    """Return a recipe with the box that the caller gave.

    Parameters
    ----------
    recipe
        The recipe.
    given
        ``(low, high)``, or a function of the input that returns them.

    Returns
    -------
    Recipe
        The same with this box, which must hold.

    Raises
    ------
    ValueError
        If the bounds are of another shape.
    """
    if callable(given):
        return dataclasses.replace(
            recipe,
            box=lambda params, u: given(u),
            box_reason="given by the caller as a function of the input",
            box_must_hold=True,
        )
    try:
        low, high = given
    except (TypeError, ValueError):
        raise ValueError(
            f"invariant_box is {given!r}, expected (low, high), each a number or an array of "
            f"shape [n_states={recipe.n_states}]."
        ) from None
    bounds = []
    for label, value in (("low", low), ("high", high)):
        bound = np.asarray(value, dtype=np.float64)
        if bound.shape not in ((), (recipe.n_states,)):
            raise ValueError(
                f"invariant_box's {label} has shape {bound.shape}, expected a number or shape "
                f"[n_states={recipe.n_states}]."
            )
        bounds.append(np.broadcast_to(bound, (recipe.n_states,)))
    return dataclasses.replace(
        recipe,
        box=lambda params, u: (jnp.asarray(bounds[0]), jnp.asarray(bounds[1])),
        box_reason="given by the caller",
        box_must_hold=True,
    )
