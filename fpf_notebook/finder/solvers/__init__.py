"""Solvers of the fixed-point equation, many starts at once.

`Solver` is what any of them is; those of the finder's ``method=`` are made here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from fpf_notebook.finder.solvers.protocol import Solver

if TYPE_CHECKING:
    from fpf_notebook.finder.options import Options
    from fpf_notebook.finder.solvers.factored import Factored
    from fpf_notebook.finder.solvers.newton import Newton

__all__ = ["METHODS", "Solver", "newton_for", "searching_newton", "solver_for"]

METHODS = ("newton", "joint", "sequential")
"""The methods that have a name."""


def solver_for(options: Options, n_states: int) -> Solver | Factored:
    """Return the solver that the options ask for."""
    if not isinstance(options.method, str):
        return options.method
    if options.method == "newton":
        return searching_newton(options, n_states)
    return _adam(options.method)


def newton_for(options: Options, n_states: int) -> Newton:
    """Return Newton's method, with matrices up to ``dense_limit`` states and without them above."""
    return _newton(n_states <= options.dense_limit)


def searching_newton(options: Options, n_states: int) -> Newton | Factored:
    """Return the method that looks for roots, and gives up early where it finds none.

    Parameters
    ----------
    options : Options
        ``dense_limit`` and ``dtype``.
    n_states : int
        Length of the state.
    """
    from fpf_notebook.finder.solvers.factored import LEAST_STATES, Factored

    large = LEAST_STATES <= n_states <= options.dense_limit
    return Factored() if large and options.dtype == "float64" else newton_for(options, n_states)


@functools.cache
def _newton(dense: bool) -> Newton:
    from fpf_notebook.finder.solvers.krylov import krylov_steps
    from fpf_notebook.finder.solvers.newton import Newton

    return Newton() if dense else Newton(krylov_steps)


@functools.cache
def _adam(method: str) -> Solver:
    from fpf_notebook.finder.solvers.adam import Adam

    return Adam(joint=method == "joint")
