"""Names for types that many rooms share. Nothing heavy is imported for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import matplotlib.figure
    import plotly.graph_objects

__all__ = ["AnyFunction", "EqnParams", "Figure", "JsonObject", "PyTree"]

PyTree: TypeAlias = Any
"""Dictionaries, lists and tuples within each other, with arrays as leaves, as JAX has them."""

AnyFunction: TypeAlias = Callable[..., Any]
"""A function of somebody else's, with whatever signature it has."""

JsonObject: TypeAlias = dict[str, Any]
"""What stands in a JSON file, or is sent to the browser: numbers, texts, arrays by name."""

EqnParams: TypeAlias = dict[str, Any]
"""The parameters of an equation of a jaxpr: JAX gives them no types."""

Figure: TypeAlias = "matplotlib.figure.Figure | plotly.graph_objects.Figure"
"""What the plots return: a figure of the library that was asked for."""
