"""Solvers of the fixed-point equation, many starts at once.

`Solver` is what any of them is; those of the finder's ``method=`` are made here.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from fpf_notebook.finder.solvers.protocol import Solver

if TYPE_CHECKING:
    from fpf_notebook.finder.options import Options
    from fpf_notebook.finder.solvers.newton import Newton

__all__ = ["METHODS", "Solver", "newton_for", "solver_for"]

METHODS = ("newton", "joint", "sequential")
"""The methods that have a name."""


def solver_for(options: Options, n_states: int) -> Solver:
    """Return the solver that the options ask for."""
    if not isinstance(options.method, str):
        return options.method
    if options.method == "newton":
        return newton_for(options, n_states)
    return _adam(options.method)


def newton_for(options: Options, n_states: int) -> Newton:
    """Return Newton's method, with matrices up to ``dense_limit`` states and without them above."""
    return _newton(n_states <= options.dense_limit)


@functools.cache
def _newton(dense: bool) -> Newton:
    from fpf_notebook.finder.solvers.krylov import krylov_steps
    from fpf_notebook.finder.solvers.newton import Newton

    return Newton() if dense else Newton(krylov_steps)


@functools.cache
def _adam(method: str) -> Solver:
    from fpf_notebook.finder.solvers.adam import Adam

    return Adam(joint=method == "joint")
